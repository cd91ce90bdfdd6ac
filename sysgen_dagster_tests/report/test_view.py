"""A view: the short table of what is stored, and its rows over all sources."""

import polars as pl

from sysgen_dagster.analysis.tables import SOURCE_LENGTHS
from sysgen_dagster.lanes.sysgen.tables import RETENTION
from sysgen_dagster.report.view import View, over_all_and_by_source
from sysgen_dagster.tables.table import Table, TableError
from sysgen_dagster_tests.report.statistics import Stored

VIEW = View(RETENTION, "Retention", "What was kept.", lambda stored, _: stored.head(1))


def test_a_view_is_by_model_where_its_table_is() -> None:
    assert VIEW.is_by_model
    assert not View(SOURCE_LENGTHS, "", "", lambda stored, _: stored).is_by_model


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
    view = View(RETENTION, "", "", lambda stored, _: stored.select(share=pl.lit(float("nan"))))
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
