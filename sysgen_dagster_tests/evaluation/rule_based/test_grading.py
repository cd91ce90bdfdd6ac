"""Each constraint of each item has a verdict on its answer, or the reason why it has none."""

import polars as pl

from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.evaluation.rule_based.grading import (
    build_answers,
    build_requests,
    grade,
    grade_yes,
)
from sysgen_dagster.evaluation.rule_based.items import build_item_table
from sysgen_dagster.evaluation.tables import NOT_VERIFIABLE
from sysgen_dagster_tests.evaluation.rule_based.rows import (
    BENCH_OF,
    attack_rows,
    instruction_row,
)

BENCH = BENCH_OF["s_ifeval"]
ROWS = [
    instruction_row(0, ["punctuation:no_comma", "startend:quotation"], [{}, {}], "No commas."),
    instruction_row(1, ["stylistic:tone"], [{}], "Be kind."),
    instruction_row(2, ["stylistic:tone", "punctuation:no_comma"], [{}, {}], "Be kind."),
    instruction_row(3, ["punctuation:no_comma"], [{}], "No commas."),
]


def item_table(rows: list[dict[str, object]]) -> pl.DataFrame:
    items = BENCH.read_items("s_ifeval", (("file", row) for row in rows))
    return build_item_table(items, "all", 0, BENCH.tables.items)


def completions(texts: dict[str, str | None]) -> pl.DataFrame:
    rows = [
        {
            **dict.fromkeys(COMPLETIONS),
            "request_id": item,
            "text": text,
            "attempts": 1,
            "failed_because": None if text else "timeout",
        }
        for item, text in texts.items()
    ]
    return pl.DataFrame(rows, schema=COMPLETIONS)


def graded(texts: dict[str, str | None]) -> pl.DataFrame:
    items = item_table(ROWS)
    answers = build_answers(items, completions(texts), BENCH.tables.answers)
    return grade(items, answers, BENCH.tables.gradings, BENCH.keeps)


def test_an_item_without_any_rule_is_not_asked() -> None:
    requests = list(build_requests(item_table(ROWS), BENCH.tables.answers, BENCH.sampling))

    assert [request.request_id for request in requests] == ["0", "2", "3"]
    assert requests[0].messages == ROWS[0]["messages"]
    assert (requests[0].sampling.temperature, requests[0].sampling.max_tokens) == (0.0, 1280)


def test_every_constraint_has_a_verdict_or_a_reason() -> None:
    rows = graded({"0": "All, all", "2": "Well", "3": None})

    assert rows.select("item", "number", "strict", "loose", "drop_reason").rows() == [
        ("0", 1, False, False, None),
        ("0", 2, False, False, None),
        ("1", 1, None, None, NOT_VERIFIABLE),
        ("2", 1, None, None, NOT_VERIFIABLE),
        ("2", 2, True, True, None),
        ("3", 1, None, None, "timeout"),
    ]


def test_what_the_run_did_not_reach_is_unknown() -> None:
    rows = graded({"0": "Well"})

    assert rows.filter(item="3")["drop_reason"].to_list() == ["beyond_limit"]


def test_the_floor_is_what_yes_keeps() -> None:
    rows = grade_yes(item_table(ROWS), BENCH.tables.gradings, BENCH.keeps)

    assert rows["strict"].to_list() == [True, False, None, None, True, True]


def test_a_benchmark_without_a_loose_reading_has_none() -> None:
    bench = BENCH_OF["tensor_trust"]
    items = build_item_table(
        bench.read_items("tensor_trust", attack_rows(1)), "all", 0, bench.tables.items
    )
    rows = grade_yes(items, bench.tables.gradings, bench.keeps)

    assert rows["strict"].to_list() == [True, True, False]
    assert rows["loose"].null_count() == 3
