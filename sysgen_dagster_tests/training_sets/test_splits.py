"""Which rows are in one split."""

from itertools import combinations
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.catalog.recipes import Training
from sysgen_dagster.training_sets.splits import build_splits, summarize_splits
from sysgen_dagster.training_sets.tables import SPLITS

SCHEMA = {
    "conversation_id": pl.String,
    "source": pl.String,
    "source_row": pl.UInt32,
    "duplicate_of": pl.String,
    "same_question": pl.String,
    "cluster": pl.String,
}
HALVES = Training(validation=0.25, test=0.25)


def conversations(*rows: dict[str, Any]) -> pl.DataFrame:
    """Conversations ``c0``, ``c1``, ... of source ``a``, each of an upstream row of its own."""
    usual = dict.fromkeys(SCHEMA)
    numbered = [
        {**usual, "conversation_id": f"c{n}", "source": "a", "source_row": n, **row}
        for n, row in enumerate(rows)
    ]
    return pl.DataFrame(numbered, schema=SCHEMA, orient="row")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"source_row": 9}, {"source_row": 9}, id="turns of an upstream row"),
        pytest.param({}, {"duplicate_of": "c0"}, id="the same text"),
        pytest.param({"duplicate_of": "x"}, {"duplicate_of": "x"}, id="the same text, not usable"),
        pytest.param(
            {"same_question": "Why?"}, {"same_question": "Why?"}, id="an original question"
        ),
        pytest.param(
            {"same_question": "Why?"},
            {"same_question": "Why?", "source": "b"},
            id="an original question of two sources",
        ),
        pytest.param({"cluster": "x"}, {"cluster": "x", "source": "b"}, id="near-duplicates"),
    ],
)
def test_these_are_one_group(one: dict[str, Any], other: dict[str, Any]) -> None:
    splits = build_splits(conversations(one, other, {}), HALVES)

    assert splits.schema == SPLITS.schema
    assert splits["group"].to_list() == ["c0", "c0", "c2"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"source_row": 9}, {"source_row": 9, "source": "b"}, id="rows of two sources"),
        pytest.param({"same_question": " "}, {"same_question": " "}, id="no original question"),
        pytest.param({"source_row": None}, {"source_row": None}, id="no upstream row"),
        pytest.param({"cluster": "x"}, {"same_question": "x"}, id="equal in different things"),
    ],
)
def test_these_are_two_groups(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert build_splits(conversations(one, other), HALVES)["group"].to_list() == ["c0", "c1"]


def test_a_chain_of_links_of_any_length_makes_one_group() -> None:
    chain = conversations(
        {"cluster": "x"},
        {"cluster": "x", "same_question": "Why?"},
        {"same_question": "Why?", "source_row": 9},
        {"source_row": 9},
        {"duplicate_of": "c3"},
    )
    assert set(build_splits(chain, HALVES)["group"]) == {"c0"}


def test_these_rows_are_in_these_splits_in_any_version() -> None:
    splits = build_splits(conversations(*[{}] * 12), HALVES)
    sides = dict(splits.group_by("split").agg("conversation_id").rows())

    assert sides["validation"] == ["c4", "c5"]
    assert sides["test"] == ["c11"]


IDS = st.one_of(st.none(), st.sampled_from("xyz"))
ROW = st.fixed_dictionaries(
    {
        "source": st.sampled_from("ab"),
        "source_row": st.integers(0, 12),
        "duplicate_of": st.one_of(st.none(), st.sampled_from(["c0", "c5", "gone"])),
        "same_question": IDS,
        "cluster": IDS,
    }
)
ROWS = st.lists(ROW, max_size=14).map(lambda rows: conversations(*rows))


def _linked(one: dict[str, Any], other: dict[str, Any]) -> bool:
    upstream = all(one[name] == other[name] for name in ("source", "source_row"))
    texts = [row["duplicate_of"] or row["conversation_id"] for row in (one, other)]
    equal = any(
        one[name] is not None and one[name] == other[name] for name in ("same_question", "cluster")
    )
    return upstream or texts[0] == texts[1] or equal


@given(ROWS)
def test_groups_are_the_connected_components(rows: pl.DataFrame) -> None:
    groups = {identity: {identity} for identity in rows["conversation_id"]}
    for one, other in combinations(rows.to_dicts(), 2):
        if _linked(one, other):
            both = groups[one["conversation_id"]] | groups[other["conversation_id"]]
            groups |= dict.fromkeys(both, both)
    splits = build_splits(rows, HALVES)

    wanted = [min(groups[identity]) for identity in splits["conversation_id"]]
    assert splits["group"].to_list() == wanted
    assert splits["conversation_id"].equals(rows["conversation_id"])


@given(ROWS)
def test_no_group_is_in_two_splits(rows: pl.DataFrame) -> None:
    sides = build_splits(rows, HALVES).group_by("group").agg(pl.col("split").n_unique())

    assert (sides["split"] == 1).all()


@given(ROWS, st.randoms())
def test_the_order_of_the_rows_makes_no_difference(rows: pl.DataFrame, random: Any) -> None:
    order = list(range(rows.height))
    random.shuffle(order)

    splits = build_splits(rows, HALVES)
    assert build_splits(rows[order], HALVES).equals(splits[order])


@given(ROWS, st.integers(0, 50))
def test_unrelated_rows_move_no_row(rows: pl.DataFrame, more: int) -> None:
    unrelated = conversations(*[{"source": "new"}] * more).with_columns(
        conversation_id="b" + pl.col("conversation_id")
    )
    splits = build_splits(pl.concat([unrelated, rows]), HALVES)

    assert splits[more:].equals(build_splits(rows, HALVES))


def _in(splits: pl.DataFrame, split: str) -> set[str]:
    return set(splits.filter(split=split)["conversation_id"])


# Rows that are there at first, and those that are added; of both any may be linked with any.
GROWING = st.tuples(ROWS, st.integers(0, 14))


@given(GROWING)
def test_a_row_once_in_test_stays_in_test_whatever_is_added(
    given: tuple[pl.DataFrame, int],
) -> None:
    rows, first = given
    before = build_splits(rows.head(first), HALVES)
    after = build_splits(rows, HALVES, before)

    assert _in(before, "test") <= _in(after, "test")
    assert _in(before, "validation") <= _in(after, "validation") | _in(after, "test")
    assert (after.group_by("group").agg(pl.col("split").n_unique())["split"] == 1).all()


@given(GROWING)
def test_it_stays_there_when_what_was_added_is_gone_again(
    given: tuple[pl.DataFrame, int],
) -> None:
    rows, first = given
    before = build_splits(rows.head(first), HALVES)
    grown = build_splits(rows, HALVES, before)
    after = build_splits(rows.head(first), HALVES, grown)

    assert _in(grown.head(first), "test") <= _in(after, "test")


@given(GROWING)
def test_a_group_that_nothing_joins_stays_where_it_is(given: tuple[pl.DataFrame, int]) -> None:
    rows, first = given
    before = build_splits(rows.head(first), HALVES)
    after = build_splits(rows, HALVES, before)
    sides = dict(before.select("conversation_id", "split").iter_rows())
    had = after.with_columns(had=pl.col("conversation_id").replace_strict(sides, default=None))

    of_one_side = pl.col("had").drop_nulls().n_unique().over("group") == 1
    stays = had.filter(of_one_side, pl.col("had").is_not_null())
    assert stays["split"].to_list() == stays["had"].to_list()


@given(ROWS, st.randoms())
def test_a_split_made_again_of_the_same_rows_is_the_same(rows: pl.DataFrame, random: Any) -> None:
    before = build_splits(rows, HALVES)
    order = list(range(rows.height))
    random.shuffle(order)

    assert build_splits(rows, HALVES, before[order]).equals(before)


def test_a_new_first_row_of_a_group_does_not_move_it() -> None:
    old = conversations(*[{"cluster": f"x{n}"} for n in range(40)])
    before = build_splits(old, HALVES)
    new = old.with_columns(conversation_id="b" + pl.col("conversation_id"), source=pl.lit("new"))
    after = build_splits(pl.concat([new, old]), HALVES, before)

    assert after["group"].to_list() == [*new["conversation_id"]] * 2
    assert after["split"].to_list() == [*before["split"]] * 2
    # Drawn by their first row they would be elsewhere.
    assert build_splits(pl.concat([new, old]), HALVES)["split"].to_list() != [*before["split"]] * 2


def test_splits_of_older_files_are_extended_too() -> None:
    old = conversations(*[{"cluster": f"x{n}"} for n in range(40)])
    before = build_splits(old, HALVES).with_columns(drawn_as=pl.lit(None, pl.String))
    new = old.with_columns(conversation_id="b" + pl.col("conversation_id"), source=pl.lit("new"))

    after = build_splits(pl.concat([new, old]), HALVES, before)
    assert after.tail(40)["split"].to_list() == before["split"].to_list()


def test_another_share_and_another_seed_move_stored_rows_as_they_move_new_ones() -> None:
    rows = conversations(*[{}] * 200)
    before = build_splits(rows, HALVES)
    more = Training(validation=0.25, test=0.5)
    assert build_splits(rows, more, before).equals(build_splits(rows, more))
    other = Training(validation=0.25, test=0.25, seed=1)
    assert build_splits(rows, other, before).equals(build_splits(rows, other))


MANY = conversations(*[{}] * 4_000)


@pytest.mark.parametrize(("validation", "test"), [(0.01, 0.01), (0.2, 0.1), (0.0, 0.5), (0.0, 0.0)])
def test_many_groups_come_near_the_shares(validation: float, test: float) -> None:
    splits = build_splits(MANY, Training(validation=validation, test=test))["split"]

    # Chance explains 0.008 at most (0.5 of 4,000), give or take; this is three times that.
    assert (splits == "validation").mean() == pytest.approx(validation, abs=0.025)
    assert (splits == "test").mean() == pytest.approx(test, abs=0.025)


def test_a_larger_test_split_holds_the_smaller_one_and_leaves_validation_alone() -> None:
    small, large = (
        build_splits(MANY, Training(validation=0.1, test=test))["split"] for test in (0.1, 0.2)
    )
    assert (large.filter(small == "test") == "test").all()
    assert ((large == "validation") == (small == "validation")).all()


def test_another_seed_draws_other_groups() -> None:
    one, other = (build_splits(MANY, Training(test=0.5, seed=seed))["split"] for seed in (0, 1))

    assert (one == other).mean() == pytest.approx(0.5, abs=0.1)


def test_no_rows_have_no_splits() -> None:
    assert build_splits(conversations(), HALVES).schema == SPLITS.schema
    assert summarize_splits(build_splits(conversations(), HALVES)).is_empty()


def test_the_summary_says_how_large_splits_and_groups_are() -> None:
    splits = pl.DataFrame(
        [
            ("c0", "a", "c0", "train"),
            ("c1", "a", "c0", "train"),
            ("c2", "a", "c2", "train"),
            ("c3", "a", "c3", "test"),
            ("d0", "b", "c0", "train"),
        ],
        schema={name: type for name, type in SPLITS.schema.items() if name != "drawn_as"},
        orient="row",
    )
    assert summarize_splits(splits).rows() == [
        ("a", "train", 3, 2, 0.75, 2),
        ("a", "validation", 0, 0, 0.0, None),
        ("a", "test", 1, 1, 0.25, 1),
        ("b", "train", 1, 1, 1.0, 1),
        ("b", "validation", 0, 0, 0.0, None),
        ("b", "test", 0, 0, 0.0, None),
        ("all", "train", 4, 2, 0.8, 3),
        ("all", "validation", 0, 0, 0.0, None),
        ("all", "test", 1, 1, 0.2, 1),
    ]
