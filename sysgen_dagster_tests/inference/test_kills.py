"""A partition that is killed again and again, as a whole: requests, table and ledger."""

import asyncio
import math
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, cycle
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from aiohttp import web

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, Sampling
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import By, Column, Partition, Table
from sysgen_dagster_tests.inference.odd_servers import completion, serving
from sysgen_dagster_tests.inference.processes import CEILING_S

COLUMNS = {name: Column(dtype, name) for name, dtype in COMPLETIONS.items()}
ANSWERS = Table("answers", COLUMNS, By.MODEL_SHARD, "trial")
STAGES = ("starting", "asking", "writing", "sealing", "done")
# The child processes have everything imported when they begin.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__, "openai", "sysgen_dagster.inference.probing"])

LIMIT = 512  # tokens of an answer


@pytest.fixture(scope="module", autouse=True)
def _no_process_is_left() -> Iterator[None]:
    """The server of the child processes would end with this process only."""
    yield
    forkserver._forkserver._stop()


# The run, in a process of its own


def run(folder: Path, url: str, rows: int, stages: Connection) -> None:
    """What a run of a partition does; sends the stage in which it is."""
    slow_down_files()
    phi = Model(
        name="phi-4",
        served_name="phi",
        license="mit",
        engine=Engine.ENDPOINT,
        base_urls=(url,),
        has_system_role=True,
    )
    ledger = Ledger(folder / "ledger" / "phi-4|capybara-003.jsonl")
    stages.send("asking")
    with Engines(folder / "engines").connection(phi, print) as connection, ledger:
        answers = complete(connection, questions(rows), Progress(rows), ledger, lambda _: None)
    stages.send("writing")
    Store(folder).write(ANSWERS, Partition("phi-4", "capybara-003"), answers)
    stages.send("sealing")
    ledger.seal()
    stages.send("done")


def slow_down_files() -> None:
    """So that a kill hits between any two steps of a file that is written."""
    for owner, name in (
        (os, "fsync"),
        (Path, "replace"),
        (Path, "unlink"),
        (pl.DataFrame, "write_parquet"),
    ):
        setattr(owner, name, after_a_while(getattr(owner, name)))


def after_a_while(act: Callable[..., Any]) -> Callable[..., Any]:
    def acts(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.02)
        result = act(*args, **kwargs)
        time.sleep(0.02)
        return result

    return acts


def questions(count: int) -> Iterator[ChatRequest]:
    for number in range(count):
        message: ChatMessage = {"role": Role.USER, "content": f"What is {number} + {number}?"}
        yield ChatRequest(f"capybara-{number}", [message], Sampling(0.7, LIMIT), seed=number)


# The test


@dataclass
class Counting:
    """A server that counts what it is asked, and answers the same question in the same way.

    Attributes:
        most_answers: After so many it holds every request.
    """

    latency_s: float = 0.05
    most_answers: float = math.inf
    answers: int = 0
    asked: Counter[int] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/v1/models":
            return web.json_response({"data": [{"id": "phi", "object": "model"}]})
        body = await request.json()
        if "seed" not in body:
            return web.Response(status=404)
        if body["max_tokens"] < LIMIT:  # the first question to a server
            return web.json_response(completion("Yes."))
        self.asked[body["seed"]] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.latency_s)
            while self.answers >= self.most_answers:
                await asyncio.sleep(0.01)
        finally:
            self.in_flight -= 1
        self.answers += 1
        return web.json_response(completion(f"It is {2 * body['seed']}."))


@dataclass
class Running:
    """A run in a process, and the stage it is in."""

    process: BaseProcess
    stages: Connection
    stage: str = "starting"

    def listen(self, wait_s: float = 0.0) -> None:
        with suppress(EOFError):
            while self.stages.poll(wait_s):
                self.stage = self.stages.recv()
                wait_s = 0.0

    def reach(self, stage: str) -> None:
        """Wait until it is in this stage or beyond it."""
        deadline = time.monotonic() + CEILING_S
        while STAGES.index(self.stage) < STAGES.index(stage) and self.process.is_alive():
            self.listen(0.05)
            assert time.monotonic() < deadline
        self.listen()

    def kill(self) -> str:
        """The stage it was killed in."""
        self.process.kill()
        self.process.join()
        self.listen()
        self.stages.close()
        return self.stage

    def end(self) -> None:
        self.process.join(CEILING_S)
        self.listen()
        self.stages.close()
        assert (self.stage, self.process.exitcode) == ("done", 0)


def begin(folder: Path, url: str, rows: int) -> Running:
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=run, args=(folder, url, rows, theirs))
    process.start()
    theirs.close()
    return Running(process, ours)


@contextmanager
def counted(**fields: Any) -> Iterator[tuple[Counting, str]]:
    server = Counting(**fields)
    with serving(server.answer) as url:
        yield server, url


def table(folder: Path) -> pl.DataFrame:
    (path,) = (folder / "answers").rglob("*.parquet")
    return pl.read_parquet(path).sort("seed")


def files(folder: Path) -> list[str]:
    """What a run leaves, besides its table."""
    return sorted(path.name for path in (folder / "ledger").iterdir())


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], pl.DataFrame]:
    """The table of a run of so many rows that is not killed."""

    def of(rows: int) -> pl.DataFrame:
        folder = tmp_path_factory.mktemp("uninterrupted")
        with counted(latency_s=0.0) as (server, url):
            begin(folder, url, rows).end()
            assert server.asked.total() == rows
        return table(folder)

    return of


@pytest.mark.parametrize(
    ("kills", "seed"),
    [
        pytest.param(2, 1, id="few_kills"),
        pytest.param(10, 1, id="many_kills", marks=pytest.mark.slow),
        pytest.param(10, 2, id="many_other_kills", marks=pytest.mark.slow),
    ],
)
def test_a_partition_that_is_killed_at_any_moment_is_made_as_if_nothing_had_happened(
    tmp_path: Path, uninterrupted: Callable[[int], pl.DataFrame], kills: int, seed: int
) -> None:
    rows, random = 150 * kills, Random(seed)
    first = ["starting"] * (kills // 3 + 1) + ["asking"] * kills
    random.shuffle(first)
    killed_in: Counter[str] = Counter()
    in_flight_at_kills = 0
    with counted() as (server, url):
        for stage in chain(first, cycle(["writing", "sealing"])):
            if stage == "writing" and min(killed_in["writing"], killed_in["sealing"]) >= kills // 2:
                break
            # As long as one is to be killed while it asks, a run does not get all its answers.
            is_held = killed_in["asking"] < kills
            server.most_answers = server.answers + rows / (2 * kills) if is_held else math.inf
            server.most_in_flight = 0
            running = begin(tmp_path, url, rows)
            running.reach(stage)
            time.sleep(random.uniform(0, {"starting": 0.004, "asking": 0.4}.get(stage, 0.15)))
            killed_in[running.kill()] += 1
            in_flight_at_kills += server.most_in_flight
        begin(tmp_path, url, rows).end()
        asked = server.asked.copy()
        begin(tmp_path, url, rows).end()
    print(f"killed in {dict(killed_in)}; of {rows} requests {asked.total() - rows} sent again")
    assert killed_in["asking"] >= kills
    made = table(tmp_path)
    assert made["seed"].to_list() == list(range(rows))
    assert made.equals(uninterrupted(rows))
    assert asked.keys() == set(range(rows))
    assert asked.total() - rows <= in_flight_at_kills
    # Made once more, nothing is sent, and nothing is left behind.
    assert server.asked == asked
    assert files(tmp_path) == ["phi-4|capybara-003.parquet"]


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(3, id="few_kills"),
        pytest.param(8, id="many_kills", marks=pytest.mark.slow),
    ],
)
def test_two_runs_of_a_partition_that_are_killed_at_any_moment_do_each_other_no_harm(
    tmp_path: Path, uninterrupted: Callable[[int], pl.DataFrame], kills: int
) -> None:
    rows, random = 125 * kills, Random(3)
    in_flight_at_kills = 0
    with counted() as (server, url):
        runs = [begin(tmp_path, url, rows) for _ in range(2)]
        for stage in ["asking"] * kills + ["writing", "sealing"] * (kills // 2):
            which = random.randrange(2)
            runs[which].reach(stage)
            time.sleep(random.uniform(0, 0.3 if stage == "asking" else 0.15))
            runs[which].kill()
            in_flight_at_kills += server.most_in_flight
            runs[which] = begin(tmp_path, url, rows)
        for running in runs:
            running.end()
        asked = server.asked.copy()
        begin(tmp_path, url, rows).end()
    print(f"of {rows} requests {asked.total() - rows} sent again")
    assert table(tmp_path).equals(uninterrupted(rows))
    assert asked.total() <= rows + in_flight_at_kills
    assert server.asked == asked
    assert files(tmp_path) == ["phi-4|capybara-003.parquet"]


def test_runs_of_one_partition_at_once_send_every_request_once(
    tmp_path: Path, uninterrupted: Callable[[int], pl.DataFrame]
) -> None:
    rows = 200
    with counted() as (server, url):
        for running in [begin(tmp_path, url, rows) for _ in range(3)]:
            running.end()
    assert server.asked == Counter(range(rows))
    assert table(tmp_path).equals(uninterrupted(rows))
    assert files(tmp_path) == ["phi-4|capybara-003.parquet"]
