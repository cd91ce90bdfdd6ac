"""Checks of the lane's tables: contracts, which must hold, and expectations, which warn.

The paper's figures stand beside ours where it has any. Expectations of what only a model can know
say nothing of made-up text.
"""

from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES, NoAnswer
from sysgen_dagster.chat.words import english_length
from sysgen_dagster.lanes.multifaceted import pair_judgement, paper
from sysgen_dagster.lanes.multifaceted.drop_reasons import Dropped, NotTaken
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.siblings import choose_rejected
from sysgen_dagster.lanes.multifaceted.steps import STEPS
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    JUDGED_PAIRS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
    SELECTION,
    instruction_of,
    set_id,
)
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS
from sysgen_dagster.obedience.judge_verdicts import UNREADABLE
from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.tables.checks import (
    Check,
    Evidence,
    Finding,
    drops_are_explained,
    ids_are_unique,
    none_of,
    nothing_is_lost,
    some_are_kept,
    unless_made_up,
    within,
)
from sysgen_dagster.tables.rates import Rate, count_drops
from sysgen_dagster.tables.table import Table, kept

# With a higher share of unanswered requests the engine is at fault, not the rows.
MOST_UNANSWERED = 0.05
_UNANSWERED = [reason.value for reason in (*ENGINE_FAILURES, NoAnswer.REFUSED_BY_SERVER)]
LEAST_KEPT_SETS = 0.90  # ours, as are the four below: the paper says nothing of what it dropped
LEAST_KEPT_MESSAGES = 0.90
LEAST_KEPT_ANSWERS = 0.95
MOST_RECURRING = 0.05  # of descriptions
MOST_UNREADABLE = 0.05  # of what the judge wrote
MOST_OTHER_LENGTHS = 0.10  # of messages: outside the lengths of the paper's benchmark
# Of each table that a model fills, the column that a kept row fills, and the rows to be kept.
_RESULTS = {
    PREFERENCE_SETS: ("reply", LEAST_KEPT_SETS),
    PREFERENCE_MESSAGES: ("system_message", LEAST_KEPT_MESSAGES),
    GOLD_ANSWERS: ("answer", LEAST_KEPT_ANSWERS),
}
_BOTH_ORDERS = " ".join(sorted(pair_judgement.ORDERS))
_REASONS = [*NoAnswer, *Dropped]


def build_checks(settings: Multifaceted | None) -> tuple[Check, ...]:
    """All checks of the lane under the settings of a catalogue; none where it has none."""
    if settings is None:
        return ()
    return (
        ids_are_unique(SELECTION),
        drops_are_explained(SELECTION, "position", [*Unusable, *NotTaken]),
        _enough_instructions(settings),
        ids_are_unique(INSTRUCTIONS),
        drops_are_explained(INSTRUCTIONS, "question", [Unusable.EXCLUDED]),
        *(ids_are_unique(step.table) for step in STEPS),
        _every_set_is_there(settings),
        _sets_are_complete(),
        unless_made_up(_descriptions_are_bound(), PREFERENCE_SETS),
        nothing_is_lost(PREFERENCE_MESSAGES, PREFERENCE_SETS),
        nothing_is_lost(GOLD_ANSWERS, PREFERENCE_MESSAGES),
        *(drops_are_explained(table, column, _REASONS) for table, (column, _) in _RESULTS.items()),
        *(engine_answered(step.table) for step in STEPS),
        *(some_are_kept(table) for table in _RESULTS),
        *(enough_are_kept(table, least) for table, (_, least) in _RESULTS.items()),
        _messages_are_unique(),
        unless_made_up(_messages_are_as_long(), PREFERENCE_MESSAGES),
        _every_pair_is_judged(),
        _both_orders_are_judged(),
        _nearly_all_verdicts_are_clear(),
        drops_are_explained(JUDGED_PAIRS, "verdict", NoAnswer),
        engine_answered(JUDGED_PAIRS),
    )


def _asked(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without those that a pilot run left out."""
    return rows.filter(pl.col("drop_reason").ne_missing(NoAnswer.BEYOND_LIMIT.value))


def _enough_instructions(settings: Multifaceted) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(SELECTION, "position", "drop_reason")
        taken = rows["position"].count()
        held_out = rows.filter(drop_reason=NotTaken.HELD_OUT.value).height
        besides = f" besides the {held_out:,} that `bench` holds out" if held_out else ""
        return Finding(
            taken >= settings.instructions,
            taken,
            f"{settings.instructions:,} instructions",
            pl.DataFrame(),
            f"{paper.INSTRUCTIONS:,} instructions",
            explanation=(
                ""
                if taken >= settings.instructions
                else f"The sources have no more{besides}. Write {taken:,} as `instructions` to cut "
                "no more shards than these fill"
            ),
        )

    statement = "The sources have as many instructions as the catalogue asks for."
    return Check("enough_instructions", SELECTION, statement, False, evaluate)


def differing(wanted: Iterable[str], stored: pl.DataFrame) -> Finding:
    """Passes if these ids are stored and no others; those that are lost or new speak against it."""
    there = stored.select("conversation_id").unique()
    expected = pl.DataFrame({"conversation_id": [*wanted]}, {"conversation_id": pl.String()})
    lost = expected.join(there, on="conversation_id", how="anti").with_columns(what=pl.lit("lost"))
    new = there.join(expected, on="conversation_id", how="anti").with_columns(what=pl.lit("new"))
    return none_of(pl.concat([lost, new]))


def _every_set_is_there(settings: Multifaceted) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        asked = kept(evidence.read(INSTRUCTIONS, "conversation_id", "drop_reason"))
        wanted = (
            set_id(each, number)
            for each in asked["conversation_id"]
            for number in range(settings.sets)
        )
        stored = evidence.read(PREFERENCE_SETS, "conversation_id")
        return replace(
            differing(wanted, stored),
            paper=f"{paper.ROWS:,} rows = {paper.SETS} of {paper.INSTRUCTIONS:,} instructions",
        )

    statement = f"Every instruction has {settings.sets} preference sets, kept or dropped."
    return Check("every_set_is_there", PREFERENCE_SETS, statement, True, evaluate)


def _sets_are_complete() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = kept(
            evidence.read(PREFERENCE_SETS, "conversation_id", "preference_set", "drop_reason")
        )
        preference = pl.element().struct
        texts = pl.concat_list(
            pl.col("preference_set").list.eval(preference.field(name))
            for name in ("preference", "description", "subdimension")
        )
        dimensions = pl.col("preference_set").list.eval(preference.field("dimension"))
        is_whole = (dimensions.list.join(" ") == " ".join(DIMENSIONS)) & ~texts.list.eval(
            pl.element().is_null()
        ).list.any()
        return replace(
            none_of(rows.filter(~is_whole)), paper=f"{paper.PREFERENCES} preferences a set"
        )

    statement = "A kept set has one preference with a description in each of the four dimensions."
    return Check("sets_are_complete", PREFERENCE_SETS, statement, True, evaluate)


def _descriptions_are_bound() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = kept(
            evidence.read(PREFERENCE_SETS, "conversation_id", "preference_set", "drop_reason")
        )
        described = rows.select(
            "conversation_id",
            instruction_id=instruction_of("conversation_id"),
            description=pl.col("preference_set").list.eval(
                pl.element().struct.field("description").str.to_lowercase().str.strip_chars()
            ),
        ).explode("description")
        of_others = pl.col("instruction_id").n_unique().over("description") > 1
        again = described.filter(of_others)
        return within(Rate(again.height, described.height), (0.0, MOST_RECURRING), None, again)

    statement = "Few descriptions recur in a set of another instruction, so they are about theirs."
    return Check("descriptions_are_bound", PREFERENCE_SETS, statement, False, evaluate)


def engine_answered(table: Table) -> Check:
    """A contract: hardly any request for a row of the table failed in the engine."""

    def evaluate(evidence: Evidence) -> Finding:
        rows = _asked(evidence.read(table, "conversation_id", "drop_reason", "attempts", "failure"))
        failed = rows.filter(pl.col("drop_reason").is_in(_UNANSWERED))
        rate = Rate(failed.height, rows.height)
        finding = within(rate, (0.0, MOST_UNANSWERED), None, failed)
        if finding.passed:
            return finding
        reason, count = next(iter(count_drops(failed).items()))
        explanation = (
            f"{rate.part:,} of {rate.whole:,} requests have no answer, most often because of "
            f"{reason} ({count:,}). Look at `failure`, mend what it says, and make the partition "
            "again: only what has no answer is asked"
        )
        return replace(finding, explanation=explanation)

    statement = "The engine answered nearly every request."
    return Check("engine_answered", table, statement, True, evaluate)


def enough_are_kept(table: Table, least: float) -> Check:
    """An expectation: of the rows of the table at least this share is kept."""

    def evaluate(evidence: Evidence) -> Finding:
        rows = _asked(evidence.read(table, "conversation_id", "drop_reason"))
        dropped = rows.drop_nulls("drop_reason")
        rate = Rate(rows.height - dropped.height, rows.height)
        return within(rate, (least, 1.0), None, dropped)

    statement = f"Of all rows {least:.0%} or more are kept."
    return Check("enough_are_kept", table, statement, False, evaluate)


def _every_pair_is_judged() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        gold = kept(evidence.read(GOLD_ANSWERS, "conversation_id", "answer", "drop_reason"))
        pairs = choose_rejected(gold).drop_nulls("rejected_set")
        return differing(pairs["conversation_id"], evidence.read(JUDGED_PAIRS, "conversation_id"))

    statement = "Each answer with a sibling's to compare with is judged, and no other."
    return Check("nothing_is_lost", JUDGED_PAIRS, statement, True, evaluate)


def _nearly_all_verdicts_are_clear() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(JUDGED_PAIRS, "conversation_id", "verdict", "verdict_text")
        read = rows.drop_nulls("verdict")
        unclear = read.filter(pl.col("verdict") == UNREADABLE)
        return within(Rate(unclear.height, read.height), (0.0, MOST_UNREADABLE), None, unclear)

    statement = "Nearly every reply of the judge has a clear verdict."
    return Check("verdicts_are_clear", JUDGED_PAIRS, statement, False, evaluate)


def _both_orders_are_judged() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(JUDGED_PAIRS, "conversation_id", "shown_first")
        orders = rows.group_by("conversation_id").agg(pl.col("shown_first").sort())
        return none_of(orders.filter(pl.col("shown_first").list.join(" ") != _BOTH_ORDERS))

    statement = "Each pair is judged once with either answer first."
    return Check("both_orders_are_judged", JUDGED_PAIRS, statement, True, evaluate)


def _kept_messages(evidence: Evidence) -> pl.DataFrame:
    read = ("conversation_id", "system_message", "drop_reason")
    return kept(evidence.read(PREFERENCE_MESSAGES, *read))


def _messages_are_unique() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = _kept_messages(evidence)
        return none_of(rows.filter(pl.col("system_message").is_duplicated()))

    statement = "No two messages are the same."
    return Check("messages_are_unique", PREFERENCE_MESSAGES, statement, False, evaluate)


def _messages_are_as_long() -> Check:
    shortest, longest = paper.MESSAGE_CHARACTERS

    def evaluate(evidence: Evidence) -> Finding:
        rows = _kept_messages(evidence)
        rows = rows.with_columns(length=english_length(rows["system_message"]))
        other = rows.filter(~pl.col("length").is_between(shortest, longest))
        finding = within(Rate(other.height, rows.height), (0.0, MOST_OTHER_LENGTHS), 0.0, other)
        median = rows.select(pl.col("length").median()).item()
        details = {} if median is None else {"median_characters": int(median)}
        return replace(
            finding, paper=f"{shortest} to {longest:,} characters (benchmark)", details=details
        )

    statement = "Messages are about as long as those of the paper's benchmark."
    return Check("message_length", PREFERENCE_MESSAGES, statement, False, evaluate)
