"""A server without room for the first questions is waited for, and the wait ends."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from sysgen_dagster.inference.chat_api import BusyError, EngineError, Retries
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.room import when_there_is_room
from sysgen_dagster_tests.inference.batches import QUICK, ask, questions
from sysgen_dagster_tests.inference.connections import connection_to
from sysgen_dagster_tests.inference.odd_servers import completion, listing, serving


def busy(times: int, wait_s: float = 0.0) -> Callable[[], str]:
    """What fails so often and then returns."""
    left = iter(range(times))

    def find_out() -> str:
        if next(left, None) is not None:
            raise BusyError("no room", wait_s)
        return "found"

    return find_out


@pytest.mark.parametrize("times", [0, 1, 3])
def test_it_is_asked_again_until_there_is_room(times: int) -> None:
    said: list[str] = []
    assert when_there_is_room(busy(times), QUICK, said.append, threading.Event()) == "found"
    assert len(said) == times


def test_it_is_waited_as_long_as_the_server_asks() -> None:
    began = time.monotonic()
    when_there_is_room(busy(1, wait_s=0.3), QUICK, print, threading.Event())
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("wait_s", [0.0, 3600.0])
def test_patience_ends(wait_s: float) -> None:
    began = time.monotonic()
    with pytest.raises(BusyError):
        when_there_is_room(busy(1_000, wait_s), QUICK, print, threading.Event())
    assert time.monotonic() - began < 5


def test_a_command_that_is_ended_waits_no_longer() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(BusyError):
        when_there_is_room(busy(1_000), Retries(), print, cancelled)


@pytest.mark.parametrize("status", [429, 503])
def test_a_partition_begins_when_a_busy_server_has_room(status: int, tmp_path: Path) -> None:
    left = iter(range(3))

    async def reply(request: web.Request) -> web.Response:
        if request.path == "/v1/models":
            return web.Response(body=listing("phi"), content_type="application/json")
        if next(left, None) is not None:
            return web.Response(status=status, text="wait")
        return web.json_response(completion("Because."))

    with serving(reply) as url:
        rows = ask(
            connection_to(url, patience_s=30), questions(3), Ledger(tmp_path / "ledger.jsonl")
        )
    assert rows["text"].to_list() == ["Because."] * 3


def test_an_account_that_is_refused_is_no_missing_engine() -> None:
    async def reply(_: web.Request) -> web.Response:
        return web.Response(status=402, text="no credit")

    with serving(reply) as url, pytest.raises(EngineError, match="add credit") as error:
        connection_to(url).connect()
    assert "Ways to get an engine" not in str(error.value)
