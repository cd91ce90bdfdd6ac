"""The main job as a user runs it, from end to end: `sysgen demo` on bundled and on real rows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.inference.local.state import running
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.tables.table import By, Table
from sysgen_dagster_tests.simulated import running_server

ROOT = Path(__file__).parents[2]
REAL_ROWS = ROOT.parent / "shared" / "data"
SOURCES = ("capybara", "airoboros", "orca_math", "magicoder", "metamath")
SYSGEN = (str(Path(sys.executable).with_name("sysgen")),)
MODELS = ("llama-3.1-8b", "qwen2.5-14b", "phi-4")


pytestmark = pytest.mark.slow


def _demo(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    ours = ("SYSGEN_", "DAGSTER_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    try:
        return subprocess.run(
            [*SYSGEN, "demo", "--data", str(data), *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        for name in running(data / "engines"):
            stop(data / "engines", name)


def _table(data: Path, table: str, model: str | None = None) -> pl.DataFrame:
    folder = data / table / f"model={model}" if model else data / table
    files = sorted(folder.glob("*.parquet"))
    return pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files])


def _assert_every_row_is_accounted_for(data: Path) -> None:
    conversations = _table(data, "conversations")
    assert set(conversations["source"]) == set(SOURCES)
    for model in MODELS:
        for phase in PHASES:
            came = _rows(data, phase.before, model).filter(pl.col("drop_reason").is_null())
            here = _rows(data, phase.table, model)
            assert here["conversation_id"].n_unique() == here.height == came.height
            assert set(here["conversation_id"]) == set(came["conversation_id"])


def _rows(data: Path, table: Table, model: str) -> pl.DataFrame:
    return _table(data, table.name, model if table.by is By.MODEL_SHARD else None)


def _kept_shares(data: Path, table: str) -> dict[str, float]:
    shares = {}
    for model in MODELS:
        counts = pl.read_parquet(data / "retention" / f"{model}.parquet")
        begun = counts.filter(pl.col("table") == "annotated_system_messages")
        kept = counts.filter((pl.col("table") == table) & (pl.col("outcome") == "kept"))
        shares[model] = kept["conversations"].sum() / begun["conversations"].sum()
    return shares


def test_the_demo_runs_the_whole_job_and_shows_what_was_kept(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    result = _demo(data)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    for shown in (
        "Conversations through the phases",
        "Messages that hold each tag",
        "The models are simulated",
        "\nquestion  ",
        "0 broken contracts",
        "Training set clean: ",
        "Tokens used",
        "sysgen ui -o",
    ):
        assert shown in result.stdout
    assert re.search(r"llama-3\.1-8b +│ 2 filtered .* 74\.7%", result.stdout)
    _assert_every_row_is_accounted_for(data)
    for phase in PHASES:
        assert set(_rows(data, phase.table, "phi-4").columns) == set(phase.table.columns)


# A real model instead of the simulated ones


def test_an_endpoint_that_a_newcomer_has_runs_the_whole_job(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    with running_server.running("--model", "Org/Some-Model:7b=phi-4") as server:
        result = _demo(
            data, "--endpoint", server.url, "--model", "Org/Some-Model:7b", "--limit", "3"
        )
        sent = server.get("/stats")["requests"]
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert "0 broken contracts" in result.stdout
    assert "3 of 3 answered" in result.stdout
    assert "The models are simulated" not in result.stdout
    rows = _table(data, "annotated_system_messages", "some-model-7b")
    asked = rows.filter(pl.col("attempts").is_not_null())
    assert asked.height == 10 * 3
    assert set(asked["engine"]) == {"endpoint"}
    assert sent > 60


def test_the_options_beyond_the_paper_keep_more_rows_of_the_model_that_lost_most(
    tmp_path: Path,
) -> None:
    data = tmp_path / "demo"
    options = ("samples=2", "repair=true", "constrain_verdicts=true", "verdict_confidence=true")
    result = _demo(data, *(each for option in options for each in ("--method", option)))
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    assert _kept_shares(data, "filtered_system_messages")["llama-3.1-8b"] > 0.98
    annotated = _table(data, "annotated_system_messages", "llama-3.1-8b")
    assert annotated["repaired"].any()
    reasons = annotated.explode("rejected", empty_as_null=False)["rejected"].struct.field("reason")
    assert {"malformed_boundary", "judged_lower"} <= set(reasons)
    verdicts = (
        _table(data, "verified_system_messages", "llama-3.1-8b")
        .explode("verdicts", empty_as_null=False)["verdicts"]
        .struct.unnest()
    )
    assert set(verdicts["verdict"]) <= {"Good", "Bad", "None"}
    assert verdicts["confidence"].is_between(0, 1).all()


@pytest.mark.skipif(not REAL_ROWS.is_dir(), reason="no folder of real rows beside the checkout")
def test_on_real_rows_nothing_is_lost_and_retention_is_in_the_order_of_table_2(
    tmp_path: Path,
) -> None:
    data = tmp_path / "real"
    result = _demo(data, "--sources", str(REAL_ROWS))
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    _assert_every_row_is_accounted_for(data)
    filtered = _kept_shares(data, "filtered_system_messages")
    assert filtered["qwen2.5-14b"] > filtered["phi-4"] > filtered["llama-3.1-8b"]
    aligned = _kept_shares(data, "aligned_responses")
    assert aligned["qwen2.5-14b"] > aligned["phi-4"] > aligned["llama-3.1-8b"]
    for model, paper in (("llama-3.1-8b", 0.747), ("qwen2.5-14b", 0.9998), ("phi-4", 0.960)):
        assert filtered[model] == pytest.approx(paper, abs=0.02)


def test_a_corrupt_source_fails_by_name_and_the_other_sources_are_made(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    for name in SOURCES:
        lines = (ROOT / "sysgen_dagster" / "example_rows" / f"{name}.jsonl").read_text()
        (folder / f"{name}.jsonl").write_text("\n".join(lines.splitlines()[:2]) + "\n")
    (folder / "metamath.jsonl").unlink()
    (folder / "metamath.parquet").write_bytes(b"PAR1 this is no Parquet")
    data = tmp_path / "demo"
    result = _demo(data, "--sources", str(folder))
    said = " ".join(result.stdout.split())
    assert result.returncode == 1
    assert "metamath.parquet cannot be read as parquet" in said
    assert set(_table(data, "aligned_responses", "phi-4")["source"]) == set(SOURCES) - {"metamath"}
