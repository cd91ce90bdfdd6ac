"""Counts over the tables of the phases."""

import math
from collections.abc import Sequence
from typing import Any

import polars as pl
import polars.selectors as cs
import pytest

from sysgen_dagster.lanes.sysgen.counts import (
    count_outcomes,
    count_results,
    count_tags,
    summarize_results,
    summarize_retention,
    summarize_tags,
    tag_rates,
)
from sysgen_dagster.lanes.sysgen.paper import COUNTS, ModelCounts
from sysgen_dagster.lanes.sysgen.tables import (
    ALIGNED,
    FILTERED,
    PHRASES,
    RESULT_COUNTS,
    RETENTION,
    TAG_COUNTS,
    VERIFIED,
)
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.tables.rates import Rate
from sysgen_dagster_tests.tables.outcomes import MIXED, rows

PAPER = ModelCounts(
    started=1000,
    filtered=800,
    aligned=500,
    tags={
        "Role": 450,
        "Content": 400,
        "Task": 350,
        "Action": 300,
        "Style": 250,
        "Background": 200,
        "Tool": 5,
        "Format": 100,
    },
)


def test_outcomes_are_counted_by_source_with_the_most_frequent_first() -> None:
    counts = count_outcomes(ALIGNED, MIXED)

    assert counts.schema == RETENTION.schema
    assert counts.rows() == [
        ("a", "aligned_responses", "kept", 3),
        ("a", "aligned_responses", "refused", 2),
        ("a", "aligned_responses", "timeout", 1),
        ("b", "aligned_responses", "refused", 2),
        ("b", "aligned_responses", "kept", 1),
    ]


def test_outcomes_of_no_rows_are_none() -> None:
    counts = count_outcomes(ALIGNED, rows())

    assert counts.schema == RETENTION.schema
    assert counts.is_empty()


def messages(*held: tuple[str, str | None, Sequence[str]]) -> pl.DataFrame:
    """Rows of (source, drop reason, tags of the phrases)."""
    records = [
        {
            "source": source,
            "drop_reason": reason,
            "phrases": [{"tag": tag, "text": "x"} for tag in tags],
        }
        for source, reason, tags in held
    ]
    schema = {"source": pl.String(), "drop_reason": pl.String(), "phrases": PHRASES}
    return pl.DataFrame(records, schema=schema)


def test_a_tag_that_comes_twice_in_a_message_counts_once() -> None:
    counts = count_tags(FILTERED, messages(("a", None, ["Role", "Role", "Tool"])))

    assert counts.schema == TAG_COUNTS.schema
    assert counts.rows() == [
        ("a", "filtered_system_messages", "Role", 1, 1),
        ("a", "filtered_system_messages", "Content", 0, 1),
        ("a", "filtered_system_messages", "Task", 0, 1),
        ("a", "filtered_system_messages", "Action", 0, 1),
        ("a", "filtered_system_messages", "Style", 0, 1),
        ("a", "filtered_system_messages", "Background", 0, 1),
        ("a", "filtered_system_messages", "Tool", 1, 1),
        ("a", "filtered_system_messages", "Format", 0, 1),
    ]


def test_only_messages_that_go_on_are_counted_and_each_source_for_itself() -> None:
    counts = count_tags(
        VERIFIED,
        messages(
            ("b", None, ["Role"]),
            ("a", None, ["Role", "Task"]),
            ("a", "nothing_verified", ["Role", "Tool"]),
            ("a", None, []),
        ),
    )
    held = counts.filter(pl.col("messages") > 0)

    assert held.select("source", "tag", "messages", "of_messages").rows() == [
        ("b", "Role", 1, 1),
        ("a", "Role", 1, 2),
        ("a", "Task", 1, 2),
    ]
    assert counts.height == 16


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(messages(), id="no-rows"),
        pytest.param(messages(("a", "refused", ["Role"])), id="no-row-goes-on"),
    ],
)
def test_tags_of_no_messages_are_none_and_their_rates_of_nothing(table: pl.DataFrame) -> None:
    counts = count_tags(FILTERED, table)

    assert counts.schema == TAG_COUNTS.schema
    assert counts.is_empty()
    assert tag_rates(counts) == dict.fromkeys(TAG_NAMES, Rate(0, 0))


def test_a_message_without_any_phrase_is_one_of_the_messages() -> None:
    rates = tag_rates(count_tags(FILTERED, messages(("a", None, []))))

    assert rates == dict.fromkeys(TAG_NAMES, Rate(0, 1))


def test_tag_rates_are_over_all_sources_and_in_canonical_order() -> None:
    rates = tag_rates(
        count_tags(
            FILTERED,
            messages(("a", None, ["Role"]), ("b", None, ["Role", "Tool"]), ("b", None, ["Task"])),
        )
    )

    assert list(rates.items()) == [
        ("Role", Rate(2, 3)),
        ("Content", Rate(0, 3)),
        ("Task", Rate(1, 3)),
        ("Action", Rate(0, 3)),
        ("Style", Rate(0, 3)),
        ("Background", Rate(0, 3)),
        ("Tool", Rate(1, 3)),
        ("Format", Rate(0, 3)),
    ]


def retention(*counts: tuple[str, str, str, int]) -> pl.DataFrame:
    return pl.DataFrame(counts, schema=RETENTION.schema, orient="row")


FIVE_TABLES = retention(
    ("a", "conversations", "kept", 600),
    ("b", "conversations", "kept", 400),
    ("b", "conversations", "no_answer", 20),
    ("a", "annotated_system_messages", "kept", 598),
    ("a", "annotated_system_messages", "timeout", 2),
    ("b", "annotated_system_messages", "kept", 400),
    ("a", "filtered_system_messages", "kept", 500),
    ("a", "filtered_system_messages", "malformed_boundary", 98),
    ("b", "filtered_system_messages", "kept", 390),
    ("b", "filtered_system_messages", "malformed_boundary", 9),
    ("b", "filtered_system_messages", "no_phrase_left", 1),
    ("a", "verified_system_messages", "kept", 500),
    ("b", "verified_system_messages", "kept", 390),
    ("a", "aligned_responses", "truncated", 500),
    ("b", "aligned_responses", "kept", 390),
)


def test_retention_is_summed_over_sources_beside_the_paper_s_share() -> None:
    assert summarize_retention(FIVE_TABLES, PAPER).rows() == [
        ("conversations", 1020, 1000, None, None, "no_answer 20"),
        ("annotated_system_messages", 1000, 998, 0.998, None, "timeout 2"),
        (
            "filtered_system_messages",
            998,
            890,
            0.89,
            0.8,
            "malformed_boundary 107, no_phrase_left 1",
        ),
        ("verified_system_messages", 890, 890, 0.89, None, ""),
        ("aligned_responses", 890, 390, 0.39, 0.5, "truncated 500"),
    ]


def test_retention_without_a_paper_has_no_share_to_compare_with() -> None:
    assert summarize_retention(FIVE_TABLES, None)["paper"].to_list() == [None] * 5


def test_thousands_are_set_apart_in_the_dropped_column() -> None:
    counts = retention(("a", "annotated_system_messages", "too_long", 1_234_567))

    assert summarize_retention(counts, None).head(1).rows() == [
        ("annotated_system_messages", 1_234_567, 0, 0.0, None, "too_long 1,234,567")
    ]


def test_the_phases_after_one_that_kept_nothing_are_listed_as_not_reached() -> None:
    counts = retention(
        ("a", "annotated_system_messages", "kept", 10),
        ("a", "filtered_system_messages", "malformed_boundary", 10),
    )
    assert summarize_retention(counts, None).rows() == [
        ("annotated_system_messages", 10, 10, 1.0, None, ""),
        ("filtered_system_messages", 10, 0, 0.0, None, "malformed_boundary 10"),
        ("verified_system_messages", 0, 0, 0.0, None, "no row reached this phase"),
        ("aligned_responses", 0, 0, 0.0, None, "no row reached this phase"),
    ]


def test_retention_of_nothing_is_an_empty_table() -> None:
    summary = summarize_retention(retention(), PAPER)

    assert summary.columns == ["table", "rows_in", "kept", "kept_share", "paper", "dropped"]
    assert summary.is_empty()


@pytest.mark.parametrize(
    ("model", "printed"), [("qwen2.5-14b", "99.9%"), ("llama-3.1-8b", "74.7%"), ("phi-4", "96.0%")]
)
def test_the_paper_s_share_after_phase_2_is_the_one_that_it_prints(
    model: str, printed: str
) -> None:
    summary = summarize_retention(FIVE_TABLES, COUNTS[model])
    assert f"{summary.filter(table=FILTERED.name)['paper'].item():.1%}" == printed


def tag_counts(*counts: tuple[str, str, str, int, int]) -> pl.DataFrame:
    return pl.DataFrame(counts, schema=TAG_COUNTS.schema, orient="row")


def test_tags_are_summed_over_sources_after_two_phases_beside_the_paper_s_share() -> None:
    summary = summarize_tags(
        tag_counts(
            ("a", "filtered_system_messages", "Role", 30, 40),
            ("b", "filtered_system_messages", "Role", 6, 10),
            ("a", "verified_system_messages", "Role", 24, 40),
            ("b", "filtered_system_messages", "Tool", 1, 10),
        ),
        PAPER,
    )

    by_tag = {row.pop("tag"): row for row in summary.rows(named=True)}
    assert list(by_tag) == list(TAG_NAMES)
    assert by_tag["Role"] == {
        "filtered": 36,
        "filtered_share": 0.72,
        "verified": 24,
        "verified_share": 0.6,
        "paper": 0.5625,
    }
    tool: dict[str, Any] = by_tag["Tool"]
    assert (tool["filtered"], tool["filtered_share"], tool["verified"]) == (1, 0.1, 0)
    assert math.isnan(tool["verified_share"])
    assert tool["paper"] == 5 / 800


@pytest.mark.parametrize(
    ("paper", "shares"),
    [
        pytest.param(
            PAPER, [450 / 800, 0.5, 350 / 800, 0.375, 0.3125, 0.25, 5 / 800, 0.125], id="paper"
        ),
        pytest.param(None, [None] * 8, id="no-paper"),
    ],
)
def test_tags_of_nothing_are_eight_rows_of_zero(
    paper: ModelCounts | None, shares: list[float | None]
) -> None:
    summary = summarize_tags(tag_counts(), paper)

    assert summary["tag"].to_list() == list(TAG_NAMES)
    assert summary["filtered"].to_list() == [0] * 8
    assert summary["paper"].to_list() == shares
    assert summary.schema["paper"] == pl.Float64


def test_what_a_pilot_run_left_out_was_not_begun() -> None:
    counts = pl.DataFrame(
        [
            ("chats", "annotated_system_messages", "kept", 40),
            ("chats", "annotated_system_messages", "beyond_limit", 127),
            ("chats", "aligned_responses", "kept", 35),
        ],
        schema=RETENTION.schema,
        orient="row",
    )
    begun, aligned = summarize_retention(counts, PAPER).iter_rows(named=True)
    assert (begun["rows_in"], begun["kept_share"], begun["dropped"]) == (40, 1.0, "")
    assert aligned["kept_share"] == pytest.approx(35 / 40)


def test_results_are_counted_by_source_and_kind_whatever_becomes_of_the_row() -> None:
    maths = {"result_kind": "final_answer", "is_original": False}
    wrong = {**maths, "result": "contradicts", "first_result": "contradicts"}
    right = {**maths, "result": "same", "first_result": "same"}
    rows: list[dict[str, object]] = [
        wrong,
        {**wrong, "drop_reason": "contradicts_original"},
        right,
        {**right, "first_result": "contradicts"},
        {**right, "first_result": "contradicts", "is_original": True},
        {**maths, "result": "unread", "first_result": "unread"},
        {**right, "result_kind": "python"},
        {**right, "source": "other"},
        {"result": "none", "is_original": False},
        {"drop_reason": "refused", "is_original": False},
    ]
    table = pl.DataFrame(
        [{"source": "mine", **row} for row in rows], schema_overrides=ALIGNED.schema
    )
    counts = count_results(table)

    assert counts.schema == RESULT_COUNTS.schema
    assert counts.rows() == [
        ("mine", "final_answer", 6, 4, 2, 1, 1, 2, 1),
        ("mine", "python", 1, 0, 0, 0, 0, 1, 0),
        ("other", "final_answer", 1, 0, 0, 0, 0, 1, 0),
    ]


def test_rows_that_were_stored_without_results_are_not_counted() -> None:
    assert count_results(ALIGNED.empty()).schema == RESULT_COUNTS.schema
    assert count_results(ALIGNED.empty()).is_empty()


def test_contradictions_are_shares_of_what_was_checked_by_kind_and_over_all_sources() -> None:
    def counted(
        source: str, checked: int, at_first: int, ends: int, originals: int
    ) -> dict[str, Any]:
        others = {"dropped": ends, "same": 0, "unread": 0}
        kind = {"source": source, "result_kind": "python", "checked": checked}
        found = {"contradicted_at_first": at_first, "contradicts": ends}
        return kind | found | others | {"kept_original": originals}

    stored = pl.DataFrame(
        [counted("a", 8, 4, 2, 0), counted("b", 2, 1, 0, 1)], RESULT_COUNTS.schema
    )
    shares = summarize_results(stored).select("source", "checked", cs.ends_with("_share"))
    assert shares.rows() == [("all", 10, 0.5, 0.3), ("a", 8, 0.5, 0.25), ("b", 2, 0.5, 0.5)]


def test_contradictions_of_nothing_are_an_empty_table() -> None:
    assert summarize_results(RESULT_COUNTS.empty()).is_empty()
