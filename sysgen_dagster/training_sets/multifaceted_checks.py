"""The checks of the second lane's training rows and preference pairs."""

from dataclasses import replace

import polars as pl

from sysgen_dagster.lanes.multifaceted import paper
from sysgen_dagster.lanes.multifaceted.bench.checks import none_is_held_out
from sysgen_dagster.lanes.multifaceted.drop_reasons import Unpaired
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.tables import GOLD_ANSWERS
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
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS, MULTIFACETED_ROWS

LEAST_PAIRS = 0.5  # of the answers; ours: the paper's pairs were judged by nobody


def build_checks(settings: Multifaceted | None) -> tuple[Check, ...]:
    """The checks; none where the catalogue does not have the lane."""
    if settings is None:
        return ()
    trained_on = (MULTIFACETED_ROWS, MULTIFACETED_PAIRS)
    return (
        *(none_is_held_out(table) for table in trained_on if settings.bench),
        ids_are_unique(MULTIFACETED_ROWS),
        nothing_is_lost(MULTIFACETED_ROWS, GOLD_ANSWERS),
        ids_are_unique(MULTIFACETED_PAIRS),
        nothing_is_lost(MULTIFACETED_PAIRS, GOLD_ANSWERS),
        drops_are_explained(MULTIFACETED_PAIRS, "rejected", Unpaired),
        Check(
            "pairs_differ",
            MULTIFACETED_PAIRS,
            "No pair rejects what it chooses.",
            True,
            _pairs_differ,
        ),
        unless_made_up(some_are_kept(MULTIFACETED_PAIRS), MULTIFACETED_PAIRS),
        unless_made_up(
            Check(
                "enough_are_kept",
                MULTIFACETED_PAIRS,
                "Of most answers a pair is made, since a judge prefers them under their message.",
                False,
                _enough_are_kept,
            ),
            MULTIFACETED_PAIRS,
        ),
    )


def _pairs_differ(evidence: Evidence) -> Finding:
    rows = evidence.read(MULTIFACETED_PAIRS, "conversation_id", "chosen", "rejected")
    return none_of(rows.filter(pl.col("chosen") == pl.col("rejected")))


def _enough_are_kept(evidence: Evidence) -> Finding:
    rows = evidence.read(MULTIFACETED_PAIRS, "conversation_id", "drop_reason")
    dropped = rows.drop_nulls("drop_reason")
    rate = Rate(rows.height - dropped.height, rows.height)
    return replace(
        within(rate, (LEAST_PAIRS, 1.0), None, dropped),
        paper=f"{paper.DPO_PAIRS:,} pairs, one of each of {paper.INSTRUCTIONS:,} instructions",
        details=dict(count_drops(dropped)),
    )
