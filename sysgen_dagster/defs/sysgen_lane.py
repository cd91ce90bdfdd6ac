"""THE PIPELINE, top to bottom: five sources, their conversations, four phases.

Every body has the same shape: read a table, call the method, write a table. Sources and
conversations are partitioned by shard, the phases by model and shard; one run takes one model and
one shard through all four phases.
"""

import dagster as dg
import polars as pl

from sysgen_dagster.defs.operations.staleness import reading, source_version
from sysgen_dagster.defs.plumbing.failures import told_plainly
from sysgen_dagster.defs.plumbing.metadata import column_metadata, progress_metadata
from sysgen_dagster.defs.plumbing.partitions import (
    CATALOG,
    MODEL_SHARDS,
    SHARDS,
    SOURCE_SHARDS,
    source_deps,
    source_key,
)
from sysgen_dagster.defs.plumbing.resources import InferenceResource, ModelSession, TablesResource
from sysgen_dagster.defs.plumbing.table_io import read_kept, write
from sysgen_dagster.lanes.sysgen import alignment, annotation, attempts, filtering, verification
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import read_shard
from sysgen_dagster.tables.table import TABLES, source_columns


def source_asset(name: str) -> dg.AssetsDefinition:
    """The asset of one source of the catalogue."""
    source = CATALOG.sources[name]
    place = f"`{source.hub.repo}` on the Hub" if source.hub else f"`{source.path}`"
    counted = source.conversations
    paper = f" {counted:,} conversations in the paper." if counted else ""

    @dg.asset(
        key=source_key(name),
        description=(
            f"{source.title}: upstream rows as they are, from {place} ({source.license}).{paper}"
        ),
        partitions_def=SOURCE_SHARDS[name],
        group_name="sources",
        kinds={"huggingface" if source.hub else "file", "parquet"},
        metadata=column_metadata(source_columns(source)),
        pool="hub",
        code_version=source_version(source),
    )
    @told_plainly
    def rows(
        context: dg.AssetExecutionContext, tables: TablesResource
    ) -> dg.MaterializeResult[None]:
        _, index = CATALOG.locate(context.partition_key)
        cache = tables.working_folder() / "downloads"
        rows = read_shard(name, source, index, cache)
        return write(context, tables, rows, reading(source))

    return rows


SOURCES = [source_asset(name) for name in CATALOG.sources]


@dg.asset(
    deps=source_deps(),
    partitions_def=SHARDS,
    group_name="conversations",
    kinds={"polars", "parquet"},
    metadata=column_metadata(TABLES["conversations"]),
)
@told_plainly
def conversations(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """One row per (question, answer) of the sources, with what was said before.

    A source's shard becomes the conversations of the same key. Rows that cannot be used stay here
    with their reason; rows that an earlier row of the source repeats are marked and go on.
    """
    name, _ = CATALOG.locate(context.partition_key)
    source = CATALOG.sources[name]
    rows = tables.store().read(f"source/{name}", source_columns(source), context.partition_key)
    excluded = tables.store().excluded()
    return write(context, tables, build_conversations(rows, name, source, excluded))


def _version(prompt: str, *settings: str) -> str:
    """What a phase's output depends on besides its inputs, so that the UI can say it is stale."""
    values = CATALOG.method.model_dump(mode="json", include=set(settings))
    return " ".join(filter(None, [prompt, *(f"{name}={values[name]}" for name in settings)]))


# What is well-formed matters to Phase 1 only where there is more than one attempt.
_WELL_FORMED = ["drop_rule"] if CATALOG.method.samples > 1 or CATALOG.method.repair else []


class HowMany(dg.Config):
    """For a pilot run: how many conversations of the shard are taken; all when left out."""

    limit: int | None = None


@dg.asset(
    deps=[conversations],
    partitions_def=MODEL_SHARDS,
    group_name="phases",
    kinds={"vllm", "parquet"},
    pool="gpu",
    code_version=_version(annotation.PROMPT.fingerprint, "samples", "repair", *_WELL_FORMED),
    metadata=column_metadata(TABLES["annotated_system_messages"]),
)
@told_plainly
def annotated_system_messages(
    context: dg.AssetExecutionContext,
    config: HowMany,
    tables: TablesResource,
    models: InferenceResource,
) -> dg.MaterializeResult[None]:
    """Phase 1: a system message for each (question, answer), its phrases tagged by the model.

    S = M(. | P, Q, A). Eight key functionalities may be tagged: Role, Content, Task, Action, Style,
    Background, Tool, Format.
    """
    model, method = models.of(context), CATALOG.method
    asked = read_kept(context, tables, "conversations")
    annotated = attempts.annotate(asked, model.complete, method, config.limit)
    counts = attempts.count_well_formed(annotated, method.drop_rule)
    return _write(context, tables, model, annotated, **counts)


@dg.asset(
    deps=[annotated_system_messages],
    partitions_def=MODEL_SHARDS,
    group_name="phases",
    kinds={"polars", "parquet"},
    code_version=_version("", "drop_rule"),
    metadata=column_metadata(TABLES["filtered_system_messages"]),
)
@told_plainly
def filtered_system_messages(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """Phase 2: rules drop malformed and unknown tags and put the rest in canonical order."""
    annotated = read_kept(context, tables, "annotated_system_messages")
    filtered = filtering.filter_messages(annotated, CATALOG.method.drop_rule)
    return write(context, tables, filtered, **filtering.count_kept_by_rule(filtered))


@dg.asset(
    deps=[filtered_system_messages],
    partitions_def=MODEL_SHARDS,
    group_name="phases",
    kinds={"vllm", "parquet"},
    pool="gpu",
    code_version=_version(
        verification.PROMPT.fingerprint,
        "unreadable_verdict",
        "constrain_verdicts",
        "verdict_confidence",
    ),
    metadata=column_metadata(TABLES["verified_system_messages"]),
)
@told_plainly
def verified_system_messages(
    context: dg.AssetExecutionContext, tables: TablesResource, models: InferenceResource
) -> dg.MaterializeResult[None]:
    """Phase 3: the same model judges each tag Good, Bad or None; only Good stays."""
    model = models.of(context)
    filtered = read_kept(context, tables, "filtered_system_messages")
    method = CATALOG.method
    requests = verification.build_verification_requests(filtered, method)
    completions = model.complete(requests, filtered.height)
    verified = verification.build_verified_messages(
        filtered, completions, method.unreadable_verdict
    )
    return _write(context, tables, model, verified)


@dg.asset(
    deps=[verified_system_messages, conversations],
    partitions_def=MODEL_SHARDS,
    group_name="phases",
    kinds={"vllm", "parquet"},
    pool="gpu",
    metadata=column_metadata(TABLES["aligned_responses"]),
)
@told_plainly
def aligned_responses(
    context: dg.AssetExecutionContext, tables: TablesResource, models: InferenceResource
) -> dg.MaterializeResult[None]:
    """Phase 4: tags are stripped and the same model answers again, A' = M(. | S, Q)."""
    model = models.of(context)
    verified = read_kept(context, tables, "verified_system_messages")
    inputs = alignment.build_alignment_inputs(verified, read_kept(context, tables, "conversations"))
    completions = model.complete(alignment.build_alignment_requests(inputs), inputs.height)
    return _write(context, tables, model, alignment.build_aligned_responses(inputs, completions))


PHASES = [
    annotated_system_messages,
    filtered_system_messages,
    verified_system_messages,
    aligned_responses,
]


def _write(
    context: dg.AssetExecutionContext,
    tables: TablesResource,
    model: ModelSession,
    frame: pl.DataFrame,
    **metadata: int,
) -> dg.MaterializeResult[None]:
    """Store what a model wrote, and only then let go of the ledger's lines."""
    result = write(context, tables, frame, **metadata, **progress_metadata(model.progress))
    model.settle()
    return result
