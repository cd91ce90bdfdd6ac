"""Checks of the bench: that nothing is lost, that items are whole, that nobody trains on them."""

import polars as pl

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.multifaceted.bench.instructions import list_held_out
from sysgen_dagster.lanes.multifaceted.bench.rubric_replies import LEVELS
from sysgen_dagster.lanes.multifaceted.bench.tables import (
    BENCH_INSTRUCTIONS,
    BENCH_REFERENCES,
    BENCH_RUBRICS,
    MULTIFACETED_BENCH,
)
from sysgen_dagster.lanes.multifaceted.checks import (
    differing,
    engine_answered,
    enough_are_kept,
)
from sysgen_dagster.lanes.multifaceted.drop_reasons import Dropped, NoItem, Unpaired
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.siblings import choose_rejected
from sysgen_dagster.lanes.multifaceted.tables import SELECTION, instruction_of, set_id
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS
from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.tables.checks import (
    Check,
    Evidence,
    Finding,
    drops_are_explained,
    ids_are_unique,
    none_of,
    some_are_kept,
    unless_made_up,
    within,
)
from sysgen_dagster.tables.rates import Rate
from sysgen_dagster.tables.table import Table, kept

# Ours. A rubric has to tell two answers apart that may both be good, and an item needs four.
MOST_CONTAMINATED = 0.10
LEAST_KEPT_REFERENCES = 0.80
LEAST_SOUND_RUBRICS = 0.50
LEAST_KEPT_ITEMS = 0.10
_ID = "conversation_id"
_UNSOUND = [reason for reason in NoItem if reason is not NoItem.CONTAMINATED]


def build_checks(settings: Multifaceted | None) -> tuple[Check, ...]:
    """All checks of the bench under the settings of a catalogue; none where it has no bench."""
    if settings is None or settings.bench is None:
        return ()
    return (
        _enough_are_held_out(settings.bench.instructions),
        ids_are_unique(BENCH_INSTRUCTIONS),
        _every_held_out_one_is_there(),
        drops_are_explained(BENCH_INSTRUCTIONS, "question", [*Unusable, *NoItem]),
        _few_are_contaminated(),
        ids_are_unique(BENCH_REFERENCES),
        _every_set_is_there(settings.sets),
        drops_are_explained(BENCH_REFERENCES, "answer", [*NoAnswer, *Dropped]),
        engine_answered(BENCH_REFERENCES),
        some_are_kept(BENCH_REFERENCES),
        enough_are_kept(BENCH_REFERENCES, LEAST_KEPT_REFERENCES),
        _every_preference_has_its_rubric(),
        drops_are_explained(BENCH_RUBRICS, "levels", [*NoAnswer, *_UNSOUND]),
        engine_answered(BENCH_RUBRICS),
        unless_made_up(some_are_kept(BENCH_RUBRICS), BENCH_RUBRICS),
        unless_made_up(enough_are_kept(BENCH_RUBRICS, LEAST_SOUND_RUBRICS), BENCH_RUBRICS),
        ids_are_unique(MULTIFACETED_BENCH),
        _every_reference_is_there(),
        drops_are_explained(
            MULTIFACETED_BENCH, "item", [*NoAnswer, *Dropped, *Unpaired, *_UNSOUND]
        ),
        _items_are_whole(),
        none_is_trained_on(MULTIFACETED_BENCH),
        unless_made_up(some_are_kept(MULTIFACETED_BENCH), BENCH_RUBRICS),
        unless_made_up(enough_are_kept(MULTIFACETED_BENCH, LEAST_KEPT_ITEMS), BENCH_RUBRICS),
    )


def _enough_are_held_out(wanted: int) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        number = list_held_out(evidence.read(SELECTION, "drop_reason")).height
        why = "" if number >= wanted else "The sources have no more"
        return Finding(number >= wanted, number, f"{wanted:,}", pl.DataFrame(), explanation=why)

    statement = "As many instructions are held out for the bench as the catalogue asks for."
    return Check("enough_are_held_out", SELECTION, statement, False, evaluate)


def _every_held_out_one_is_there() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        held_out = list_held_out(evidence.read(SELECTION, _ID, "drop_reason"))
        return differing(held_out[_ID], evidence.read(BENCH_INSTRUCTIONS, _ID))

    statement = "The table has every instruction that is held out, and no other."
    return Check("nothing_is_lost", BENCH_INSTRUCTIONS, statement, True, evaluate)


def _few_are_contaminated() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(BENCH_INSTRUCTIONS, _ID, "repeats", "overlap", "drop_reason")
        found = rows.filter(pl.col("drop_reason") == NoItem.CONTAMINATED.value)
        return within(Rate(found.height, rows.height), (0.0, MOST_CONTAMINATED), None, found)

    statement = "Few held-out instructions are nearly repeated by one that is trained on."
    return Check("few_are_contaminated", BENCH_INSTRUCTIONS, statement, False, evaluate)


def _every_set_is_there(sets: int) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        asked = kept(evidence.read(BENCH_INSTRUCTIONS, _ID, "drop_reason"))
        wanted = (set_id(each, number) for each in asked[_ID] for number in range(sets))
        return differing(wanted, evidence.read(BENCH_REFERENCES, _ID))

    statement = f"Every kept instruction has {sets} preference sets, kept or dropped."
    return Check("every_set_is_there", BENCH_REFERENCES, statement, True, evaluate)


def _every_preference_has_its_rubric() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        references = kept(evidence.read(BENCH_REFERENCES, _ID, "answer", "drop_reason"))
        paired = choose_rejected(references).drop_nulls("rejected_set").select(_ID)
        dimensions = pl.DataFrame({"dimension": DIMENSIONS})
        name = pl.format("{}/{}", _ID, "dimension").alias(_ID)
        wanted = paired.join(dimensions, how="cross").select(name)
        stored = evidence.read(BENCH_RUBRICS, _ID, "dimension").select(name)
        finding = differing(wanted[_ID], stored)
        return none_of(stored.filter(pl.col(_ID).is_duplicated())) if finding.passed else finding

    statement = "Each of the four preferences of a set with a sibling's answer has one rubric."
    return Check("nothing_is_lost", BENCH_RUBRICS, statement, True, evaluate)


def _every_reference_is_there() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        references = evidence.read(BENCH_REFERENCES, _ID)
        return differing(references[_ID], evidence.read(MULTIFACETED_BENCH, _ID))

    statement = f"The table has every row of {BENCH_REFERENCES.name}, and no other."
    return Check("nothing_is_lost", MULTIFACETED_BENCH, statement, True, evaluate)


def _items_are_whole() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        items = kept(evidence.read(MULTIFACETED_BENCH, *MULTIFACETED_BENCH.names))
        rubric = pl.element().struct
        dimensions = pl.col("rubrics").list.eval(rubric.field("dimension")).list.join(" ")
        levels = pl.col("rubrics").list.eval(
            rubric.field("levels").list.drop_nulls().list.len() == len(LEVELS)
        )
        texts = ("item", "system_message", "prompt", "reference_answer", "sibling_answer")
        is_whole = (
            (dimensions == " ".join(DIMENSIONS)).fill_null(value=False)
            & levels.list.all().fill_null(value=False)
            & pl.all_horizontal(pl.col(texts).is_not_null())
            & ~pl.col("item").is_duplicated()
        )
        return none_of(items.filter(~is_whole))

    statement = "An item has all its texts, an id of its own, and four rubrics of five levels."
    return Check("items_are_whole", MULTIFACETED_BENCH, statement, True, evaluate)


def none_is_trained_on(table: Table) -> Check:
    """A contract: no row of the bench is of an instruction that is taken to be trained on."""

    def evaluate(evidence: Evidence) -> Finding:
        taken = evidence.read(SELECTION, _ID, "position").drop_nulls("position")
        rows = evidence.read(table, _ID).with_columns(instruction_id=instruction_of(_ID))
        return none_of(rows.join(taken, left_on="instruction_id", right_on=_ID, how="semi"))

    statement = "No instruction of the bench is one of those that are trained on."
    return Check("none_is_trained_on", table, statement, True, evaluate)


def none_is_held_out(table: Table) -> Check:
    """A contract: no row that is trained on is of an instruction that is held out."""

    def evaluate(evidence: Evidence) -> Finding:
        held_out = list_held_out(evidence.read(SELECTION, _ID, "drop_reason")).select(_ID)
        rows = evidence.read(table, _ID).with_columns(instruction_id=instruction_of(_ID))
        return none_of(rows.join(held_out, left_on="instruction_id", right_on=_ID, how="semi"))

    statement = "No row is of an instruction that is held out for the bench."
    return Check("none_is_held_out", table, statement, True, evaluate)
