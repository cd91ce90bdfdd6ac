"""The table of scores that `sysgen evaluate` prints at its end."""

from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from sysgen_dagster.commands.evaluated_scores import print_scores
from sysgen_dagster.evaluation.comparisons.tables import OF_SUITES
from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.report.score_frames import scored

[IFEVAL] = (suite for suite in SUITES if suite.name == "ifeval")
OTHER = {"against": "base", "difference": 0.1, "difference_low": 0.0, "difference_high": 0.2}


def printed(folder: Path, *rows: dict[str, Any]) -> str:
    table = OF_SUITES[IFEVAL.name]
    store, console = Store(folder), Console(file=StringIO(), width=160, record=True)
    store.write(table, Partition(), pl.DataFrame(rows, schema=table.schema))
    print_scores(console, store, IFEVAL, [row["subject"] for row in rows])
    return console.export_text()


@pytest.mark.parametrize(
    ("more", "columns", "said"),
    [
        ({}, [], "from, to: the 95 % interval."),
        ({"floor": 0.25}, ["floor"], "interval. floor: a server that always says yes."),
        (OTHER, ["change", "from", "to"], "interval. change: over the same items"),
    ],
)
def test_a_column_is_there_where_a_subject_has_something_in_it(
    tmp_path: Path, more: dict[str, Any], columns: list[str], said: str
) -> None:
    text = printed(tmp_path, scored("base"), scored("taught", **more))
    head = next(line for line in text.splitlines() if "score" in line and "┃" in line)
    titles = [cell.strip() for cell in head.split("┃")[1:-1]]
    assert titles == ["score", "subject", "value", "from", "to", "items", "dropped", *columns]
    assert said in text


def test_a_part_of_a_score_says_of_which_it_is_one(tmp_path: Path) -> None:
    parts = [scored("base", "CSR", of) for of in ("content", "total")]
    lines = printed(tmp_path, *parts, scored("base", "ISR")).splitlines()
    cells = [line.split("│")[1].strip() for line in lines if line.startswith("│")]
    assert cells == ["CSR, content", "CSR", "ISR"]


UNREAD = {"score": None, "low": None, "high": None, "items": 0, "dropped": 9}


def test_a_subject_of_which_nothing_is_known_is_there_with_what_was_dropped(tmp_path: Path) -> None:
    remarks = "made up; 9 of 9 items unknown: no_verdict 9"
    text = printed(tmp_path, scored("taught", **UNREAD, remarks=remarks))
    [line] = (line for line in text.splitlines() if line.startswith("│"))

    assert [cell.strip() for cell in line.split("│")[3:-1]] == ["not known", "", "", "0", "9"]
    assert "taught: 9 of 9 items unknown: no_verdict 9\n" in text
