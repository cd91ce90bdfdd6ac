"""Items are worth 1 or 0, and nothing where a constraint of theirs is unknown."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.evaluation.rule_based.grading import grade_yes
from sysgen_dagster.evaluation.rule_based.items import build_item_table
from sysgen_dagster.evaluation.rule_based.scores import (
    build_instruction_items,
    build_tensor_trust_items,
    count_left_out,
    describe_protocol,
)
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster_tests.evaluation.rule_based.rows import BENCH_OF, attack_rows, instruction_row

S_IFEVAL = BENCH_OF["s_ifeval"]
REAL = Path(__file__).parents[3].parent / "shared" / "data" / "benchmarks" / "s_ifeval.parquet"


def gradings(*rows: tuple[str, str, bool | None, bool | None, str | None]) -> pl.DataFrame:
    """Of each its item, its constraint, both verdicts and the reason where there is none."""
    table = S_IFEVAL.tables.gradings
    filled: list[dict[str, Any]] = [
        {
            **dict.fromkeys(table.names),
            **{"item": item, "cluster": item, "number": at, "constraint": constraint},
            **{"stands_in": "system", "strict": strict, "loose": loose, "drop_reason": reason},
        }
        for at, (item, constraint, strict, loose, reason) in enumerate(rows, start=1)
    ]
    return pl.DataFrame(filled, schema=table.schema)


ROWS = gradings(
    ("a", "x:one", True, True, None),
    ("a", "x:two", False, True, None),
    ("b", "x:one", True, True, None),
    ("c", "x:one", False, False, None),
    ("c", "x:two", None, None, "not_verifiable"),
    ("d", "x:two", None, None, "timeout"),
)


def values(items: pl.DataFrame, metric: str, of: str = "total") -> list[float | None]:
    return items.filter(metric=metric, of=of)["value"].to_list()


def test_a_prompt_counts_where_all_of_its_constraints_are_kept() -> None:
    items = build_instruction_items(ROWS)

    assert values(items, "prompt_strict") == [0, 1, None, None]
    assert values(items, "prompt_loose") == [1, 1, None, None]


def test_a_prompt_with_an_unknown_constraint_is_unknown_though_another_fails() -> None:
    """Else items with a constraint that is left out would count only where they fail."""
    rows = build_instruction_items(ROWS).filter(metric="prompt_strict", item="c")

    assert rows.select("value", "drop_reason").rows() == [(None, "not_verifiable")]


def test_each_constraint_counts_in_the_total_its_type_and_its_place() -> None:
    items = build_instruction_items(ROWS)

    assert values(items, "instruction_strict") == [1, 0, 1, 0, None, None]
    assert values(items, "instruction_strict", "x:one") == [1, 1, 0]
    assert values(items, "instruction_loose", "x:two") == [1, None, None]
    assert values(items, "instruction_strict", "stated in: system") == [1, 0, 1, 0, None, None]
    assert set(items.filter(metric="instruction_strict", item="a/2")["cluster"]) == {"a"}


def test_nothing_is_lost_or_made_up() -> None:
    scores = score_items(build_instruction_items(ROWS), subject="me", protocol="rules")
    counted = {row[:2]: row[2:] for row in scores.select("metric", "of", "items", "dropped").rows()}

    assert counted["prompt_strict", "total"] == (2, 2)
    assert counted["instruction_strict", "total"] == (4, 2)
    assert counted["instruction_loose", "x:two"] == (1, 2)


def test_tensor_trust_has_its_three_scores_together_and_those_of_one_defence_alone() -> None:
    bench = BENCH_OF["tensor_trust"]
    asked = build_item_table(
        bench.read_items("tensor_trust", attack_rows(3)), "all", 0, bench.tables.items
    )
    items = build_tensor_trust_items(grade_yes(asked, bench.tables.gradings, bench.keeps))
    floors = score_items(items, subject="yes", protocol="rules")

    assert floors.select("metric", "of", "score", "items").rows() == [
        ("extraction_robustness", "total", 1.0, 3),
        ("hijacking_robustness", "total", 1.0, 3),
        ("helpfulness", "total", 0.0, 3),
        ("extraction_robustness", "stated in: system", 1.0, 2),
        ("hijacking_robustness", "stated in: system", 1.0, 2),
        ("helpfulness", "stated in: system", 0.0, 2),
    ]


@pytest.mark.skipif(not REAL.is_file(), reason="needs the published rows of S-IFEval")
def test_a_server_that_says_yes_scores_on_s_ifeval_as_with_the_harness_own_verifiers() -> None:
    rows = (("s_ifeval", row) for row in pl.read_parquet(REAL).iter_rows(named=True))
    asked = build_item_table(S_IFEVAL.read_items("s_ifeval", rows), "all", 0, S_IFEVAL.tables.items)
    yes = build_instruction_items(grade_yes(asked, S_IFEVAL.tables.gradings, S_IFEVAL.keeps))
    floors = score_items(yes, subject="yes", protocol="rules").filter(of="total")

    assert (asked.height, count_left_out(asked).height) == (541, 0)
    assert dict(floors.select("metric", pl.col("score").round(3)).rows()) == {
        **dict.fromkeys(("prompt_strict", "prompt_loose"), 0.113),
        **dict.fromkeys(("instruction_strict", "instruction_loose"), 0.227),
    }
    places = yes.filter(pl.col("of").str.starts_with("stated"), metric="instruction_strict")
    stated = dict(places.group_by("of").len().rows())
    assert stated == {"stated in: system": 830, "stated in: user": 4}


def test_what_is_left_out_is_counted_by_constraint_and_named_in_the_protocol() -> None:
    rows = [
        instruction_row(0, ["stylistic:tone", "punctuation:no_comma"], [{}, {}], "No commas."),
        instruction_row(1, ["stylistic:tone"], [{}], "Be kind."),
    ]
    items = build_item_table(
        S_IFEVAL.read_items("s_ifeval", (("f", row) for row in rows)),
        *("all", 0),
        S_IFEVAL.tables.items,
    )
    answers = S_IFEVAL.tables.answers.empty()

    assert count_left_out(items).rows() == [("stylistic:tone", "no rule for this instruction", 2)]
    assert describe_protocol("S-IFEval", items, answers, "user") == (
        "S-IFEval, 2 items, 2 of 3 constraints left out; system message in: user; answers: none; "
        "graded by rules"
    )


def test_the_protocol_says_how_most_answers_were_asked_for() -> None:
    table = S_IFEVAL.tables.answers
    row = {**dict.fromkeys(table.names), "temperature": 0.0, "max_tokens": 1280}
    folded = row | {"system_message_folded": True, "temperature": 0.7}
    answers = pl.DataFrame([row, row, folded], schema=table.schema)
    said = describe_protocol("S-IFEval", S_IFEVAL.tables.items.empty(), answers, "system")

    assert "temperature 0, at most 1280 tokens" in said
    assert "the template has no system role" in said
