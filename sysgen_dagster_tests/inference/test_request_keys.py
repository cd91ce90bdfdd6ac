"""The keys of requests: equal exactly where the answer would be."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.chat.messages import ChatRequest, Role, Sampling
from sysgen_dagster.inference.request_keys import request_key
from sysgen_dagster_tests.inference.batches import message

REQUEST = ChatRequest(
    "capybara-1",
    [
        {"role": Role.SYSTEM, "content": "Be brief."},
        {"role": Role.USER, "content": "Why is the sea salty?"},
    ],
    Sampling(temperature=0.7, max_tokens=512),
    seed=7,
)


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
        pytest.param(
            key_of(replace(REQUEST, sampling=Sampling(0.7, 512, 1.0, 0.9))), id="repetition_penalty"
        ),
        pytest.param(key_of(replace(REQUEST, messages=REQUEST.messages[1:])), id="fewer_messages"),
        pytest.param(
            key_of(replace(REQUEST, messages=[*REQUEST.messages][::-1])), id="order_of_messages"
        ),
        pytest.param(
            key_of(
                replace(
                    REQUEST,
                    messages=[message(Role.USER, "Be brief."), REQUEST.messages[1]],
                )
            ),
            id="role",
        ),
        pytest.param(
            key_of(
                replace(
                    REQUEST,
                    messages=[
                        message(Role.SYSTEM, "Be brief. "),
                        message(Role.USER, "Why is the sea salty?"),
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
        pytest.param(replace(REQUEST, request_id="capybara-2"), id="request_id"),
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
    st.builds(message, st.sampled_from(Role), st.text(st.sampled_from('ab"\\,[{\n'), max_size=3)),
    max_size=3,
)
REQUESTS = st.builds(
    ChatRequest,
    request_id=st.text(max_size=2),
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


@pytest.mark.parametrize("is_needed", [True, False])
def test_only_a_form_that_an_answer_must_have_is_part_of_the_key(is_needed: bool) -> None:
    held_to = Constraint({"regex": "yes|no"}, 'root ::= "yes" | "no"', is_needed=is_needed)

    assert (key_of(replace(REQUEST, constraint=held_to)) != key_of()) is is_needed


def test_keys_that_older_ledgers_hold_stay_as_they_are() -> None:
    assert key_of() == "f71a7a3687e01f62a039959623d82633"
    narrowed = replace(REQUEST, sampling=Sampling(0.7, 512, top_p=0.9))
    assert key_of(narrowed) == "2b92c7947652afbec065b5735a19acbc"


@given(st.text(st.characters(exclude_categories=[]), max_size=20))
def test_any_text_has_a_key_of_32_hex_digits(text: str) -> None:
    key = key_of(replace(REQUEST, messages=[message(Role.USER, text)]))
    assert len(key) == 32
    assert int(key, 16) >= 0


def test_a_key_is_the_same_in_another_process() -> None:
    program = (
        "from sysgen_dagster.inference.request_keys import request_key\n"
        "from sysgen_dagster.chat.messages import ChatRequest, Sampling\n"
        "messages = [{'role': 'user', 'content': 'Why?'}]\n"
        "print(request_key(('m', None), ChatRequest('c', messages, Sampling(0.7, 5), 3)))"
    )
    env = {**os.environ, "PYTHONHASHSEED": "1"}
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env
    ).stdout.strip()
    request = ChatRequest("c", [message(Role.USER, "Why?")], Sampling(0.7, 5), 3)
    assert printed == request_key(("m", None), request)
