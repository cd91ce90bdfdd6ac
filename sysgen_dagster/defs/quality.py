"""What the paper does not look at, in single rows: final answers, code, copies, languages."""

import dagster as dg

from sysgen_dagster.analysis import findings
from sysgen_dagster.analysis import row_quality as measured
from sysgen_dagster.defs.plumbing.failures import told_plainly
from sysgen_dagster.defs.plumbing.metadata import column_metadata
from sysgen_dagster.defs.plumbing.partitions import MODEL_SHARDS, MODELS
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.table_io import (
    evidence_of,
    evidence_of_model,
    publish,
    read_kept,
    require_contracts,
    write,
)
from sysgen_dagster.defs.sysgen_lane import (
    aligned_responses,
    conversations,
    verified_system_messages,
)
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.tables.table import TABLES


@dg.asset(
    deps=[aligned_responses, verified_system_messages, conversations],
    partitions_def=MODEL_SHARDS,
    group_name="quality",
    kinds={"polars", "parquet"},
    metadata=column_metadata(TABLES["row_quality"]),
)
@told_plainly
def row_quality(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """Every aligned row measured without a model: likeness, final answers, code, copies, languages.

    Nothing is dropped here; a training set may leave rows out by these columns.
    """
    aligned = read_kept(context, tables, "aligned_responses")
    evidence = evidence_of(tables.store(), context.partition_key)
    before = evidence.read("conversations", "conversation_id", "question", "answer")
    verified = evidence.read("verified_system_messages", "conversation_id", "phrases")
    rows = (
        aligned.select("conversation_id", "source", "system_message", "new_answer")
        .join(before, on="conversation_id", how="left", maintain_order="left", validate="1:1")
        .join(verified, on="conversation_id", how="left", maintain_order="left", validate="1:1")
    )
    return write(context, tables, measured.measure_row_quality(rows))


@dg.asset(
    deps=[row_quality, aligned_responses],
    partitions_def=MODELS,
    group_name="quality",
    kinds={"polars"},
    metadata=column_metadata(TABLES["quality_counts"]),
)
@told_plainly
def quality_counts(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """How often each finding arises in the rows of a model, by source."""
    evidence = measured_rows(tables, context.partition_key)
    quality = evidence.read("row_quality", *findings.COLUMNS)
    aligned = evidence.read("aligned_responses", "source", "drop_reason")
    counts = findings.count_findings(quality, aligned)
    return publish(context, tables, counts, "row_quality")


def measured_rows(tables: TablesResource, model: str) -> StoredEvidence:
    """The shards whose rows are measured, each as the phases have left it.

    Raises:
        dg.Failure: A shard was answered again since: measure it again.
    """
    evidence = evidence_of_model(tables, model, "row_quality")
    for part in evidence.by_shard():
        require_contracts(part, "row_quality")
    return evidence


QUALITY = [row_quality, quality_counts]
