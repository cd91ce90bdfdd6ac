"""Turns to a dialogue, and how much of it a conversation repeats."""

import time
import tracemalloc

import pytest

from sysgen_dagster.catalog.sources import Exchanges
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.dialogue import (
    MOST_CHARACTERS,
    MOST_TURNS,
    Dialogue,
    Exchange,
    Histories,
    History,
)
from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.sources.shapes import Turn
from sysgen_dagster_tests.lanes.sysgen.frames import messages_source, upstream

WHO = {"u": Role.USER, "a": Role.ASSISTANT, "t": "tool", "?": "narrator", "0": None}


def dialogue(spoken: str) -> Dialogue:
    """Of turns such as ``u1 a2``: who speaks, and the text."""
    return Dialogue(Turn(WHO[turn[0]], turn[1:]) for turn in spoken.split())


@pytest.mark.parametrize(
    ("spoken", "becomes"),
    [
        ("", []),
        ("u1 a2", ["1", "2"]),
        ("u1 a2 u3 a4 u5", ["1", "2", "3", "4", "5"]),
        ("u1 u2 a3", ["1\n\n2", "3"]),
        ("u1 u2 u3", ["1\n\n2\n\n3"]),
        ("u1 a2 a3 a4 u5", ["1", "2\n\n3\n\n4", "5"]),
        ("a1 u2 a3", ["2", "3"]),
        ("a1 a2", []),
        ("u1 t2 u3 a4", ["1\n\n3", "4"]),
        ("u u2 a3", ["2", "3"]),
        ("u u a3", ["", "3"]),
    ],
)
def test_user_and_assistant_take_turns(spoken: str, becomes: list[str]) -> None:
    made = dialogue(spoken)
    assert [turn.text for turn in made.turns] == becomes
    assert [turn.role for turn in made.turns] == [
        (Role.USER, Role.ASSISTANT)[at % 2] for at in range(len(becomes))
    ]
    assert len(spoken.split()) == len(becomes) + made.left_out + sum(
        turn.joined for turn in made.turns
    )


def test_what_was_thought_before_turns_that_are_joined_is_joined_too() -> None:
    asked = Turn(Role.USER, "Why?")
    said = [Turn(Role.ASSISTANT, "So", "Hm."), Turn(Role.ASSISTANT, "or so", "Well.")]
    assert Dialogue([asked, *said]).turns[1] == Turn(
        Role.ASSISTANT, "So\n\nor so", "Hm.\n\nWell.", joined=1
    )


@pytest.mark.parametrize(
    ("spoken", "reasons"),
    [
        ("u1 a2 u3 a4", [None, None]),
        ("u1 a2 t3 u4 a5", [None, "tool_turn"]),
        ("u1 a2 ?3 t4 u5 a6", [None, "unknown_role"]),
        ("u1 a2 u3 t4", [None, None]),
        ("u1 a2 u3 t4 u5", [None, "tool_turn"]),
        ("t1", ["tool_turn"]),
        ("a1 t2 u3 a4 u5 a6", ["tool_turn", "tool_turn"]),
    ],
)
def test_what_comes_after_a_turn_of_nobody_s_depends_on_it(
    spoken: str, reasons: list[str | None]
) -> None:
    assert [exchange.reason for exchange in dialogue(spoken).exchanges()] == reasons


def test_one_malformed_turn_is_the_reason_of_the_whole_row() -> None:
    assert dialogue("u1 a2 0").reason == Unusable.MALFORMED_ROW
    assert dialogue("u1 a2").reason is None


def test_joining_takes_time_in_proportion_to_the_turns() -> None:
    """With one turn joined after the other these took 16 seconds."""
    turns = [Turn(Role.USER, "x" * 30, "Hm.")] * 200_000
    started = time.process_time()
    [joined] = Dialogue(turns).turns
    assert time.process_time() - started < 4
    assert (len(joined.text or ""), joined.joined) == (200_000 * 32 - 2, 199_999)


# The history


def pairs(count: int, characters: int = 1) -> list[Turn]:
    return [Turn(role, "x" * characters) for role in (Role.USER, Role.ASSISTANT)] * count


def history(
    turns: list[Turn], position: int, system: str | None = None, shows_system: bool = True
) -> History:
    return Histories(turns, system, shows_system).before(Exchange(position, None))


def test_a_history_may_have_so_many_turns_and_no_more() -> None:
    turns = pairs(MOST_TURNS)
    assert len(history(turns, MOST_TURNS // 2).messages) == MOST_TURNS
    beyond = history(turns, MOST_TURNS // 2 + 1)
    assert (beyond.messages, beyond.reason) == ([], Unusable.HISTORY_TOO_LONG)
    with_system = history(turns, MOST_TURNS // 2, "Be kind.")
    assert with_system.reason == Unusable.HISTORY_TOO_LONG


def test_a_history_may_have_so_many_characters_and_no_more() -> None:
    turns = pairs(5, MOST_CHARACTERS // 4)
    assert history(turns, 2).reason is None
    assert history([*turns[:3], Turn(Role.ASSISTANT, turns[0].text, "Hm."), *turns], 2) == History(
        [], reason=Unusable.HISTORY_TOO_LONG
    )
    assert history(turns, 3).reason == Unusable.HISTORY_TOO_LONG


@pytest.mark.parametrize("shows_system", [False, True])
def test_the_system_message_counts_among_the_characters_shown_or_not(shows_system: bool) -> None:
    system = "s" * MOST_CHARACTERS
    first = history(pairs(1), 0, system, shows_system)
    assert (first.system, len(first.messages), first.reason) == (system, int(shows_system), None)
    assert history(pairs(1), 1, system, shows_system) == History(
        [], reason=Unusable.HISTORY_TOO_LONG
    )
    assert history(pairs(1), 0, system + "s", shows_system).reason == Unusable.HISTORY_TOO_LONG


def test_only_a_history_that_holds_a_blank_turn_is_dropped_for_it() -> None:
    turns = [*pairs(1), Turn(Role.USER, "\u200b"), Turn(Role.ASSISTANT, "x"), *pairs(2)]
    assert [history(turns, at).reason for at in range(4)] == [None, None, *["empty_turn"] * 2]


SPOKEN = [{"role": "user", "content": "q" * 39}, {"role": "assistant", "content": "a" * 39}]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(SPOKEN * 2_500, id="no system message"),
        pytest.param(
            [{"role": "system", "content": "s" * 100_000}, *SPOKEN * 2_500], id="a long one"
        ),
        pytest.param(
            [{"role": "system", "content": "s" * 39}, *SPOKEN] * 2_500, id="one in each exchange"
        ),
    ],
)
def test_a_row_of_thousands_of_exchanges_takes_memory_in_proportion(
    row: list[dict[str, str]],
) -> None:
    """With all that comes before it beside each exchange, these 200 to 400 kB were 250 MB."""
    entry = messages_source(exchanges=Exchanges.EACH)
    rows = upstream(entry, {"messages": row})
    tracemalloc.start()
    table = build_conversations(rows, entry)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    kept = MOST_TURNS // 2 + 1
    assert table["drop_reason"].to_list() == [None] * kept + ["history_too_long"] * (2_500 - kept)
    assert table["question"].null_count() == 0
    assert table.estimated_size() < 20e6
    assert peak < 50e6
