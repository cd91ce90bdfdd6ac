"""A server with more requests than it works on at once, over real HTTP."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sysgen_dagster_tests.simulated.conversations import respond_messages
from sysgen_dagster_tests.simulated.running_server import QUESTION, Server, error_of, running

Ask = Callable[[], tuple[int, str, Any]]


def asking(server: Server, pool: ThreadPoolExecutor, count: int, ask: Ask) -> list[Future[Any]]:
    """That many requests, of which each is in the server before the next one is sent."""
    sent: list[Future[Any]] = []
    for number in range(1, count + 1):
        sent.append(pool.submit(ask))
        while server.get("/stats")["most_in_flight"] < number:
            time.sleep(0.005)
    return sent


def test_requests_beyond_the_capacity_wait_for_their_turn_in_the_order_they_came() -> None:
    ended: list[Future[Any]] = []
    options = ("--capacity", "2", "--latency-ms", "500")
    with running(*options) as server, ThreadPoolExecutor(6) as pool:
        began = time.monotonic()
        sent = asking(server, pool, 6, lambda: server.ask(respond_messages(QUESTION)))
        for request in sent:
            request.add_done_callback(ended.append)
        assert [request.result()[0] for request in sent] == [200] * 6
        assert 1.5 <= time.monotonic() - began < 2.9  # three turns of two, not six of one
        assert server.get("/stats")["most_in_flight"] == 6
    turns = [{sent.index(request) // 2 for request in ended[at : at + 2]} for at in (0, 2, 4)]
    assert turns == [{0}, {1}, {2}]


def test_a_client_that_leaves_the_queue_frees_its_place() -> None:
    options = ("--capacity", "1", "--latency-ms", "500", "--reject-above", "2")
    with running(*options) as server, ThreadPoolExecutor(1) as pool:
        asking(server, pool, 1, lambda: server.ask(respond_messages(QUESTION)))
        try:
            server.send({"model": "phi", "messages": respond_messages(QUESTION)}, timeout=0.05)
        except TimeoutError:
            time.sleep(0.05)
        assert server.ask(respond_messages(QUESTION))[0] == 200


def test_a_request_that_finds_too_many_in_the_server_is_rejected_at_once() -> None:
    options = ("--reject-above", "3", "--latency-ms", "1000")
    with running(*options) as server, ThreadPoolExecutor(3) as pool:
        sent = asking(server, pool, 3, lambda: server.ask(respond_messages(QUESTION)))
        for _ in range(2):
            rejected = server.ask(respond_messages("salt " * 50_000))
            assert error_of(rejected)[:2] == (429, "RateLimitError")
            assert rejected[2]["Retry-After"] is None
        assert not any(request.done() for request in sent)
        assert [request.result()[0] for request in sent] == [200] * 3
        assert server.ask(respond_messages(QUESTION))[0] == 200
        stats = server.get("/stats")
    assert stats["by_status"] == {"200": 4, "429": 2}
    assert stats["most_in_flight"] == 3
