"""The ledger as a real file, written and killed by real processes."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.inference.ledger import Ledger, Outcome, request_key
from sysgen_dagster.sysgen.chat import ChatMessage, ChatRequest, Role, Sampling
from sysgen_dagster.sysgen.drop_reasons import DropReason
from sysgen_dagster_tests.inference.processes import wait_until

ANSWERED = Outcome('Salt stays behind: 塩 \u2028 \x85 \x00 \\ "\n\r\n', "stop", 12, 5, attempts=2)
REFUSED = Outcome(attempts=1, failed_because=DropReason.TOO_LONG, failure="400: too long")

# Arguments: path, name, outcomes, characters each. Says a number when append() has returned for it.
WRITER = """
import os, sys
from pathlib import Path
from sysgen_dagster.inference.ledger import Ledger, Outcome
path, name, count, size = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with Ledger(path) as ledger:
    for number in range(count):
        ledger.append(f"{name}-{number}", Outcome(f"{name}-{number} " * (size // 10), attempts=1))
        os.write(1, f"{number}\\n".encode())
"""


@contextmanager
def writing(path: Path, name: str, count: int, size: int) -> Iterator[subprocess.Popen[bytes]]:
    """A writer in a process of its own; what it says goes to a file of its name."""
    command = [sys.executable, "-c", WRITER, str(path), name, str(count), str(size)]
    with path.with_name(f"{name}.said").open("wb") as said:
        writer = subprocess.Popen(command, stdout=said)
    try:
        yield writer
    finally:
        writer.kill()
        writer.wait()


def write(path: Path, outcomes: dict[str, Outcome]) -> None:
    with Ledger(path) as ledger:
        for key, outcome in outcomes.items():
            ledger.append(key, outcome)


def read(path: Path, *keys: str) -> list[Outcome | None]:
    with Ledger(path) as ledger:
        return [ledger.get(key) for key in keys]


def test_what_was_appended_is_known_when_the_ledger_is_entered_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "phi-4|capybara-003.jsonl"
    write(path, {"a": ANSWERED})
    write(path, {"b": REFUSED})
    assert read(path, "a", "b", "c") == [ANSWERED, REFUSED, None]


def test_the_last_outcome_of_a_request_counts(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, {"a": REFUSED})
    write(path, {"a": ANSWERED})
    assert read(path, "a") == [ANSWERED]


def test_every_outcome_is_one_line_of_json(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, {"a": ANSWERED, "b": REFUSED})
    lines = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    assert [(line["key"], line["attempts"]) for line in lines] == [("a", 2), ("b", 1)]


@pytest.mark.parametrize("kept", [1, 20, -2], ids=["one_byte", "some", "all_but_the_brace"])
def test_a_line_that_was_cut_off_is_left_out_and_the_next_one_is_whole(
    tmp_path: Path, kept: int
) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, {"a": ANSWERED})
    whole = path.read_bytes()
    write(path, {"b": ANSWERED})
    path.write_bytes(whole + path.read_bytes()[len(whole) :].lstrip(b"\n")[:kept])
    write(path, {"c": REFUSED})
    assert read(path, "a", "b", "c") == [ANSWERED, None, REFUSED]


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage",
        b"\x00" * 5000,
        b"\xff\xfe\xfa",
        b"[]",
        b"7",
        b"null",
        b'{"key": "b"}',
        b'{"key": "b", "text": "of an older version", "unknown_field": 1}',
        b"[" * 100_000,
    ],
    ids=["words", "zeros", "bytes", "list", "number", "null", "bare_key", "other_fields", "nested"],
)
def test_garbage_in_the_middle_is_left_out(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, {"a": ANSWERED})
    with path.open("ab") as file:
        file.write(garbage)
    write(path, {"c": REFUSED})
    assert read(path, "a", "b", "c") == [ANSWERED, None, REFUSED]


def test_a_record_whose_key_is_no_text_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, {"a": ANSWERED})
    path.write_bytes(path.read_bytes() + path.read_bytes().replace(b'"a"', b'["a"]'))
    assert read(path, "a") == [ANSWERED]


def test_a_removed_ledger_knows_nothing_and_can_be_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, {"a": ANSWERED})
    Ledger(path).remove()
    assert not path.exists()
    write(path, {"b": REFUSED})
    assert read(path, "a", "b") == [None, REFUSED]


def test_a_ledger_that_was_never_written_can_be_removed(tmp_path: Path) -> None:
    Ledger(tmp_path / "ledger.jsonl").remove()


def test_the_outcomes_of_a_whole_shard_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    outcome = Outcome("Salt stays behind. " * 100, "stop", 500, 400, attempts=1)
    write(path, {f"{number:032x}": outcome for number in range(8000)})
    assert read(path, f"{7999:032x}") == [outcome]


def test_two_processes_that_append_at_once_lose_nothing_and_mix_no_lines(tmp_path: Path) -> None:
    path, count = tmp_path / "ledger.jsonl", 3000
    with (
        writing(path, "one", count, size=9000) as one,
        writing(path, "other", count, size=9000) as other,
    ):
        assert [one.wait(60), other.wait(60)] == [0, 0]
    keys = [f"{name}-{number}" for name in ("one", "other") for number in range(count)]
    with Ledger(path) as ledger:
        assert all(ledger.get(key) == Outcome(f"{key} " * 900, attempts=1) for key in keys)
    lines = [line for line in path.read_bytes().split(b"\n") if line]
    assert len(lines) == 2 * count


@pytest.mark.parametrize("size", [100, 200_000], ids=["short_lines", "long_lines"])
def test_kill_9_loses_no_outcome_that_append_had_returned_for(tmp_path: Path, size: int) -> None:
    path, random = tmp_path / "ledger.jsonl", Random(size)
    names = [f"writer{number}" for number in range(4)]
    for name in names:
        with writing(path, name, count=100_000, size=size) as writer:
            wait_until(path.with_name(f"{name}.said").read_bytes)
            time.sleep(random.uniform(0, 0.05))
            writer.kill()
    with Ledger(path) as ledger:
        for name in names:
            finished = path.with_name(f"{name}.said").read_text().splitlines()
            assert finished
            for number in finished:
                assert ledger.get(f"{name}-{number}") is not None


def test_what_was_appended_is_in_the_file_before_the_ledger_is_left(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.append("a", ANSWERED)
        assert read(path, "a") == [ANSWERED]


REQUEST = ChatRequest(
    "capybara-1",
    [
        {"role": Role.SYSTEM, "content": "Be brief."},
        {"role": Role.USER, "content": "Why is the sea salty?"},
    ],
    Sampling(temperature=0.7, max_tokens=512),
    seed=7,
)


def said(role: Role, content: str) -> ChatMessage:
    return {"role": role, "content": content}


def key_of(
    request: ChatRequest = REQUEST, model: str = "org/phi", revision: str | None = "r1"
) -> str:
    return request_key((model, revision), request)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(key_of(model="org/phi-mini"), id="model"),
        pytest.param(key_of(revision="r2"), id="revision"),
        pytest.param(key_of(revision=None), id="no_revision"),
        pytest.param(key_of(replace(REQUEST, seed=8)), id="seed"),
        pytest.param(key_of(replace(REQUEST, sampling=Sampling(0.8, 512))), id="temperature"),
        pytest.param(key_of(replace(REQUEST, sampling=Sampling(0.7, 513))), id="max_tokens"),
        pytest.param(key_of(replace(REQUEST, messages=REQUEST.messages[1:])), id="fewer_messages"),
        pytest.param(
            key_of(replace(REQUEST, messages=[*REQUEST.messages][::-1])), id="order_of_messages"
        ),
        pytest.param(
            key_of(
                replace(
                    REQUEST,
                    messages=[said(Role.USER, "Be brief."), REQUEST.messages[1]],
                )
            ),
            id="role",
        ),
        pytest.param(
            key_of(
                replace(
                    REQUEST,
                    messages=[
                        said(Role.SYSTEM, "Be brief. "),
                        said(Role.USER, "Why is the sea salty?"),
                    ],
                )
            ),
            id="one_space",
        ),
    ],
)
def test_keys_differ_when_what_the_answer_depends_on_differs(other: str) -> None:
    assert other != key_of()


@pytest.mark.parametrize(
    "same",
    [
        pytest.param(replace(REQUEST, conversation_id="capybara-2"), id="conversation"),
        pytest.param(replace(REQUEST, messages=tuple(REQUEST.messages)), id="kind_of_sequence"),
        pytest.param(
            replace(
                REQUEST, messages=[{**m, "role": Role(str(m["role"]))} for m in REQUEST.messages]
            ),
            id="a_copy",
        ),
    ],
)
def test_keys_are_equal_when_the_answer_would_be(same: ChatRequest) -> None:
    assert key_of(same) == key_of()


MESSAGES = st.lists(
    st.builds(said, st.sampled_from(Role), st.text(st.sampled_from('ab"\\,[{\n'), max_size=3)),
    max_size=3,
)
REQUESTS = st.builds(
    ChatRequest,
    conversation_id=st.text(max_size=2),
    messages=MESSAGES,
    sampling=st.builds(Sampling, st.sampled_from([0.0, 0.7]), st.integers(1, 2)),
    seed=st.integers(0, 1),
)
ASKED = st.tuples(st.sampled_from(["", "a", "b"]), st.sampled_from([None, "", "null"]), REQUESTS)


@given(ASKED, ASKED)
def test_keys_are_equal_exactly_where_the_content_is(
    first: tuple[str, str | None, ChatRequest], second: tuple[str, str | None, ChatRequest]
) -> None:
    def content(asked: tuple[str, str | None, ChatRequest]) -> object:
        model, revision, request = asked
        return model, revision, request.messages, request.sampling, request.seed

    assert (request_key(first[:2], first[2]) == request_key(second[:2], second[2])) == (
        content(first) == content(second)
    )


@given(st.text(st.characters(exclude_categories=[]), max_size=20))
def test_any_text_has_a_key_of_32_hex_digits(text: str) -> None:
    key = key_of(replace(REQUEST, messages=[said(Role.USER, text)]))
    assert len(key) == 32
    assert int(key, 16) >= 0


def test_a_key_is_the_same_in_another_process() -> None:
    program = (
        "from sysgen_dagster.inference.ledger import request_key\n"
        "from sysgen_dagster.sysgen.chat import ChatRequest, Sampling\n"
        "messages = [{'role': 'user', 'content': 'Why?'}]\n"
        "print(request_key(('m', None), ChatRequest('c', messages, Sampling(0.7, 5), 3)))"
    )
    env = {**os.environ, "PYTHONHASHSEED": "1"}
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env
    ).stdout.strip()
    request = ChatRequest("c", [said(Role.USER, "Why?")], Sampling(0.7, 5), 3)
    assert told == request_key(("m", None), request)
