"""What the paper does not look at, over all rows: monotony, repetition, items of benchmarks."""

import dagster as dg
import polars as pl

from sysgen_dagster.analysis import contamination as overlaps
from sysgen_dagster.analysis import diversity as varied
from sysgen_dagster.analysis.near_duplicates import NearDuplicates
from sysgen_dagster.defs.plumbing.failures import told_plainly
from sysgen_dagster.defs.plumbing.metadata import column_metadata
from sysgen_dagster.defs.plumbing.partitions import CATALOG, MODELS
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.table_io import evidence_of_model, evidence_of_sources, publish
from sysgen_dagster.defs.statistics import retention, source_lengths
from sysgen_dagster.defs.sysgen_lane import aligned_responses, conversations
from sysgen_dagster.sources.benchmark_items import ITEMS, read_items
from sysgen_dagster.sources.files import SourceError, SourceUnavailableError
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.tables.table import TABLES, kept, polars_schema


@dg.asset(
    deps=[aligned_responses],
    partitions_def=MODELS,
    group_name="quality",
    kinds={"polars"},
    metadata=column_metadata(TABLES["message_diversity"]),
)
@told_plainly
def message_diversity(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """How varied the system messages of a model are: words, openings, compression."""
    wanted = ("conversation_id", "source", "system_message", "drop_reason")
    evidence = evidence_of_model(tables, context.partition_key)
    messages = pl.concat(
        kept(part.read("aligned_responses", *wanted)).drop("drop_reason")
        for part in evidence.by_shard()
    )
    return publish(context, tables, varied.measure_message_diversity(messages))


@dg.asset(
    deps=[conversations, source_lengths],
    group_name="quality",
    kinds={"polars"},
    metadata=column_metadata(TABLES["near_duplicate_questions"]),
)
@told_plainly
def near_duplicate_questions(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """Questions that nearly repeat another one, of the same source or of another."""
    found = NearDuplicates()
    for part in evidence_of_sources(tables).by_shard():
        found.add(_texts(part, "conversations", "question"))
    return publish(context, tables, found.clusters())


@dg.asset(
    deps=[aligned_responses, retention],
    partitions_def=MODELS,
    group_name="quality",
    kinds={"polars"},
    metadata=column_metadata(TABLES["near_duplicate_messages"]),
)
@told_plainly
def near_duplicate_messages(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """System messages that nearly repeat another one, of the same source or of another."""
    found = NearDuplicates()
    for part in evidence_of_model(tables, context.partition_key).by_shard():
        found.add(_texts(part, "aligned_responses", "system_message"))
    return publish(context, tables, found.clusters())


def _texts(evidence: StoredEvidence, table: str, column: str) -> pl.DataFrame:
    rows = evidence.read(table, "conversation_id", "source", column, "drop_reason")
    return kept(rows).select("conversation_id", "source", text=column)


@dg.asset(
    deps=[conversations],
    group_name="quality",
    kinds={"polars"},
    metadata=column_metadata(TABLES["contamination"]),
    pool="hub",
)
@told_plainly
def contamination(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """Conversations that hold items of the catalogue's benchmarks; tagged, not dropped.

    A benchmark that cannot be read is named and left out; it fails only where none can.
    """
    read, unread = _benchmarks(context, tables)
    index = overlaps.index_items(pl.concat([pl.DataFrame(schema=ITEMS), *read.values()]))
    wanted = ("conversation_id", "source", "question", "answer", "drop_reason")
    found = [
        overlaps.find_contamination(index, kept(part.read("conversations", *wanted)))
        for part in evidence_of_sources(tables).by_shard()
    ]
    nothing = pl.DataFrame(schema=polars_schema(TABLES["contamination"]))
    result = publish(context, tables, pl.concat([nothing, *found]))
    looked_for = {"benchmarks": ", ".join(read) or "none", "not_read": ", ".join(unread) or "none"}
    metadata = {**looked_for, **(result.metadata or {})}
    return dg.MaterializeResult(metadata=metadata, data_version=result.data_version)


def _benchmarks(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """The items of each benchmark that can be read, and the names of the others."""
    cache = tables.working_folder() / "downloads"
    read: dict[str, pl.DataFrame] = {}
    unread, last = [], None
    for name, benchmark in CATALOG.benchmarks.items():
        try:
            # The Hub that did not answer for one does not for the next, and every try takes long.
            if isinstance(last, SourceUnavailableError) and benchmark.hub:
                raise last
            read[name] = read_items(name, benchmark, cache)
        except SourceError as error:
            context.log.warning(f"{name} is left out: {error}")
            unread.append(name)
            last = error
    if last is not None and not read:
        raise last
    return read, unread


CORPUS = [message_diversity, near_duplicate_questions, near_duplicate_messages, contamination]
