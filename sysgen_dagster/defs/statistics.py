"""The paper's tables, per model over all shards it has finished, each beside the paper's figures.

The last phase stands for all four in the graph: only shards that have it are counted.
"""

import dagster as dg
import polars as pl

from sysgen_dagster.analysis import learned_similarity as learned
from sysgen_dagster.analysis import statistics as over_rows
from sysgen_dagster.defs.plumbing.failures import told_plainly
from sysgen_dagster.defs.plumbing.metadata import column_metadata
from sysgen_dagster.defs.plumbing.partitions import CATALOG, MODELS, every_partition
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.table_io import (
    evidence_of_model,
    evidence_of_sources,
    publish,
    sample_pairs,
)
from sysgen_dagster.defs.quality import measured_rows, row_quality
from sysgen_dagster.defs.sysgen_lane import aligned_responses, conversations
from sysgen_dagster.lanes.sysgen.checks import UPSTREAM
from sysgen_dagster.lanes.sysgen.counts import count_outcomes, count_tags
from sysgen_dagster.tables.table import SIMILARITY, TABLES

_FUNNEL = ("conversations", *UPSTREAM)
_TAGGED = ("filtered_system_messages", "verified_system_messages")


@dg.asset(
    deps=[conversations],
    group_name="statistics",
    kinds={"polars"},
    metadata=column_metadata(TABLES["source_lengths"]),
)
@told_plainly
def source_lengths(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """Conversations of each source and how long they are, beside v1 Table 9."""
    parts = evidence_of_sources(tables).by_shard()
    wanted = ("source", "question", "answer", "drop_reason")
    characters = pl.concat(
        over_rows.count_characters(part.read("conversations", *wanted)) for part in parts
    )
    return publish(context, tables, over_rows.measure_source_lengths(characters))


@dg.asset(
    deps=[aligned_responses],
    partitions_def=MODELS,
    group_name="statistics",
    kinds={"polars"},
    metadata=column_metadata(TABLES["retention"]),
)
@told_plainly
def retention(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """Conversations kept and dropped in each phase, by reason and source, beside Table 2."""
    counts = over_rows.sum_counts(
        count_outcomes(table, part.read(table, "source", "drop_reason"))
        for table in _FUNNEL
        for part in evidence_of_model(tables, context.partition_key).by_shard()
    )
    return publish(context, tables, counts)


@dg.asset(
    deps=[aligned_responses],
    partitions_def=MODELS,
    group_name="statistics",
    kinds={"polars"},
    metadata=column_metadata(TABLES["tag_counts"]),
)
@told_plainly
def tag_counts(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """Messages that hold each key functionality, before and after verification, beside Table 8."""
    counts = over_rows.sum_counts(
        count_tags(table, part.read(table, "source", "phrases", "drop_reason"))
        for table in _TAGGED
        for part in evidence_of_model(tables, context.partition_key).by_shard()
    )
    return publish(context, tables, counts)


@dg.asset(
    deps=[aligned_responses],
    partitions_def=MODELS,
    group_name="statistics",
    kinds={"polars"},
    metadata=column_metadata(TABLES["verdict_counts"]),
)
@told_plainly
def verdict_counts(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """How Phase 3 judged each tag in each source, beside v2 Table 9."""
    parts = evidence_of_model(tables, context.partition_key).by_shard()
    counts = over_rows.sum_counts(
        over_rows.count_verdicts(part.read("verified_system_messages", "source", "verdicts"))
        for part in parts
    )
    return publish(context, tables, counts)


@dg.asset(
    deps=[row_quality],
    partitions_def=MODELS,
    group_name="statistics",
    kinds={"polars"},
    metadata=column_metadata(TABLES["answer_similarity"]),
)
@told_plainly
def answer_similarity(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """How like the original answers the new ones are, by n-grams and length, beside Table 1."""
    wanted = ("source", "answer_chars", "new_answer_chars", *SIMILARITY)
    rows = measured_rows(tables, context.partition_key).read("row_quality", *wanted)
    return publish(context, tables, over_rows.measure_answer_similarity(rows), "row_quality")


@dg.asset(
    deps=[aligned_responses, *every_partition(conversations)],
    partitions_def=MODELS,
    group_name="statistics",
    kinds={"torch"},
    metadata=column_metadata(TABLES["learned_similarity"]),
)
@told_plainly
def learned_similarity(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """BERTScore and BLEURT of a sample of the new answers, beside Table 1.

    Each says why it is not computed where its weights or its packages are not there.
    """
    settings = CATALOG.learned_similarity
    pairs = sample_pairs(tables, context.partition_key, settings.rows, settings.seed)
    table = learned.measure_learned_similarity(pairs, settings, context.log.info)
    return publish(context, tables, table)


STATISTICS = [
    source_lengths,
    retention,
    tag_counts,
    verdict_counts,
    answer_similarity,
    learned_similarity,
]
