"""A toy suite: riddles with one answer each, graded right or wrong."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.tables import ITEM_COLUMNS, SCORE_COLUMNS, TOTAL
from sysgen_dagster.tables.columns import DROP_REASON, NUMBER, TEXT
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Columns, Table, polars_schema

_ITEM: Columns = {"item": Column(TEXT, "the riddle")}
_MODEL: Columns = {"engine": Column(TEXT, "who"), "model": Column(TEXT, "which")}


def _table(name: str, columns: Columns, by: By = By.SUBJECT) -> Table:
    return Table(f"riddles_{name}", columns, by, Group.EVALUATION)


ITEMS = _table("items", {**_ITEM, "prompt": Column(TEXT, "its text"), **DROP_REASON}, By.NOTHING)
ANSWERS = _table("answers", {**_ITEM, "answer": Column(TEXT, "said"), **DROP_REASON, **_MODEL})
GRADINGS = _table("gradings", {**_ITEM, "value": Column(NUMBER, "1: right"), **DROP_REASON})
SCORES = _table("scores", SCORE_COLUMNS)


def build_items(gradings: pl.DataFrame) -> pl.DataFrame:
    """Every riddle counts for the one score."""
    items = gradings.with_columns(metric=pl.lit("solved"), of=pl.lit(TOTAL), cluster=pl.col("item"))
    return items.select(ITEM_COLUMNS.keys()).cast(polars_schema(ITEM_COLUMNS))  # type: ignore[arg-type]


SUITE = Suite(
    *("riddles", "Riddles", ITEMS, ANSWERS, GRADINGS, SCORES, build_items),
    drop_reasons=("unread",),
)


@dataclass
class Riddles:
    """What is stored of a subject; a `tables.checks.Evidence`."""

    rows: dict[str, pl.DataFrame] = field(default_factory=dict)
    model: str | None = None

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        return self.rows[table.name].select(columns)

    def change(self, table: Table, at: int, **values: Any) -> None:
        """Other values in one row."""
        rows = self.rows[table.name].to_dicts()
        rows[at] |= values
        self.rows[table.name] = pl.DataFrame(rows, schema=table.schema)


def evaluated(number: int = 20, **said: Any) -> Riddles:
    """A subject that was asked `number` riddles and solved all of them."""
    names = [f"riddle-{at}" for at in range(number)]
    frames = [
        (ITEMS, [{"item": each, "prompt": f"What am I, {each}?"} for each in names]),
        (
            ANSWERS,
            [
                {"item": each, "answer": "A towel.", "engine": "vllm", "model": "owl"}
                for each in names
            ],
        ),
        (GRADINGS, [{"item": each, "value": 1.0} for each in names]),
    ]
    it = Riddles({table.name: pl.DataFrame(rows, schema=table.schema) for table, rows in frames})
    score(it, **said)
    return it


def score(it: Riddles, **said: Any) -> None:
    """Score what is graded."""
    items = build_items(it.rows[GRADINGS.name])
    given = {"subject": "owl", "protocol": "asked once", **said}
    it.rows[SCORES.name] = score_items(items, **given)
