"""The report put together."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from sysgen_dagster.evaluation.comparisons import tables as comparisons
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.report import drawing
from sysgen_dagster.report.contents import build_contents
from sysgen_dagster.report.page import Report, Section, render
from sysgen_dagster.report.view import Part
from sysgen_dagster.report.views import VIEWS
from sysgen_dagster_tests.report.statistics import ROWS, Stored, view_by

NOW = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)


# Of comparisons, which are all shown in one way, one is stored: charts take their time.
NOT_STORED = frozenset(table.name for table in comparisons.TABLES) - {"multifacet_comparison"}


def report(*models: Stored, simulated: Sequence[str] = ()) -> Report:
    return build_contents(NOW, models, Stored(missing=NOT_STORED), simulated, [])


def section(whole: Report, table: str) -> Section:
    return next(each for each in whole.sections if each.title == view_by(table).title)


def of_part(whole: Report, *parts: Part) -> list[Section]:
    return [each for each in whole.sections if each.part in parts]


def test_there_is_a_section_for_each_view_with_its_charts() -> None:
    whole = report(Stored("phi-4"), Stored("qwen2.5-14b"))
    ours = set(Part) - {Part.PAPER}
    titles = [each.title for each in of_part(whole, *ours)]
    views = [view for view in VIEWS if view.table.name not in NOT_STORED]
    assert titles == ["Reasons", *(view.title for view in views if view.part is not Part.PAPER)]
    for view in views:
        assert len(section(whole, view.table.name).charts) == len(view.draw)
        assert not section(whole, view.table.name).note


def test_every_section_has_an_anchor_of_its_own() -> None:
    anchors = re.findall(r'<h[23] id="([^"]*)"', render(report(Stored("phi-4"))))
    assert len(set(anchors)) == len(anchors) > len(VIEWS) - len(NOT_STORED)


def test_models_stand_below_each_other_in_one_table() -> None:
    [table] = section(report(Stored("phi-4"), Stored("mine")), "retention").tables
    assert table.frame["model"].unique(maintain_order=True).to_list() == ["phi-4", "mine"]


def test_what_is_of_single_sources_is_folded_below_what_is_over_all() -> None:
    over_all, by_source = section(report(Stored("phi-4")), "verdict_counts").tables
    assert "source" not in over_all.frame.columns
    assert over_all.frame.height == 8
    assert (by_source.folded, by_source.frame.height) == (True, 16)
    assert "<details><summary>verdict_counts, by source</summary>" in render(report(Stored("a")))


def test_what_is_not_made_yet_is_named_with_what_to_do() -> None:
    half = Stored("mine", frozenset({"judged_alignment"}))
    note = "Missing or outdated for mine: materialize judged_alignment."
    title = view_by("judged_alignment").title
    alone = report(half).sections
    assert title not in [each.title for each in alone]
    [not_made] = [each for each in alone if each.title == "Not looked at yet"]
    assert not_made.tables[0].frame.rows() == [(title, note)]
    beside = section(report(Stored("phi-4"), half), "judged_alignment")
    assert beside.note == note
    assert beside.tables[0].frame["model"].unique().to_list() == ["phi-4"]


def test_who_evaluates_no_students_sees_nothing_of_them() -> None:
    scores = frozenset(view.table.name for view in VIEWS if view.part is Part.STUDENTS)
    whole = build_contents(NOW, [Stored("phi-4")], Stored(missing=scores), [], [])

    assert of_part(whole, Part.STUDENTS) == []
    assert Part.STUDENTS.value not in render(whole)
    assert "_comparison" not in render(whole).replace("paper_comparison", "")


def test_a_student_that_is_not_evaluated_is_named_beside_those_that_are() -> None:
    [table] = section(report(Stored("phi-4")), "multifacet_comparison").tables
    rows = table.frame.select("subject", "score", "remarks").rows()

    assert ("later", None, "not evaluated: sysgen evaluate riddles --subject later") in rows
    assert "janus-7b (the paper's)" not in table.frame["subject"]


def test_scores_of_students_stand_beside_the_paper_s_with_what_is_known_of_them() -> None:
    beside = of_part(report(Stored("phi-4")), Part.PAPER)
    [shown] = [each for each in beside if each.title.startswith("Tables 3 and 4")]
    [table] = shown.tables

    assert {"paper", "difference_paper", "protocol_paper"} <= set(table.frame.columns)
    assert set(table.frame["subject"]) == {"mine", "janus-7b (the paper's)"}
    assert "protocol unknown: neither the judge" in shown.lead


def test_a_report_of_nothing_says_so_and_can_be_read() -> None:
    whole = build_contents(NOW, [], Stored(missing=frozenset(ROWS)), [], [])
    assert "No model has finished a shard yet." in whole.notices
    assert "Missing or outdated for every model: materialize retention." in render(whole)


def test_the_headline_counts_conversations_and_new_answers() -> None:
    assert dict(report(Stored("phi-4")).summary) == {
        "rows kept of phi-4": "145 of 200",
        "phrases that phi-4 obeys, of those decided by rules and phi-4 (uncalibrated)": "84.2%",
        "conversations in the sources": "400",
        "sources": "2",
    }


def test_obedience_by_rules_alone_names_no_judge_and_without_a_decided_phrase_there_is_none() -> (
    None
):
    rows = [row for row in ROWS["obedience_counts"] if row["by"] != "phi-4"]
    shown = dict(report(Stored("phi-4", changed={"obedience_counts": rows})).summary)
    assert shown["phrases that phi-4 obeys, of those decided by rules"] == "80.0%"
    open_ = [row for row in rows if row["by"] is None]
    shown = dict(report(Stored("phi-4", changed={"obedience_counts": open_})).summary)
    assert [name for name in shown if "obeys" in name] == []


def test_rows_that_a_limit_left_out_are_none_that_were_asked_about() -> None:
    left = {"table": "annotated_system_messages", "outcome": "beyond_limit", "conversations": 90}
    rows = [*ROWS["retention"], {"source": "metamath", **left}]
    shown = dict(report(Stored("phi-4", changed={"retention": rows})).summary)
    assert shown["rows kept of phi-4"] == "145 of 200"


def test_simulated_models_are_named_before_any_figure() -> None:
    whole = report(Stored("phi-4"), simulated=["phi-4"])
    [notice] = whole.notices
    assert notice.startswith("No model wrote these texts: they are made up (phi-4: simulated)")
    assert report(Stored("phi-4")).notices == []


def test_models_that_a_judge_and_rules_alone_have_looked_at_stand_below_each_other() -> None:
    rows = [row for row in ROWS["obedience_counts"] if row["by"] != "phi-4"]
    both = report(Stored("phi-4"), Stored("mine", changed={"obedience_counts": rows}))
    [of_all, *_] = section(both, "obedience_counts").tables

    assert set(of_all.frame["model"]) == {"phi-4", "mine"}


@pytest.mark.parametrize("table", ["judged_preferences", "judged_alignment", "obedience_counts"])
def test_a_judge_of_its_own_answers_is_named(table: str) -> None:
    own = [{**row, "judge_is_generator": True} for row in ROWS[table]]
    whole = report(Stored("phi-4", changed={table: own}))
    [notice] = whole.notices_of[Part.QUALITY]
    assert notice.startswith("phi-4 judged its own answers; models favour their own")


def test_a_simulated_judge_of_real_answers_is_named() -> None:
    made_up = [{**row, "engine": "simulated"} for row in ROWS["judged_preferences"]]
    stored = Stored("phi-4", changed={"judged_preferences": made_up})
    assert report(stored).notices_of[Part.QUALITY] == [
        "The judge of phi-4 is simulated: its verdicts are made up."
    ]


def test_what_the_caller_knows_is_said_first() -> None:
    whole = build_contents(NOW, [Stored("phi-4")], Stored(), [], [], ["Half of it."])
    assert whole.notices[0] == "Half of it."


def test_the_settings_of_the_method_stand_among_the_headline_figures() -> None:
    whole = build_contents(NOW, [Stored("phi-4")], Stored(), [], [], method="best, samples=2")
    assert whole.summary[-1] == ("method", "best, samples=2")


def test_without_the_extra_the_page_is_made_and_says_what_draws_charts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drawing, "available", lambda: False)
    whole = report(Stored("phi-4"))
    assert not any(each.charts for each in whole.sections)
    assert "pip install 'sysgen-dagster[report]'" in whole.notices[0]


def test_the_page_is_told_the_tags_and_where_a_row_stopped() -> None:
    whole = report(Stored("phi-4"))
    assert tuple(whole.tags) == TAG_NAMES
    assert whole.steps == {
        "conversations": "before Phase 1",
        "annotated_system_messages": "in Phase 1",
        "filtered_system_messages": "in Phase 2",
        "verified_system_messages": "in Phase 3",
        "aligned_responses": "in Phase 4",
    }


def test_the_time_is_printed_with_its_zone() -> None:
    assert report().made_at == "21 November 2026, 14:05 UTC"


def test_a_judge_that_finds_no_planted_fault_is_named_before_any_figure() -> None:
    blind = [row | {"verdict": "Good"} for row in ROWS["planted_faults"]]
    named = report(Stored("mine", changed={"planted_faults": blind})).notices_of[Part.QUALITY]
    assert "mine as judge of Phase 3 found 0 of 10 (0% to 28%) planted faults" in " ".join(named)
    assert "judge of Phase 3" not in str(report(Stored("mine")).notices_of)


# The paper's figures


def test_the_paper_comes_last_and_nowhere_else() -> None:
    whole = report(Stored("phi-4"))
    assert {each.part for each in whole.sections[-len(of_part(whole, Part.PAPER)) :]} == {
        Part.PAPER
    }
    for each in of_part(whole, *set(Part) - {Part.PAPER}):
        assert "paper" not in f"{each.title} {each.lead} {each.note}".lower()
        for table in each.tables:
            assert not [name for name in table.frame.columns if "paper" in name]
        assert not [chart for chart in each.charts if "paper" in f"{chart.wide}{chart.narrow}"]


def test_every_table_of_the_paper_with_a_figure_has_a_section() -> None:
    titles = [each.title for each in of_part(report(Stored("phi-4")), Part.PAPER)]
    assert titles[0] == "At a glance"
    assert "Table 2: Conversations through the phases" in titles
    assert "Figure 5: Whether the answer keeps to its system message" in titles


def test_a_model_and_a_source_of_one_s_own_see_nothing_of_the_paper() -> None:
    def renamed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {name: "chats" if value == "metamath" else value for name, value in row.items()}
            for row in rows
            if row.get("source") != "capybara"
        ]

    changed = {table: renamed(rows) for table, rows in ROWS.items()} | {"paper_comparison": []}
    name = "multifacet_comparison"
    changed[name] = [row for row in ROWS[name] if row.get("score_paper") is None]
    sources = Stored(changed=changed, missing=NOT_STORED)
    whole = build_contents(NOW, [Stored("mine", changed=changed)], sources, [], [])
    assert of_part(whole, Part.PAPER) == []
    page = render(whole)
    shown = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    assert "paper" not in shown.lower().replace("--paper", "")


# What was dropped


def test_reasons_are_counted_by_phase_in_words() -> None:
    [first, *_] = report(Stored("mine")).sections
    assert first.title == "Reasons"
    assert first.tables[0].frame.rows() == [
        ("Phase 2, filtered", "malformed boundary", 50),
        ("Phase 4, aligned", "refused", 5),
    ]


def test_reasons_name_the_model_where_there_are_several() -> None:
    [first, *_] = report(Stored("mine"), Stored("phi-4")).sections
    assert first.tables[0].frame["model"].unique(maintain_order=True).to_list() == ["mine", "phi-4"]


def test_phases_have_number_and_name() -> None:
    [table] = section(report(Stored("mine")), "retention").tables
    assert table.frame["phase"].to_list() == [
        *("conversations", "Phase 1, annotated", "Phase 2, filtered"),
        *("Phase 3, verified", "Phase 4, aligned"),
    ]


# What it cost


def test_without_costs_there_is_no_section_of_them() -> None:
    titles = [each.title for each in of_part(report(Stored("mine")), Part.COST)]
    assert titles == [view_by("forecast").title]
