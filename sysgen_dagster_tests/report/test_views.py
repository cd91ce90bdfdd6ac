"""What is shown of each stored statistic."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.report.drawing import svg
from sysgen_dagster.report.views import VIEWS, View, view_of
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import Table, TableError
from sysgen_dagster.training_sets.tables import SPLITS
from sysgen_dagster_tests.report.statistics import ROWS, STATISTICS, Stored

MODEL = Stored("phi-4")


def view_by(name: str) -> View:
    view = view_of(STATISTICS[name])
    assert view
    return view


def shown(table: str, stored: Stored = MODEL) -> pl.DataFrame:
    summary = view_by(table).read(stored)
    assert summary is not None
    return summary


def every_view() -> Any:
    return pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.table.name)


def test_every_statistic_is_viewed_once_and_tried_here() -> None:
    assert sorted(view.table.name for view in VIEWS) == sorted(STATISTICS)
    assert ROWS.keys() == STATISTICS.keys()


@pytest.mark.parametrize("table", [CONVERSATIONS, ALIGNED, SPLITS], ids=lambda table: table.name)
def test_a_table_of_rows_has_no_view(table: Table) -> None:
    assert view_of(table) is None


@every_view()
def test_a_summary_says_something_of_what_is_stored(view: View) -> None:
    summary = view.read(MODEL)
    assert summary is not None
    assert summary.height
    assert view.formats.keys() <= set(summary.columns)


@every_view()
def test_a_table_that_is_not_made_has_no_summary(view: View) -> None:
    assert view.read(Stored("phi-4", frozenset({view.table.name}))) is None


class Outdated(Stored):
    """Statistics that another version stored, with other columns."""

    def read(self, table: Table) -> pl.DataFrame | None:
        raise TableError(f"{table.name} has no column 'a', only b. Make it again")


@every_view()
def test_a_table_of_another_version_has_no_summary(view: View) -> None:
    assert view.read(Outdated("phi-4")) is None


@every_view()
def test_nothing_stored_is_summarised_without_an_error(view: View) -> None:
    assert view.read(Stored("phi-4", changed={view.table.name: []})) is not None


@every_view()
def test_a_model_that_the_paper_does_not_know_is_shown_too(view: View) -> None:
    assert view.read(Stored("mine")) is not None


@every_view()
def test_every_chart_is_drawn_for_one_model_and_for_several(view: View) -> None:
    one = view.read(MODEL)
    assert one is not None
    models = ["phi-4", "mine"] if view.of_a_model else [""]
    named = [one.with_columns(model=pl.lit(name)) for name in models] if view.of_a_model else [one]
    for draw in view.draw:
        for rows, names in ((named[0], models[:1]), (pl.concat(named), models)):
            assert svg(draw(rows, names), view.title).startswith("<svg")


def test_judgements_without_any_verdict_are_shown_and_drawn() -> None:
    for table in ("judged_preferences", "judged_alignment"):
        unjudged = [{**row, "verdict": None} for row in ROWS[table]]
        summary = shown(table, Stored("phi-4", changed={table: unjudged}))
        for draw in view_by(table).draw:
            chart = draw(summary.with_columns(model=pl.lit("phi-4")), ["phi-4"])
            assert svg(chart, table).startswith("<svg")


def test_contamination_tells_whole_items_from_single_phrases() -> None:
    row = shown("contamination").row(0, named=True)
    assert (row["conversations"], row["items"], row["mostly_held"]) == (3, 1, 1)
