"""Which column an item belongs to: by a map that tells upper and lower case apart."""

import polars as pl
import pytest

from sysgen_dagster.evaluation.multifacet.columns import (
    UNASSIGNED,
    assign_columns,
    count_columns,
    count_sources,
    read_columns,
)
from sysgen_dagster_tests.evaluation.multifacet.benches import COLUMNS, SHARED, SOURCES


def test_a_source_has_the_column_of_the_map_and_case_counts() -> None:
    assert assign_columns(pl.Series(SOURCES), {}).to_list() == [*COLUMNS]


def test_what_the_map_lacks_is_never_taken_for_flask() -> None:
    unknown = ["", "FLASK", "flask", "KOALA", "vicuna", "oasst", "helpful_base", "Koala "]
    assert set(assign_columns(pl.Series(unknown), {})) == {UNASSIGNED}


def test_a_catalogue_assigns_what_the_map_lacks_and_goes_before_it() -> None:
    own = {"vicuna": "AlpacaEval", "koala": "AlpacaEval"}
    sources = pl.Series(["vicuna", "koala", "self-instruct"])
    assert assign_columns(sources, own).to_list() == ["AlpacaEval", "AlpacaEval", "Self-Instruct"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="FLASK's file is not here")
def test_all_tasks_of_flask_and_no_others_are_of_flask() -> None:
    tasks = pl.read_parquet(SHARED / "flask_evaluation.parquet")["task"].unique()

    assert len(tasks) == 122
    assert {name for name, column in read_columns().items() if column == "FLASK"} == set(tasks)


def test_sources_and_columns_are_counted() -> None:
    sources = ["Koala", "Koala", "koala", "x"]
    items = pl.DataFrame({"source": sources, "column": assign_columns(pl.Series(sources), {})})

    assert count_columns(items).rows() == [("FLASK", 2), ("Koala", 1), (UNASSIGNED, 1)]
    assert count_sources(items).rows() == [
        ("FLASK", "Koala", 2),
        ("Koala", "koala", 1),
        (UNASSIGNED, "x", 1),
    ]
