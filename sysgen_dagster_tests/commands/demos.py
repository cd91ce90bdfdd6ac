"""`sysgen demo` run from end to end, and what it stored, for the tests of it."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl

from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.processes.state import running
from sysgen_dagster.tables.table import By, Table

ROOT = Path(__file__).parents[2]
SOURCES = ("capybara", "airoboros", "orca_math", "magicoder", "metamath")
MODELS = ("llama-3.1-8b", "qwen2.5-14b", "phi-4")
_SYSGEN = (str(Path(sys.executable).with_name("sysgen")),)


def demo(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What came of the command; its servers are ended."""
    ours = ("SYSGEN_", "DAGSTER_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    try:
        return subprocess.run(
            [*_SYSGEN, "demo", "--data", str(data), *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        for name in running(data / "engines"):
            stop(data / "engines", name)


def table_of(data: Path, table: str, model: str | None = None) -> pl.DataFrame:
    """All rows that are stored of a table, of one model where it is a model's."""
    folder = data / table / f"model={model}" if model else data / table
    files = sorted(folder.glob("*.parquet"))
    return pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files])


def assert_every_row_is_accounted_for(data: Path) -> None:
    """Each phase has every kept row of the one before it, once."""
    conversations = table_of(data, "conversations")
    assert set(conversations["source"]) == set(SOURCES)
    for model in MODELS:
        for phase in PHASES:
            came = rows_of(data, phase.before, model).filter(pl.col("drop_reason").is_null())
            here = rows_of(data, phase.table, model)
            assert here["conversation_id"].n_unique() == here.height == came.height
            assert set(here["conversation_id"]) == set(came["conversation_id"])


def rows_of(data: Path, table: Table, model: str) -> pl.DataFrame:
    """All rows of a table, whether models have each their own or not."""
    return table_of(data, table.name, model if table.by is By.MODEL_SHARD else None)


def kept_shares(data: Path, table: str) -> dict[str, float]:
    """By model, the share of the conversations that a table keeps."""
    shares = {}
    for model in MODELS:
        counts = pl.read_parquet(data / "retention" / f"{model}.parquet")
        begun = counts.filter(pl.col("table") == "annotated_system_messages")
        kept = counts.filter((pl.col("table") == table) & (pl.col("outcome") == "kept"))
        shares[model] = kept["conversations"].sum() / begun["conversations"].sum()
    return shares
