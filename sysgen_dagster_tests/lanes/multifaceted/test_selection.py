"""Which instructions are taken."""

import polars as pl
import pytest

from sysgen_dagster.lanes.multifaceted.selection import (
    build_candidates,
    build_instructions,
    build_selection,
    share_out,
)
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.sources.recognition import SourceError
from sysgen_dagster.sources.tables import CONVERSATIONS

Rows = list[tuple[str, str | None, str | None]]  # source, question, drop reason


def _settings(
    instructions: int, seed: int = 0, held_out: int = 0, **weights: float
) -> Multifaceted:
    sources = {
        name: {"path": "rows.jsonl", "instruction": "prompt", "weight": weight}
        for name, weight in weights.items()
    }
    given: dict[str, object] = {"sources": sources, "instructions": instructions, "seed": seed}
    if held_out:
        given["bench"] = {"instructions": held_out}
    return Multifaceted.model_validate(given)


def _candidates(rows: Rows) -> pl.DataFrame:
    records = [
        {
            "conversation_id": f"{source}-{number}-0",
            "source": source,
            "source_row": number,
            "source_revision": "local:1",
            "question": question,
            "drop_reason": reason,
        }
        for number, (source, question, reason) in enumerate(rows)
    ]
    return build_candidates(pl.DataFrame(records, CONVERSATIONS.schema, orient="row"))


def _many(**counts: int) -> pl.DataFrame:
    rows: Rows = [
        (name, f"{name} asks for {number}", None)
        for name, count in counts.items()
        for number in range(count)
    ]
    return _candidates(rows)


def _taken(rows: pl.DataFrame) -> list[str]:
    return rows.drop_nulls("position").sort("position")["conversation_id"].to_list()


def test_every_candidate_has_a_position_or_a_reason() -> None:
    selection = build_selection(_many(a=30, b=20), _settings(10, a=1, b=1))

    assert selection.height == 50
    assert selection["position"].is_null().to_list() == (
        selection["drop_reason"].is_not_null().to_list()
    )
    assert sorted(selection["position"].drop_nulls()) == list(range(10))
    assert set(selection["drop_reason"].drop_nulls()) == {"beyond_number"}


def test_only_what_is_taken_keeps_its_text() -> None:
    selection = build_selection(_many(a=30), _settings(10, a=1))

    assert selection["question"].is_null().to_list() == selection["position"].is_null().to_list()


def test_the_same_seed_takes_the_same_whatever_the_order_of_the_rows() -> None:
    settings, rows = _settings(20, a=1, b=1), _many(a=50, b=50)
    shuffled = rows.sample(fraction=1, shuffle=True, seed=3)

    assert _taken(build_selection(rows, settings)) == _taken(build_selection(shuffled, settings))


def test_another_seed_takes_others() -> None:
    rows = _many(a=50)

    first, second = (
        _taken(build_selection(rows, _settings(20, seed=seed, a=1))) for seed in (0, 1)
    )
    assert {*first} != {*second}


def test_a_larger_number_takes_more_of_the_same() -> None:
    rows = _many(a=50, b=50)
    few, more = (_taken(build_selection(rows, _settings(size, a=1, b=1))) for size in (20, 40))

    assert {*few} < {*more}


@pytest.mark.parametrize(
    "again",
    ["What is  new?", "WHAT IS NEW?", " what is new? ", "what\nis\tnew?", "\uff37hat is new?"],
)
def test_the_same_words_are_taken_once_and_are_of_the_first_source(again: str) -> None:
    candidates = _candidates([("a", "What is new?", None), ("b", again, None)])
    selection = build_selection(candidates, _settings(2, a=1, b=1))

    assert _taken(selection) == ["a-0-0"]
    assert selection["drop_reason"].to_list() == [None, "duplicate_instruction"]


def test_other_signs_are_another_instruction() -> None:
    candidates = _candidates([("a", "1+2?", None), ("a", "1-2?", None)])

    assert len(_taken(build_selection(candidates, _settings(2, a=1)))) == 2


@pytest.mark.parametrize("reason", ["no_answer", "empty_answer"])
def test_a_row_without_an_answer_is_an_instruction_all_the_same(reason: str) -> None:
    assert _taken(build_selection(_candidates([("a", "Why?", reason)]), _settings(1, a=1)))


@pytest.mark.parametrize("reason", ["empty_question", "malformed_row", "excluded", "not_text"])
def test_a_row_without_an_instruction_keeps_its_reason(reason: str) -> None:
    rows = _candidates([("a", None, reason), ("a", "Why?", None)])
    selection = build_selection(rows, _settings(1, a=1))

    assert selection["drop_reason"].to_list() == [reason, None]


@pytest.mark.parametrize(
    ("number", "there_are", "weights", "parts"),
    [
        (10, {"a": 50, "b": 50}, {"a": 1, "b": 1}, {"a": 5, "b": 5}),
        (10, {"a": 50, "b": 50}, {"a": 3, "b": 1}, {"a": 8, "b": 2}),
        (10, {"a": 2, "b": 50}, {"a": 1, "b": 1}, {"a": 2, "b": 8}),
        (10, {"a": 2, "b": 3}, {"a": 1, "b": 1}, {"a": 2, "b": 3}),
        (10, {"a": 0, "b": 50}, {"a": 9, "b": 1}, {"a": 0, "b": 10}),
        (10, {"a": 4, "b": 1, "c": 99}, {"a": 1, "b": 1, "c": 1}, {"a": 4, "b": 1, "c": 5}),
        (2, {"a": 9, "b": 9, "c": 9}, {"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 1, "c": 0}),
    ],
)
def test_a_source_gives_its_part_or_all_that_it_has(
    number: int, there_are: dict[str, int], weights: dict[str, float], parts: dict[str, int]
) -> None:
    assert share_out(number, there_are, weights) == parts


def test_the_five_sources_of_the_paper_give_65_666_at_equal_weights() -> None:
    sizes = {"nectar": 180_000, "hermes": 900_000, "ultra": 58_000, "arena": 25_000, "dsp": 12_000}
    parts = share_out(65_666, sizes, dict.fromkeys(sizes, 1.0))

    assert sum(parts.values()) == 65_666
    assert parts["dsp"] == 12_000
    assert max(parts.values()) - min(parts["nectar"], parts["arena"]) <= 1


@pytest.mark.parametrize("shards", [1, 3, 7])
def test_shards_together_hold_every_taken_instruction_once(shards: int) -> None:
    selection = build_selection(_many(a=30, b=30), _settings(20, a=1, b=1))
    parts = [build_instructions(selection, index, shards) for index in range(shards)]

    assert _taken(pl.concat(parts)) == _taken(selection)
    assert max(part.height for part in parts) - min(part.height for part in parts) <= 1


def test_an_excluded_instruction_stays_without_its_text() -> None:
    selection = build_selection(_many(a=3), _settings(3, a=1))
    rows = build_instructions(selection, 0, 1, excluded=["a-1-0"])

    gone = rows.filter(conversation_id="a-1-0")
    assert gone.select("question", "drop_reason").rows() == [(None, "excluded")]
    assert rows["question"].null_count() == 1


def test_sources_without_rows_are_an_error_that_names_them() -> None:
    with pytest.raises(SourceError, match=r"left to train on \(a: no rows; b: no rows\); correct"):
        build_selection(_many(), _settings(10, a=1, b=1))


def test_sources_of_which_nothing_can_be_used_are_told_with_the_reasons() -> None:
    rows = _candidates(
        [("a", None, "not_text"), ("a", None, "not_text"), ("a", None, "malformed_row")]
    )
    said = r"\(a: 2 not_text, 1 malformed_row; b: no rows\); correct its `instruction` or `shape`"

    with pytest.raises(SourceError, match=said):
        build_selection(rows, _settings(10, a=1, b=1))


@pytest.mark.parametrize("there_are", [1, 80, 100])
def test_a_bench_that_leaves_nothing_to_train_on_is_refused(there_are: int) -> None:
    said = rf"\(a: {there_are} held_out\); `bench` holds 100 out .* fewer `instructions`"

    with pytest.raises(SourceError, match=said):
        build_selection(_many(a=there_are), _settings(10, held_out=100, a=1))


def test_where_the_last_instruction_was_excluded_the_selection_goes_on_without_it() -> None:
    rows = pl.concat([_many(a=5), _candidates([("b", None, "excluded")])])
    selection = build_selection(rows, _settings(10, held_out=5, a=1, b=1))

    assert _taken(selection) == []
    assert selection.height == 6


def test_one_instruction_beside_the_bench_is_enough() -> None:
    assert len(_taken(build_selection(_many(a=101), _settings(10, held_out=100, a=1)))) == 1


def _held_out(rows: pl.DataFrame) -> set[str]:
    return {*rows.filter(drop_reason="held_out")["conversation_id"]}


def test_what_is_held_out_is_never_taken_and_keeps_its_text() -> None:
    selection = build_selection(_many(a=30, b=20), _settings(100, held_out=10, a=1, b=1))

    held_out = _held_out(selection)
    assert len(held_out) == 10
    assert held_out.isdisjoint(_taken(selection))
    assert len(_taken(selection)) == 40
    rows = selection.filter(drop_reason="held_out")
    assert rows["question"].null_count() == 0
    assert rows.group_by("source").len().sort("source").rows() == [("a", 5), ("b", 5)]


def test_more_instructions_do_not_move_one_between_bench_and_training() -> None:
    rows = _many(a=50, b=50)
    few, more = (
        build_selection(rows, _settings(number, held_out=8, a=1, b=1)) for number in (10, 60)
    )

    assert _held_out(few) == _held_out(more)
    assert set(_taken(few)) < set(_taken(more))


def test_a_larger_bench_holds_the_smaller_one() -> None:
    rows = _many(a=50)
    small, large = (build_selection(rows, _settings(10, held_out=n, a=1)) for n in (5, 9))

    assert _held_out(small) < _held_out(large)


def test_without_a_bench_the_same_are_taken_as_before_there_was_one() -> None:
    rows = _many(a=30)
    alone = build_selection(rows, _settings(10, a=1))
    beside = build_selection(rows, _settings(10, held_out=5, a=1))
    without = rows.filter(~pl.col("conversation_id").is_in(list(_held_out(beside))))

    assert not _held_out(alone)
    assert _taken(beside) == _taken(build_selection(without, _settings(10, a=1)))


def test_no_shard_holds_what_is_held_out() -> None:
    selection = build_selection(_many(a=30), _settings(20, held_out=6, a=1))
    shards = pl.concat([build_instructions(selection, index, 3) for index in range(3)])

    assert shards.height == 20
    assert _held_out(selection).isdisjoint(shards["conversation_id"])
