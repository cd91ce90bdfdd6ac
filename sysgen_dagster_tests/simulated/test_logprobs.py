"""The probabilities of an answer's tokens, as vLLM gives them, over real HTTP."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.lanes.sysgen.tags import Tag
from sysgen_dagster.lanes.sysgen.verification import build_verdict_pattern
from sysgen_dagster.simulated.logprobs import build_logprobs
from sysgen_dagster_tests.simulated.conversations import (
    annotate_messages,
    one_phrase_of,
    respond_messages,
    verify_messages,
)
from sysgen_dagster_tests.simulated.running_server import QUESTION, Server, error_of, running

VERDICTS = verify_messages(one_phrase_of(*Tag))
WORDS = {" Good", " Bad", " None"}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as it:
        yield it


def judged(server: Server, seed: int = 0, top: int = 20) -> list[dict[str, Any]]:
    """The tokens of an answer that holds eight verdicts."""
    fields = {
        "structured_outputs": {"regex": build_verdict_pattern(Tag)},
        "logprobs": True,
        "top_logprobs": top,
    }
    completion = server.complete(VERDICTS, seed=seed, **fields)
    tokens: list[dict[str, Any]] = completion["choices"][0]["logprobs"]["content"]
    return tokens


@pytest.mark.parametrize(
    "messages",
    [annotate_messages(QUESTION, "Yes."), VERDICTS, respond_messages("하늘은 왜 파란가요?")],
)
@pytest.mark.parametrize("max_tokens", [1024, 5])
def test_the_tokens_make_up_the_answer(server: Server, messages: Any, max_tokens: int) -> None:
    [choice] = server.complete(messages, logprobs=True, max_tokens=max_tokens)["choices"]
    tokens = choice["logprobs"]["content"]
    assert "".join(token["token"] for token in tokens) == choice["message"]["content"]
    assert all(bytes(token["bytes"]).decode() == token["token"] for token in tokens)


@given(st.text())
def test_the_tokens_make_up_any_text(text: str) -> None:
    tokens = build_logprobs(text, top=0, digest=1)["content"]
    assert "".join(token["token"] for token in tokens) == text


def test_a_verdict_is_one_token_with_a_probability_for_each_of_the_three_words(
    server: Server,
) -> None:
    verdicts = [token for token in judged(server) if token["token"] in WORDS]
    assert len(verdicts) == len(Tag)
    for verdict in verdicts:
        others = verdict["top_logprobs"]
        assert {other["token"] for other in others} == WORDS
        written = {name: verdict[name] for name in ("token", "logprob", "bytes")}
        assert others[0] == written
        assert others[1]["logprob"] >= others[2]["logprob"]
        assert 0.95 < sum(math.exp(other["logprob"]) for other in others) <= 1


def test_the_verdict_that_is_written_is_mostly_but_not_always_the_likeliest(server: Server) -> None:
    tokens = [token for seed in range(40) for token in judged(server, seed)]
    verdicts = [token["top_logprobs"] for token in tokens if token["token"] in WORDS]
    likeliest = [max(others, key=lambda other: other["logprob"]) for others in verdicts]
    kept = sum(one is others[0] for one, others in zip(likeliest, verdicts, strict=True))
    assert 0.85 < kept / len(verdicts) < 1
    assert len({others[0]["logprob"] for others in verdicts}) == len(verdicts)


def test_every_other_token_is_nearly_certain(server: Server) -> None:
    for token in judged(server):
        if token["token"] not in WORDS:
            [other] = token["top_logprobs"]
            assert (other["token"], other["logprob"]) == (token["token"], token["logprob"])
            assert -0.2 < token["logprob"] < 0


@pytest.mark.parametrize("top", [0, 1, 2])
def test_no_more_alternatives_come_than_are_asked_for(server: Server, top: int) -> None:
    verdicts = [token for token in judged(server, top=top) if token["token"] in WORDS]
    assert {len(token["top_logprobs"]) for token in verdicts} == {top}


@pytest.mark.parametrize("messages", [VERDICTS, respond_messages(QUESTION)])
def test_asking_for_probabilities_changes_no_answer_and_the_same_come_again(
    server: Server, messages: Any
) -> None:
    plain = server.complete(messages)["choices"][0]
    first, second = (
        server.complete(messages, logprobs=True, top_logprobs=3)["choices"][0] for _ in range(2)
    )
    assert plain["logprobs"] is None
    assert first["message"] == plain["message"]
    assert first == second


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"logprobs": True, "top_logprobs": 21}, "from 0 to 20"),
        ({"logprobs": True, "top_logprobs": -1}, "from 0 to 20"),
        ({"logprobs": True, "top_logprobs": "3"}, "from 0 to 20"),
        ({"top_logprobs": 3}, "`logprobs` must be set to true"),
    ],
)
def test_a_wrong_number_of_alternatives_is_a_bad_request(
    server: Server, fields: dict[str, object], complaint: str
) -> None:
    status, kind, message = error_of(server.ask(VERDICTS, **fields))
    assert (status, kind) == (400, "BadRequestError")
    assert complaint in message
