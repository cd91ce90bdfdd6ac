"""Which sets are items of the bench."""

import polars as pl

from sysgen_dagster.lanes.multifaceted.bench.items import build_bench
from sysgen_dagster.lanes.multifaceted.bench.rubrics import by_whom, write_rubrics
from sysgen_dagster.lanes.multifaceted.bench.tables import MULTIFACETED_BENCH
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS
from sysgen_dagster.tables.table import kept
from sysgen_dagster_tests.lanes.multifaceted.bench.frames import (
    LEVELS,
    RUBRIC,
    reference,
    references,
)
from sysgen_dagster_tests.lanes.multifaceted.frames import Model


def rubrics_of(rows: pl.DataFrame, unsound: str = "") -> pl.DataFrame:
    """`tables.BENCH_RUBRICS` in which the rubric of this name, if any, is not sound."""

    def grade(request_id: str) -> str:
        score = 5 if "/reference" in request_id or (unsound and unsound in request_id) else 1
        return f"It is.\n[RESULT] {score}"

    judge = Model(lambda request: grade(request.request_id))
    return by_whom(
        write_rubrics(kept(rows), Model(lambda _: RUBRIC).ask, judge.ask, True), "owl", False
    )


def test_a_set_with_four_sound_rubrics_is_an_item() -> None:
    rows = references(number=2)
    bench = build_bench(rows, rubrics_of(rows))

    assert bench.columns == MULTIFACETED_BENCH.names
    assert bench["conversation_id"].to_list() == rows["conversation_id"].to_list()
    assert bench["drop_reason"].count() == 0
    assert bench["item"].n_unique() == 4
    assert bench["reference_answer"].to_list() == rows["answer"].to_list()
    assert bench["sibling_answer"].to_list()[:2] == rows["answer"].to_list()[1::-1]
    held = bench["rubrics"].to_list()[0]
    assert [each["dimension"] for each in held] == [*DIMENSIONS]
    assert [each["levels"] for each in held] == [LEVELS] * 4


def test_one_unsound_rubric_is_enough_to_be_none() -> None:
    rows = references()
    bench = build_bench(rows, rubrics_of(rows, unsound="own-0-0#1/harmlessness/sibling"))

    assert bench["drop_reason"].to_list() == [None, "sibling_scores_high"]
    assert bench.select("item", "rubrics").row(1) == (None, None)


def test_a_set_without_an_answer_or_a_sibling_s_says_so() -> None:
    rows = references(
        reference(0, 0),
        reference(0, 1, answer=None, drop_reason="truncated"),
        reference(1, 0),
        reference(1, 1, answer="Long. " * 60),
    )
    bench = build_bench(rows, rubrics_of(rows))

    assert bench["drop_reason"].to_list() == [
        *("no_sibling", "truncated"),
        *("lengths_differ", "lengths_differ"),
    ]


def test_an_item_is_known_by_its_content() -> None:
    rows = references()
    one = build_bench(rows, rubrics_of(rows))
    renamed = rows.with_columns(
        pl.col("conversation_id", "instruction_id").str.replace("own-0", "own-7")
    )
    other = build_bench(renamed, rubrics_of(renamed))

    assert one["item"].to_list() == other["item"].to_list()
