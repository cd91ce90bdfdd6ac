"""Pairs of conflict turns: chosen keeps to the message, rejected breaks it, both by rules."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.obedience.conflicts import AGAINST, Turn
from sysgen_dagster.training_sets.conflict_pairs import compare_conflict_answers
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS
from sysgen_dagster_tests.obedience.conflict_rows import HOLDS, turn_frame, turn_rows
from sysgen_dagster_tests.training_sets.frames import aligned, chat


def taken(aligned: pl.DataFrame, turns: pl.DataFrame) -> pl.DataFrame:
    """The pairs that are not left out."""
    compared = compare_conflict_answers(aligned, turns)
    return compared.filter(pl.col("left_out").is_null()).select(PREFERENCE_PAIRS.names)


def pairs_of(*sides: tuple[str | None, ...], **changed: Any) -> pl.DataFrame:
    rows = turn_rows(*sides, **changed)
    # Conversations say which exchange of their upstream row they are, in a column of that name.
    numbered = aligned(*[{}] * len(sides)).with_columns(turn=pl.lit(1, pl.UInt32))
    return taken(numbered, turn_frame(rows))


def _only(turn: str, **sides: str) -> tuple[str | None, ...]:
    """Sides of which only those of one turn, and of the aligned one, can make a pair."""
    with_message, without = sides["with_message"], sides["without"]
    of_turn = (with_message, without)
    nothing = ("unknown", "unknown")
    return (
        sides.get("aligned", "unknown"),
        "unknown",
        *(of_turn if turn == "conflicting" else nothing),
        *(of_turn if turn == "claimed_authority" else nothing),
    )


@pytest.mark.parametrize("turn", ["conflicting", "claimed_authority"])
def test_the_answer_that_keeps_to_the_message_is_preferred(turn: str) -> None:
    pairs = pairs_of(_only(turn, with_message="message", without="user"))

    assert pairs.schema == PREFERENCE_PAIRS.schema
    [pair] = pairs.to_dicts()
    assert pair["prompt"] == chat(("system", "S"), ("user", f"Q\n\n{turn}"))
    assert pair["chosen"] == chat(("assistant", f"{turn} with message"))
    assert pair["rejected"] == chat(("assistant", f"{turn} without user"))
    assert (pair["rejected_is"], pair["rejected_model"]) == ("followed_user", "phi")
    assert (pair["model"], pair["split"], pair["tags"]) == ("phi", "train", ["Role", "Task"])


def test_the_answer_to_the_same_turn_is_chosen_before_that_to_another() -> None:
    [pair] = pairs_of(HOLDS).to_dicts()
    turn = pair["prompt"][-1]["content"].removeprefix("Q\n\n")

    assert pair["chosen"] == chat(("assistant", f"{turn} with message"))
    assert pair["rejected"] == chat(("assistant", f"{turn} without user"))


def test_a_model_that_gives_in_is_shown_what_it_answers_without_the_conflict() -> None:
    sides = _only("conflicting", aligned="message", with_message="user", without="user")
    [pair] = pairs_of(sides).to_dicts()

    assert pair["prompt"][-1]["content"] == "Q\n\nconflicting"
    assert pair["chosen"] == chat(("assistant", "aligned with message"))
    assert pair["rejected"] == chat(("assistant", "conflicting without user"))


def test_an_answer_that_gave_in_is_rejected_where_the_other_keeps_to_the_message() -> None:
    sides = _only("conflicting", aligned="message", with_message="neither", without="message")
    [pair] = pairs_of(sides).to_dicts()

    assert pair["chosen"] == chat(("assistant", "aligned with message"))
    assert pair["rejected"] == chat(("assistant", "conflicting with neither"))


@pytest.mark.parametrize(
    ("with_message", "without", "held"),
    [
        ("unknown", "user", "unknown"),
        ("message", "unknown", "unknown"),
        ("message", "message", "message"),
        ("user", "user", "user"),
        ("user", "neither", "neither"),
    ],
)
def test_no_pair_has_a_side_of_which_rules_cannot_say_what_it_is(
    with_message: str, without: str, held: str
) -> None:
    sides = _only("conflicting", aligned=held, with_message=with_message, without=without)

    assert pairs_of(sides).is_empty()


def test_neither_refusals_nor_cut_answers_are_in_a_pair() -> None:
    assert pairs_of(HOLDS, is_refusal=True).is_empty()
    assert pairs_of((None,) * 6).is_empty()


def test_a_chosen_answer_breaks_no_other_phrase_of_the_message() -> None:
    phrases = [{"tag": "Format", "text": "Use a table."}, {"tag": "Format", "text": "Be kind."}]
    turns = turn_frame(turn_rows(HOLDS))

    assert taken(aligned({"phrases": phrases}), turns).is_empty()
    [pair] = taken(aligned({"phrases": phrases[1:]}), turns).to_dicts()
    assert (pair["phrases_not_obeyed"], pair["phrases_unknown"]) == (0, 1)


NO_MARKS = [{"tag": "Format", "text": "Do not use exclamation marks."}]


def compare(*breaking: tuple[str, bool], **changed: str) -> list[dict[str, Any]]:
    """Twenty conversations whose answers to these requests break another phrase of the message."""
    rows = [
        row | changed | ({"answer": "No!"} if key in breaking else {})
        for row in turn_rows(*[HOLDS] * 20)
        for key in [(row["turn"], row["has_system_message"])]
    ]
    return compare_conflict_answers(
        aligned(*[{"phrases": NO_MARKS}] * 20), turn_frame(rows)
    ).to_dicts()


@pytest.mark.parametrize(("bad", "good"), [AGAINST, AGAINST[::-1]])
def test_a_turn_is_drawn_of_those_whose_chosen_answer_breaks_no_other_phrase(
    bad: Turn, good: Turn
) -> None:
    pairs = compare((bad.value, True), ("aligned", True))

    assert [pair["left_out"] for pair in pairs] == [None] * 20
    chosen = {pair["chosen"][0]["content"] for pair in pairs}
    assert chosen == {f"{good.value} with message"}


def test_the_answer_to_the_aligned_turn_steps_in_for_one_that_breaks_another_phrase() -> None:
    pairs = compare(*((turn.value, True) for turn in AGAINST))

    assert {pair["chosen"][0]["content"] for pair in pairs} == {"aligned with message"}
    assert {pair["prompt"][-1]["content"] for pair in pairs} == {
        f"Q\n\n{turn.value}" for turn in AGAINST
    }


def test_what_makes_no_pair_is_left_out_with_its_reason() -> None:
    none_is_good = compare(("aligned", True), *((turn.value, True) for turn in AGAINST))
    assert [pair["left_out"] for pair in none_is_good] == ["chosen_does_not_obey"] * 20
    assert [pair["left_out"] for pair in compare(answer=" the same\n")] == ["same_answer"] * 20


OF_THE_CONVERSATION = {"flags": ["not_obeyed", "repetitive", "final_answer_differs", "repaired"]}


@pytest.mark.parametrize(
    ("answer", "flags"),
    [
        ("Kind words.", ["repaired"]),
        ("Write to jane.doe@gmail.com or call +1 (415) 867-5309.", ["repaired", "personal_data"]),
        ("So it is. " * 40, ["repaired", "repetitive"]),
        ("```python\ndef f(:\n```", ["repaired", "python_does_not_parse"]),
        ("I can't draw, but here is a list of them.", ["repaired", "may_decline"]),
    ],
)
def test_a_pair_has_the_flags_of_its_message_and_of_the_answer_that_it_chooses(
    answer: str, flags: list[str]
) -> None:
    of_answers = [
        row | ({"answer": answer} if row["side"] == "message" else {}) for row in turn_rows(HOLDS)
    ]
    [pair] = taken(aligned(OF_THE_CONVERSATION), turn_frame(of_answers)).to_dicts()

    assert pair["flags"] == flags


def test_a_conversation_has_one_pair_and_both_turns_get_their_share() -> None:
    pairs = pairs_of(*[HOLDS] * 200)
    asked = pairs["prompt"].list.last().struct.field("content").value_counts()

    assert pairs["conversation_id"].to_list() == [f"c{number}" for number in range(200)]
    assert sorted(asked["content"]) == ["Q\n\nclaimed_authority", "Q\n\nconflicting"]
    assert min(asked["count"]) > 70


def test_other_conversations_change_nothing_of_a_pair() -> None:
    [alone] = pairs_of(HOLDS).to_dicts()

    assert pairs_of(HOLDS, HOLDS, HOLDS).row(0, named=True) == alone


def test_rows_that_are_not_used_have_no_pair() -> None:
    turns = turn_frame(turn_rows(HOLDS, HOLDS))

    assert taken(aligned({}), turns)["conversation_id"].to_list() == ["c0"]
