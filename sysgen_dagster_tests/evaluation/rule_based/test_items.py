"""Which items are asked: a smaller number is among a larger one, wherever it is drawn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.evaluation.rule_based.items import (
    Constraint,
    Item,
    build_item_table,
    read_messages,
)
from sysgen_dagster.evaluation.rule_based.tables import declare_tables
from sysgen_dagster.sources.recognition import SourceError

TABLE = declare_tables("s_ifeval").items
HI = read_messages("bench", 0, [{"role": "user", "content": "Hi"}])


def items(number: int, *left_out: str | None) -> list[Item]:
    constraints = [Constraint("a:b", "{}", "user", why) for why in left_out or (None,)]
    return [Item(str(at), str(at), HI, constraints) for at in range(number)]


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 3))
def test_a_smaller_number_of_items_is_among_a_larger_one(one: int, other: int, seed: int) -> None:
    smaller, larger = (
        build_item_table(items(25), number, seed, TABLE)["item"].to_list()
        for number in sorted((one, other))
    )
    assert set(smaller) <= set(larger)
    assert len(larger) == min(25, max(one, other))
    assert larger == sorted(larger, key=int)


def test_another_seed_chooses_others() -> None:
    chosen = [build_item_table(items(60), 20, seed, TABLE)["item"].to_list() for seed in (0, 1)]
    assert chosen[0] != chosen[1]


def test_all_items_are_those_of_the_benchmark() -> None:
    assert build_item_table(items(9), "all", 0, TABLE).height == 9


def test_what_is_chosen_does_not_depend_on_what_can_be_verified_here() -> None:
    with_rules = build_item_table(items(25), 10, 0, TABLE)
    without = build_item_table(items(25, "no rule"), 10, 0, TABLE)

    assert with_rules["item"].equals(without["item"])
    assert set(without["drop_reason"]) == {"not_verifiable"}


def test_an_item_is_asked_as_long_as_one_of_its_constraints_has_a_rule() -> None:
    [row] = build_item_table(items(1, "no rule", None), "all", 0, TABLE).to_dicts()

    assert row["drop_reason"] is None
    assert [each["left_out"] for each in row["constraints"]] == ["no rule", None]


def test_an_item_that_is_there_twice_is_refused() -> None:
    with pytest.raises(SourceError, match="s_ifeval_items: the benchmark has the item 0 more than"):
        build_item_table([*items(1), *items(1)], "all", 0, TABLE)
