"""`sysgen review bench`: it writes an empty sheet, reads filled ones, and shows what they say."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.multifaceted.bench.tables import (
    BENCH_REFERENCES,
    BENCH_RUBRICS,
    MULTIFACETED_BENCH,
)
from sysgen_dagster.review.bench_reviews import journal_of
from sysgen_dagster.review.tables import BENCH_REVIEWS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.review.bench_frames import BENCH, REFERENCES, TRIED, fill

_PROGRAM = "from sysgen_dagster.cli import sysgen; sysgen()"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A deployment with a bench of five items."""
    data = tmp_path / "data"
    data.mkdir()
    full = local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS).model_dump(mode="json")
    mine = {"path": "instructions.jsonl", "instruction": "prompt"}
    full["multifaceted"] = {
        "sources": {"mine": mine},
        "instructions": 5,
        "bench": {"instructions": 2},
    }
    (data / "catalog.yaml").write_text(yaml.safe_dump(full, sort_keys=False))
    tables = (MULTIFACETED_BENCH, BENCH), (BENCH_REFERENCES, REFERENCES), (BENCH_RUBRICS, TRIED)
    for table, rows in tables:
        Store(data).write(table, Partition(), rows)
    return data


def review(data: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    own = {name: "" for name in os.environ if name.startswith("SYSGEN_")} | {"DAGSTER_HOME": ""}
    command = [sys.executable, "-W", "ignore", "-c", _PROGRAM, "review", "bench", "-o", str(data)]
    return subprocess.run(
        [*command, *map(str, arguments)],
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def fill_copy(sheet: Path, name: str, *scores: object) -> Path:
    """A copy that a person has filled, who gives the reference and the other answer these."""
    text = sheet.read_text(encoding="utf-8-sig")
    rows = [fill(row, *scores) for row in csv.DictReader(io.StringIO(text, newline=""))]
    filled = io.StringIO(newline="")
    writer = csv.DictWriter(filled, [*rows[0]])
    writer.writeheader()
    writer.writerows(rows)
    (copy := sheet.with_name(name)).write_text(filled.getvalue(), encoding="utf-8", newline="")
    return copy


def test_sheets_are_written_read_and_held_against_the_judge(data: Path) -> None:
    sheet = data.parent / "sheet.csv"
    empty = review(data, "--write", sheet, "--rows", 8)
    copies = fill_copy(sheet, "lea.csv", 5, 2), fill_copy(sheet, "tom.csv", 4, 4, "no")
    read = review(data, *copies)
    stored = Store(data).read(BENCH_REVIEWS, Partition())

    assert (empty.returncode, read.returncode) == (0, 0), empty.stderr + read.stderr
    assert "sheet.csv has 8 rubrics, each with two answers to score" in empty.stdout
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in read.stdout.splitlines()]
    by_name = {line[0]: line[1:] for line in lines if line}
    assert by_name["all"][2:6] == ["16", "50.0%", "50.0%", "50.0%"]
    assert by_name["lea"][2:6] == ["8", "100.0%", "0.0%", "100.0%"]
    assert by_name["between reviewers"][2] == "8"
    assert "Not validated: kappa 0." in read.stdout
    assert stored["reviewer"].to_list() == ["lea"] * 8 + ["tom"] * 8
    assert set(stored["judge_reference_score"]) == {5}


def test_where_one_sheet_cannot_be_read_none_is_kept(data: Path) -> None:
    sheet = data.parent / "sheet.csv"
    assert review(data, "--write", sheet).returncode == 0
    good = fill_copy(sheet, "lea.csv", 5, 2)
    bad = data.parent / "tom.csv"
    bad.write_text(good.read_text(encoding="utf-8").replace("cakes", "pies"), encoding="utf-8")
    done = review(data, good, bad)

    assert done.returncode == 1
    assert "tom.csv, row 1 below the heading: `answer A` is not what was written" in done.stderr
    assert journal_of(Store(data)).read().records == ()


def test_a_deployment_without_a_bench_says_what_to_materialize(data: Path) -> None:
    Path(str(Store(data).path(MULTIFACETED_BENCH, Partition()))).unlink()
    done = review(data, "--write", data.parent / "sheet.csv")

    assert done.returncode == 1
    assert "has no bench to review: materialize multifaceted/bench" in done.stderr
