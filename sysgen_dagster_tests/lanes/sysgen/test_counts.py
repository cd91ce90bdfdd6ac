"""Counts over tables."""

import math
from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.catalog.catalog import PaperCounts
from sysgen_dagster.tables.rates import (Z95, Rate, count_drops, kept_rate, wilson_interval)
from sysgen_dagster.lanes.sysgen.counts import (count_outcomes, count_tags, summarize_retention, summarize_tags, tag_rates)
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.lanes.sysgen.tables import (PHRASES, RETENTION, TAG_COUNTS)
from sysgen_dagster.tables.table import polars_schema

PAPER = PaperCounts(
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


# Worked out by hand from the definition with z = 2.5758, so z^2 = 6.6347; for 5 of 10:
# centre 0.5 + 6.6347 / 20 = 0.83174, half 2.5758 * sqrt(0.25 / 10 + 6.6347 / 400) = 0.52528,
# scale 1 + 6.6347 / 10 = 1.66347, so (0.83174 -+ 0.52528) / 1.66347.
WILSON = {
    (0, 10): (0.0, 0.39885),
    (10, 10): (0.60115, 1.0),
    (5, 10): (0.18423, 0.81577),
    (50, 100): (0.37528, 0.62472),
    (1, 1): (0.13098, 1.0),
    (990, 1000): (0.97807, 0.99547),
}


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [pytest.param(*key, value, id=f"{key[0]}-of-{key[1]}") for key, value in WILSON.items()],
)
def test_the_interval_is_wilson_s_at_99_percent(
    part: int, whole: int, expected: tuple[float, float]
) -> None:
    assert Rate(part, whole).interval() == pytest.approx(expected, abs=1e-5)


def test_the_interval_of_a_share_is_as_sure_as_it_is_asked_to_be() -> None:
    # With z = 1.96, so z^2 = 3.8416: (0.69208 -+ 0.36460) / 1.38416.
    assert wilson_interval(0.5, 10, Z95) == pytest.approx((0.23659, 0.76341), abs=1e-5)
    assert wilson_interval(0.5, 0, Z95) == (0.0, 1.0)


def test_of_nothing_there_is_no_share_and_any_share_may_be() -> None:
    assert math.isnan(Rate(0, 0).share)
    assert Rate(0, 0).interval() == (0.0, 1.0)
    assert Rate(0, 0).agrees_with(0.5, 0.6)


@given(st.integers(1, 10_000_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_lies_in_0_to_1_and_holds_the_share(counts: tuple[int, int]) -> None:
    rate = Rate(*counts)
    low, high = rate.interval()

    assert 0.0 <= low <= rate.share + 1e-12
    assert rate.share - 1e-12 <= high <= 1.0


@given(st.integers(0, 100), st.integers(1, 1000))
def test_the_interval_is_narrower_on_more_rows(part: int, times: int) -> None:
    few, many = Rate(part, 100).interval(), Rate(part * times, 100 * times).interval()

    assert many[1] - many[0] <= few[1] - few[0] + 1e-12


@pytest.mark.parametrize(
    ("rate", "low", "high", "agrees"),
    [
        pytest.param(Rate(5, 10), 0.4, 0.6, True, id="inside"),
        pytest.param(Rate(5, 10), 0.81, 0.9, True, id="reaches-in-from-below"),
        pytest.param(Rate(5, 10), 0.82, 0.9, False, id="lies-below"),
        pytest.param(Rate(5, 10), 0.1, 0.19, True, id="reaches-in-from-above"),
        pytest.param(Rate(5, 10), 0.1, 0.18, False, id="lies-above"),
        pytest.param(Rate(0, 3), 0.6, 1.0, True, id="three-rows-prove-little"),
        pytest.param(Rate(0, 30), 0.6, 1.0, False, id="thirty-rows-prove-more"),
        pytest.param(Rate(10, 10), 0.98, 1.0, True, id="all"),
    ],
)
def test_a_rate_agrees_with_bounds_that_its_interval_reaches(
    rate: Rate, low: float, high: float, agrees: bool
) -> None:
    assert rate.agrees_with(low, high) is agrees


def rows(*outcomes: tuple[str, str | None]) -> pl.DataFrame:
    return pl.DataFrame(
        outcomes, schema={"source": pl.String, "drop_reason": pl.String}, orient="row"
    )


MIXED = rows(
    ("b", None),
    ("b", "refused"),
    ("a", "timeout"),
    ("a", "refused"),
    ("b", "refused"),
    ("a", None),
    ("a", "refused"),
    ("a", None),
    ("a", None),
)


def test_the_kept_rate_is_of_the_rows_without_a_drop_reason() -> None:
    assert kept_rate(MIXED) == Rate(4, 9)
    assert kept_rate(rows()) == Rate(0, 0)


def test_drops_are_counted_by_reason_with_the_most_frequent_first() -> None:
    assert list(count_drops(MIXED).items()) == [("refused", 4), ("timeout", 1)]
    assert count_drops(rows(("a", None))) == {}
    assert count_drops(rows()) == {}


def test_outcomes_are_counted_by_source_with_the_most_frequent_first() -> None:
    counts = count_outcomes("aligned_responses", MIXED)

    assert counts.schema == RETENTION.schema
    assert counts.rows() == [
        ("a", "aligned_responses", "kept", 3),
        ("a", "aligned_responses", "refused", 2),
        ("a", "aligned_responses", "timeout", 1),
        ("b", "aligned_responses", "refused", 2),
        ("b", "aligned_responses", "kept", 1),
    ]


def test_outcomes_of_no_rows_are_none() -> None:
    counts = count_outcomes("aligned_responses", rows())

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
    counts = count_tags("filtered_system_messages", messages(("a", None, ["Role", "Role", "Tool"])))

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
        "verified_system_messages",
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
    counts = count_tags("filtered_system_messages", table)

    assert counts.schema == TAG_COUNTS.schema
    assert counts.is_empty()
    assert tag_rates(counts) == dict.fromkeys(TAG_NAMES, Rate(0, 0))


def test_a_message_without_any_phrase_is_one_of_the_messages() -> None:
    rates = tag_rates(count_tags("filtered_system_messages", messages(("a", None, []))))

    assert rates == dict.fromkeys(TAG_NAMES, Rate(0, 1))


def test_tag_rates_are_over_all_sources_and_in_canonical_order() -> None:
    rates = tag_rates(
        count_tags(
            "filtered_system_messages",
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

    assert summarize_retention(counts, None).rows() == [
        ("annotated_system_messages", 1_234_567, 0, 0.0, None, "too_long 1,234,567")
    ]


def test_retention_of_nothing_is_an_empty_table() -> None:
    summary = summarize_retention(retention(), PAPER)

    assert summary.columns == ["table", "rows_in", "kept", "kept_share", "paper", "dropped"]
    assert summary.is_empty()


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
        "paper": 0.9,
    }
    tool: dict[str, Any] = by_tag["Tool"]
    assert (tool["filtered"], tool["filtered_share"], tool["verified"]) == (1, 0.1, 0)
    assert math.isnan(tool["verified_share"])
    assert tool["paper"] == 0.01


@pytest.mark.parametrize(
    ("paper", "shares"),
    [
        pytest.param(PAPER, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.01, 0.2], id="paper"),
        pytest.param(None, [None] * 8, id="no-paper"),
    ],
)
def test_tags_of_nothing_are_eight_rows_of_zero(
    paper: PaperCounts | None, shares: list[float | None]
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
