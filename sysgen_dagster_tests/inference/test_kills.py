"""kill -9 of a partition's run at any moment: nothing lost, nothing doubled, little sent again.

The process does what a run of Phase 1 does: asks, stores the table, seals the ledger.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import polars as pl
import pytest

from sysgen_dagster.storage.store import Store
from sysgen_dagster.sysgen.tables import TABLES, polars_schema
from sysgen_dagster_tests.inference.processes import wait_until
from sysgen_dagster_tests.inference.simulated.running_server import Server, running

ROWS, KILLS = 600, 20
TABLE, MODEL, SHARD = "annotated_system_messages", "phi", "orca_math-000"

# Arguments: folder, server, and at which write to the disk, counted from 1, it kills itself (0: at
# none). A write is what must be on the disk before something else is done: fsync, rename, removal.
RUN = """
import os, pathlib, signal, sys
from pathlib import Path
import polars as pl
from sysgen_dagster.catalog import Engine
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.storage.store import Store
from sysgen_dagster.sysgen.annotation import annotated_messages, annotation_requests
from sysgen_dagster.sysgen.tables import TABLES
from sysgen_dagster.trial import real_model

folder, url, kill_at = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
table, shard = sys.argv[4:]
[(name, model)] = real_model("phi", url, None).items()
model = model.model_copy(update={"has_system_role": True})
conversations = pl.read_parquet(folder.parent / "conversations.parquet")
ledger = Ledger(folder / "ledger" / "partition.jsonl")
progress = Progress(total=conversations.height)
completions = Engines({name: model}, folder / "engines").complete(
    name, annotation_requests(conversations), progress, ledger, print, lambda _: None
)
if kill_at:
    count = 0
    def counted(function):
        def call(*arguments, **options):
            global count
            count += 1
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)
        return call
    for owner, name_of in ((os, "fsync"), (Path, "replace"), (Path, "unlink")):
        setattr(owner, name_of, counted(getattr(owner, name_of)))
annotated = annotated_messages(conversations, completions)
Store(folder).write(table, TABLES[table], shard, annotated, name)
ledger.seal()
print("sent", progress.sent, flush=True)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("--model", "phi=phi-4", "--latency-ms", "80", "--capacity", "12") as it:
        yield it


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the runs of one partition work; its conversations lie beside it."""
    return make_folder(tmp_path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, server: Server) -> pl.DataFrame:
    """The table of a run that nobody killed."""
    folder = make_folder(tmp_path_factory.mktemp("undisturbed"))
    assert finish(folder, server) == ROWS
    return stored(folder)


def make_folder(beside: Path) -> Path:
    rows = {
        "conversation_id": [f"orca_math-{number:05}" for number in range(ROWS)],
        "source": ["orca_math"] * ROWS,
        "question": [f"What is {number} times 3?" for number in range(ROWS)],
        "answer": [f"It is {3 * number}." for number in range(ROWS)],
    }
    schema = polars_schema(TABLES["conversations"])
    blank = {name: [[]] * ROWS if name == "history" else [None] * ROWS for name in schema}
    pl.DataFrame(blank | rows, schema=schema).write_parquet(beside / "conversations.parquet")
    folder = beside / "data"
    folder.mkdir()
    return folder


def start(folder: Path, server: Server, kill_at: int = 0) -> subprocess.Popen[str]:
    arguments = [str(folder), server.url, str(kill_at), TABLE, SHARD]
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments], stdout=subprocess.PIPE, text=True
    )


def finish(folder: Path, server: Server) -> int:
    """Run to the end; how many requests that run sent."""
    said, _ = (process := start(folder, server)).communicate(timeout=120)
    assert process.returncode == 0
    return int(said.split()[-1])


def stored(folder: Path) -> pl.DataFrame:
    return Store(folder).read(TABLE, TABLES[TABLE], SHARD, MODEL)


def requests_at(server: Server) -> int:
    count: int = server.get("/stats")["requests"]
    return count


def assert_whole(folder: Path, undisturbed: pl.DataFrame) -> None:
    """Every row once, and the same as where nothing was killed."""
    rows = stored(folder)
    assert rows["conversation_id"].to_list() == [f"orca_math-{n:05}" for n in range(ROWS)]
    assert rows.equals(undisturbed)


def most_in_flight(server: Server) -> int:
    most: int = server.get("/stats")["most_in_flight"]
    return most


def begin_asking(server: Server, runs: list[subprocess.Popen[str]]) -> None:
    """Wait until a request of theirs is there."""
    sent = requests_at(server)
    wait_until(lambda: requests_at(server) > sent or any(run.poll() is not None for run in runs))


def test_a_run_that_is_killed_twenty_times_loses_nothing_and_sends_little_again(
    folder: Path, server: Server, undisturbed: pl.DataFrame
) -> None:
    random, kills, before = Random(7), 0, requests_at(server)
    while kills < KILLS:
        process = start(folder, server)
        # Some while it starts, most while it asks.
        if random.random() < 0.8:
            begin_asking(server, [process])
        time.sleep(random.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "it came to its end: make the work longer"
        kills += 1
    finish(folder, server)
    again = requests_at(server) - before - ROWS
    print(f"{again} of {ROWS} requests were sent again over {kills} kills")
    assert 0 < again <= kills * most_in_flight(server)
    assert_whole(folder, undisturbed)


@pytest.mark.parametrize("write", range(1, 6))
def test_a_run_that_is_killed_while_it_stores_or_seals_sends_nothing_again(
    folder: Path, server: Server, undisturbed: pl.DataFrame, write: int
) -> None:
    before = requests_at(server)
    process = start(folder, server, kill_at=write)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert finish(folder, server) == 0
    assert requests_at(server) - before == ROWS
    assert not list(folder.rglob("*.jsonl"))
    assert_whole(folder, undisturbed)


def test_two_runs_of_a_partition_at_once_both_killed_leave_one_whole_table(
    folder: Path, server: Server, undisturbed: pl.DataFrame
) -> None:
    random, before = Random(11), requests_at(server)
    for _ in range(4):
        both = [start(folder, server), start(folder, server)]
        begin_asking(server, both)
        time.sleep(random.uniform(0, 0.2))
        for process in both:
            process.kill()
            process.communicate()
    both = [start(folder, server), start(folder, server)]
    assert [process.wait(120) for process in both] == [0, 0]
    for process in both:
        process.communicate()
    assert requests_at(server) - before <= 2 * ROWS + 4 * most_in_flight(server)
    assert finish(folder, server) == 0
    assert_whole(folder, undisturbed)
