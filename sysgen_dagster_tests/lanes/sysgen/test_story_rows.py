"""Which rows a report shows."""

import random
from collections.abc import Sequence
from dataclasses import replace

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.story_rows import (
    choose_from_step,
    choose_not_obeying,
    choose_rows,
)
from sysgen_dagster_tests.lanes.sysgen.shards import Row, Shard, dropped, kept


def kinds(ids: Sequence[str]) -> dict[str, int]:
    names = [identity.rsplit("-", 1)[0] for identity in ids]
    return {name: names.count(name) for name in sorted(set(names))}


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        pytest.param(
            [*kept(99), *dropped(99, "malformed_boundary")],
            {"kept": 10, "malformed_boundary": 10},
            id="half-the-places-for-dropped-rows",
        ),
        pytest.param(
            [
                *kept(99),
                *dropped(99, "malformed_boundary"),
                *dropped(2, "refused", "aligned_responses"),
                *dropped(99, "too_long", "annotated_system_messages"),
            ],
            {"kept": 10, "malformed_boundary": 4, "refused": 2, "too_long": 4},
            id="in-turn-to-each-reason",
        ),
        pytest.param(
            [*kept(99), *dropped(3, "refused", "aligned_responses")],
            {"kept": 17, "refused": 3},
            id="what-dropped-rows-cannot-fill-goes-to-kept-ones",
        ),
        pytest.param(
            [*kept(4), *dropped(99, "malformed_boundary")],
            {"kept": 4, "malformed_boundary": 16},
            id="what-kept-rows-cannot-fill-goes-to-dropped-ones",
        ),
        pytest.param(
            [*kept(99), *dropped(99, "beyond_limit", "annotated_system_messages")],
            {"kept": 20},
            id="none-that-a-pilot-left-out",
        ),
        pytest.param([*kept(3)], {"kept": 3}, id="all-where-there-are-few"),
        pytest.param([], {}, id="none-where-there-are-none"),
    ],
)
def test_places_are_shared_out(rows: list[Row], chosen: dict[str, int]) -> None:
    assert kinds(choose_rows([Shard(rows)], 20)) == chosen


def test_every_kind_of_verdict_has_its_turn() -> None:
    rare = [
        Row("none-0", verdict="None"),
        Row("bad-0", verdict="Bad"),
        Row("unreadable-0", verdict="Unreadable"),
    ]
    assert kinds(choose_rows([Shard([*kept(500), *rare])], 6)) == {
        "bad": 1,
        "kept": 3,
        "none": 1,
        "unreadable": 1,
    }


def test_rows_that_do_not_obey_and_those_that_contradict_have_their_turn() -> None:
    wrong = Row("contradicts-0", columns={"result": "contradicts"})
    rows = [*kept(500), Row("breaks-0"), Row("breaks-1"), wrong]
    chosen = choose_rows([Shard(rows)], 5, not_obeying=["breaks-0", "breaks-1", "of-another"])
    assert kinds(chosen) == {"breaks": 2, "contradicts": 1, "kept": 2}


def test_of_rows_that_do_not_obey_the_same_few_are_looked_at_in_any_order() -> None:
    rows = [{"conversation_id": f"c{n}", "not_obeyed": n % 2} for n in range(9)]
    one_way, other = (choose_not_obeying(pl.DataFrame(each), 3) for each in (rows, rows[::-1]))
    assert one_way == other
    assert len(one_way) == 3
    assert set(one_way) <= {"c1", "c3", "c5", "c7"}


def test_every_source_has_its_own_places() -> None:
    other = [replace(row, identity=f"other-{row.identity}", source="metamath") for row in kept(99)]
    assert len(choose_rows([Shard(kept(99)), Shard(other)], 20)) == 40


def test_the_choice_depends_neither_on_the_order_nor_on_the_shards() -> None:
    rows = [*kept(99), *dropped(99, "malformed_boundary")]
    whole = choose_rows([Shard(rows)], 20)
    random.Random(0).shuffle(rows)
    assert choose_rows([Shard(rows[:50]), Shard(rows[50:51]), Shard(rows[51:])], 20) == whole
    assert choose_rows([Shard(rows)], 10) != whole


def test_models_are_shown_on_the_same_rows_as_far_as_their_outcomes_allow() -> None:
    rows = kept(1000)
    lost = [Row(row.identity, "filtered_system_messages", "no_phrase_left") for row in rows[:50]]
    one, other = choose_rows([Shard(rows)], 40), choose_rows([Shard([*lost, *rows[50:]])], 40)
    assert len(set(one) & set(other)) >= 19


def test_a_row_with_several_verdicts_stands_for_the_rarest_of_them() -> None:
    verdicts = [{"tag": "Role", "verdict": verdict} for verdict in ("Good", "Bad", "None")]
    several = Row("none-0", columns={"verdicts": verdicts})
    bad = [Row(f"bad-{number}", verdict="Bad") for number in range(50)]
    assert kinds(choose_rows([Shard([*bad, several])], 2)) == {"bad": 1, "none": 1}


@pytest.mark.parametrize(
    ("places", "chosen"), [(0, {}), (1, {"kept": 1}), (3, {"kept": 2, "refused": 1})]
)
def test_the_smaller_half_of_the_places_is_for_dropped_rows(
    places: int, chosen: dict[str, int]
) -> None:
    rows = [*kept(9), *dropped(9, "refused", "aligned_responses")]
    assert kinds(choose_rows([Shard(rows)], places)) == chosen


def test_no_shard_has_no_rows_and_the_ids_come_in_order() -> None:
    assert choose_rows([]) == []
    ids = choose_rows([Shard(kept(30)), Shard([Row("a", source="metamath")])])
    assert ids == sorted(ids)
    assert ids[0] == "a"


def test_of_one_step_kept_rows_are_chosen_and_dropped_ones_where_there_are_none() -> None:
    def step(**outcomes: str | None) -> pl.DataFrame:
        rows = {"conversation_id": [*outcomes], "drop_reason": [*outcomes.values()]}
        return pl.DataFrame(rows, {"conversation_id": pl.String, "drop_reason": pl.String})

    mixed = step(a="refused", b=None, c=None, d=None, e="beyond_limit")
    assert set(choose_from_step(mixed, 5)) == {"b", "c", "d"}
    assert choose_from_step(mixed, 2) == choose_from_step(mixed.reverse(), 2)
    assert choose_from_step(step(a="refused", e="beyond_limit"), 5) == ["a"]
    assert choose_from_step(step(), 5) == []
