"""Partitions of which a server refuses one request or all, over real HTTP."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.ledger import Ledger, Outcome
from sysgen_dagster.inference.refused_in_a_row import MOST_FILTERED, MOST_UNANSWERED
from sysgen_dagster.inference.request_keys import Asked, request_key
from sysgen_dagster_tests.inference import said_by_servers as said
from sysgen_dagster_tests.inference.batches import ask, endpoint_at, questions
from sysgen_dagster_tests.inference.odd_servers import completion, serving
from sysgen_dagster_tests.inference.said_by_servers import Reply

ROWS = 40
FORBIDDEN: Reply = (403, "not for you")


@dataclass
class Refusing:
    """A server that refuses some requests, by their seeds, and answers the others.

    Attributes:
        refuses: What it replies to a seed, if it refuses it.
        asked: The seeds so far.
    """

    refuses: Callable[[int], Reply | None]
    asked: list[int] = field(default_factory=list)
    url: str = ""

    async def reply(self, request: web.Request) -> web.Response:
        seed = (await request.json())["seed"]
        self.asked.append(seed)
        refusal = self.refuses(seed)
        if refusal is None:
            return web.json_response(completion(f"Answer {seed}."))
        status, body = refusal
        return web.Response(status=status, text=body)


@contextmanager
def refusing(refuses: Callable[[int], Reply | None]) -> Iterator[Refusing]:
    server = Refusing(refuses)
    with serving(server.reply) as server.url:
        yield server


def lines_of(ledger: Ledger) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ledger.path.read_text().splitlines() if line]


ALL_REFUSED = [
    pytest.param(said.ACCOUNT["openrouter-credits"], 0, id="402"),
    pytest.param(said.ACCOUNT["openai-quota"], 0, id="429-quota"),
    pytest.param(said.ACCOUNT["openai-key"], 0, id="401"),
    pytest.param(said.ACCOUNT["anthropic-credit"], 0, id="400-credit"),
    pytest.param(said.SERVER["vllm-model"], 0, id="404-model"),
    pytest.param(said.SERVER["redirect"], 0, id="301"),
    pytest.param((200, said.openrouter(402, "Insufficient credits")), 0, id="200-with-402"),
    pytest.param(FORBIDDEN, MOST_UNANSWERED, id="403"),
    pytest.param(said.UNKNOWN["empty-404"], MOST_UNANSWERED, id="404"),
    pytest.param(said.UNKNOWN["field"], MOST_UNANSWERED, id="400"),
    pytest.param(said.UNKNOWN["validation"], MOST_UNANSWERED, id="422"),
    pytest.param((451, ""), MOST_UNANSWERED, id="451"),
    pytest.param(said.FILTERED["in-plain-words"], MOST_FILTERED, id="403-filtered"),
]


@pytest.mark.parametrize(("reply", "most"), ALL_REFUSED)
def test_a_server_that_refuses_everybody_ends_the_partition_with_what_it_said(
    ledger: Ledger, reply: Reply, most: int
) -> None:
    with refusing(lambda _: reply) as server, pytest.raises(EngineError) as error:
        ask(endpoint_at(server.url, before_first_answer=4), questions(400), ledger)
    assert f"{reply[0]}: " in str(error.value) or "402: " in str(error.value)
    assert "materialize this partition again" in str(error.value)
    assert len(server.asked) <= most + 8  # twice those in flight
    assert lines_of(ledger) == []


@pytest.mark.parametrize(("reply", "_most"), ALL_REFUSED)
def test_once_that_is_mended_everybody_is_asked_and_answered(
    ledger: Ledger, reply: Reply, _most: int
) -> None:
    refusal: list[Reply | None] = [reply]
    with refusing(lambda _: refusal[0]) as server:
        with pytest.raises(EngineError):
            ask(endpoint_at(server.url), questions(2 * MOST_FILTERED), ledger)
        refusal[0] = None
        rows = ask(endpoint_at(server.url), questions(ROWS), ledger)
    assert rows["text"].to_list() == [f"Answer {seed}." for seed in range(ROWS)]


@pytest.mark.parametrize("count", [1, 3, 8])
def test_a_small_partition_of_which_all_is_refused_ends_with_what_the_server_said(
    ledger: Ledger, count: int
) -> None:
    with refusing(lambda _: FORBIDDEN) as server, pytest.raises(EngineError, match="not for you"):
        ask(endpoint_at(server.url), questions(count), ledger)


ONE_REFUSED = [
    pytest.param(said.FILTERED["in-plain-words"], NoAnswer.FILTERED_BY_SERVER, id="moderation"),
    pytest.param(said.FILTERED["azure"], NoAnswer.FILTERED_BY_SERVER, id="azure"),
    pytest.param(
        (200, said.openrouter(403, "flagged")), NoAnswer.FILTERED_BY_SERVER, id="200-with-403"
    ),
    pytest.param(FORBIDDEN, NoAnswer.REFUSED_BY_SERVER, id="403"),
    pytest.param(said.UNKNOWN["firewall"], NoAnswer.REFUSED_BY_SERVER, id="firewall"),
    pytest.param((404, ""), NoAnswer.REFUSED_BY_SERVER, id="404"),
    pytest.param((451, ""), NoAnswer.REFUSED_BY_SERVER, id="451"),
    pytest.param(said.UNKNOWN["value"], NoAnswer.REFUSED_BY_SERVER, id="400"),
    pytest.param(said.TOO_LONG["anthropic"], NoAnswer.TOO_LONG, id="too-long"),
    pytest.param(said.TOO_LONG["llama-cpp-python"], NoAnswer.TOO_LONG, id="too-long-500"),
    pytest.param(said.TOO_LONG["tgi"], NoAnswer.TOO_LONG, id="too-long-422"),
]


@pytest.mark.parametrize("refused", [0, 17, ROWS - 1])
@pytest.mark.parametrize(("reply", "reason"), ONE_REFUSED)
def test_one_row_that_is_refused_is_dropped_and_the_others_are_kept(
    ledger: Ledger, reply: Reply, reason: NoAnswer, refused: int
) -> None:
    with refusing(lambda seed: reply if seed == refused else None) as server:
        rows = ask(endpoint_at(server.url), questions(ROWS), ledger)
        [dropped] = rows.drop_nulls("failed_because").to_dicts()
        assert (dropped["seed"], dropped["failed_because"]) == (refused, reason)
        assert str(reply[0]) in dropped["failure"] or "403" in dropped["failure"]
        assert server.asked.count(refused) == 1
        assert len(lines_of(ledger)) == ROWS - 1
        # It alone is asked again, and that nobody else is asked then does not mean everybody.
        again = ask(endpoint_at(server.url), questions(ROWS), ledger)
    assert server.asked.count(refused) == 2
    assert len(server.asked) == ROWS + 1
    assert again.equals(rows)


def test_a_key_that_loses_its_right_in_the_middle_ends_the_partition(ledger: Ledger) -> None:
    with (
        refusing(lambda _: FORBIDDEN if len(server.asked) > 50 else None) as server,
        pytest.raises(EngineError, match="not for you"),
    ):
        ask(endpoint_at(server.url), questions(1_000), ledger)
    # A tenth of all in a row, and three times those in flight: when the first one was refused, when
    # the last answer came, which begins the row anew, and when the partition ended.
    assert len(server.asked) <= 50 + 100 + 96
    assert len(lines_of(ledger)) == 50


def test_what_an_earlier_version_remembered_as_refused_is_asked_again(ledger: Ledger) -> None:
    [request] = questions(1)
    with refusing(lambda _: None) as server:
        endpoint = endpoint_at(server.url)
        refused = Outcome(None, attempts=1, failed_because="refused_by_server", failure="402: pay")
        with ledger:
            key = request_key(endpoint.model.answers_as, request)
            ledger.append(Asked(key), refused)
        ledger.seal()
        rows = ask(endpoint, [request], ledger)
    assert rows["text"].to_list() == ["Answer 0."]


@pytest.mark.parametrize("name", ["groq-413", "anthropic-529", "bedrock-400", "openai-rpm"])
def test_a_limit_of_the_moment_is_waited_out(ledger: Ledger, name: str) -> None:
    left = [3]

    def busy(_: int) -> Reply | None:
        left[0] -= 1
        return said.BUSY[name] if left[0] >= 0 else None

    with refusing(busy) as server:
        quick = endpoint_at(server.url, longest_retry_after_s=0.05, patience_s=20)
        rows = ask(quick, questions(5), ledger)
    assert rows["text"].null_count() == 0
