"""The ledger as a real file, written and killed by real processes."""

import fcntl
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest, Role, Sampling
from sysgen_dagster.inference.ledger import Ledger, LedgerError, Outcome, request_key
from sysgen_dagster_tests.inference.batches import message
from sysgen_dagster_tests.inference.processes import CEILING_S, wait_until

ANSWERED = Outcome('Salt stays behind: 塩 \u2028 \x85 \x00 \\ "\n\r\n', "stop", 12, 5, attempts=2)
TOO_LONG = Outcome(attempts=1, failed_because=NoAnswer.TOO_LONG, failure="400: too long")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


# Arguments: path, name, outcomes, characters each. Prints a number when its append() has returned.
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
    """A writer in a process of its own; what it prints goes to a file of its name."""
    command = [sys.executable, "-c", WRITER, str(path), name, str(count), str(size)]
    with path.with_name(f"{name}.out").open("wb") as output:
        writer = subprocess.Popen(command, stdout=output)
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
    write(path, {"b": TOO_LONG})
    assert read(path, "a", "b", "c") == [ANSWERED, TOO_LONG, None]


def test_the_last_outcome_of_a_request_counts(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, {"a": TOO_LONG})
    write(path, {"a": ANSWERED})
    assert read(path, "a") == [ANSWERED]


def test_every_outcome_is_one_line_of_json(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, {"a": ANSWERED, "b": TOO_LONG})
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
    write(path, {"c": TOO_LONG})
    assert read(path, "a", "b", "c") == [ANSWERED, None, TOO_LONG]


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
        b'{"key": "b", "mood": "fine"}',
        b"[" * 100_000,
    ],
    ids=["words", "zeros", "bytes", "list", "number", "null", "bare_key", "other_fields", "nested"],
)
def test_garbage_in_the_middle_is_left_out(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, {"a": ANSWERED})
    with path.open("ab") as file:
        file.write(garbage)
    write(path, {"c": TOO_LONG})
    assert read(path, "a", "b", "c") == [ANSWERED, None, TOO_LONG]


# Version 0.1 wrote fewer fields, and a later one may write more.
OF_ANOTHER_VERSION = {"text": "Because.", "attempts": 1, "choices": [], "mood": "fine"}


def test_what_another_version_wrote_is_known(path: Path) -> None:
    path.write_text(json.dumps({"key": "a", **OF_ANOTHER_VERSION}) + "\n")
    assert read(path, "a") == [Outcome("Because.", attempts=1)]


def test_what_another_version_sealed_is_known(path: Path) -> None:
    sealed = SEALED | {"outcome": json.dumps(OF_ANOTHER_VERSION)}
    path.with_suffix(".parquet").write_bytes(parquet(sealed))
    assert read(path, "a") == [Outcome("Because.", attempts=1)]


def test_a_record_whose_key_is_no_text_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    write(path, {"a": ANSWERED})
    path.write_bytes(path.read_bytes() + path.read_bytes().replace(b'"a"', b'["a"]'))
    assert read(path, "a") == [ANSWERED]


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
        assert [one.wait(CEILING_S), other.wait(CEILING_S)] == [0, 0]
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
            wait_until(path.with_name(f"{name}.out").read_bytes)
            time.sleep(random.uniform(0, 0.05))
            writer.kill()
    with Ledger(path) as ledger:
        for name in names:
            finished = path.with_name(f"{name}.out").read_text().splitlines()
            assert finished
            for number in finished:
                assert ledger.get(f"{name}-{number}") is not None


def test_what_was_appended_is_in_the_file_before_the_ledger_is_left(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.append("a", ANSWERED)
        assert read(path, "a") == [ANSWERED]


# Sealing


def stored(path: Path, asked: dict[str, Outcome]) -> list[str]:
    """What a run that asks for these had to send, up to the end of its partition."""
    ledger = Ledger(path)
    with ledger:
        sent = [key for key in asked if ledger.get(key) is None]
        for key in sent:
            ledger.append(key, asked[key])
    ledger.seal()
    return sent


def answers(count: int, prompt: str = "first") -> dict[str, Outcome]:
    return {
        f"{prompt}-{number}": Outcome(f"{prompt} {number}", "stop", 9) for number in range(count)
    }


def kept(path: Path) -> int:
    return pl.read_parquet(path.with_suffix(".parquet")).height


def test_a_stored_partition_has_one_sealed_file_and_no_lines(path: Path) -> None:
    stored(path, answers(20))
    assert [file.name for file in path.parent.iterdir()] == ["ledger.parquet"]


def test_what_a_run_asked_for_is_found_again(path: Path) -> None:
    assert len(stored(path, answers(20))) == 20
    assert stored(path, answers(20)) == []
    assert read(path, "first-7") == [Outcome("first 7", "stop", 9)]


def test_only_what_has_changed_is_sent_again(path: Path) -> None:
    stored(path, answers(20))
    assert stored(path, answers(15) | answers(5, "second")) == list(answers(5, "second"))


def test_every_field_of_an_outcome_is_sealed(path: Path) -> None:
    places = ((3, "Good", 0.9), (3, "Bad", 0.1))
    whole = Outcome(ANSWERED.text, "stop", 12, 4, 5, 2, None, None, True, 77, places)
    stored(path, {"a": whole, "b": ANSWERED})
    assert read(path, "a", "b") == [whole, ANSWERED]


def test_what_a_run_did_not_ask_for_goes(path: Path) -> None:
    stored(path, answers(20))
    stored(path, answers(20, "second"))
    assert kept(path) == 20
    assert read(path, "first-1", "second-1") == [None, Outcome("second 1", "stop", 9)]


def test_a_pilot_loses_nothing(path: Path) -> None:
    stored(path, answers(100))
    for prompt in ("first", "second", "third", "first"):
        stored(path, answers(5, prompt))
    assert stored(path, answers(100)) == []


def test_what_a_run_left_that_did_not_come_to_its_end_is_not_lost_to_a_pilot(path: Path) -> None:
    write(path, answers(80))
    stored(path, answers(5))
    assert stored(path, answers(100)) == list(answers(100))[80:]


def test_what_pilots_asked_for_goes_with_the_next_whole_run(path: Path) -> None:
    stored(path, answers(100))
    stored(path, answers(5, "pilot"))
    assert kept(path) == 105
    stored(path, answers(95, "second"))
    assert kept(path) == 95


def test_the_disk_that_a_ledger_takes_does_not_grow_with_the_number_of_runs(path: Path) -> None:
    random, largest = Random(1), 200
    stored(path, answers(largest))
    for number in range(100):
        count = random.choice([3, 20, random.randint(largest // 3, largest), largest])
        stored(path, answers(count, f"prompt{number}"))
        assert kept(path) < 2 * largest
        assert len(list(path.parent.iterdir())) == 1


def test_what_did_not_fit_the_context_is_not_sealed(path: Path) -> None:
    refused = replace(TOO_LONG, failed_because=NoAnswer.REFUSED_BY_SERVER)
    stored(path, {"a": TOO_LONG, "b": refused, "c": ANSWERED})
    assert read(path, "a", "b", "c") == [None, refused, ANSWERED]


def test_what_did_not_fit_the_context_is_known_until_the_partition_is_stored(path: Path) -> None:
    write(path, {"a": TOO_LONG})
    assert read(path, "a") == [TOO_LONG]


def test_sealed_outcomes_are_smaller_than_their_lines(path: Path) -> None:
    random = Random(1)
    words = [f"{random.getrandbits(24):x}" for _ in range(2000)]
    texts = (" ".join(random.choices(words, k=150)) for _ in range(500))
    write(path, {f"{at:032x}": Outcome(text, "stop", 9) for at, text in enumerate(texts)})
    lines = path.stat().st_size
    Ledger(path).seal()
    assert kept(path) == 500
    assert path.with_suffix(".parquet").stat().st_size < lines / 2


# Arguments: path, what is patched, and whether it dies before or after that.
SEALER = """
import os, signal, sys
from pathlib import Path
import polars as pl
from sysgen_dagster.inference.ledger import Ledger
owner = {"write_parquet": pl.DataFrame, "fsync": os, "replace": Path, "unlink": Path}[sys.argv[2]]
whole = getattr(owner, sys.argv[2])
def dies(*args, **kwargs):
    if sys.argv[3] == "after":
        whole(*args, **kwargs)
    elif sys.argv[3] == "in":
        args[1].write_bytes(b"PAR1 and no more")
    os.kill(os.getpid(), signal.SIGKILL)
ledger = Ledger(Path(sys.argv[1]))
with ledger:
    for number in range(100):
        assert ledger.get(f"first-{number}")
setattr(owner, sys.argv[2], dies)
ledger.seal()
"""


@pytest.mark.parametrize(
    ("step", "when"),
    [
        ("write_parquet", "before"),
        ("write_parquet", "in"),
        ("write_parquet", "after"),
        ("fsync", "after"),
        ("replace", "before"),
        ("replace", "after"),
        ("unlink", "after"),
    ],
)
@pytest.mark.parametrize("sealed_before", [0, 60])
def test_a_kill_while_sealing_loses_nothing(
    path: Path, step: str, when: str, sealed_before: int
) -> None:
    if sealed_before:
        stored(path, answers(sealed_before))
    write(path, dict(list(answers(100).items())[sealed_before:]))
    sealer = [sys.executable, "-c", SEALER, str(path), step, when]
    assert subprocess.run(sealer).returncode == -signal.SIGKILL
    assert read(path, *answers(100)) == list(answers(100).values())
    assert stored(path, answers(100)) == []
    assert [file.name for file in path.parent.iterdir()] == ["ledger.parquet"]
    assert stored(path, answers(100)) == []


def test_what_another_run_appends_is_not_lost_when_one_seals(path: Path) -> None:
    one, other = Ledger(path), Ledger(path)
    with other:
        with one:
            for key, outcome in answers(50).items():
                assert one.get(key) is None
                one.append(key, outcome)
        other.append("other-1", ANSWERED)
        one.seal()
        other.append("other-2", ANSWERED)
    # The other is killed here; its next run sends nothing that either of them has.
    assert stored(path, answers(50) | dict.fromkeys(["other-1", "other-2"], ANSWERED)) == []


def test_the_last_one_that_is_done_seals_what_both_asked_for(path: Path) -> None:
    one, other = Ledger(path), Ledger(path)
    with other:
        with one:
            one.append("a", ANSWERED)
            one.get("a")
        one.seal()
        assert path.exists()
        other.append("b", ANSWERED)
        other.get("a"), other.get("b")
    other.seal()
    assert not path.exists()
    assert read(path, "a", "b") == [ANSWERED, ANSWERED]


def test_sealing_again_and_again_loses_nothing_of_a_run_that_appends_and_is_killed(
    path: Path,
) -> None:
    printed = path.with_name("writer.out")
    with writing(path, "writer", count=100_000, size=100) as writer:
        wait_until(printed.read_bytes)
        for _ in range(200):
            Ledger(path).seal()
        writer.kill()
        writer.wait()
        finished = printed.read_text().splitlines()
    Ledger(path).seal()
    assert not path.exists()
    with Ledger(path) as ledger:
        assert all(ledger.get(f"writer-{number}") for number in finished)


def test_a_run_that_begins_while_another_seals_appends_to_a_file_that_is_there(path: Path) -> None:
    write(path, {"a": ANSWERED})
    begun = threading.Event()

    def begin() -> None:
        begun.set()
        write(path, {"b": ANSWERED})

    with path.open("ab") as sealing:
        fcntl.flock(sealing, fcntl.LOCK_EX)
        other = threading.Thread(target=begin)
        other.start()
        begun.wait(CEILING_S)
        time.sleep(0.05)
        path.unlink()
    other.join(CEILING_S)
    assert read(path, "b") == [ANSWERED]


# Arguments: path, rounds, requests. Says how many it had to send in each round.
ROUNDS = """
import sys
from pathlib import Path
from sysgen_dagster_tests.inference.test_ledger import answers, stored
for _ in range(int(sys.argv[2])):
    print(len(stored(Path(sys.argv[1]), answers(int(sys.argv[3])))))
"""


def test_runs_that_come_and_go_at_once_send_nothing_that_was_known_when_they_began(
    path: Path,
) -> None:
    command = [sys.executable, "-c", ROUNDS, str(path), "50", "100"]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    sent = [list(map(int, run.communicate(timeout=CEILING_S)[0].split())) for run in runs]
    assert [len(each) for each in sent] == [50] * 4
    # All of them may begin at once; none of them has to send anything again.
    assert sum(each[0] for each in sent) >= 100
    assert all(sum(each[1:]) == 0 for each in sent)


SEALED = {"key": "a", "outcome": json.dumps(asdict(ANSWERED)), "largest_run": 1}


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda whole: b"", id="empty"),
        pytest.param(lambda whole: b"garbage", id="garbage"),
        pytest.param(lambda whole: whole[: len(whole) // 2], id="cut_off"),
        pytest.param(lambda whole: whole[:200] + bytes(100) + whole[300:], id="zeros_in_it"),
        pytest.param(lambda whole: parquet({"key": "a"}), id="other_columns"),
        pytest.param(lambda whole: parquet(SEALED | {"outcome": 5}), id="other_types"),
        pytest.param(lambda whole: parquet(SEALED | {"outcome": "{"}), id="no_json"),
        pytest.param(lambda whole: parquet(SEALED | {"outcome": "[]"}), id="other_json"),
        pytest.param(
            lambda whole: parquet(SEALED | {"outcome": '{"mood": "fine", "choices": []}'}),
            id="no_outcome",
        ),
    ],
)
def test_a_damaged_sealed_file_is_named_with_what_to_do(
    path: Path, damage: Callable[[bytes], bytes]
) -> None:
    stored(path, answers(20))
    sealed = path.with_suffix(".parquet")
    sealed.write_bytes(damage(sealed.read_bytes()))
    with pytest.raises(LedgerError) as error:
        read(path, "a")
    assert str(error.value).startswith(f"{sealed}, the ledger of a stored partition, cannot be")
    assert "remove it, and" in str(error.value)
    sealed.unlink()
    assert len(stored(path, answers(20))) == 20


def parquet(row: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    frame = pl.DataFrame([row])
    if "largest_run" in frame.columns:
        frame = frame.cast({"largest_run": pl.UInt32})
    frame.write_parquet(file)
    return file.getvalue()


def test_a_damaged_sealed_file_is_not_written_over_by_sealing(path: Path) -> None:
    write(path, answers(20))
    sealed = path.with_suffix(".parquet")
    sealed.write_bytes(b"garbage")
    with pytest.raises(LedgerError):
        Ledger(path).seal()
    assert sealed.read_bytes() == b"garbage"
    sealed.unlink()
    assert stored(path, answers(20)) == []
