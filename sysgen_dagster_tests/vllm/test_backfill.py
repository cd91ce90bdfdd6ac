"""The whole pipeline over a real `vllm serve`: a backfill of twenty partitions.

The model is tiny and random, so its free texts are noise; under a grammar it writes tags that can
be read, and rows go through all phases. `make test-vllm` runs this.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.lanes.sysgen.settings import Method
from sysgen_dagster.processes.state import running
from sysgen_dagster.tables.table import kept
from sysgen_dagster_tests.vllm.served import ROWS

pytestmark = pytest.mark.vllm

ROOT = Path(__file__).parents[2]
SHARDS, LIMIT = 4, 3  # of each of the five sources: 20 partitions
SOURCES = ("capybara", "airoboros", "orca_math", "magicoder", "metamath")


@pytest.fixture(scope="module")
def backfilled(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The data folder of a backfill of 20 partitions, and what it printed."""
    data = tmp_path_factory.mktemp("backfill")
    yield data, backfill(tiny, data)
    for name in running(data / "engines"):
        stop(data / "engines", name)


def backfill(tiny: Path, data: Path) -> str:
    ours = ("SYSGEN_SOURCE", "SYSGEN_CATALOG", "SYSGEN_DATA", "SYSGEN_ENGINE", "DAGSTER_")
    arguments = map(str, (ROWS, tiny, data, SHARDS, LIMIT))
    done = subprocess.run(
        [sys.executable, "-m", "sysgen_dagster_tests.vllm.backfill", *arguments],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith(ours)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout


def table(data: Path, name: str) -> pl.DataFrame:
    folder = data / name if name == "conversations" else data / name / "model=tiny"
    files = sorted(folder.glob("*.parquet"))
    return pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files])


def test_a_backfill_of_twenty_partitions_loads_the_model_once(
    backfilled: tuple[Path, str],
) -> None:
    data, printed = backfilled
    assert len(list((data / "aligned_responses" / "model=tiny").glob("*.parquet"))) == 20
    assert printed.count("starting vllm-tiny") == 1
    assert printed.count("answers after") == 1


def test_every_row_of_every_phase_is_accounted_for(backfilled: tuple[Path, str]) -> None:
    data, _ = backfilled
    for phase in PHASES:
        came, here = kept(table(data, phase.before.name)), table(data, phase.table.name)
        assert sorted(here["conversation_id"]) == sorted(came["conversation_id"])
    assert set(table(data, "aligned_responses")["source"]) <= set(SOURCES)


def test_repair_and_constrained_verdicts_bring_rows_of_a_random_model_to_the_end(
    backfilled: tuple[Path, str],
) -> None:
    data, _ = backfilled
    annotated = table(data, "annotated_system_messages")
    assert annotated["repaired"].sum() > 10
    verified = table(data, "verified_system_messages").filter(
        pl.col("finish_reason") == "stop"  # one that was cut has no verdict for its last tags
    )
    verdicts = verified.explode("verdicts")["verdicts"].struct.unnest()
    assert "Unreadable" not in set(verdicts["verdict"])
    assert verdicts["confidence"].is_between(0, 1).all()
    assert verdicts["confidence"].null_count() == 0
    answers = table(data, "aligned_responses")
    assert answers.height > 5
    assert set(answers["engine"]) == {"vllm"}


def test_a_second_backfill_sends_no_request_and_starts_no_server(
    backfilled: tuple[Path, str], tiny: Path
) -> None:
    data, _ = backfilled
    before = table(data, "aligned_responses")
    for name in running(data / "engines"):
        stop(data / "engines", name)
    printed = backfill(tiny, data)
    assert "starting vllm" not in printed
    counts = re.findall(r"([\d,]+) of ([\d,]+) answered \(([\d,]+) known from before", printed)
    assert len(counts) >= 60
    assert all(done == total == known for done, total, known in counts)
    assert table(data, "aligned_responses").equals(before)


def test_the_method_of_the_backfill_is_not_the_papers() -> None:
    paper = load_catalog(FULL_CATALOG).method
    assert paper == Method(
        drop_rule=paper.drop_rule, unreadable_verdict=paper.unreadable_verdict
    ), "the defaults follow the paper"
