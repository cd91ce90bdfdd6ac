"""What is shown of each stored statistic: the short tables, the paper's figures, the charts."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.report.drawing import svg
from sysgen_dagster.report.view import View
from sysgen_dagster.report.views import VIEWS, view_of
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import Table
from sysgen_dagster.training_sets.tables import SPLITS
from sysgen_dagster_tests.report.chart_frames import data_of
from sysgen_dagster_tests.report.statistics import ROWS, STATISTICS, Stored, summary_of, view_by

MODEL = Stored("phi-4")


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


@every_view()
def test_a_table_that_is_not_made_has_no_summary(view: View) -> None:
    assert view.read(Stored("phi-4", frozenset({view.table.name}))) is None


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
    models = ["phi-4", "mine"]
    named = [one.with_columns(model=pl.lit(name)) for name in models] if view.is_by_model else [one]
    for draw in view.draw:
        for rows, names in ((named[0], models[:1]), (pl.concat(named), models), (named[0], [])):
            assert svg(draw(rows, names), view.title).startswith("<svg")


def test_judgements_without_any_verdict_are_shown_and_drawn() -> None:
    for table in ("judged_preferences", "judged_alignment"):
        unjudged = [{**row, "verdict": None} for row in ROWS[table]]
        summary = summary_of(table, Stored("phi-4", changed={table: unjudged}))
        for draw in view_by(table).draw:
            chart = draw(summary.with_columns(model=pl.lit("phi-4")), ["phi-4"])
            assert svg(chart, table).startswith("<svg")


def test_contamination_tells_whole_items_from_single_phrases() -> None:
    row = summary_of("contamination").row(0, named=True)
    assert (row["conversations"], row["items"], row["mostly_held"]) == (3, 1, 1)


# What stands beside the paper's figures


def test_the_shares_kept_stand_beside_table_2() -> None:
    phases = summary_of("retention").filter(phase="filtered_system_messages")
    assert phases.select("kept", "kept_share").row(0) == (150, 0.75)
    assert phases["paper"].item() == pytest.approx(774_613 / 806_796)


def test_verdicts_stand_beside_the_paper_s_by_source() -> None:
    row = summary_of("verdict_counts").filter(source="metamath", tag="Content")
    assert row.select("messages", "bad", "none").row(0) == (10, 0.3, 0.1)
    assert row["bad_paper"].item() == pytest.approx(0.1507)


def test_preferences_stand_beside_figure_3() -> None:
    row = summary_of("judged_preferences").filter(source="metamath")
    assert row.select("win_rate", "paper").row(0) == (0.75, 0.803)


def test_alignment_stands_beside_figure_5_over_all_sources_only() -> None:
    summary = summary_of("judged_alignment")
    over_all = summary.filter(source="all").select("aligned_share", "aligned_share_paper")
    assert over_all.row(0) == (0.5, 0.91)
    assert summary.filter(source="metamath")["aligned_share_paper"].item() is None


@pytest.mark.parametrize(
    ("table", "paper"),
    [
        ("retention", "paper"),
        ("verdict_counts", "bad_paper"),
        ("judged_preferences", "paper"),
        ("judged_alignment", "aligned_share_paper"),
    ],
)
def test_nothing_stands_beside_a_model_that_the_paper_does_not_know(table: str, paper: str) -> None:
    figures = summary_of(table, Stored("mine"))[paper]
    assert figures.null_count() == figures.len() > 0
    assert figures.dtype == pl.Float64


# Copies


def test_surplus_questions_are_a_share_of_all_that_were_looked_at() -> None:
    summary = summary_of("near_duplicate_questions")
    wanted = ("source", "texts", "in_clusters", "surplus", "surplus_share")
    assert summary.select(wanted).rows() == [
        ("capybara", 200, 0, 0, 0.0),
        ("metamath", 200, 3, 2, 0.01),
        ("all", 400, 3, 2, 0.005),
    ]


def test_without_the_number_of_texts_there_is_no_share() -> None:
    alone = Stored("phi-4", frozenset({"source_lengths"}))
    summary = summary_of("near_duplicate_questions", alone)
    assert summary.select("source", "texts", "surplus", "surplus_share").rows() == [
        ("metamath", None, 2, None),
        ("all", None, 2, None),
    ]


def test_copies_of_messages_are_a_share_of_the_messages_that_went_all_the_way() -> None:
    assert summary_of("near_duplicate_messages").filter(source="all")["texts"].item() == 145


def test_without_the_messages_that_went_all_the_way_copies_of_them_have_no_share() -> None:
    copies = [{**row, "conversation_id": "m"} for row in ROWS["near_duplicate_questions"][:1]]
    alone = Stored("phi-4", frozenset({"retention"}), {"near_duplicate_messages": copies})
    assert set(summary_of("near_duplicate_messages", alone)["texts"]) == {None}


# What of a summary is drawn


def drawn(
    table: str, model: str = "phi-4", chart: int = 0, **changed: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows that a chart of a table is drawn from."""
    summary = summary_of(table, Stored(model, changed=changed)).with_columns(model=pl.lit(model))
    return data_of(view_by(table).draw[chart](summary, [model]))


def test_what_phase_1_began_with_is_no_bar() -> None:
    phases = [row["phase"] for row in drawn("retention")]
    assert len(phases) == 4
    assert "conversations" not in phases


def test_each_text_of_a_source_is_a_bar_of_its_own() -> None:
    bars = [(row["source"], row["text"], row["chars"]) for row in drawn("source_lengths")]
    assert bars == [
        ("capybara", "question", 210.0),
        ("metamath", "question", 210.0),
        ("capybara", "answer", 480.0),
        ("metamath", "answer", 480.0),
    ]


def test_the_share_not_judged_good_is_drawn_by_source_and_not_over_all() -> None:
    rows = drawn("verdict_counts")
    assert {row["source"] for row in rows} == {"capybara", "metamath"}
    assert {row["not_good"] for row in rows} == {0.4}
    assert len(rows) == 2 * len(TAG_NAMES)


def test_similarity_and_lengths_of_the_same_table_are_charts_of_their_own() -> None:
    similarity = [(row["source"], row["metric"]) for row in drawn("answer_similarity")]
    assert similarity == [("all", metric) for metric in ("rouge1", "rouge2", "rougeL", "gleu")]
    lengths = [(row["source"], row["metric"]) for row in drawn("answer_similarity", chart=1)]
    assert lengths == [("metamath", "length_ratio"), ("all", "length_ratio")]


def test_kinds_of_a_finding_are_listed_and_not_drawn() -> None:
    counts = {"source": "metamath", "rows": 29, "of_rows": 145}
    found = [{**counts, "finding": name} for name in ("personal_data", "personal_data: e-mail")]
    rows = drawn("quality_counts", quality_counts=found)
    assert summary_of("quality_counts", Stored(changed={"quality_counts": found})).height > len(
        rows
    )
    assert {(row["finding"], row["share"]) for row in rows} == {("personal_data", 0.2)}
