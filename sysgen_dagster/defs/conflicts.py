"""Whether system messages hold when a user asks for the opposite, and what is counted of it.

The model that wrote the answers is asked, through the same client as in the phases. Rules say whose
wish an answer follows; no judge is asked.
"""

import polars as pl

from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.metadata import SIMULATED
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.lanes.sysgen.refusals import is_refusal
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, VERIFIED
from sysgen_dagster.obedience import conflicts, requested
from sysgen_dagster.obedience.conflict_counts import count_conflicts
from sysgen_dagster.obedience.tables import CONFLICT_COUNTS, CONFLICT_TURNS
from sysgen_dagster.sources.tables import CONVERSATIONS


@table_asset(
    CONFLICT_TURNS,
    reads=[ALIGNED, VERIFIED, CONVERSATIONS],
    kinds={"vllm"},
    pool="gpu",
    code_version=requested.FINGERPRINT,
    asks=True,
)
def conflict_turns(run: AssetRun) -> pl.DataFrame:
    """Answers to users who ask for what a message says, for something else, or for the opposite.

    Six short requests for each message that is put to the test; none unless `conflicts` in the
    catalogue says how many messages.
    """
    settings = CATALOG.conflicts
    if not settings.messages_a_shard:
        return CONFLICT_TURNS.empty()
    rows = conflicts.choose_rows(_read_rows(run), settings.messages_a_shard, settings.seed)
    turns = conflicts.build_turns(rows)
    if turns.is_empty():
        return CONFLICT_TURNS.empty()
    session = run.open_session(run.model)
    completions = session.ask(conflicts.build_conflict_requests(turns), turns.height)
    answered = conflicts.build_conflict_turns(turns, completions, is_refusal(pl.col("answer")))
    run.note(messages=rows.height)
    if "simulated" in answered["engine"]:
        run.note(simulated=SIMULATED)
    return answered


def _read_rows(run: AssetRun) -> pl.DataFrame:
    """The kept rows of the partition with their message, its phrases and what was asked."""
    aligned = run.read_kept(ALIGNED).select("conversation_id", "source", "system_message")
    phrases = run.evidence().read(VERIFIED, "conversation_id", "phrases")
    asked = run.evidence().read(CONVERSATIONS, "conversation_id", "question", "history")
    for columns in (phrases, asked):
        aligned = aligned.join(
            columns, on="conversation_id", how="left", maintain_order="left", validate="1:1"
        )
    return aligned


@table_asset(CONFLICT_COUNTS, reads=[CONFLICT_TURNS], kinds={"polars"})
def conflict_counts(run: AssetRun) -> pl.DataFrame:
    """How often messages hold under conflict, and how often they help, by source and rule."""
    wanted = ("source", "rule", "turn", "has_system_message", "side", "is_refusal", "drop_reason")
    return count_conflicts(run.all_shards(CONFLICT_TURNS).read(CONFLICT_TURNS, *wanted))


CONFLICTS = [conflict_turns, conflict_counts]
