"""Scores beside gradings that they are not of."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.commands.evaluations import _state
from sysgen_dagster.evaluation.multifacet.suite import SUITES
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.evaluation.stored_scores import find_other_scores, is_evaluated
from sysgen_dagster.evaluation.tables import END_OF_PART, ITEM_COLUMNS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, polars_schema

SUITE, *_ = SUITES
AT = Partition(subject="phi")


def items(*values: float | None, of: str = "total") -> pl.DataFrame:
    rows = [
        {"metric": "m", "of": of, "item": str(at), "cluster": str(at), "value": value}
        for at, value in enumerate(values)
    ]
    return pl.DataFrame(rows, schema=polars_schema(ITEM_COLUMNS))


def scores(of: pl.DataFrame) -> pl.DataFrame:
    return score_items(of, subject="phi", protocol="p")


@pytest.mark.parametrize("values", [(), (1.0, 0.0, None), (None,), (0.1, 0.2, 0.3)])
def test_scores_of_these_items_are_theirs(values: tuple[float | None, ...]) -> None:
    assert find_other_scores(scores(items(*values)), items(*values)).is_empty()


@pytest.mark.parametrize(
    ("scored", "now"),
    [
        ((5.0, 5.0), (1.0, 1.0)),  # as many, of other values
        ((5.0, 5.0), (5.0,)),
        ((5.0, None), (5.0, 5.0)),
        ((None, None), (5.0, 5.0)),
        ((5.0,), ()),
        ((), (5.0,)),
    ],
)
def test_scores_of_other_values_or_other_items_are_named(
    scored: tuple[Any, ...], now: tuple[Any, ...]
) -> None:
    assert find_other_scores(scores(items(*scored)), items(*now))["of"].to_list() == ["total"]


def of_columns(*values: tuple[str, float]) -> pl.DataFrame:
    plain = items(*(value for _, value in values), of="mean of columns")
    names = [f"{column}{END_OF_PART}{at}" for at, (column, _) in enumerate(values)]
    return plain.with_columns(item=pl.Series(names))


def test_a_mean_of_means_is_held_against_the_means_of_its_parts() -> None:
    now = of_columns(("FLASK", 5.0), ("FLASK", 3.0), ("Koala", 1.0))
    assert scores(now)["score"].to_list() == [2.5]
    assert find_other_scores(scores(now), now).is_empty()
    before = of_columns(("FLASK", 5.0), ("FLASK", 3.0), ("Koala", 3.0))
    assert find_other_scores(scores(before), now)["of"].to_list() == ["mean of columns"]


def test_a_suite_may_list_scores_of_no_items() -> None:
    listed = scores(items(1.0)).with_columns(of=pl.lit("role"), score=None, items=0, dropped=0)
    assert find_other_scores(listed.cast(scores(items(1.0)).schema), items()).is_empty()


def test_gradings_that_were_made_again_are_to_be_scored(tmp_path: Path) -> None:
    """As after a run that was killed between the two."""
    store = Store(tmp_path)
    grading = {"column": "FLASK", "dimension": "d", "judge_sees_message": False, "judge": "hawk"}
    rows = [
        {"item": str(item), "rubric": rubric, "score": 5, **grading}
        for item in range(2)
        for rubric in range(1, 5)
    ]
    graded = pl.DataFrame(rows, schema=SUITE.gradings.schema)
    store.write(SUITE.gradings, AT, graded)
    assert not is_evaluated(store, SUITE, "phi")
    store.write(SUITE.scores, AT, scores(SUITE.build_items(graded)))
    assert is_evaluated(store, SUITE, "phi")
    store.write(SUITE.gradings, AT, graded.with_columns(score=pl.lit(1, pl.UInt32)))
    assert not is_evaluated(store, SUITE, "phi")
    assert _state(store, SUITE, "phi") == "graded, to be scored"
