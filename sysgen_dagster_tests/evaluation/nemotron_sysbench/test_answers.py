"""Each row is asked once, with its turns as they are."""

import polars as pl

from sysgen_dagster.evaluation.nemotron_sysbench.answers import (
    build_answer_requests,
    build_answers,
)
from sysgen_dagster.evaluation.nemotron_sysbench.rows import build_rows
from sysgen_dagster.evaluation.nemotron_sysbench.tables import NEMOTRON_SYSBENCH_ANSWERS
from sysgen_dagster_tests.evaluation.nemotron_sysbench.small_rows import row, rule, usual
from sysgen_dagster_tests.lanes.sysgen.frames import completions, failed, replied

ITEMS = build_rows([usual(1), row(2, [rule(1, "no:such")], []), usual(3)])


def test_only_rows_with_a_check_are_asked_with_all_of_their_turns() -> None:
    requests = [*build_answer_requests(ITEMS)]
    assert [each.request_id for each in requests] == ["1", "3"]
    assert [each["role"] for each in requests[0].messages] == [
        *("system", "user", "assistant", "user")
    ]
    assert requests[0].sampling.temperature == 0


def test_every_row_has_an_answer_or_a_reason() -> None:
    answers = build_answers(ITEMS, completions(replied("1", "Tea."), failed("3", "timeout")))
    assert answers.schema == pl.Schema(NEMOTRON_SYSBENCH_ANSWERS.schema)
    assert answers.select("item", "answer", "drop_reason").rows() == [
        ("1", "Tea.", None),
        ("2", None, "no_check_left"),
        ("3", None, "timeout"),
    ]
