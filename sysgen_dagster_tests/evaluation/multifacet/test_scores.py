"""Scores of a subject from its gradings: by item, column and dimension, with nothing made up."""

import json
from itertools import product
from random import Random
from statistics import fmean

import polars as pl
import pytest

from sysgen_dagster.evaluation.multifacet.scores import (
    COLUMNS,
    MEAN_OF_COLUMNS,
    build_items,
    describe_protocol,
    name_mean,
)
from sysgen_dagster.evaluation.multifacet.tables import MULTIFACET_ANSWERS, MULTIFACET_GRADINGS
from sysgen_dagster.evaluation.scores import compare_items, score_items
from sysgen_dagster.evaluation.tables import ITEM_COLUMNS
from sysgen_dagster_tests.evaluation.multifacet.benches import DIMENSIONS
from sysgen_dagster_tests.evaluation.multifacet.frames import gradings

WITHOUT, WITH = "multifacet", "multifacet_judge_sees_message"


def rated(
    item: str, column: str, *scores: int | str, sees: bool = False
) -> list[tuple[object, ...]]:
    """An item whose rubrics have these scores, or reasons why they have none."""
    return [
        (item, column, *pair)
        for pair in ((d, sees, s) for d, s in zip(DIMENSIONS, scores, strict=True))
    ]


def values(
    rows: list[tuple[object, ...]], of: str, metric: str = WITHOUT
) -> dict[str, float | None]:
    """The value of each item under a score."""
    items = build_items(gradings(rows)).filter(of=of, metric=metric)
    return dict(items.select("item", "value").iter_rows())


def score(rows: list[tuple[object, ...]], of: str, metric: str = WITHOUT) -> dict[str, object]:
    scores = score_items(build_items(gradings(rows)), subject="owl", protocol="")
    [found] = scores.filter(of=of, metric=metric).rows(named=True)
    return found


def test_an_item_is_the_mean_of_its_rubrics_and_the_total_the_mean_of_items() -> None:
    rows = [*rated("a", "Koala", 5, 4, 3, 4), *rated("b", "FLASK", 1, 1, 2, 2)]

    assert values(rows, "total") == {"a": 4.0, "b": 1.5}
    assert score(rows, "total")["score"] == pytest.approx(2.75)


def test_each_column_and_each_dimension_has_its_items() -> None:
    rows = [*rated("a", "Koala", 5, 4, 3, 4), *rated("b", "FLASK", 1, 1, 2, 2)]

    assert values(rows, "Koala") == {"a": 4.0}
    assert values(rows, "FLASK") == {"b": 1.5}
    assert values(rows, "style") == {"a": 5.0, "b": 1.0}
    assert values(rows, "harmlessness") == {"a": 4.0, "b": 2.0}


def test_both_ways_of_showing_it_are_scores_of_their_own() -> None:
    rows = [*rated("a", "Koala", 5, 5, 5, 5), *rated("a", "Koala", 2, 2, 2, 2, sees=True)]

    assert values(rows, "total", WITHOUT) == {"a": 5.0}
    assert values(rows, "total", WITH) == {"a": 2.0}


def test_an_item_with_an_unread_rubric_keeps_the_others_and_the_dimension_counts_it() -> None:
    rows = [*rated("a", "Koala", 5, "no_result_mark", 3, 4), *rated("b", "Koala", 1, 2, 1, 2)]

    assert values(rows, "total") == {"a": 4.0, "b": 1.5}
    assert values(rows, "background_knowledge") == {"a": None, "b": 2.0}
    found = score(rows, "background_knowledge")
    assert (found["items"], found["dropped"], found["score"]) == (1, 1, 2.0)
    assert score(rows, "total")["dropped"] == 0


def test_an_item_without_a_read_rubric_is_unknown_and_counted_with_its_reason() -> None:
    rows = [*rated("a", "Koala", *["no_answer"] * 4), *rated("b", "Koala", 1, 2, 1, 2)]
    items = build_items(gradings(rows))

    reasons = items.filter(item="a")["drop_reason"].unique().to_list()
    assert reasons == ["no_answer"]
    assert items.filter(item="a")["value"].null_count() == items.filter(item="a").height
    assert items.filter(item="b")["drop_reason"].null_count() == items.filter(item="b").height
    for of in ("total", "Koala", name_mean(["Koala"])):
        found = score(rows, of)
        assert (found["items"], found["dropped"], found["score"]) == (1, 1, 1.5)


def test_nothing_is_imputed_the_score_is_that_of_what_is_read() -> None:
    rng = Random(1)
    rows, read = [], []
    for number in range(40):
        scores = [rng.choice([1, 2, 3, 4, 5, "no_result_mark"]) for _ in DIMENSIONS]
        rows += rated(f"item {number}", "Koala", *scores)
        known = [each for each in scores if isinstance(each, int)]
        read += [fmean(known)] if known else []

    assert score(rows, "total")["score"] == pytest.approx(fmean(read))
    assert score(rows, "total")["items"] == len(read)


def test_the_mean_of_columns_weighs_columns_alike_however_many_items_they_have() -> None:
    rows = [
        *(each for n in range(6) for each in rated(f"f{n}", "FLASK", *[n % 2 + 1] * 4)),
        *rated("k", "Koala", 5, 5, 5, 5),
        *rated("m", "MT-Bench", 4, 4, 4, 4),
    ]

    found = score(rows, "mean of FLASK, Koala, MT-Bench")
    assert found["score"] == pytest.approx((1.5 + 5 + 4) / 3)
    assert score(rows, "total")["score"] == pytest.approx((9 + 5 + 4) / 8)


def test_items_of_no_column_are_in_the_total_and_in_no_mean_of_columns() -> None:
    rows = [*rated("a", "Koala", 4, 4, 4, 4), *rated("b", "unassigned", 1, 1, 1, 1)]

    assert score(rows, "mean of Koala")["score"] == 4
    assert score(rows, "mean of Koala")["items"] == 1
    assert score(rows, "unassigned")["score"] == 1
    assert score(rows, "total")["items"] == 2


OF_BOTH = "mean of FLASK, Koala"


def draw_columns(rng: Random, shift: float = 0.0) -> list[tuple[object, ...]]:
    """Items of two columns of different size and level."""
    rows = []
    for column, number, level in (("FLASK", 160, 3), ("Koala", 20, 4)):
        for at in range(number):
            one = min(max(level + rng.choice([-1, 0, 1]) + (rng.random() < shift), 1), 5)
            rows += rated(f"{column} {at}", column, *[int(one)] * 4)
    return rows


def test_the_interval_of_the_mean_of_columns_is_that_of_drawing_within_columns() -> None:
    rows = draw_columns(Random(2))
    found = score(rows, OF_BOTH)
    by_column = [list(values(rows, column).values()) for column in ("FLASK", "Koala")]
    variance = sum(
        pl.Series(each).var(ddof=0) / len(each)
        for each in by_column  # type: ignore[operator]
    )
    half = 1.96 * (variance / 4) ** 0.5

    assert found["score"] == pytest.approx(fmean(map(fmean, by_column)))  # type: ignore[arg-type]
    assert (found["high"] - found["low"]) / 2 == pytest.approx(half, rel=0.1)  # type: ignore[operator]


def test_two_subjects_are_compared_by_item_under_each_score() -> None:
    first, second = (draw_columns(Random(3), shift) for shift in (0.0, 0.4))
    items = [build_items(gradings(rows)) for rows in (first, second)]
    compared = compare_items(*items)
    of = {row["of"]: row for row in compared.rows(named=True)}

    assert of["total"]["items"] == 180
    assert of["Koala"]["items"] == 20
    expected = score(second, OF_BOTH)["score"] - score(first, OF_BOTH)["score"]  # type: ignore[operator]
    assert of[OF_BOTH]["difference"] == pytest.approx(expected)
    for each in of.values():
        assert each["low"] <= each["difference"] <= each["high"]


def five_columns(unread: str = "", first: int = 4) -> list[tuple[object, ...]]:
    """Ten items of each column; of one the first ones may be unread, which are the worst."""
    return [
        row
        for column in sorted(COLUMNS)
        for at in range(10)
        for scores in [
            ["no_result_mark"] * 4 if column == unread and at < first else [at % 5 + 1] * 4
        ]
        for row in rated(f"{column} {at}", column, *scores)
    ]


@pytest.mark.parametrize("column", sorted(COLUMNS))
def test_what_one_subject_has_unread_counts_for_no_difference_of_the_means_of_columns(
    column: str,
) -> None:
    whole, less = (build_items(gradings(five_columns(unread))) for unread in ("", column))
    for pair in ((whole, less), (less, whole)):
        [mean] = compare_items(*pair).filter(of=MEAN_OF_COLUMNS).rows(named=True)
        assert mean["difference"] == pytest.approx(0)
        assert mean["items"] == 46


def test_a_column_of_which_nothing_is_read_leaves_no_mean_of_all_columns() -> None:
    rows = five_columns("MT-Bench", first=10)
    found = score(rows, MEAN_OF_COLUMNS)

    assert (found["score"], found["low"], found["items"], found["dropped"]) == (None, None, 40, 10)
    compared = compare_items(*(build_items(gradings(each)) for each in (five_columns(), rows)))
    assert compared.filter(of=MEAN_OF_COLUMNS)["difference"].to_list() == [None]


def test_a_mean_of_fewer_columns_names_them_and_is_not_compared_with_that_of_all() -> None:
    four = [row for row in five_columns() if row[1] != "MT-Bench"]
    items = [build_items(gradings(rows)) for rows in (five_columns(), four)]

    assert "mean of AlpacaEval, FLASK, Koala, Self-Instruct" in set(items[1]["of"])
    assert not any(of.startswith("mean of") for of in compare_items(*items)["of"])


def test_the_mean_of_a_bench_with_columns_of_its_own_is_compared_where_they_are_the_same() -> None:
    rows = [*rated("a", "poems", 1, 1, 1, 1), *rated("b", "poems", 2, 2, 2, 2)]
    more = [*rows, *rated("c", "riddles", 5, 5, 5, 5)]
    less, whole = (build_items(gradings(each), columns=None) for each in (rows, more))

    assert MEAN_OF_COLUMNS in set(less["of"])
    assert compare_items(whole, less).filter(of=MEAN_OF_COLUMNS)["difference"].to_list() == [None]
    assert compare_items(whole, whole).filter(of=MEAN_OF_COLUMNS)["difference"].to_list() == [0]


def test_scores_stand_in_the_order_of_the_tables_total_first() -> None:
    rows = [
        each
        for sees, column in product((False, True), ("Koala", "AlpacaEval"))
        for each in rated(column, column, 1, 2, 3, 4, sees=sees)
    ]
    scores = score_items(build_items(gradings(rows)), subject="owl", protocol="")
    wanted = ["total", name_mean(["AlpacaEval", "Koala"]), "AlpacaEval", "Koala"]
    wanted += sorted(DIMENSIONS)

    assert scores.select("metric", "of").rows() == [*product((WITHOUT, WITH), wanted)]


def test_expected_scores_are_metrics_of_their_own_where_probabilities_are_known() -> None:
    rows: list[tuple[object, ...]] = [
        ("a", "Koala", "style", False, 4, 3.5),
        ("a", "Koala", "harmlessness", False, 2, 2.5),
        ("b", "Koala", "style", False, 4, None),
        ("c", "Koala", "style", False, "no_result_mark", None),
    ]
    items = build_items(gradings(rows)).filter(of="total")
    found = {(row["metric"], row["item"]): row for row in items.rows(named=True)}

    assert found[WITHOUT, "a"]["value"] == found[f"{WITHOUT}_expected", "a"]["value"] == 3.0
    assert found[f"{WITHOUT}_expected", "b"]["value"] is None
    assert found[f"{WITHOUT}_expected", "b"]["drop_reason"] == "no_probabilities"
    assert found[f"{WITHOUT}_expected", "c"]["drop_reason"] == "no_result_mark"
    assert found[WITHOUT, "b"]["value"] == 4.0


def test_a_judge_without_probabilities_has_no_expected_scores() -> None:
    metrics = build_items(gradings(rated("a", "Koala", 1, 2, 3, 4)))["metric"]
    assert set(metrics) == {WITHOUT}


def test_two_rubrics_of_one_dimension_are_one_item_of_it() -> None:
    rows = [("a", "Koala", "style", False, 2), ("a", "Koala", "style", False, 5)]
    assert values(rows, "style") == {"a": 3.5}  # type: ignore[arg-type]


def test_no_gradings_are_no_items() -> None:
    items = build_items(MULTIFACET_GRADINGS.empty())
    assert items.is_empty()
    assert items.columns == [*ITEM_COLUMNS]


# The protocol in words


def asked(table: pl.DataFrame, folded: bool = False, **fields: object) -> pl.DataFrame:
    row = {
        **dict.fromkeys(table.columns),
        "request_fields": json.dumps(fields),
        "max_tokens": 1024,
        "system_message_folded": folded,
    }
    return pl.DataFrame([row], schema=table.schema)


@pytest.mark.parametrize("message_in", ["system", "user"])
def test_the_protocol_says_how_was_asked_and_where_the_message_stood(message_in: str) -> None:
    answers = asked(MULTIFACET_ANSWERS.empty(), temperature=1.0, top_p=0.9)
    said = describe_protocol(
        "A bench", answers, asked(MULTIFACET_GRADINGS.empty(), temperature=0.0), message_in
    )

    assert said.startswith(f"A bench; system message in: {message_in};")
    assert "temperature 1.0, top_p 0.9, max_tokens 1024" in said
    assert "one grading a rubric: temperature 0.0" in said


def test_a_template_without_a_system_role_is_said() -> None:
    answers = asked(MULTIFACET_ANSWERS.empty(), folded=True)
    said = describe_protocol("A bench", answers, MULTIFACET_GRADINGS.empty(), "system")
    assert "no system role" in said
    assert "one grading a rubric: none" in said
