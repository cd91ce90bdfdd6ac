"""Faults on demand and by rate, over real HTTP and drawn alone."""

import json
from collections.abc import Iterator
from http.client import RemoteDisconnected

import pytest

from sysgen_dagster.chat.messages import Role
from sysgen_dagster.simulated.faults import Fault, FaultDraw, find_asked_fault
from sysgen_dagster_tests.simulated.conversations import chat_message, respond_messages
from sysgen_dagster_tests.simulated.running_server import QUESTION, Server, error_of, running


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as it:
        yield it


@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_error_comes_when_asked_for_at_every_attempt(server: Server, status: int) -> None:
    for _ in range(3):
        answer = server.ask_with_mark(str(status))
        assert error_of(answer)[0] == status
        assert (answer[2]["Retry-After"] is not None) == (status == 429)


def test_a_broken_body_comes_when_asked_for(server: Server) -> None:
    with pytest.raises(json.JSONDecodeError):
        json.loads(server.ask_with_mark("truncated_json")[1])
    assert json.loads(server.ask_with_mark("no_choices")[1])["choices"] == []
    status, text, headers = server.ask_with_mark("html")
    assert (status, headers.get_content_type(), text[:6]) == (200, "text/html", "<html>")
    status, text, headers = server.ask_with_mark("wrong_type")
    assert (status, headers.get_content_type()) == (200, "text/plain")
    assert isinstance(json.loads(text), list)


def test_a_broken_connection_comes_when_asked_for(server: Server) -> None:
    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        server.ask_with_mark("disconnect")
    with pytest.raises(TimeoutError):
        server.ask_with_mark("timeout", timeout=0.3)
    assert server.ask(respond_messages(QUESTION))[0] == 200


def test_a_poor_answer_comes_when_asked_for(server: Server) -> None:
    kinds = ("empty", "length", "refusal")
    choices = [json.loads(server.ask_with_mark(kind)[1])["choices"][0] for kind in kinds]
    assert [choice["finish_reason"] for choice in choices] == ["stop", "length", "stop"]
    assert choices[0]["message"]["content"] == ""
    assert choices[2]["message"]["content"].startswith("I'm sorry")


def test_only_the_last_user_message_can_ask_for_a_fault(server: Server) -> None:
    earlier = [chat_message(Role.USER, "[[simulate: 500]]"), chat_message(Role.ASSISTANT, "No.")]
    assert server.ask([*earlier, chat_message(Role.USER, QUESTION)])[0] == 200
    status, _, message = error_of(server.ask_with_mark("earthquake"))
    assert (status, message.partition(":")[0]) == (400, "Unknown fault earthquake")


def attempts_until_success(server: Server, seed: int) -> list[str]:
    """The outcomes of one request, sent again until it succeeds."""
    outcomes: list[str] = []
    while not outcomes or outcomes[-1] != "200":
        try:
            outcomes.append(str(server.ask(respond_messages(QUESTION), seed=seed)[0]))
        except (RemoteDisconnected, ConnectionResetError):
            outcomes.append("disconnect")
    return outcomes


def test_faults_by_rate_end_after_retries_and_are_the_same_on_every_server() -> None:
    options = ("--fault", "500=0.3", "--fault", "disconnect=0.1", "--latency-ms", "1")
    histories = []
    for _ in range(2):
        with running(*options) as flaky:
            histories.append([attempts_until_success(flaky, seed) for seed in range(150)])
            stats = flaky.get("/stats")
    assert histories[0] == histories[1]
    first = [outcomes[0] for outcomes in histories[0]]
    assert 0.2 < first.count("500") / 150 < 0.4
    assert 0.03 < first.count("disconnect") / 150 < 0.2
    assert max(map(len, histories[0])) > 2
    assert stats["by_fault"][Fault.INTERNAL_ERROR] == stats["by_status"]["500"]
    assert stats["by_status"]["200"] == 150


@pytest.mark.parametrize("content", ["[[simulate:500]]", "[[simulate: 500]] [[simulate: html]]"])
def test_the_first_mark_counts_and_its_space_may_be_left_out(content: str) -> None:
    assert find_asked_fault([chat_message(Role.USER, content)]) is Fault.INTERNAL_ERROR


@pytest.mark.parametrize("content", ["", "simulate: 500", "[[simulate:  500]]", "[[simulate 500]]"])
def test_what_is_no_mark_asks_for_nothing(content: str) -> None:
    assert find_asked_fault([chat_message(Role.USER, content)]) is None
    assert find_asked_fault([]) is None


@pytest.mark.parametrize("rates", [{Fault.HTML: -0.1}, {Fault.HTML: 0.6, Fault.EMPTY: 0.5}])
def test_rates_are_shares_of_all_requests(rates: dict[Fault, float]) -> None:
    with pytest.raises(ValueError, match="fault rates must not be negative nor exceed 1 together"):
        FaultDraw(rates)


def test_a_rate_of_all_requests_never_ends_and_no_rate_never_begins() -> None:
    always, never = FaultDraw({Fault.EMPTY: 1.0}), FaultDraw({Fault.EMPTY: 0.0})
    assert {always.draw(1) for _ in range(50)} == {Fault.EMPTY}
    assert {never.draw(1) for _ in range(50)} == {None}


def test_a_request_that_succeeded_meets_the_same_faults_when_it_is_sent_again() -> None:
    draw = FaultDraw({Fault.UNAVAILABLE: 0.5, Fault.DISCONNECT: 0.3})

    def history(digest: int) -> list[Fault | None]:
        drawn = [draw.draw(digest)]
        while drawn[-1] is not None:
            drawn.append(draw.draw(digest))
        return drawn

    first = [history(digest) for digest in range(50)]
    assert [history(digest) for digest in range(50)] == first
    assert max(map(len, first)) > 3


def test_the_order_in_which_the_rates_are_given_changes_no_draw() -> None:
    rates = {Fault.UNAVAILABLE: 0.3, Fault.DISCONNECT: 0.3}
    one, other = FaultDraw(rates), FaultDraw(dict(reversed(rates.items())))
    assert [one.draw(digest) for digest in range(50)] == [other.draw(each) for each in range(50)]
