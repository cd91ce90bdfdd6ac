"""Diversity: shares computed by hand, and a sample that does not depend on the order of rows."""

import zlib
from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.analysis.diversity import measure_message_diversity
from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.analysis.tables import MESSAGE_DIVERSITY


def _messages(texts: Sequence[str | None], source: str = "s") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "conversation_id": [f"{source}-{row}" for row in range(len(texts))],
            "source": [source] * len(texts),
            "system_message": texts,
        },
        schema=dict.fromkeys(["conversation_id", "source", "system_message"], pl.String),
    )


def _figures(texts: Sequence[str | None]) -> dict[str, object]:
    return measure_message_diversity(_messages(texts)).row(0, named=True)


HAND = ["You are a tutor.", "You are a poet!", "You are a tutor.", "Answer briefly"]


# 14 words, 7 different (you are a tutor poet answer briefly); 10 pairs, 5 different (you are, are
# a, a tutor, a poet, answer briefly); 6 runs of three, 3 different; 3 openings among 4 messages.
@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("messages", 4),
        ("sampled", 4),
        ("distinct", 3 / 4),
        ("distinct_1", 7 / 14),
        ("distinct_2", 5 / 10),
        ("distinct_3", 3 / 6),
        ("openings", 3 / 4),
        ("top_opening", "you are a"),
        ("top_opening_share", 3 / 4),
    ],
)
def test_the_figures_are_those_computed_by_hand(column: str, expected: object) -> None:
    assert _figures(HAND)[column] == expected


def test_there_is_a_row_per_source_and_one_over_all() -> None:
    messages = pl.concat([_messages(["a b", "a c"], "second"), _messages(["a b", None], "first")])
    diversity = measure_message_diversity(messages)
    assert diversity.schema == pl.Schema(MESSAGE_DIVERSITY.schema)
    counts = diversity.select("source", "messages", "sampled", "distinct").rows()
    assert counts == [("first", 1, 1, 1.0), ("second", 2, 1, 1.0), (ALL, 3, 1, 1.0)]


def test_every_source_has_figures_of_as_many_messages_as_the_smallest_one() -> None:
    sizes = {"small": 20, "middle": 90, "large": 400}
    said = {
        name: _messages([f"{name} {n % 7}" for n in range(size)], name)
        for name, size in sizes.items()
    }
    none = _messages([None, None], "none")
    diversity = measure_message_diversity(pl.concat([*said.values(), none]))
    sampled = dict(diversity.select("source", "sampled").iter_rows())
    assert sampled == {"small": 20, "middle": 20, "large": 20, "none": 0, ALL: 20}
    small = measure_message_diversity(said["small"]).row(0)
    assert diversity.row(by_predicate=pl.col("source") == "small") == small


def test_messages_that_repeat_one_another_compress_better() -> None:
    varied = [" ".join(f"w{row * word % 997}" for word in range(1, 30)) for row in range(50)]
    repeated = [varied[0]] * 50
    same, different = _figures(repeated), _figures(varied)
    raw = "\n".join(repeated).encode()
    assert same["compression"] == len(raw) / len(zlib.compress(raw, 6))
    assert same["compression"] > 2 * different["compression"]  # type: ignore[operator]


def test_the_figures_are_of_a_sample_and_say_so() -> None:
    diversity = measure_message_diversity(_messages([str(row) for row in range(100)]), sample=30)
    assert diversity.select("messages", "sampled").rows() == [(100, 30), (100, 30)]


def test_the_sample_depends_on_the_seed_and_not_on_the_order_of_the_rows() -> None:
    messages = _messages([f"word{row} and {row % 7}" for row in range(200)])
    drawn = measure_message_diversity(messages, sample=20)
    assert drawn.equals(measure_message_diversity(messages.reverse(), sample=20))
    assert not drawn.equals(measure_message_diversity(messages, sample=20, seed=1))


@pytest.mark.parametrize(
    ("texts", "nulls"),
    [
        pytest.param([], {"distinct", "openings", "top_opening", "compression"}, id="none"),
        pytest.param([None], {"distinct", "openings", "top_opening", "compression"}, id="null"),
        pytest.param([""], {"compression"}, id="empty"),
        pytest.param(["🙂"], set(), id="no-word"),
    ],
)
def test_a_figure_is_null_where_there_is_nothing_to_compute_it_from(
    texts: list[str | None], nulls: set[str]
) -> None:
    over_all = measure_message_diversity(_messages(texts)).row(-1, named=True)
    without_words = {"distinct_1", "distinct_2", "distinct_3"}
    if over_all["top_opening_share"] is None:
        without_words.add("top_opening_share")
    assert {name for name, value in over_all.items() if value is None} == nulls | without_words


def test_the_first_by_alphabet_of_equally_frequent_openings_is_shown() -> None:
    assert _figures(["b b b", "a a a", "c"])["top_opening"] == "a a a"


@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
def test_shares_lie_between_0_and_1_and_more_of_the_same_is_less_distinct(texts: list[str]) -> None:
    once, twice = _figures(texts), _figures([*texts, *texts])
    for name in ("distinct", "distinct_1", "distinct_2", "distinct_3", "openings"):
        share, doubled = once[name], twice[name]
        if share is not None:
            assert isinstance(share, float)
            assert 0 < share <= 1
            assert doubled == pytest.approx(share / 2)
