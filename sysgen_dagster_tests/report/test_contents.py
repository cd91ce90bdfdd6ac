"""The report put together."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.report import drawing
from sysgen_dagster.report.contents import build_contents
from sysgen_dagster.report.page import Report, Section, render
from sysgen_dagster.report.views import VIEWS
from sysgen_dagster_tests.report.statistics import ROWS, Stored, view_by

NOW = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)


def report(*models: Stored, simulated: Sequence[str] = ()) -> Report:
    return build_contents(NOW, models, Stored(), simulated, [])


def section(whole: Report, table: str) -> Section:
    return next(each for each in whole.sections if each.title == view_by(table).title)


def test_there_is_a_section_for_each_view_with_its_charts() -> None:
    whole = report(Stored("phi-4"), Stored("qwen2.5-14b"))
    assert [each.title for each in whole.sections] == [view.title for view in VIEWS]
    for view in VIEWS:
        assert len(section(whole, view.table.name).charts) == len(view.draw)
        assert not section(whole, view.table.name).note


def test_every_section_has_an_anchor_of_its_own() -> None:
    anchors = re.findall(r'<h2 id="([^"]*)"', render(report(Stored("phi-4"))))
    assert len(set(anchors)) == len(anchors) == len(VIEWS)


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
    alone = section(report(half), "judged_alignment")
    beside = section(report(Stored("phi-4"), half), "judged_alignment")
    assert alone.tables == ()
    for each in (alone, beside):
        assert each.note == "Missing or outdated for mine: materialize judged_alignment."
    assert beside.tables[0].frame["model"].unique().to_list() == ["phi-4"]


def test_a_report_of_nothing_says_so_and_can_be_read() -> None:
    whole = build_contents(NOW, [], Stored(missing=frozenset(ROWS)), [], [])
    assert "No model has finished a shard yet." in whole.notices
    assert "Missing or outdated for every model: materialize retention." in render(whole)


def test_the_headline_counts_conversations_and_new_answers() -> None:
    assert dict(report(Stored("phi-4")).summary) == {
        "conversations": "400",
        "sources": "2",
        "new answers by phi-4": "145",
    }


def test_simulated_models_are_named_before_any_figure() -> None:
    whole = report(Stored("phi-4"), simulated=["phi-4"])
    [notice] = whole.notices
    assert notice.startswith("No model wrote these texts: they are made up (phi-4: simulated)")
    assert report(Stored("phi-4")).notices == []


def test_a_judge_of_its_own_answers_is_named() -> None:
    own = [{**row, "judge_is_generator": True} for row in ROWS["judged_preferences"]]
    whole = report(Stored("phi-4", changed={"judged_preferences": own}))
    [notice] = whole.notices
    assert notice.startswith("phi-4 judged its own answers; models favour their own")


def test_a_simulated_judge_of_real_answers_is_named() -> None:
    made_up = [{**row, "engine": "simulated"} for row in ROWS["judged_preferences"]]
    stored = Stored("phi-4", changed={"judged_preferences": made_up})
    assert report(stored).notices == ["The judge of phi-4 is simulated: its verdicts are made up."]


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
    named = report(Stored("mine", changed={"planted_faults": blind})).notices
    assert "mine as judge of Phase 3 found 0 of 10 (0% to 28%) planted faults" in " ".join(named)
    assert "judge of Phase 3" not in " ".join(report(Stored("mine")).notices)
