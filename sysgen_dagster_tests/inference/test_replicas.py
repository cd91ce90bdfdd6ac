"""Several servers of one model: who is next, who is away, and who came back from the dead."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from aiohttp import web

from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, Sampling
from sysgen_dagster.inference import asking, client, replicas
from sysgen_dagster.inference.capacity import Capacity
from sysgen_dagster.inference.chat_api import Endpoint, EngineError, ModelIdentity, UnreachableError
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.ledger import Ledger, request_key
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.inference.replicas import Replica, Replicas
from sysgen_dagster_tests.inference.odd_servers import completion

NEVER: Counter[str] = Counter()
GONE = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_FIRST_DELAY_S", 0.05)
    monkeypatch.setattr(asking, "_LONGEST_DELAY_S", 0.1)
    monkeypatch.setattr(replicas, "_FIRST_LOOK_S", 0.05)


def endpoint_at(*urls: str, **fields: Any) -> Endpoint:
    model = ModelIdentity("phi-4", "phi", revision="187ef03", engine="vllm")
    return Endpoint(model, urls, **{"patience_s": 0.5, **fields})


def question(number: int) -> ChatRequest:
    message: ChatMessage = {"role": Role.USER, "content": "Why is the sea salty?"}
    return ChatRequest(f"capybara-{number}", [message], Sampling(0.7, 512), seed=number)


# Without HTTP: a server is what the test says of it


@dataclass
class Watched:
    """Replicas whose servers come back as the test says."""

    urls: tuple[str, ...]
    revive: Callable[[str], str] = lambda url: url
    fields: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def run(self, act: Callable[[Replicas], Awaitable[None]]) -> None:
        async def main() -> None:
            endpoint = endpoint_at(*self.urls, **self.fields)
            acted = Replicas(endpoint, self.revive, self.said.append, self.errors.append)
            await act(acted)
            acted.close()

        asyncio.run(main())


def test_the_server_with_the_fewest_in_flight_is_next() -> None:
    async def act(them: Replicas) -> None:
        leased = Counter([(await them.lease(NEVER)).url for _ in range(30)])
        assert leased == {"a": 10, "b": 10, "c": 10}
        for member in them.members[1:]:
            them.give_back(member)
        assert {(await them.lease(NEVER)).url for _ in range(2)} == {"b", "c"}

    Watched(("a", "b", "c")).run(act)


def test_a_server_that_failed_a_request_is_taken_last_for_it() -> None:
    async def act(them: Replicas) -> None:
        tried = Counter({"a": 1, "b": 2})
        assert [(await them.lease(tried)).url for _ in range(3)] == ["c"] * 3
        del them.members[2]
        assert (await them.lease(tried)).url == "a"

    Watched(("a", "b", "c")).run(act)


def test_no_server_is_given_more_than_its_limit_and_who_came_first_is_next() -> None:
    async def act(them: Replicas) -> None:
        full = [await them.lease(NEVER) for _ in range(4)]
        order: list[int] = []

        async def wait(number: int) -> None:
            leased = await them.lease(NEVER)
            order.append(number)
            assert leased.in_flight <= 2

        waiting = [asyncio.create_task(wait(number)) for number in range(4)]
        await asyncio.sleep(0.01)
        assert order == []
        for leased in full:
            them.give_back(leased)
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        assert order == [0, 1, 2, 3]

    Watched(("a", "b"), fields={"starts_with": 2}).run(act)


def test_a_limit_that_grows_lets_those_in_that_wait() -> None:
    async def act(them: Replicas) -> None:
        leased = await them.lease(NEVER)
        waiting = [asyncio.create_task(them.lease(NEVER)) for _ in range(5)]
        await asyncio.sleep(0)
        leased.capacity.at_once = 5
        them.give_back(leased)
        await asyncio.wait_for(asyncio.gather(*waiting), 1)

    Watched(("a",), fields={"starts_with": 1}).run(act)


def test_a_late_answer_lowers_the_limit_and_one_in_time_does_not() -> None:
    async def act(them: Replicas) -> None:
        late = await them.lease(NEVER)
        them.answered(late, time.monotonic() - 24)
        assert late.capacity.at_once == 32
        them.answered(late, time.monotonic() - 26)
        assert late.capacity.at_once == 22
        assert them.at_once == 22

    Watched(("a",), fields={"attempt_s": 100.0}).run(act)


def test_a_server_that_came_back_has_restarted_once_and_has_half_the_load() -> None:
    async def act(them: Replicas) -> None:
        (member,) = them.members
        restarts = member.restarts
        them.lost(member)
        them.lost(member)  # by another request
        assert member.has_died_since(restarts)
        assert them.at_once == 0
        leased = await asyncio.wait_for(them.lease(NEVER), 1)
        assert (leased.url, leased.restarts, them.at_once) == ("a'", 1, 16)
        assert leased.has_died_since(restarts)
        assert not leased.has_died_since(1)

    watched = Watched(("a",), revive=lambda url: f"{url}'")
    watched.run(act)
    assert watched.said == [
        "nothing answers at a any more; waiting for it",
        "a' answers again after 0 s",
    ]


def test_while_one_server_is_away_the_others_take_its_requests() -> None:
    def away(url: str) -> str:
        raise UnreachableError(f"{url} is away")

    async def act(them: Replicas) -> None:
        them.lost(them.members[0])
        await asyncio.sleep(0.3)
        assert {(await them.lease(NEVER)).url for _ in range(5)} == {"b"}

    watched = Watched(("a", "b"), away, {"patience_s": 0.1})
    watched.run(act)
    assert watched.errors == []


def test_patience_begins_when_the_last_of_the_servers_goes() -> None:
    back_at = time.monotonic() + 0.9

    def revive(url: str) -> str:
        if url == "a" or time.monotonic() < back_at:
            raise UnreachableError(f"{url} is away")
        return url

    async def act(them: Replicas) -> None:
        them.lost(them.members[0])
        await asyncio.sleep(0.6)
        them.lost(them.members[1])
        assert (await asyncio.wait_for(them.lease(NEVER), 2)).url == "b"

    watched = Watched(("a", "b"), revive, {"patience_s": 0.5})
    watched.run(act)
    assert watched.errors == []


def test_patience_ends() -> None:
    looks = 0

    def away(url: str) -> str:
        nonlocal looks
        looks += 1
        raise UnreachableError(f"{url} is away")

    async def act(them: Replicas) -> None:
        for member in them.members:
            them.lost(member)
        began = time.monotonic()
        while not watched.errors:
            await asyncio.sleep(0.01)
        assert 0.5 <= time.monotonic() - began < 2

    watched = Watched(("a", "b"), away)
    watched.run(act)
    assert {str(error) for error in watched.errors} <= {"a is away", "b is away"}
    assert looks <= 2 * 6  # after 0, 0.05, 0.15, 0.35 and 0.75 s


@pytest.mark.parametrize(
    "error", [EngineError("out of memory"), OSError("disk full"), KeyError("pid"), ValueError("?")]
)
def test_a_server_that_cannot_be_brought_back_ends_the_waiting(error: Exception) -> None:
    def fails(_: str) -> str:
        raise error

    async def act(them: Replicas) -> None:
        them.lost(them.members[0])
        await asyncio.sleep(0.1)

    watched = Watched(("a",), fails)
    watched.run(act)
    assert watched.errors == [error]


def test_a_server_is_brought_back_five_times_and_not_a_sixth() -> None:
    async def act(them: Replicas) -> None:
        (member,) = them.members
        for deaths in range(1, 6):
            them.lost(member)
            them.give_back(await asyncio.wait_for(them.lease(NEVER), 1))
            assert (member.restarts, watched.errors) == (deaths, [])
        them.lost(member)
        await asyncio.sleep(0.05)

    watched = Watched(("a",))
    watched.run(act)
    (error,) = watched.errors
    assert str(error).startswith("phi at a went away 6 times while this partition was made; see")


def test_whoever_looks_for_a_server_stops_at_the_end() -> None:
    looks = 0

    def away(url: str) -> str:
        nonlocal looks
        looks += 1
        raise UnreachableError(f"{url} is away")

    async def act(them: Replicas) -> None:
        them.lost(them.members[0])
        await asyncio.sleep(0.02)
        them.close()
        await asyncio.sleep(0.2)

    Watched(("a",), away).run(act)
    assert looks == 1


def test_a_request_that_was_sent_to_an_ill_server_is_not_what_it_is_ill_of() -> None:
    async def act(them: Replicas) -> None:
        (replica,) = them.members
        assert replica.note_failure(sent_at=1, now=5)
        assert replica.note_failure(sent_at=4, now=6)
        assert not replica.note_failure(sent_at=5.5, now=7)
        them.answered(replica, time.monotonic())
        assert replica.note_failure(sent_at=8, now=9)
        assert not replica.note_failure(sent_at=10, now=11)
        them.lost(replica)
        await asyncio.wait_for(them.lease(NEVER), 1)
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


@dataclass
class Mortal:
    """A server in a thread of the test that dies of what it is told to, and can be started anew.

    Attributes:
        kills: Whether it dies when it has worked on this body.
        ill_s: How long it answers 500 to everybody before it ends.
        asked: How often each seed was asked for.
        victims: The seeds that were in flight at each death.
    """

    loop: asyncio.AbstractEventLoop
    kills: Callable[[dict[str, Any]], bool] = lambda body: False
    latency_s: float = 0.02
    ill_s: float = 0.0
    restart_s: float = 0.05
    url: str = ""
    starts: int = 0
    asked: Counter[int] = field(default_factory=Counter)
    victims: list[set[int]] = field(default_factory=list)
    in_flight: set[int] = field(default_factory=set)
    runner: web.AppRunner | None = None
    listener: asyncio.Server | None = None
    is_ill: bool = False
    ending: asyncio.Task[None] | None = None

    @property
    def deaths(self) -> int:
        return len(self.victims)

    def start(self) -> str:
        """The URL, of this life only."""
        asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(10)
        return self.url

    def stop(self) -> None:
        async def stop() -> None:
            self._die()
            if self.ending is not None:
                await self.ending

        asyncio.run_coroutine_threadsafe(stop(), self.loop).result(10)

    async def _start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.01, handler_cancellation=True)
        await runner.setup()
        assert runner.server is not None
        self.listener = await self.loop.create_server(runner.server, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.listener.sockets[0].getsockname()[1]}/v1"
        self.runner, self.is_ill = runner, False
        self.starts += 1

    def _die(self) -> None:
        """All at once, as a process that is killed."""
        runner, self.runner = self.runner, None
        if runner is not None and self.listener is not None:
            for listening in self.listener.sockets:
                self.loop.remove_reader(listening)
            cut(runner)
            self.ending = self.loop.create_task(bury(runner, self.listener))

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        seed = body["seed"]
        self.asked[seed] += 1
        self.in_flight.add(seed)
        try:
            if not self.is_ill:
                await asyncio.sleep(self.latency_s)
            if not self.is_ill and self.kills(body):
                self.is_ill = True
                self.victims.append(set(self.in_flight))
                if self.ill_s:
                    self.loop.call_later(self.ill_s, self._die)
                else:
                    self._die()
                    await asyncio.sleep(5)
        finally:
            self.in_flight.discard(seed)
        if self.is_ill:
            return web.Response(status=500, text="EngineDeadError")
        return web.json_response(completion("Because."))


def cut(runner: web.AppRunner) -> None:
    for connection in list(runner.server.connections) if runner.server else []:
        if connection.transport is not None:
            connection.transport.abort()


async def bury(runner: web.AppRunner, listener: asyncio.Server) -> None:
    """Whoever was accepted in the last moment is cut off too; asyncio leaks it where it cannot."""
    for _ in range(3):
        await asyncio.sleep(0)
    cut(runner)
    listener.close()
    await runner.cleanup()


@dataclass
class Ours:
    """The connection to servers that are started anew when they are gone."""

    servers: Sequence[Mortal]
    fields: dict[str, Any] = field(default_factory=dict)
    revived: int = 0

    @property
    def model(self) -> ModelIdentity:
        return endpoint_at().model

    def connect(self) -> Endpoint:
        return endpoint_at(*(server.start() for server in self.servers), **self.fields)

    def give_up(self) -> None:
        """Nobody waits."""

    def revive(self, url: str) -> str:
        (server,) = (server for server in self.servers if server.url == url)
        while server.runner is not None:  # it is about to end
            time.sleep(0.01)
        time.sleep(server.restart_s)
        self.revived += 1
        return server.start()


@contextmanager
def mortals(count: int = 1, **fields: Any) -> Iterator[list[Mortal]]:
    """So many servers, not started yet."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers = [Mortal(loop, **fields) for _ in range(count)]
    try:
        yield servers
    finally:
        for server in servers:
            server.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def ask(
    connection: client.Connection, requests: Sequence[ChatRequest], folder: Path
) -> pl.DataFrame:
    """What `complete` gives, in the order of the requests."""
    progress = Progress(total=len(requests))
    with Ledger(folder / "ledger.jsonl") as ledger:
        rows = complete(connection, requests, progress, ledger, print, lambda _: None)
    return rows.sort("seed")


def questions(count: int) -> list[ChatRequest]:
    return [question(number) for number in range(count)]


def test_each_of_several_servers_gets_its_share(tmp_path: Path) -> None:
    with mortals(3) as servers:
        rows = ask(Ours(servers), questions(600), tmp_path)
        shares = [server.asked.total() for server in servers]
    assert rows["text"].null_count() == 0
    assert sum(shares) == 600
    assert min(shares) > 150


def test_every_server_may_have_as_many_in_flight_as_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "MOST_IN_FLIGHT", 20)
    most = 0

    def watch(_: dict[str, Any]) -> bool:
        nonlocal most
        most = max(most, sum(len(server.in_flight) for server in servers))
        return False

    with mortals(4, kills=watch) as servers:
        rows = ask(Ours(servers, {"starts_with": 20}), questions(600), tmp_path)
    assert rows["text"].null_count() == 0
    assert 60 < most <= 80


def test_a_server_that_is_gone_from_the_start_leaves_its_share_to_the_others(
    tmp_path: Path,
) -> None:
    with mortals(2) as servers:
        ours = Ours(servers)
        servers[0].start = lambda: GONE  # type: ignore[method-assign]
        ours.revive = lambda url: away(url)  # type: ignore[method-assign]
        rows = ask(ours, questions(200), tmp_path)
        assert servers[1].asked.total() == 200
    assert rows["text"].null_count() == 0
    assert rows["attempts"].to_list() == [1] * 200


def away(url: str) -> str:
    raise UnreachableError(f"{url} is away")


def test_requests_wait_for_a_server_that_is_away_and_do_not_spin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0
    connect = asyncio.SelectorEventLoop.sock_connect

    async def counted(*arguments: Any) -> None:
        nonlocal tries
        tries += 1
        await connect(*arguments)

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", counted)

    class Away:
        model = endpoint_at().model
        looks = 0

        def connect(self) -> Endpoint:
            return endpoint_at(GONE, patience_s=1.5, starts_with=32)

        def give_up(self) -> None:
            pass

        def revive(self, url: str) -> str:
            self.looks += 1
            return away(url)

    nobody = Away()
    with pytest.raises(UnreachableError, match=f"{GONE} is away"):
        ask(nobody, questions(500), tmp_path)
    assert 1 <= tries <= 32
    assert nobody.looks <= 8


def test_requests_that_waited_are_answered_when_the_server_is_back(tmp_path: Path) -> None:
    with mortals() as servers:
        (server,) = servers
        ours = Ours(servers, {"patience_s": 5.0})
        looks = 0

        def comes_back(url: str) -> str:
            nonlocal looks
            looks += 1
            return server.start() if looks > 3 else away(url)

        ours.revive = comes_back  # type: ignore[method-assign]
        server.kills = lambda body: body["seed"] == 50 and server.deaths == 0
        rows = ask(ours, questions(300), tmp_path)
    assert (server.deaths, looks) == (1, 4)
    assert rows["text"].null_count() == 0
    assert rows["attempts"].max() == 2


@pytest.mark.parametrize("ill_s", [0.0, 0.1], ids=["at_once", "answering_500_for_a_while"])
def test_requests_in_flight_when_the_engine_dies_are_asked_again(
    tmp_path: Path, ill_s: float
) -> None:
    with mortals(ill_s=ill_s) as servers:
        (server,) = servers
        deadly = {50, 190}  # once each

        def kills(body: dict[str, Any]) -> bool:
            is_deadly = body["seed"] in deadly
            deadly.discard(body["seed"])
            return is_deadly

        server.kills = kills
        ours = Ours(servers)
        rows = ask(ours, questions(300), tmp_path)
    assert server.deaths == ours.revived == 2
    assert rows["text"].null_count() == 0
    if not ill_s:
        # What was in flight for the client: answers on their way when the server died, too.
        assert server.asked.total() - 300 <= server.deaths * 2 * endpoint_at().starts_with


def test_an_engine_that_dies_again_and_again_ends_the_partition(tmp_path: Path) -> None:
    with mortals() as servers:
        (server,) = servers
        # Whoever it is: not one of the requests is to blame.
        server.kills = lambda body: server.asked.total() >= 40 * (server.deaths + 1)
        ours = Ours(servers)
        with pytest.raises(EngineError, match="went away 6 times while this partition was made"):
            ask(ours, questions(1000), tmp_path)
    assert server.deaths == 6
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        known = sum(
            ledger.get(request_key(ours.model.answers_as, each)) is not None
            for each in questions(1000)
        )
    assert known > 20


def test_a_server_that_cannot_be_started_again_ends_the_partition(tmp_path: Path) -> None:
    with mortals() as servers:
        (server,) = servers
        server.kills = lambda body: body["seed"] == 50
        ours = Ours(servers)

        def breaks(url: str) -> str:
            raise RuntimeError("a bug of ours")

        ours.revive = breaks  # type: ignore[method-assign]
        with pytest.raises(RuntimeError, match="a bug of ours"):
            ask(ours, questions(100), tmp_path)
