"""What the UI shows of the report."""

from sysgen_dagster.defs.report import report_metadata
from sysgen_dagster.report.page import Report
from sysgen_dagster.report.training_set import TrainingSet
from sysgen_dagster_tests.defs.plumbing.test_metadata import HOSTILE, SHOWN_AT_ONCE, story


def test_a_report_says_first_what_can_be_trained_on() -> None:
    made = TrainingSet("sysgen", "/data", [("train", 3)], speaks_against=["No. " + HOSTILE] * 30)
    kept = story(question="Q", new_answer="A")
    report = Report(
        *("A", "now", [("rows kept of m", "3")], ["Made up."], [], [kept, kept]),
        training_sets=[made],
        kept_rows=1,
    )
    told = report_metadata(report)
    assert [*told] == [
        *("training_sets", "folder", "before_you_train", "kept_rows", "row_1", "notices"),
    ]
    assert "| sysgen | train 3 | 30 |" in str(told["training_sets"].value)
    sentences = str(told["before_you_train"].value)
    assert len(sentences) < SHOWN_AT_ONCE
    assert "more, in the report" in sentences
    assert "<img" not in sentences
