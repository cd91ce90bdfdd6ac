"""Near-duplicates: which texts are one cluster, and that no pair is missed."""

import random
from collections.abc import Sequence
from itertools import combinations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysgen_dagster.analysis.near_duplicates import LEAST_SIMILARITY, NearDuplicates, words
from sysgen_dagster.analysis.tables import NEAR_DUPLICATE_MESSAGES, NEAR_DUPLICATE_QUESTIONS


def _with_numbers(made: int, more: int, given: int) -> str:
    return (
        f"A baker makes {made} rolls in the morning and sells half of them before noon. In the "
        f"afternoon he makes {more} more, gives {given} to his neighbour and sells the rest at 2 "
        "dollars each. How many rolls did he sell on that day, and how much money did he take for "
        "those of the afternoon?"
    )


# Each has two runs of three words fewer than it has words: 54 of 56, 36 of 38.
PROBLEM = _with_numbers(48, 20, 5)
CHINESE = "一家面包店早上做了四十八个面包中午前卖掉了一半下午又做了二十个并送给邻居五个"


def _clusters(texts: Sequence[str | None], *, at_once: int = 1000) -> pl.DataFrame:
    """Of texts named t0, t1, ... of the sources odd and even."""
    frame = pl.DataFrame(
        {
            "conversation_id": [f"t{row}" for row in range(len(texts))],
            "source": ["odd" if row % 2 else "even" for row in range(len(texts))],
            "text": texts,
        },
        schema_overrides={"text": pl.String},
    )
    found = NearDuplicates()
    for part in frame.iter_slices(at_once):
        found.add(part)
    return found.clusters()


def _together(clusters: pl.DataFrame) -> set[frozenset[str]]:
    members = clusters.group_by("cluster").agg("conversation_id")["conversation_id"]
    return {frozenset(ids) for ids in members}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Tom's 3.5 km", ["tom", "s", "3", "5", "km"], id="signs-part-words"),
        pytest.param(r"$\frac{1}{2}x_1$", ["frac", "1", "2", "x_1"], id="latex"),
        pytest.param("ÉCOLE Straße", ["école", "straße"], id="accents"),
        pytest.param("हिन्दी भाषा", ["हिन्दी", "भाषा"], id="marks-belong-to-their-word"),
        pytest.param("用Python写", ["用", "python", "写"], id="chinese-by-character"),
        pytest.param("สวัสดี", list("สวัสดี"), id="thai-by-character"),
        pytest.param("שלום עולם", ["שלום", "עולם"], id="right-to-left"),
        pytest.param("<script>a\x00b", ["script", "a", "b"], id="markup-and-nul"),
        pytest.param("?! 🙂 \n", [], id="no-word"),
        pytest.param("", [], id="empty"),
    ],
)
def test_words_are_of_any_script(text: str, expected: list[str]) -> None:
    assert pl.select(words(pl.lit(text))).item().to_list() == expected


@pytest.mark.parametrize(
    ("one", "other", "similarity"),
    [
        pytest.param(PROBLEM, PROBLEM, 1.0, id="equal"),
        pytest.param(PROBLEM, f"  {PROBLEM.upper()}!\n", 1.0, id="case-blanks-signs"),
        pytest.param(PROBLEM, _with_numbers(96, 20, 5), 51 / 57, id="one-number-changed"),
        pytest.param(PROBLEM, _with_numbers(96, 8, 5), 48 / 60, id="two-numbers-changed"),
        pytest.param(PROBLEM, _with_numbers(96, 8, 4), 45 / 63, id="three-numbers-changed"),
        pytest.param(
            PROBLEM, _with_numbers(96, 8, 4).replace("2 d", "3 d"), None, id="four-numbers-changed"
        ),
        pytest.param("Tom has 5 apples", "Tom has 7 apples", None, id="short-and-one-changed"),
        pytest.param("Hello there", "hello there!", 1.0, id="fewer-words-than-a-shingle"),
        pytest.param("Hello there", "Hello", None, id="part-of-a-short-one"),
        pytest.param("what is 3 + 4", "what is 3 - 4", 1.0, id="signs-do-not-count"),
        pytest.param("one two three four", "four three two one", None, id="other-order"),
        pytest.param(CHINESE, CHINESE.replace("四", "六"), 33 / 39, id="chinese"),
        pytest.param("🙂", "🙂", None, id="no-word"),
        pytest.param("", "", None, id="empty"),
        pytest.param(None, None, None, id="null"),
    ],
)
def test_near_duplicates_share_most_runs_of_three_words(
    one: str | None, other: str | None, similarity: float | None
) -> None:
    clusters = _clusters([one, other])
    assert clusters.height == (0 if similarity is None else 2)
    assert clusters["similarity"].to_list() == ([] if similarity is None else [1.0, similarity])


def test_a_cluster_is_named_by_its_first_text_and_counts_rows_and_sources() -> None:
    clusters = _clusters(["alone", "a b c d", PROBLEM, "a b c d", PROBLEM, PROBLEM])
    for table in (NEAR_DUPLICATE_QUESTIONS, NEAR_DUPLICATE_MESSAGES):
        assert clusters.schema == pl.Schema(table.schema)
    assert clusters.rows() == [
        ("t1", "odd", "t1", 2, 1, 1.0),
        ("t3", "odd", "t1", 2, 1, 1.0),
        ("t2", "even", "t2", 3, 2, 1.0),
        ("t4", "even", "t2", 3, 2, 1.0),
        ("t5", "odd", "t2", 3, 2, 1.0),
    ]


def test_a_chain_of_near_duplicates_is_one_cluster_even_if_its_ends_differ() -> None:
    chain = [
        " ".join([*(f"new{place}" for place in range(new)), *map(str, range(new, 40))])
        for new in (0, 4, 8)
    ]
    clusters = _clusters(chain)
    assert clusters["cluster"].to_list() == ["t0", "t0", "t0"]
    assert clusters["similarity"].to_list() == [1.0, 34 / 42, 30 / 46]
    assert clusters["similarity"][2] < LEAST_SIMILARITY


def test_no_texts_have_no_clusters() -> None:
    for table in (NEAR_DUPLICATE_QUESTIONS, NEAR_DUPLICATE_MESSAGES):
        assert NearDuplicates().clusters().schema == pl.Schema(table.schema)
    assert _clusters([]).is_empty()


def test_a_message_that_is_repeated_very_often_is_one_cluster() -> None:
    clusters = _clusters(["You are a helpful assistant."] * 20_000, at_once=8_000)
    assert clusters["cluster"].unique().to_list() == ["t0"]
    assert clusters["cluster_rows"].unique().to_list() == [20_000]


def test_a_very_long_text_is_compared_like_any_other() -> None:
    long = " ".join(str(number) for number in range(100_000))
    assert _clusters([long, "a b c", f"{long} end"])["conversation_id"].to_list() == ["t0", "t2"]


def _planted() -> list[str]:
    """300 texts of 40 words and a rewriting of each, with 0 to 5 words changed."""
    chance = random.Random(7)
    vocabulary = [f"w{rank}" for rank in range(400)]
    texts = [chance.choices(vocabulary, k=40) for _ in range(300)]
    rewritten = [[*text] for text in texts]
    for row, text in enumerate(rewritten):
        for place in chance.sample(range(40), row % 6):
            text[place] = "changed"
    return [" ".join(text) for text in texts + rewritten]


def _similar_pairs(texts: Sequence[str]) -> set[frozenset[str]]:
    sets = [
        {tuple(split[place : place + 3]) for place in range(len(split) - 2)}
        for split in (text.split() for text in texts)
    ]
    return {
        frozenset({f"t{one}", f"t{other}"})
        for one, other in combinations(range(len(texts)), 2)
        if len(sets[one] & sets[other]) >= LEAST_SIMILARITY * len(sets[one] | sets[other])
    }


def test_the_clusters_are_those_of_comparing_every_pair() -> None:
    texts = _planted()
    similar = _similar_pairs(texts)
    assert 100 < len(similar) < 300
    assert _together(_clusters(texts)) == similar


def test_the_split_of_the_texts_into_frames_makes_no_difference() -> None:
    texts = _planted()
    assert _clusters(texts, at_once=7).equals(_clusters(texts))


@settings(max_examples=50)  # each looks into 32 bands
@given(st.lists(st.text(max_size=30), max_size=6))
def test_any_equal_texts_with_a_word_are_together_and_a_cluster_has_two(texts: list[str]) -> None:
    clusters = _clusters([*texts, *texts])
    together = dict(clusters.select("conversation_id", "cluster").iter_rows())
    for row, text in enumerate(texts):
        twin = together.get(f"t{row + len(texts)}")
        assert together.get(f"t{row}") == twin
        assert (twin is not None) == bool(pl.select(words(pl.lit(text)).list.len()).item())
    assert (clusters["cluster_rows"] >= 2).all()
