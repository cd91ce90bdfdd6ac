"""What training rows and preference pairs are made of: rows that went through all phases.

Belongs here: their texts, tags, flags, split, provenance and how far they obey. Does not: what a
chat or a pair holds (`training_sets`).
"""

import polars as pl

from sysgen_dagster.analysis import tables
from sysgen_dagster.analysis.findings import list_flags
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun, StoredStatistics
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, VERIFIED
from sysgen_dagster.obedience.tables import OBEDIENCE
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.tables.table import By, Partition, Table
from sysgen_dagster.training_sets.flags import OBEDIENCE_FLAGS, Flagged, add_flags, find_flagged
from sysgen_dagster.training_sets.tables import PHRASE_COUNTS, SPLITS

READ_FOR_EXAMPLES = (
    ALIGNED,
    VERIFIED,
    CONVERSATIONS,
    tables.ROW_QUALITY,
    OBEDIENCE,
    SPLITS,
    tables.NEAR_DUPLICATE_QUESTIONS,
    tables.CONTAMINATION,
)


def build_examples(run: AssetRun) -> pl.DataFrame:
    """The aligned rows of the partition with their texts, tags, flags, split and provenance."""
    aligned = run.read_kept(ALIGNED).select(
        *("conversation_id", "system_message", "new_answer", "new_history", "reasoning"),
        *("served_name", "model_revision", "engine"),
    )
    tags = pl.col("phrases").list.eval(pl.element().struct.field("tag").unique(maintain_order=True))
    verified = run.evidence().read(VERIFIED, "conversation_id", "phrases")
    conversations = run.read_kept(CONVERSATIONS).join(aligned, on="conversation_id", how="semi")
    for table in (tables.ROW_QUALITY, OBEDIENCE):
        _require_known(run, table, aligned)
    return aligned.join(
        verified.select("conversation_id", tags=tags),
        on="conversation_id",
        how="left",
        maintain_order="left",
    ).join(
        describe(run, conversations), on="conversation_id", maintain_order="left", validate="1:1"
    )


def build_pair_examples(run: AssetRun) -> pl.DataFrame:
    """The same with the phrases of the system message and the answers that were not chosen."""
    others = run.store.read(ALIGNED, run.at, "conversation_id", "rejected_answers")
    phrases = run.evidence().read(VERIFIED, "conversation_id", "phrases")
    rows = build_examples(run)
    for columns in (others, phrases):
        rows = rows.join(
            columns, on="conversation_id", how="left", maintain_order="left", validate="1:1"
        )
    return rows


def _require_known(run: AssetRun, table: Table, aligned: pl.DataFrame) -> None:
    """Do nothing where a table that speaks against rows has a row of each of these.

    Raises:
        StoreError: It lacks some.
    """
    known = run.store.read(table, run.at, "conversation_id")
    if unknown := aligned.join(known, on="conversation_id", how="anti").height:
        raise StoreError(
            f"{table.name} does not know {unknown:,} of the aligned rows, which would count as "
            f"rows without a flag: it is older than they are. Materialize it for {run.at.key} again"
        )


def describe(run: AssetRun, conversations: pl.DataFrame) -> pl.DataFrame:
    """The conversations with their split, flags and source, and the model of the partition.

    The flags are the findings of the row and of its answer, and those of the corpus that do not
    depend on the model.
    """
    quality = run.store.read(tables.ROW_QUALITY, run.at)
    flags = quality.select("conversation_id", flags=list_flags(quality))
    obedience = run.store.read(OBEDIENCE, run.at)
    names = {name: name.removeprefix("phrases_") for name in PHRASE_COUNTS}
    counts = obedience.select("conversation_id", **names)
    stored_splits = run.store.read(SPLITS, Partition(), "conversation_id", "split")
    rows = conversations
    for columns in (stored_splits, flags, counts):
        rows = rows.join(
            columns, on="conversation_id", how="left", maintain_order="left", validate="1:1"
        )
    if unknown := rows["split"].null_count():
        raise StoreError(
            f"splits does not know {unknown:,} of the conversations: it is older than they are. "
            "Materialize near_duplicate_questions and splits again"
        )
    source = CATALOG.source_of(str(run.at.shard))
    of_corpus = find_flagged(StoredStatistics(run.store).read, By.NOTHING)
    of_answers: Flagged = {
        flag: obedience.filter(has_it)["conversation_id"]
        for flag, has_it in OBEDIENCE_FLAGS.items()
    }
    return add_flags(rows, {**of_answers, **of_corpus}).with_columns(
        source_repo=pl.lit(source.repository or "local"),
        source_turn=pl.col("turn"),
        source_license=pl.lit(source.license),
        model=pl.lit(run.model.name),
        model_license=pl.lit(run.model.license),
    )
