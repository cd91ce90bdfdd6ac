"""Several servers of one model: which is next, which is away, and which came back."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from sysgen_dagster.inference.capacity import Capacity
from sysgen_dagster.inference.chat_api import EngineError, UnreachableError
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.replicas import Replica, Replicas
from sysgen_dagster.inference.request_keys import Asked, request_key
from sysgen_dagster_tests.inference.batches import (
    NOBODY,
    Connected,
    ask,
    endpoint_at,
    questions,
)
from sysgen_dagster_tests.inference.mortal_servers import Ours, mortals
from sysgen_dagster_tests.inference.processes import CEILING_S

NEVER: Counter[str] = Counter()


# Without HTTP: a server is what the test says of it


@dataclass
class Watched:
    """Replicas whose servers come back as the test says."""

    urls: tuple[str, ...]
    reconnect: Callable[[str], str] = lambda url: url
    settings: dict[str, Any] = field(default_factory=dict)
    reported: list[str] = field(default_factory=list)

    def run(self, act: Callable[[Replicas], Awaitable[None]]) -> Exception | None:
        """The error that ends the partition."""

        async def main() -> Exception | None:
            endpoint = endpoint_at(*self.urls, **self.settings)
            servers = Replicas(endpoint, self.reconnect, self.reported.append)
            await act(servers)
            servers.close()
            return servers.failure

        return asyncio.run(main())


def away(url: str) -> str:
    raise UnreachableError(f"{url} is away")


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(CEILING_S):
        while not condition():
            await asyncio.sleep(0.001)


def test_the_server_with_the_fewest_in_flight_is_next() -> None:
    async def act(servers: Replicas) -> None:
        leased = Counter([(await servers.lease(NEVER)).url for _ in range(30)])
        assert leased == {"a": 10, "b": 10, "c": 10}
        for member in servers.members[1:]:
            servers.give_back(member)
        assert {(await servers.lease(NEVER)).url for _ in range(2)} == {"b", "c"}

    Watched(("a", "b", "c")).run(act)


def test_a_server_that_failed_a_request_is_taken_last_for_it() -> None:
    async def act(servers: Replicas) -> None:
        tried = Counter({"a": 1, "b": 2})
        assert [(await servers.lease(tried)).url for _ in range(3)] == ["c"] * 3
        del servers.members[2]
        assert (await servers.lease(tried)).url == "a"

    Watched(("a", "b", "c")).run(act)


def test_no_server_is_given_more_than_its_limit_and_the_first_request_that_waits_is_next() -> None:
    async def act(servers: Replicas) -> None:
        full = [await servers.lease(NEVER) for _ in range(4)]
        order: list[int] = []

        async def wait(number: int) -> None:
            leased = await servers.lease(NEVER)
            order.append(number)
            assert leased.in_flight <= 2

        waiting = [asyncio.create_task(wait(number)) for number in range(4)]
        await asyncio.sleep(0.01)
        assert order == []
        for leased in full:
            servers.give_back(leased)
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        assert order == [0, 1, 2, 3]

    Watched(("a", "b"), settings={"starts_with": 2}).run(act)


def test_a_limit_that_grows_lets_those_in_that_wait() -> None:
    async def act(servers: Replicas) -> None:
        leased = await servers.lease(NEVER)
        waiting = [asyncio.create_task(servers.lease(NEVER)) for _ in range(5)]
        await asyncio.sleep(0)
        leased.capacity.at_once = 5
        servers.give_back(leased)
        await asyncio.wait_for(asyncio.gather(*waiting), CEILING_S)

    Watched(("a",), settings={"starts_with": 1}).run(act)


@pytest.mark.parametrize(
    ("first_answer_s", "limit"),
    [(0.01, 32), (4, 32), (10, 15), (100, 4)],
    ids=["at_once", "soon", "later", "of_a_laptop"],
)
def test_a_server_that_nothing_is_known_of_gets_few_requests_until_it_shows_not_to_be_slow(
    first_answer_s: float, limit: int
) -> None:
    async def act(servers: Replicas) -> None:
        first = await servers.lease(NEVER)
        assert first.capacity.at_once == 4
        servers.note_answer(first, time.monotonic() - first_answer_s)
        assert first.capacity.at_once == pytest.approx(limit, abs=1)
        servers.note_answer(first, time.monotonic() - 0.01)
        assert first.capacity.at_once == pytest.approx(limit, abs=1)

    Watched(("a",), settings={"attempt_s": 600.0, "before_first_answer": 4}).run(act)


def test_a_slow_answer_does_not_lower_the_limit() -> None:
    async def act(servers: Replicas) -> None:
        slow = await servers.lease(NEVER)
        servers.note_answer(slow, time.monotonic() - 99)
        assert slow.capacity.at_once == 32

    Watched(("a",), settings={"attempt_s": 100.0}).run(act)


def test_others_wait_when_they_are_in_flight_or_find_no_room() -> None:
    async def act(servers: Replicas) -> None:
        first = await servers.lease(NEVER)
        assert not servers.others_wait
        waiting = asyncio.create_task(servers.lease(NEVER))
        await asyncio.sleep(0)
        assert servers.others_wait
        servers.give_back(first)
        await waiting
        assert not servers.others_wait

    Watched(("a",), settings={"starts_with": 1}).run(act)


def test_a_server_that_came_back_has_restarted_once_and_has_half_the_load() -> None:
    async def act(servers: Replicas) -> None:
        (member,) = servers.members
        restarts = member.restarts
        servers.note_gone(member)
        servers.note_gone(member)  # by another request
        assert member.has_died_since(restarts)
        assert servers.at_once == 0
        leased = await asyncio.wait_for(servers.lease(NEVER), CEILING_S)
        assert (leased.url, leased.restarts, servers.at_once) == ("a'", 1, 16)
        assert leased.has_died_since(restarts)
        assert not leased.has_died_since(1)

    watched = Watched(("a",), reconnect=lambda url: f"{url}'")
    watched.run(act)
    gone, back = watched.reported
    assert gone == "nothing answers at a any more; waiting for it"
    assert back.startswith("a' answers again after ")


def test_while_one_server_is_away_the_others_take_its_requests() -> None:
    async def act(servers: Replicas) -> None:
        servers.note_gone(servers.members[0])
        await asyncio.sleep(0.3)
        assert {(await servers.lease(NEVER)).url for _ in range(5)} == {"b"}

    assert Watched(("a", "b"), away, {"patience_s": 0.1}).run(act) is None


def test_patience_begins_when_the_last_of_the_servers_goes() -> None:
    looks = Counter[str]()

    def reconnect(url: str) -> str:
        looks[url] += 1
        if url == "a" or looks[url] < 3:
            raise UnreachableError(f"{url} is away")
        return url

    async def act(servers: Replicas) -> None:
        servers.note_gone(servers.members[0])
        servers.members[0].gone_at -= 2 * CEILING_S
        servers.note_gone(servers.members[1])
        assert (await asyncio.wait_for(servers.lease(NEVER), CEILING_S)).url == "b"

    assert Watched(("a", "b"), reconnect, {"patience_s": CEILING_S}).run(act) is None


def test_patience_ends() -> None:
    async def act(servers: Replicas) -> None:
        for member in servers.members:
            servers.note_gone(member)
        began = time.monotonic()
        await until(lambda: servers.failure)
        assert time.monotonic() - began >= 0.5

    assert str(Watched(("a", "b"), away).run(act)) in {"a is away", "b is away"}


def test_the_pause_between_two_looks_for_a_server_doubles() -> None:
    looks: list[float] = []

    def reconnect(url: str) -> str:
        looks.append(time.monotonic())
        return url if len(looks) == 5 else away(url)

    async def act(servers: Replicas) -> None:
        servers.note_gone(servers.members[0])
        await asyncio.wait_for(servers.lease(NEVER), CEILING_S)

    Watched(("a",), reconnect, {"patience_s": CEILING_S}).run(act)
    pauses = [after - before for before, after in pairwise(looks)]
    assert all(
        pause >= least for pause, least in zip(pauses, (0.02, 0.04, 0.08, 0.16), strict=True)
    )


@pytest.mark.parametrize(
    "error", [EngineError("out of memory"), OSError("disk full"), KeyError("pid"), ValueError("?")]
)
def test_a_server_that_cannot_be_brought_back_ends_the_waiting(error: Exception) -> None:
    def fails(_: str) -> str:
        raise error

    async def act(servers: Replicas) -> None:
        waiting = [asyncio.create_task(servers.lease(NEVER)) for _ in range(40)]
        servers.note_gone(servers.members[0])
        results = await asyncio.wait_for(
            asyncio.gather(*waiting, return_exceptions=True), CEILING_S
        )
        assert results == [error] * 40

    assert Watched(("a",), fails).run(act) is error


def test_a_server_is_brought_back_five_times_and_not_a_sixth() -> None:
    async def act(servers: Replicas) -> None:
        (member,) = servers.members
        for deaths in range(1, 6):
            servers.note_gone(member)
            servers.give_back(await asyncio.wait_for(servers.lease(NEVER), CEILING_S))
            assert (member.restarts, servers.failure) == (deaths, None)
        servers.note_gone(member)
        await until(lambda: servers.failure)

    error = Watched(("a",)).run(act)
    assert str(error).startswith("phi at a went away 6 times while this partition was made; see")


def test_no_server_is_looked_for_after_the_end() -> None:
    looks: list[str] = []

    async def act(servers: Replicas) -> None:
        servers.note_gone(servers.members[0])
        await until(lambda: looks)
        servers.close()
        seen = len(looks)
        await asyncio.sleep(0.3)
        assert len(looks) <= seen + 1  # one may have been under way

    Watched(("a",), lambda url: looks.append(url) or away(url)).run(act)


def test_a_request_that_was_sent_after_others_had_failed_is_not_the_cause() -> None:
    async def act(servers: Replicas) -> None:
        (replica,) = servers.members
        assert replica.note_failure(sent_at=1, now=5)
        assert replica.note_failure(sent_at=4, now=6)
        assert not replica.note_failure(sent_at=5.5, now=7)
        servers.note_answer(replica, time.monotonic())
        assert replica.note_failure(sent_at=8, now=9)
        assert not replica.note_failure(sent_at=10, now=11)
        servers.note_gone(replica)
        await asyncio.wait_for(servers.lease(NEVER), CEILING_S)
        assert replica.note_failure(sent_at=12, now=13)

    Watched(("a",)).run(act)


def test_a_replica_has_room_below_its_limit_while_it_is_up() -> None:
    replica = Replica("a", Capacity(at_once=1, most=1))
    assert replica.has_room
    replica.in_flight = 1
    assert not replica.has_room
    replica.in_flight, replica.is_up = 0, False
    assert not replica.has_room


# Over HTTP: servers that die


def test_each_of_several_servers_gets_its_share(ledger: Ledger) -> None:
    with mortals(3) as servers:
        rows = ask(Ours(servers), questions(600), ledger)
        shares = [server.asked.total() for server in servers]
    assert rows["text"].null_count() == 0
    assert sum(shares) == 600
    assert min(shares) > 150


def test_every_server_may_have_as_many_in_flight_as_one_alone(ledger: Ledger) -> None:
    most = 0

    def holds() -> bool:
        nonlocal most
        most = max(most, sum(len(server.in_flight) for server in servers))
        return most < 80

    with mortals(4, holds=holds) as servers:
        ours = Ours(servers, {"starts_with": 20, "attempt_s": CEILING_S})
        rows = ask(ours, questions(600), ledger, most_in_flight=20)
    assert rows["text"].null_count() == 0
    assert most == 80


def test_a_server_that_is_gone_from_the_start_leaves_its_share_to_the_others(
    ledger: Ledger,
) -> None:
    with mortals(2) as servers:
        ours = Ours(servers)
        servers[0].start = lambda: NOBODY  # type: ignore[method-assign]
        ours.reconnect = lambda url: away(url)  # type: ignore[method-assign]
        rows = ask(ours, questions(200), ledger)
        assert servers[1].asked.total() == 200
    assert rows["text"].null_count() == 0
    assert rows["attempts"].to_list() == [1] * 200


def test_requests_wait_for_a_server_that_is_away_and_do_not_spin(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0
    connect = asyncio.SelectorEventLoop.sock_connect

    async def counted(*arguments: Any) -> None:
        nonlocal tries
        tries += 1
        await connect(*arguments)

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", counted)

    class Away(Connected):
        looks = 0

        def reconnect(self, url: str) -> str:
            Away.looks += 1
            return away(url)

    gone = Away(endpoint_at(NOBODY, starts_with=32))
    with pytest.raises(UnreachableError, match=f"{NOBODY} is away"):
        ask(gone, questions(500), ledger)
    assert 1 <= tries <= 32
    assert Away.looks <= 8


def test_requests_that_waited_are_answered_when_the_server_is_back(ledger: Ledger) -> None:
    with mortals() as servers:
        (server,) = servers
        ours = Ours(servers, {"patience_s": CEILING_S})
        looks = 0

        def comes_back(url: str) -> str:
            nonlocal looks
            looks += 1
            return server.start() if looks > 3 else away(url)

        ours.reconnect = comes_back  # type: ignore[method-assign]
        server.kills = lambda body: body["seed"] == 50 and server.deaths == 0
        rows = ask(ours, questions(300), ledger)
    assert (server.deaths, looks) == (1, 4)
    assert rows["text"].null_count() == 0
    assert rows["attempts"].max() == 2


@pytest.mark.parametrize("ill_replies", [0, 48], ids=["at_once", "answering_500_for_a_while"])
def test_requests_in_flight_when_the_engine_dies_are_asked_again(
    ledger: Ledger, ill_replies: int
) -> None:
    with mortals(ill_replies=ill_replies) as servers:
        (server,) = servers
        deadly = {50, 190}  # once each

        def kills(body: dict[str, Any]) -> bool:
            is_deadly = body["seed"] in deadly
            deadly.discard(body["seed"])
            return is_deadly

        server.kills = kills
        ours = Ours(servers)
        rows = ask(ours, questions(300), ledger)
    assert server.deaths == ours.revived == 2
    assert rows["text"].null_count() == 0
    if not ill_replies:
        # What was in flight for the client: answers on their way when the server died, too.
        assert server.asked.total() - 300 <= server.deaths * 2 * endpoint_at().starts_with


def test_an_engine_that_dies_again_and_again_ends_the_partition(ledger: Ledger) -> None:
    with mortals() as servers:
        (server,) = servers
        # Whichever request it is: none of them is the cause.
        server.kills = lambda body: server.asked.total() >= 40 * (server.deaths + 1)
        ours = Ours(servers)
        with pytest.raises(EngineError, match="went away 6 times while this partition was made"):
            ask(ours, questions(1000), ledger)
    assert server.deaths == 6
    with ledger:
        keys = [request_key(ours.model.answers_as, each) for each in questions(1000)]
        known = ledger.find([Asked(key) for key in keys])
    assert sum(outcome is not None for outcome in known) > 20


def test_a_server_that_cannot_be_started_again_ends_the_partition(ledger: Ledger) -> None:
    with mortals() as servers:
        (server,) = servers
        server.kills = lambda body: body["seed"] == 50
        ours = Ours(servers)

        def breaks(url: str) -> str:
            raise RuntimeError("a bug of ours")

        ours.reconnect = breaks  # type: ignore[method-assign]
        with pytest.raises(RuntimeError, match="a bug of ours"):
            ask(ours, questions(100), ledger)
