"""A reply that comes as a stream of events is read as the reply that it holds."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.inference.bodies import read_json
from sysgen_dagster.inference.chat_api import EngineError, TryAgainError
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.replies import read_reply
from sysgen_dagster_tests.inference.batches import question
from sysgen_dagster_tests.inference.odd_servers import completion


def piece(finish: str | None = None, index: int = 0, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def stream(*values: Any, end: str = "\n", last: str = "data: [DONE]") -> bytes:
    lines = [f"data: {each if isinstance(each, str) else json.dumps(each)}" for each in values]
    return (2 * end).join([*lines, last, ""]).encode()


def read(raw: bytes, status: int = 200) -> Outcome:
    return read_reply(status, {}, raw, question(0), 1)


PIECES = (piece(role="assistant", content="Be"), piece(content="cause."), piece("stop"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["data: [DONE]", "data:[DONE]", ""])
def test_pieces_are_joined(end: str, last: str) -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
    outcome = read(stream(*PIECES, usage, end=end, last=last))
    assert (outcome.text, outcome.finish_reason) == ("Because.", "stop")
    assert (outcome.prompt_tokens, outcome.completion_tokens) == (5, 2)


def test_what_was_thought_stays_apart() -> None:
    thought = (piece(reasoning_content="Salt"), piece(reasoning_content="?", content=None))
    outcome = read(stream(*thought, *PIECES))
    assert (outcome.text, outcome.reasoning) == ("Because.", "Salt?")


def test_only_the_first_of_several_answers_counts() -> None:
    assert read(stream(*PIECES, piece("stop", index=1, content="No."))).text == "Because."


@pytest.mark.parametrize(
    "raw",
    [
        stream(completion("Because.")),
        b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n"
        + json.dumps(completion("Because.")).encode(),
        b"event: completion\nid: 1\n" + stream(completion("Because.")),
        b": keep-alive\n\n" + stream(*PIECES),
        stream(json.dumps(completion("Because."), indent=1).replace("\n", "\ndata: ")),
    ],
    ids=["event", "behind-comments", "named-event", "comments-and-pieces", "many-lines"],
)
def test_a_whole_reply_may_lie_in_a_stream(raw: bytes) -> None:
    assert read(raw).text == "Because."


@pytest.mark.parametrize("pieces", [PIECES[:1], PIECES[:2], (), ({"choices": []},)])
def test_a_text_without_its_end_is_asked_for_again(pieces: tuple[Any, ...]) -> None:
    with pytest.raises(TryAgainError) as error:
        read(stream(*pieces, last=""))
    assert error.value.reason is NoAnswer.MALFORMED_REPLY


def test_an_error_in_a_stream_means_what_it_says() -> None:
    error = {"error": {"message": "No credit left", "code": 402}}
    for raw in (stream(error), stream(*PIECES[:1], error), b"event: error\n" + stream(error)):
        with pytest.raises(EngineError, match="402"):
            read(raw)
    with pytest.raises(TryAgainError) as busy:
        read(stream({"error": {"message": "Rate limit reached"}}), status=400)
    assert busy.value.is_busy


@pytest.mark.parametrize(
    "raw",
    [b"data:\n\n", b"data:1\n", b":\n", b'data:{"choices":[]}\n\n', b"event: x\n"],
    ids=["empty", "one_event", "comments", "no_choices", "names"],
)
def test_a_stream_of_nothing_is_read_as_quickly_as_any_other(raw: bytes) -> None:
    began = time.process_time()
    with pytest.raises(ValueError):  # noqa: PT011
        read_json(raw * 300_000)
    assert time.process_time() - began < 20


VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=3), st.just("stop")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["choices", "delta", "content", "finish_reason", "logprobs", "index"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)


@given(st.lists(VALUES, max_size=4))
def test_any_stream_is_a_value_or_none(values: list[Any]) -> None:
    raw = stream(*map(json.dumps, values))
    try:
        read_json(raw)
    except ValueError:
        return
