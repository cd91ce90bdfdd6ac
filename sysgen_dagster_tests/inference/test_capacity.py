"""The limit of one server, found on a simulated clock against a small model of a server."""

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, groupby, pairwise
from random import Random

import pytest

from sysgen_dagster.inference.capacity import Capacity

MOST = 1024
_SENT_AGAIN_AFTER_S = 1.0


@dataclass
class Load:
    """A client with as much to do as `work` says, and a server with so many slots and a queue.

    Attributes:
        service_s: Time an answer takes once it has a slot, give or take `spread`.
        noise: The server as a whole is by so much faster or slower, for a while each.
        rejects: Whether a request that finds no free slot is refused instead of queued.
        slow_after_s: An answer that took longer counts as a sign of too much load.
    """

    slots: int
    service_s: float
    capacity: Capacity = field(default_factory=lambda: Capacity(at_once=32, most=MOST))
    spread: float = 0.3
    noise: float = 0.0
    rejects: bool = False
    slow_after_s: float = float("inf")
    work: int = 10**9
    seed: int = 1
    now: float = 0.0
    answered: int = 0
    rejected: int = 0
    limits: list[int] = field(default_factory=list)  # after every event
    in_flight: int = 0
    busy: int = 0
    waiting: int = 0  # of the client, to send again
    queue: deque[float] = field(default_factory=deque)
    events: list[tuple[float, int, Callable[[float], None], float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random, self.numbers = Random(self.seed), count()
        self.pace = self.pace_until = 1.0

    def run(self, seconds: float) -> None:
        """Let the time pass."""
        until = self.now + seconds
        self.send()
        while self.events and self.events[0][0] <= until:
            self.now, _, happens, sent_at = heapq.heappop(self.events)
            happens(sent_at)
            self.limits.append(self.capacity.at_once)
            assert 1 <= self.capacity.at_once <= self.capacity.most
            self.send()
        self.now = until

    def rate(self, seconds: float) -> float:
        """Answers a second from now on, as a share of what the server can give at most."""
        before = self.answered
        self.limits.clear()
        self.run(seconds)
        return (self.answered - before) / seconds / (self.slots / self.service_s)

    def send(self) -> None:
        most = min(self.capacity.at_once, self.work - self.waiting)
        while self.in_flight < most:
            self.in_flight += 1
            self.capacity.sent(self.in_flight)
            if self.busy < self.slots:
                self.serve(self.now)
            elif self.rejects:
                self.after(0.01, self.refuse)
            else:
                self.queue.append(self.now)

    def serve(self, sent_at: float) -> None:
        self.busy += 1
        if self.noise and self.now >= self.pace_until:
            self.pace = self.random.uniform(1 - self.noise, 1 + self.noise)
            self.pace_until = self.now + 2 * self.service_s
        taking = self.service_s * self.pace * self.random.uniform(1 - self.spread, 1 + self.spread)
        self.after(taking, self.answer, sent_at)

    def answer(self, sent_at: float) -> None:
        self.busy -= 1
        self.in_flight -= 1
        self.answered += 1
        while self.queue and self.busy < self.slots:
            self.serve(self.queue.popleft())
        if self.now - sent_at > self.slow_after_s:
            self.capacity.overloaded(self.now, sent_at)
        else:
            self.capacity.answered(self.now, sent_at)

    def refuse(self, sent_at: float) -> None:
        self.in_flight -= 1
        self.rejected += 1
        self.capacity.overloaded(self.now, sent_at)
        self.waiting += 1
        self.after(_SENT_AGAIN_AFTER_S * self.random.uniform(0.5, 1), self.try_again)

    def try_again(self, _: float) -> None:
        self.waiting -= 1

    def after(
        self, seconds: float, happens: Callable[[float], None], sent_at: float | None = None
    ) -> None:
        sent = self.now if sent_at is None else sent_at
        heapq.heappush(self.events, (self.now + seconds, next(self.numbers), happens, sent))

    @property
    def usual_limit(self) -> float:
        """Over the time of the last `rate`."""
        return sum(self.limits) / len(self.limits)


def started(at_once: int, most: int = MOST) -> Capacity:
    return Capacity(at_once=at_once, most=most)


# A server that queues what it has no room for, as vLLM does


@pytest.mark.parametrize("service_s", [0.2, 3, 20])
@pytest.mark.parametrize("slots", [32, 64, 256])
@pytest.mark.parametrize("noise", [0.0, 0.15], ids=["even", "noisy"])
def test_a_server_that_queues_is_kept_full_with_a_short_queue(
    slots: int, service_s: float, noise: float
) -> None:
    load = Load(slots, service_s, noise=noise)
    load.run(20 * max(service_s, 0.5))
    assert load.rate(100 * max(service_s, 0.5)) >= 0.9
    assert 0.9 * slots <= load.usual_limit <= 5 * slots


@pytest.mark.parametrize("seed", range(10))
def test_noise_does_not_lock_the_limit_where_it_began(seed: int) -> None:
    load = Load(400, 5, noise=0.15, seed=seed)
    load.run(120)
    assert load.rate(300) >= 0.9


def test_one_slot_is_enough_for_a_server_that_has_one() -> None:
    load = Load(1, 1, started(1))
    load.run(60)
    assert load.rate(300) >= 0.9
    assert load.usual_limit <= 8


def test_the_limit_stays_where_more_would_bring_nothing() -> None:
    load = Load(64, 2, spread=0.0)
    load.run(60)
    assert load.rate(3600) >= 0.95
    assert max(load.limits) <= 4 * 64


# A server that refuses what it has no room for


@pytest.mark.parametrize("slots", [8, 20, 100, 400])
@pytest.mark.parametrize("noise", [0.0, 0.15], ids=["even", "noisy"])
def test_a_server_that_refuses_is_used_well_and_seldom_refuses(slots: int, noise: float) -> None:
    load = Load(slots, 2, rejects=True, noise=noise)
    load.run(100)
    rejected = load.rejected
    assert load.rate(1000) >= 0.75
    assert load.rejected - rejected < 0.05 * 1000 * slots / 2
    assert load.usual_limit <= 1.1 * slots


def test_a_server_that_has_no_room_at_all_is_asked_with_one_request_at_a_time() -> None:
    load = Load(0, 1, rejects=True)
    load.run(60)
    assert load.capacity.at_once == 1


# A server that gets slower or faster


def test_a_server_that_answers_late_is_given_less() -> None:
    load = Load(100, 2, slow_after_s=10)
    load.run(60)
    assert load.rate(60) >= 0.9
    load.slots = 5
    load.run(600)  # what is queued already must be answered first
    # What waits for its turn and what is worked on take no more than the bound.
    assert load.rate(200) >= 0.9
    assert load.usual_limit <= 10 / 2 * 5 + 5


@pytest.mark.parametrize("noise", [0.0, 0.15], ids=["even", "noisy"])
@pytest.mark.parametrize("rejects", [True, False], ids=["refuses", "answers_late"])
def test_a_capacity_that_changes_is_followed_down_and_up_again(rejects: bool, noise: float) -> None:
    load = Load(100, 2, rejects=rejects, slow_after_s=8, noise=noise)
    load.run(100)
    assert load.rate(100) >= 0.7
    load.slots = 10
    load.run(300)
    assert load.rate(300) >= 0.6
    assert load.usual_limit <= 50
    load.slots = 100
    load.run(1800)
    assert load.rate(300) >= 0.7


# One answer after another


def fill(capacity: Capacity, seconds: float, now: float = 0.0) -> Iterator[float]:
    """The server answers one full load after another, each in so many seconds."""
    while True:
        at_once = capacity.at_once
        for number in range(at_once):
            capacity.sent(number + 1)
        began = now
        for _ in range(at_once):
            now += seconds / at_once
            capacity.answered(now, began)
        yield now


def limits(capacity: Capacity, seconds: float, loads: int, now: float = 0.0) -> list[int]:
    """The limit after each of so many full loads, repetitions left out."""
    filling = fill(capacity, seconds, now)
    seen = [(next(filling), capacity.at_once)[1] for _ in range(loads)]
    return [limit for limit, _ in groupby(seen)]


def test_the_limit_is_doubled_while_that_pays_and_never_exceeds_the_most() -> None:
    assert limits(started(32, most=100), seconds=1, loads=12) == [32, 64, 100]


def test_a_step_that_does_not_pay_twice_is_taken_back() -> None:
    capacity = started(32)
    filling = fill(capacity, seconds=1)
    while capacity.at_once == 32:
        now = next(filling)
    assert capacity.at_once == 64
    assert limits(capacity, seconds=1.9, loads=4, now=now) == [64, 32]


def test_one_slow_window_after_a_step_is_chance() -> None:
    capacity = started(32)
    filling = fill(capacity, seconds=1)
    while capacity.at_once == 32:
        now = next(filling)
    now = next(fill(capacity, seconds=3, now=now))
    assert limits(capacity, seconds=1, loads=12, now=now)[-1] > 64


def test_not_enough_work_teaches_nothing() -> None:
    load = Load(1000, 1, work=20)
    load.run(1000)
    assert set(load.limits) == {32}


def test_a_moment_teaches_nothing() -> None:
    capacity = started(32)
    loads = fill(capacity, seconds=0.01)
    for _ in range(49):
        next(loads)
    assert capacity.at_once == 32


def test_what_was_sent_before_the_limit_fell_does_not_make_it_fall_again() -> None:
    capacity = started(100)
    for _ in range(100):
        capacity.overloaded(now=5, sent_at=1)
    assert capacity.at_once == 70
    capacity.overloaded(now=6, sent_at=5)
    assert capacity.at_once == 49


def test_the_limit_never_falls_below_one() -> None:
    capacity = started(8)
    for now in range(100):
        capacity.overloaded(now=now, sent_at=now)
    assert capacity.at_once == 1


def test_after_an_overload_the_limit_grows_with_care() -> None:
    capacity = started(100)
    capacity.overloaded(now=0, sent_at=0)
    assert capacity.at_once == 70
    seen = limits(capacity, seconds=1, loads=40)
    assert seen[-1] > 200
    assert all(1 <= after / before <= 1.34 for before, after in pairwise(seen))
