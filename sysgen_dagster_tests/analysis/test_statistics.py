"""Counts and means over the rows of a model or of the sources."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.analysis.statistics import (
    ALL,
    compare_learned,
    compare_lengths,
    compare_similarity,
    compare_verdicts,
    count_characters,
    count_verdicts,
    measure_answer_similarity,
    measure_source_lengths,
    sum_counts,
)
from sysgen_dagster.analysis.tables import (
    ANSWER_SIMILARITY,
    LEARNED_SIMILARITY,
    SIMILARITY,
    SOURCE_LENGTHS,
)
from sysgen_dagster.lanes.sysgen.tables import VERDICT_COUNTS, VERDICTS
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES


def conversations(*rows: tuple[str, str | None, str | None, str | None]) -> pl.DataFrame:
    columns = ["source", "question", "answer", "drop_reason"]
    return pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String), orient="row")


def test_lengths_are_means_of_characters_over_the_rows_that_go_on() -> None:
    rows = conversations(
        ("metamath", "ab", "abcd", None),
        ("metamath", "abcd", "né", None),
        ("metamath", "x" * 100, None, "no_answer"),
        ("capybara", "ab", "a", None),
    )
    lengths = measure_source_lengths(count_characters(rows))
    assert lengths.schema == SOURCE_LENGTHS.schema
    assert lengths.select("source", "conversations", "question_chars", "answer_chars").rows() == [
        ("metamath", 2, 3.0, 3.0),
        ("capybara", 1, 2.0, 1.0),
    ]


def test_lengths_stand_beside_the_paper_s_where_it_has_the_source() -> None:
    rows = conversations(("metamath", "ab", "abcd", None), ("mine", "ab", "abcd", None))
    compared = compare_lengths(measure_source_lengths(count_characters(rows)))
    assert compared.select("source", "conversations_paper", "question_chars_paper").rows() == [
        ("metamath", 395_000, 213.53),
        ("mine", None, None),
    ]


def verified(*rows: tuple[str, dict[str, str]]) -> pl.DataFrame:
    records = [
        (source, [{"tag": tag, "verdict": verdict} for tag, verdict in verdicts.items()])
        for source, verdicts in rows
    ]
    return pl.DataFrame(records, schema={"source": pl.String, "verdicts": VERDICTS}, orient="row")


JUDGED = verified(
    ("capybara", {"Role": "Good", "Content": "Bad"}),
    ("capybara", {"Role": "Good", "Content": "Good", "Tool": "None"}),
    ("capybara", {"Role": "Unreadable"}),
    ("capybara", {}),  # the judgement never came
    ("metamath", {"Role": "Bad"}),
)


def _count(counts: pl.DataFrame, source: str, tag: str, verdict: str) -> tuple[int, int]:
    row = counts.filter(source=source, tag=tag, verdict=verdict)
    return row.select("messages", "of_messages").row(0)


def test_verdicts_are_counted_of_the_messages_that_hold_the_tag() -> None:
    counts = count_verdicts(JUDGED)
    assert counts.schema == VERDICT_COUNTS.schema
    assert _count(counts, "capybara", "Role", "Good") == (2, 3)
    assert _count(counts, "capybara", "Role", "Unreadable") == (1, 3)
    assert _count(counts, "capybara", "Content", "Bad") == (1, 2)
    assert _count(counts, "capybara", "Tool", "None") == (1, 1)
    assert _count(counts, "metamath", "Tool", "None") == (0, 0)


def test_every_source_tag_and_verdict_has_its_line() -> None:
    assert count_verdicts(JUDGED).height == 2 * len(TAG_NAMES) * 4


def test_shards_summed_are_the_whole() -> None:
    parts = [count_verdicts(JUDGED[:2]), count_verdicts(JUDGED[2:])]
    whole = count_verdicts(JUDGED)
    order = ["source", "tag", "verdict"]
    assert sum_counts(parts).sort(order).equals(whole.sort(order))


def test_verdict_shares_stand_beside_the_paper_s_also_over_all_sources() -> None:
    compared = compare_verdicts(count_verdicts(JUDGED), "phi-4")
    role = compared.filter(tag="Role").select("source", "messages", "bad", "unreadable").rows()
    assert role == [("capybara", 3, 0.0, 1 / 3), ("metamath", 1, 1.0, 0.0), (ALL, 4, 0.25, 0.25)]
    papers = dict(compared.filter(tag="Role").select("source", "bad_paper").iter_rows())
    assert papers["metamath"] == pytest.approx(0.0194)
    assert papers[ALL] == pytest.approx((1.90 + 1.96 + 0.62 + 1.94 + 1.50) / 500)


def test_a_tag_that_no_message_holds_has_no_share() -> None:
    compared = compare_verdicts(count_verdicts(JUDGED), "phi-4").filter(tag="Format", source=ALL)
    assert compared.select("messages", "bad", "none").row(0) == (0, None, None)


def test_a_model_the_paper_does_not_know_has_no_figures_beside_it() -> None:
    compared = compare_verdicts(count_verdicts(JUDGED), "mine")
    assert compared["bad_paper"].null_count() == compared.height


def quality(*rows: dict[str, Any]) -> pl.DataFrame:
    columns = ("source", "answer_chars", "new_answer_chars", *SIMILARITY)
    usual: dict[str, Any] = dict.fromkeys(SIMILARITY, 0.5)
    records = [{**usual, **row} for row in rows]
    return pl.DataFrame(records).select(columns).cast({"answer_chars": pl.UInt32})


ROWS = quality(
    {"source": "a", "answer_chars": 100, "new_answer_chars": 200, "rouge1": 0.2},
    {"source": "a", "answer_chars": 300, "new_answer_chars": 300, "rouge1": 0.4},
    {"source": "b", "answer_chars": 10, "new_answer_chars": 50, "rouge1": 0.9},
)


def _mean(table: pl.DataFrame, source: str, metric: str) -> float:
    return float(table.filter(source=source, metric=metric)["mean"].item())


def test_similarity_has_a_mean_for_each_source_and_over_all() -> None:
    table = measure_answer_similarity(ROWS)
    assert table.schema == ANSWER_SIMILARITY.schema
    assert table["source"].unique(maintain_order=True).to_list() == ["a", "b", ALL]
    assert _mean(table, "a", "rouge1") == pytest.approx(0.3)
    assert _mean(table, ALL, "rouge1") == pytest.approx(0.5)


def test_the_length_ratio_is_that_of_the_means_and_the_other_the_mean_of_the_ratios() -> None:
    table = measure_answer_similarity(ROWS)
    assert _mean(table, "a", "length_ratio") == pytest.approx(500 / 400)
    assert _mean(table, "a", "mean_of_length_ratios") == pytest.approx((2 + 1) / 2)


def test_rows_of_no_answers_give_no_lines_and_no_error() -> None:
    assert measure_answer_similarity(ROWS.clear()).is_empty()


def test_similarity_over_all_stands_beside_table_1() -> None:
    compared = compare_similarity(measure_answer_similarity(ROWS), "phi-4")
    assert compared.filter(source=ALL, metric="rouge2")["paper"].item() == 0.323
    assert compared.filter(source="a")["paper"].null_count() == len(SIMILARITY) + 2
    assert compared.filter(source=ALL, metric="rouge1_unicode")["paper"].item() is None


def learned(*rows: tuple[str, str, int, float | None]) -> pl.DataFrame:
    records = [
        {
            "source": source,
            "metric": metric,
            "rows": count,
            "mean": mean,
            "computed": mean is not None,
            "how": "weights" if mean is not None else "no weights are named",
        }
        for source, metric, count, mean in rows
    ]
    return pl.DataFrame(records, schema=LEARNED_SIMILARITY.schema)


def test_learned_metrics_are_weighted_by_rows_beside_table_1() -> None:
    table = learned(("a", "bertscore", 30, 0.8), ("b", "bertscore", 10, 0.4))
    compared = compare_learned(table, "phi-4").select("source", "rows", "mean", "paper")
    over_all, *sources = compared.rows()
    assert over_all == (ALL, 40, pytest.approx(0.7), 0.861)
    assert sources == [("a", 30, 0.8, None), ("b", 10, 0.4, None)]


def test_a_metric_that_is_not_computed_has_one_line_that_says_why() -> None:
    table = learned(("a", "bleurt", 0, None), ("b", "bleurt", 0, None))
    assert compare_learned(table, "mine").rows() == [
        (ALL, "bleurt", 0, None, None, "no weights are named")
    ]
