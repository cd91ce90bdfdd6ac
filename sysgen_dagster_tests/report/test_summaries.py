"""Short tables that a view needs more for than one function of another room."""

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.tables import RETENTION
from sysgen_dagster.report.summaries import summarize_drops
from sysgen_dagster_tests.obedience.judged_rows import labelled
from sysgen_dagster_tests.report.statistics import ROWS, Stored, summary_of


def test_drops_are_counted_over_all_sources_without_kept_rows_and_a_pilot_s_rest() -> None:
    def outcome(source: str, table: str, name: str, rows: int) -> dict[str, object]:
        return {"source": source, "table": table, "outcome": name, "conversations": rows}

    rows = [
        outcome("a", "aligned_responses", "refused", 3),
        outcome("a", "filtered_system_messages", "no_tags", 1),
        outcome("a", "filtered_system_messages", "malformed_boundary", 2),
        outcome("b", "filtered_system_messages", "malformed_boundary", 2),
        outcome("a", "annotated_system_messages", "beyond_limit", 90),
        outcome("a", "conversations", "kept", 100),
    ]
    stored = Stored("mine", changed={"retention": rows}).read(RETENTION)
    assert stored is not None
    assert summarize_drops(stored).rows() == [
        ("filtered_system_messages", "malformed boundary", 4),
        ("filtered_system_messages", "no tags", 1),
        ("aligned_responses", "refused", 3),
    ]


def test_obedience_says_who_judged_and_what_that_is_worth() -> None:
    said = {"phi-4 (uncalibrated: 0 of 200 labelled items)"}
    assert set(summary_of("obedience_counts")["judge"]) == said
    rows = [row for row in ROWS["obedience_counts"] if row["by"] != "phi-4"]
    by_rules = summary_of("obedience_counts", Stored("mine", changed={"obedience_counts": rows}))
    assert set(by_rules["judge"]) == {None}
    assert "obeyed_by_judge" not in by_rules.columns


@pytest.mark.parametrize("view", ["obedience_counts", "judged_preferences", "judged_alignment"])
def test_a_judge_that_wrote_the_answers_is_told_apart_in_every_table(view: str) -> None:
    own = [{**row, "judge_is_generator": True} for row in ROWS[view]]
    [said] = set(summary_of(view, Stored("mine", changed={view: own}))["judge"])
    assert said.endswith(", which also wrote the answers")
    [said] = set(summary_of(view)["judge"])
    assert "wrote" not in said


def test_the_share_that_a_judge_calls_obeyed_is_corrected_where_labels_are_stored() -> None:
    plain = summary_of("obedience_counts").row(0, named=True)
    assert plain["obeyed_by_judge"] == pytest.approx(60 / 70)
    assert "obeyed_by_judge_corrected" not in plain

    errs = labelled("phrase", "phi-4").with_columns(
        verdict=pl.when(pl.int_range(pl.len()) < 20).then(pl.lit("obeyed")).otherwise("verdict")
    )
    stored = Stored("mine", changed={"judge_calibration": errs.to_dicts()})
    found = summary_of("obedience_counts", stored).row(0, named=True)
    # It calls 10 of the 100 phrases that are not obeyed obeyed.
    assert found["obeyed_by_judge_corrected"] == pytest.approx((60 / 70 + 0.9 - 1) / 0.9)
    low, high = (found[f"obeyed_by_judge_corrected_{end}"] for end in ("low", "high"))
    assert low < found["obeyed_by_judge_corrected"] < found["obeyed_by_judge"] < high
