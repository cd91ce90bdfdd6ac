"""The checks of the second lane, each with a table that breaks it."""

from collections.abc import Callable

import polars as pl
import pytest

from sysgen_dagster.lanes.multifaceted import gold_answers, pair_judgement
from sysgen_dagster.lanes.multifaceted.checks import build_checks
from sysgen_dagster.lanes.multifaceted.preference_messages import write_messages
from sysgen_dagster.lanes.multifaceted.preference_sets import write_preference_sets
from sysgen_dagster.lanes.multifaceted.selection import build_selection
from sysgen_dagster.lanes.multifaceted.siblings import choose_rejected
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    JUDGED_PAIRS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
    SELECTION,
    TABLES,
)
from sysgen_dagster.tables.checks import Check, Finding
from sysgen_dagster.tables.table import Table, kept
from sysgen_dagster_tests.lanes.multifaceted.frames import (
    Model,
    distinct,
    instructions,
    taking_up,
)
from sysgen_dagster_tests.lanes.multifaceted.instructions import settings

Frames = dict[str, pl.DataFrame]
CHECKS = {f"{check.table.name} {check.name}": check for check in build_checks(settings())}


class Rows:
    """Frames as the evidence of a check."""

    model = "a-model"

    def __init__(self, frames: Frames) -> None:
        """By the names of their tables."""
        self._frames = frames

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        """The rows of a table, with these columns."""
        return self._frames[table.name].select(columns)


@pytest.fixture(scope="module")
def sound() -> Frames:
    """Tables of twelve instructions in which everything is as it should be."""
    asked = instructions(*(f"Why {number}?" for number in range(12)))
    sets = write_preference_sets(asked, Model(distinct()).ask, settings())
    messages = write_messages(
        kept(sets),
        Model(taking_up("Answer plainly, and say the reasons of all that you claim.")).ask,
        settings(),
    )
    inputs = gold_answers.build_inputs(kept(messages), asked)
    answered = Model(lambda _: "So.").ask(gold_answers.build_requests(inputs), inputs.height)
    gold = gold_answers.build_gold_answers(inputs, answered).with_columns(
        answer=pl.format("Answer {}", "conversation_id")
    )
    pairs = choose_rejected(kept(gold))
    requests = pair_judgement.build_requests(pairs)
    judged = Model(lambda _: "Verdict: A").ask(requests, 2 * pairs.height)
    return {
        SELECTION.name: build_selection(
            asked.select(
                "conversation_id",
                "source_row",
                "source_revision",
                "question",
                "drop_reason",
                source=pl.lit("chats"),
            ),
            settings(),
        ),
        INSTRUCTIONS.name: asked,
        PREFERENCE_SETS.name: sets,
        PREFERENCE_MESSAGES.name: messages,
        GOLD_ANSWERS.name: gold,
        JUDGED_PAIRS.name: pair_judgement.build_judged_pairs(
            pairs, judged, "a-judge", is_generator=False
        ),
    }


def _find(check: Check, frames: Frames) -> Finding:
    return check.evaluate(Rows(frames))


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_as_it_should_be_passes(name: str, sound: Frames) -> None:
    finding = _find(CHECKS[name], sound)

    assert finding.passed, finding


def test_every_table_has_a_check_and_the_paper_s_figures_stand_beside() -> None:
    assert {check.table for check in CHECKS.values()} == {*TABLES}


def _each(**values: object) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: rows.with_columns(
        pl.lit(value, dtype=rows.schema[name]).alias(name) for name, value in values.items()
    )


def _first(**values: object) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda rows: pl.concat([_each(**values)(rows.head(1)), rows.slice(1)])


def _without_a_dimension(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(preference_set=pl.col("preference_set").list.head(3))


def _with_the_first_set_again(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(preference_set=pl.col("preference_set").first(), engine=pl.lit("vllm"))


S, M, G = PREFERENCE_SETS.name, PREFERENCE_MESSAGES.name, GOLD_ANSWERS.name
J = JUDGED_PAIRS.name
BROKEN: list[tuple[str, str, Callable[[pl.DataFrame], pl.DataFrame]]] = [
    (f"{SELECTION.name} ids_are_unique", SELECTION.name, lambda rows: pl.concat([rows, rows])),
    (f"{SELECTION.name} drops_are_explained", SELECTION.name, _first(position=None)),
    (f"{SELECTION.name} enough_instructions", SELECTION.name, lambda rows: rows.head(3)),
    (f"{INSTRUCTIONS.name} drops_are_explained", INSTRUCTIONS.name, _first(question=None)),
    (f"{S} every_set_is_there", S, lambda rows: rows.slice(1)),
    (f"{S} every_set_is_there", S, _first(conversation_id="own-0-0#7")),
    (f"{S} sets_are_complete", S, _without_a_dimension),
    (f"{S} descriptions_are_bound", S, _with_the_first_set_again),
    (f"{S} drops_are_explained", S, _first(drop_reason="for_fun")),
    (f"{S} engine_answered", S, _each(drop_reason="server_error")),
    (f"{S} enough_are_kept", S, _each(drop_reason="too_alike")),
    (f"{S} some_are_kept", S, _each(drop_reason="too_alike")),
    (f"{M} nothing_is_lost", M, lambda rows: rows.slice(1)),
    (f"{M} messages_are_unique", M, _each(system_message="Be kind. " * 99)),
    (f"{M} message_length", M, _each(system_message="Be brief.", engine="vllm")),
    (f"{M} enough_are_kept", M, _each(drop_reason="message_length")),
    (f"{M} some_are_kept", M, _each(drop_reason="message_length")),
    (f"{G} nothing_is_lost", G, lambda rows: rows.slice(1)),
    (f"{G} ids_are_unique", G, lambda rows: pl.concat([rows, rows])),
    (f"{G} drops_are_explained", G, _first(answer=None)),
    (f"{G} enough_are_kept", G, _each(drop_reason="truncated")),
    (f"{G} some_are_kept", G, _each(drop_reason="truncated")),
    (f"{J} nothing_is_lost", J, lambda rows: rows.clear()),
    (f"{J} nothing_is_lost", J, lambda rows: rows.slice(2)),
    (f"{J} nothing_is_lost", J, _first(conversation_id="own-0-0#7")),
    (f"{J} verdicts_are_clear", J, _each(verdict="Unreadable")),
    (f"{J} both_orders_are_judged", J, lambda rows: rows.slice(1)),
    (f"{J} both_orders_are_judged", J, _each(shown_first="own")),
    (f"{J} drops_are_explained", J, _first(verdict=None)),
    (f"{J} engine_answered", J, _each(drop_reason="server_error")),
]


@pytest.mark.parametrize(
    ("name", "table", "change"),
    BROKEN,
    ids=[f"{name}-{at}" for at, (name, *_) in enumerate(BROKEN)],
)
def test_a_check_finds_what_it_is_there_for(
    name: str, table: str, change: Callable[[pl.DataFrame], pl.DataFrame], sound: Frames
) -> None:
    finding = _find(CHECKS[name], {**sound, table: change(sound[table])})

    assert not finding.passed


def test_made_up_messages_are_not_held_to_the_length_of_real_ones(sound: Frames) -> None:
    short = _each(system_message="Be brief.", engine="simulated")(sound[M])
    finding = _find(CHECKS[f"{M} message_length"], {**sound, M: short})

    assert finding.passed
    assert finding.is_of_made_up_text


@pytest.mark.parametrize(
    ("name", "figure"),
    [
        (f"{SELECTION.name} enough_instructions", "65,666 instructions"),
        (f"{S} every_set_is_there", "196,998 rows = 3 of 65,666 instructions"),
        (f"{S} sets_are_complete", "4 preferences a set"),
        (f"{M} message_length", "682 to 1,370 characters (benchmark)"),
    ],
)
def test_the_paper_s_figures_stand_beside_ours(name: str, figure: str, sound: Frames) -> None:
    assert _find(CHECKS[name], sound).paper == figure


def test_too_few_instructions_are_told_with_those_that_the_bench_holds_out(sound: Frames) -> None:
    reasons = pl.Series([*["held_out"] * 5, *[None] * 7], dtype=pl.String())
    held_out = sound[SELECTION.name].with_columns(
        drop_reason=reasons,
        position=pl.when(reasons.is_null()).then("position"),
    )
    finding = _find(CHECKS[f"{SELECTION.name} enough_instructions"], {SELECTION.name: held_out})

    assert not finding.passed
    assert "no more besides the 5 that `bench` holds out. Write 7 as" in finding.explanation


def test_without_the_lane_s_section_there_is_no_check() -> None:
    assert build_checks(None) == ()
