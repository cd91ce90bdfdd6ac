"""The main job as a user runs it, from end to end: `sysgen demo` on bundled rows."""

import re
from pathlib import Path

import pytest

from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster_tests.commands.demos import (
    ROOT,
    SOURCES,
    assert_every_row_is_accounted_for,
    demo,
    rows_of,
    table_of,
)

pytestmark = pytest.mark.slow


def test_the_demo_runs_the_whole_job_and_shows_what_was_kept(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    result = demo(data)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    for shown in (
        "Conversations through the phases",
        "Messages that hold each tag",
        "The models are simulated",
        "\nquestion  ",
        "0 broken contracts",
        "Training set clean: ",
        "Training set multifaceted: ",
        "Training set multifaceted_pairs: ",
        "Tokens used",
        "sysgen ui -o",
    ):
        assert shown in result.stdout
    assert re.search(r"llama-3\.1-8b +│ 2 filtered .* 74\.7%", result.stdout)
    assert_every_row_is_accounted_for(data)
    for phase in PHASES:
        assert set(rows_of(data, phase.table, "phi-4").columns) == set(phase.table.columns)


def test_a_corrupt_source_fails_by_name_and_the_other_sources_are_made(tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    folder.mkdir()
    for name in SOURCES:
        lines = (ROOT / "sysgen_dagster" / "example_rows" / f"{name}.jsonl").read_text()
        (folder / f"{name}.jsonl").write_text("\n".join(lines.splitlines()[:2]) + "\n")
    (folder / "metamath.jsonl").unlink()
    (folder / "metamath.parquet").write_bytes(b"PAR1 this is no Parquet")
    data = tmp_path / "demo"
    result = demo(data, "--sources", str(folder))
    said = " ".join(result.stdout.split())
    assert result.returncode == 1
    assert "metamath.parquet cannot be read as parquet" in said
    assert set(table_of(data, "aligned_responses", "phi-4")["source"]) == set(SOURCES) - {
        "metamath"
    }
