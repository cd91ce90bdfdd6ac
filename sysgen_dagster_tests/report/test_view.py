"""A view: the short table of what is stored, and its rows over all sources."""

import polars as pl

from sysgen_dagster.analysis.tables import SOURCE_LENGTHS
from sysgen_dagster.lanes.sysgen.tables import RETENTION
from sysgen_dagster.report.view import (
    Part,
    View,
    beside_paper,
    over_all_and_by_source,
    with_titles,
    without_empty_paper,
    without_paper,
)
from sysgen_dagster.tables.table import Table, TableError
from sysgen_dagster_tests.report.statistics import Stored

VIEW = View(
    RETENTION, "Retention", Part.DROPPED, "What was kept.", lambda stored, _: stored.head(1)
)


def test_a_view_is_by_model_where_its_table_is() -> None:
    assert VIEW.is_by_model
    assert not View(SOURCE_LENGTHS, "", Part.QUALITY, "", lambda stored, _: stored).is_by_model


def test_what_is_stored_is_summarized() -> None:
    summary = VIEW.read(Stored("phi-4"))
    assert summary is not None
    assert summary["conversations"].to_list() == [200]


def test_a_table_that_is_not_stored_has_no_summary() -> None:
    assert VIEW.read(Stored("phi-4", frozenset({"retention"}))) is None


class Outdated(Stored):
    """Statistics that another version stored, with other columns."""

    def read(self, table: Table) -> pl.DataFrame | None:
        raise TableError(f"{table.name} has no column 'a', only b. Make it again")


def test_a_table_of_another_version_has_no_summary() -> None:
    assert VIEW.read(Outdated("phi-4")) is None


def test_what_is_not_a_number_is_no_figure() -> None:
    view = View(
        RETENTION, "", Part.DROPPED, "", lambda stored, _: stored.select(share=pl.lit(float("nan")))
    )
    summary = view.read(Stored("phi-4"))
    assert summary is not None
    assert summary["share"].to_list() == [None]


def test_rows_over_all_sources_stand_apart() -> None:
    summary = pl.DataFrame({"source": ["a", "all"], "rows": [1, 2]})
    over_all, by_source = over_all_and_by_source(summary)
    assert over_all.rows() == [(2,)]
    assert by_source.rows() == [("a", 1)]


def test_a_summary_without_rows_over_all_sources_is_whole() -> None:
    for summary in (pl.DataFrame({"source": ["a"]}), pl.DataFrame({"tag": ["Role"]})):
        whole, nothing = over_all_and_by_source(summary)
        assert whole.equals(summary)
        assert nothing.is_empty()


COMPARED = pl.DataFrame(
    {
        "phase": ["filtered_system_messages", "conversations"],
        "share": [0.5, 1.0],
        "share_paper": [0.6, None],
        "paper": [None, None],
        "paper_order_rate": [0.1, 0.2],
    }
)


def test_a_table_of_ours_has_nothing_of_the_paper() -> None:
    assert without_paper(COMPARED).columns == ["phase", "share"]


def test_beside_the_paper_stand_the_rows_that_it_has_figures_for() -> None:
    known = beside_paper(COMPARED)
    assert known["phase"].to_list() == ["filtered_system_messages"]
    assert known.columns == ["phase", "share", "share_paper", "paper_order_rate"]
    assert beside_paper(without_paper(COMPARED)).is_empty()


def test_empty_columns_of_the_paper_are_left_out() -> None:
    assert "paper" not in without_empty_paper(COMPARED).columns
    alone = without_empty_paper(COMPARED.filter(phase="conversations"))
    assert alone.columns == ["phase", "share"]


def test_phases_have_number_and_name() -> None:
    assert with_titles(COMPARED)["phase"].to_list() == ["Phase 2, filtered", "conversations"]
    unnamed = COMPARED.drop("phase")
    assert with_titles(unnamed).equals(unnamed)
