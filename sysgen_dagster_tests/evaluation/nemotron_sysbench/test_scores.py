"""Shares of checks and of rows, computed by hand."""

import polars as pl

from sysgen_dagster.evaluation.nemotron_sysbench.answers import build_answers
from sysgen_dagster.evaluation.nemotron_sysbench.grading import build_gradings
from sysgen_dagster.evaluation.nemotron_sysbench.rows import build_rows
from sysgen_dagster.evaluation.nemotron_sysbench.scores import build_floor, build_items
from sysgen_dagster.evaluation.scores import compare_items, score_items
from sysgen_dagster_tests.evaluation.nemotron_sysbench.small_rows import question, row, rule, usual
from sysgen_dagster_tests.lanes.sysgen.frames import completions, replied

ROWS = build_rows([usual(1), usual(2), usual(3)])
YES_NO, BOTH = "Question 1: Yes\nQuestion 2: No", "Question 1: Yes\nQuestion 2: Yes"


def items(*answers_and_replies: tuple[str, str]) -> pl.DataFrame:
    answered = completions(*(replied(str(n), a) for n, (a, _) in enumerate(answers_and_replies, 1)))
    judged = completions(*(replied(str(n), r) for n, (_, r) in enumerate(answers_and_replies, 1)))
    return build_items(build_gradings(ROWS, build_answers(ROWS, answered), judged, "owl"))


def test_checks_are_pooled_by_who_makes_them_and_rows_count_where_all_pass() -> None:
    found = items(("tea, yes", YES_NO), ("tea", BOTH), ("coffee, no", "Question 1: Yes"))
    scores = score_items(found, subject="mine", protocol="-", floor=build_floor(ROWS))
    assert [(*each[:3], *each[3:]) for each in scores.select(
        "metric", "of", "score", "items", "dropped").rows()] == [
        ("checks", "rules", 4 / 6, 6, 0),  # 2, then 1 for tea without a comma, then 1
        ("checks", "questions", 4 / 5, 5, 1),
        ("checks", "misaligned", 3 / 5, 5, 1),
        ("checks", "total", 8 / 11, 11, 1),
        ("rows", "total", 1 / 3, 3, 0),  # the third fails at a rule, whatever its question
    ]  # fmt: skip
    floors = scores.select("of", "floor").rows()
    assert floors[0] == ("rules", 0.0)  # "yes" has neither tea nor a comma
    assert [floor for _, floor in floors[1:]] == [None] * 4


def test_a_row_with_an_unknown_check_and_no_failed_one_is_unknown() -> None:
    found = items(("tea, yes", "Question 1: Yes"), ("tea, yes", YES_NO), ("tea, yes", YES_NO))
    rows = found.filter(metric="rows")
    assert rows["value"].to_list() == [None, 1, 1]
    assert rows["drop_reason"].to_list() == ["no_verdict", None, None]
    assert rows["item"].to_list() == rows["cluster"].to_list() == ["1", "2", "3"]


def test_the_floor_is_what_yes_passes_of_the_rules() -> None:
    rows = build_rows([row(1, [rule(1, "punctuation:no_comma")], []), usual(2)])
    assert build_floor(rows)["value"].to_list() == [1, 0, 0]


def test_checks_of_one_number_are_checks_of_their_own() -> None:
    """The numbers are those of two lists, and a style of the first one is a question as well."""
    rules = [rule(1, "punctuation:no_comma"), rule(1, "startend:quotation")]
    style = rule(1, "stylistic:tone_formality")
    rows = build_rows([row(1, [*rules, style], [question(1, "Is it polite?"), question(1, "So?")])])
    answers = build_answers(rows, completions(replied("1", "tea")))
    said = "Question 1: Yes\nQuestion 2: No\nQuestion 3: Yes"
    found = build_items(build_gradings(rows, answers, completions(replied("1", said)), "owl"))
    compared = compare_items(found, found)

    assert found.select("metric", "of", "item").is_duplicated().sum() == 0
    assert dict(compared.select("of", "items").filter(compared["metric"] == "checks").rows()) == {
        **{"rules": 2, "questions": 3, "total": 5}
    }
