"""The fault drill as a user runs it: a process of its own, on a few rows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.commands.drill import rows_table
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.storage.store import Store

ROOT = Path(__file__).parents[2]
ROWS = ROOT / "sysgen_dagster" / "example_rows"


pytestmark = pytest.mark.slow


def drill(data: Path, sources: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    ours = ("SYSGEN_", "DAGSTER_")
    command = [str(Path(sys.executable).with_name("sysgen")), "drill", "--data", str(data)]
    return subprocess.run(
        [*command, "--sources", str(sources), *arguments],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith(ours)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The data folder of a drill on six rows of each source, and what it printed."""
    rows = tmp_path_factory.mktemp("rows")
    for path in ROWS.glob("*.jsonl"):
        (rows / path.name).write_text("\n".join(path.read_text().splitlines()[:6]) + "\n")
    data = tmp_path_factory.mktemp("drill")
    result = drill(data, rows)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return data / "drill", result.stdout


def table(data: Path, name: str) -> pl.DataFrame:
    folder = data / name if name == "conversations" else data / name / "model=phi-4"
    files = sorted(folder.glob("*.parquet"))
    return pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files])


def test_every_row_of_the_drill_ends_with_an_answer_or_a_reason(
    drilled: tuple[Path, str],
) -> None:
    data, printed = drilled
    assert "Every row ended with an answer or a reason." in printed
    for phase in PHASES:
        came = table(data, phase.before.name).filter(pl.col("drop_reason").is_null())
        here = table(data, phase.table.name)
        assert sorted(here["conversation_id"]) == sorted(came["conversation_id"])
        assert re.search(rf"│ {phase.table.name} +│ +{came.height} │", printed)


def test_the_drill_shows_how_many_requests_met_each_fault(drilled: tuple[Path, str]) -> None:
    _, printed = drilled
    met = re.findall(r"│ (.+?) +│ +5% │ +(\d+) │", printed)
    assert len(met) == 8
    assert sum(int(count) for _, count in met) > 10


def test_a_row_that_is_nowhere_is_counted_as_lost(drilled: tuple[Path, str]) -> None:
    data, _ = drilled
    catalog, store = load_catalog(data / "catalog.yaml"), Store(data)
    assert rows_table(catalog, store)[1] == 0
    file = data / "verified_system_messages" / "model=phi-4" / "metamath-000.parquet"
    pl.read_parquet(file, hive_partitioning=False).slice(1).write_parquet(file)
    shown, lost = rows_table(catalog, store)
    assert lost >= 1
    assert "1" in list(shown.columns[5].cells)
