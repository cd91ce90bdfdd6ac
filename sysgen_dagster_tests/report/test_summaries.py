"""Short tables that a view needs more for than one function of another room."""

from sysgen_dagster.lanes.sysgen.tables import RETENTION
from sysgen_dagster.report.summaries import summarize_drops
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
