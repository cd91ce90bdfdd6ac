"""Training sets: splits, rows in every variant, preference pairs, mixtures.

Rows and pairs are partitioned as the phases are, mixtures by the catalogue's recipes.
"""

import json
from collections.abc import Iterator

import dagster as dg
import polars as pl

from sysgen_dagster.catalog.catalog import CatalogError, Recipe
from sysgen_dagster.defs.corpus import (
    contamination,
    near_duplicate_messages,
    near_duplicate_questions,
)
from sysgen_dagster.defs.judgements import judged_alignment
from sysgen_dagster.defs.operations.staleness import data_version
from sysgen_dagster.defs.plumbing.failures import told_plainly
from sysgen_dagster.defs.plumbing.metadata import column_metadata, markdown
from sysgen_dagster.defs.plumbing.partitions import (
    CATALOG,
    MODEL_SHARDS,
    RECIPES,
    every_partition,
    model_and_shard,
)
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.table_io import (
    StoredStatistics,
    evidence_of,
    evidence_of_sources,
    read_kept,
    write,
)
from sysgen_dagster.defs.quality import row_quality
from sysgen_dagster.defs.sysgen_lane import (
    SOURCES,
    aligned_responses,
    conversations,
    verified_system_messages,
)
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import ALL_MODELS, TABLES, kept
from sysgen_dagster.training_sets import flags, pairs
from sysgen_dagster.training_sets import mixtures as mixing
from sysgen_dagster.training_sets import rows as chats
from sysgen_dagster.training_sets import splits as grouping


def _store_once(
    context: dg.AssetExecutionContext,
    tables: TablesResource,
    frame: pl.DataFrame,
    summary: pl.DataFrame,
) -> dg.MaterializeResult[None]:
    """Store a table that no shard partitions: once, or once for each recipe."""
    table = context.asset_key.path[-1]
    key = context.partition_key if context.has_partition_key else ALL_MODELS
    path = tables.store().write(table, TABLES[table], key, frame)
    counted = "dagster/partition_row_count" if context.has_partition_key else "dagster/row_count"
    return dg.MaterializeResult(
        metadata={
            counted: frame.height,
            "summary": markdown(summary),
            "file": dg.MetadataValue.path(str(path)),
        },
        data_version=data_version(frame.select(TABLES[table].keys())),
    )


@dg.asset(
    deps=[conversations, *SOURCES, near_duplicate_questions],
    group_name="training",
    kinds={"polars"},
    metadata=column_metadata(TABLES["splits"]),
)
@told_plainly
def splits(context: dg.AssetExecutionContext, tables: TablesResource) -> dg.MaterializeResult[None]:
    """Which side of training each conversation is on; related ones are on the same side."""
    clusters = StoredStatistics(tables.store()).read("near_duplicate_questions")
    related = [_related(part) for part in evidence_of_sources(tables).by_shard()]
    asked = pl.concat(related)
    if clusters is None:
        asked = asked.with_columns(cluster=pl.lit(None, dtype=pl.String))
    else:
        of_a_cluster = clusters.select("conversation_id", "cluster")
        asked = asked.join(of_a_cluster, on="conversation_id", how="left", validate="1:1")
    grouped = grouping.build_splits(asked, CATALOG.training)
    return _store_once(context, tables, grouped, grouping.summarize_splits(grouped))


def _related(part: StoredEvidence) -> pl.DataFrame:
    """The usable conversations of a shard, with what they have in common with others."""
    [shard] = part.shards
    source, _ = CATALOG.locate(shard)
    wanted = ("conversation_id", "source", "source_row", "duplicate_of", "drop_reason")
    asked = kept(part.read("conversations", *wanted)).drop("drop_reason")
    column = CATALOG.sources[source].same_question
    if column is None:
        return asked.with_columns(same_question=pl.lit(None, dtype=pl.String))
    upstream = part.read("source", "source_row", column).rename({column: "same_question"})
    return asked.join(upstream, on="source_row", how="left", validate="m:1")


_OF_A_ROW = [
    aligned_responses,
    verified_system_messages,
    conversations,
    row_quality,
    splits,
    near_duplicate_questions,
    contamination,
]
# What is known of a model's rows only when all of them are there; a mixture looks at it.
_OF_A_MODEL = [near_duplicate_messages, judged_alignment]


@dg.asset(
    deps=_OF_A_ROW,
    partitions_def=MODEL_SHARDS,
    group_name="training",
    kinds={"polars", "parquet"},
    code_version=CATALOG.training.model_dump_json(),
    metadata=column_metadata(TABLES["training_rows"]),
)
@told_plainly
def training_rows(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """Chats to train on: each conversation in every variant of the paper, over the same rows."""
    examples = _examples(context, tables)
    asked = read_kept(context, tables, "conversations")
    others = asked.join(examples, on="conversation_id", how="anti")
    if CATALOG.training.same_conversations:
        others = others.clear()  # none of them is taken: nothing needs to be looked up for them
    # Five chats a conversation: lazily, they are never in memory all at once.
    made = chats.build_training_rows(
        examples.lazy(),
        _described(context, tables, others).select(examples.columns).lazy(),
        CATALOG.training,
    )
    counts = made.group_by("variant", "split").len("rows").sort("variant", "split").collect()
    return write(context, tables, made, variants=markdown(counts))


@dg.asset(
    deps=_OF_A_ROW,
    partitions_def=MODEL_SHARDS,
    group_name="training",
    kinds={"polars", "parquet"},
    metadata=column_metadata(TABLES["preference_pairs"]),
)
@told_plainly
def preference_pairs(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """Pairs for DPO and ORPO: the new answer is chosen, one that does not keep to S is rejected.

    That is the original answer, or the answer of another model to the same question under its own
    system message, as far as other models have finished the shard.
    """
    model, shard = model_and_shard(context.partition_key)
    store = tables.store()
    wanted = ("conversation_id", "model", "system_message", "new_answer", "drop_reason")
    foreign = [
        kept(StoredEvidence(store, CATALOG, (shard,), other).read("aligned_responses", *wanted))
        for other in CATALOG.models
        if other != model and shard in finished_shards(store, CATALOG, other)
    ]
    nothing = pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))
    made = pairs.build_preference_pairs(
        _examples(context, tables), pl.concat([nothing, *foreign]).drop("drop_reason")
    )
    counts = made.group_by("rejected_is", "split").len("pairs").sort("rejected_is", "split")
    return write(context, tables, made, pairs=markdown(counts))


def _examples(context: dg.AssetExecutionContext, tables: TablesResource) -> pl.DataFrame:
    """The aligned rows of the partition with their texts, tags, flags, split and provenance."""
    evidence = evidence_of(tables.store(), context.partition_key)
    new = ("conversation_id", "system_message", "new_answer", "served_name", "engine")
    aligned = read_kept(context, tables, "aligned_responses").select(*new, "model_revision")
    tags = pl.col("phrases").list.eval(pl.element().struct.field("tag").unique(maintain_order=True))
    verified = evidence.read("verified_system_messages", "conversation_id", "phrases")
    known = read_kept(context, tables, "conversations").join(
        aligned.select("conversation_id"), on="conversation_id", how="semi"
    )
    described = _described(context, tables, known).drop(*new[1:], "model_revision", "tags")
    return aligned.join(
        verified.select("conversation_id", tags=tags), on="conversation_id", how="left"
    ).join(described, on="conversation_id", how="inner", maintain_order="left", validate="1:1")


def _described(
    context: dg.AssetExecutionContext, tables: TablesResource, known: pl.DataFrame
) -> pl.DataFrame:
    """Conversations as examples, with null where only an aligned row says more."""
    model, shard = model_and_shard(context.partition_key)
    name, _ = CATALOG.locate(shard)
    source, entry, store = CATALOG.sources[name], CATALOG.models[model], tables.store()
    text = pl.lit(None, dtype=pl.String)
    described = _with_split(store, known).with_columns(
        system_message=text,
        new_answer=text,
        tags=pl.lit([], dtype=pl.List(pl.String)),
        source_repo=pl.lit(source.hub.repo if source.hub else "local"),
        source_turn=pl.col("turn"),
        source_license=pl.lit(source.license),
        model=pl.lit(model),
        served_name=pl.lit(entry.served_name),
        model_revision=pl.lit(entry.revision, dtype=pl.String),
        model_license=pl.lit(entry.license),
        engine=text,
    )
    return _with_flags(context, store, described)


def _with_split(store: Store, known: pl.DataFrame) -> pl.DataFrame:
    sides = store.read("splits", TABLES["splits"], ALL_MODELS).select("conversation_id", "split")
    sided = known.join(
        sides, on="conversation_id", how="left", maintain_order="left", validate="1:1"
    )
    if sided["split"].null_count():
        raise StoreError(
            f"splits does not know {sided['split'].null_count():,} of the conversations: it is "
            "older than they are. Materialize near_duplicate_questions and splits again"
        )
    return sided


def _with_flags(
    context: dg.AssetExecutionContext, store: Store, rows: pl.DataFrame
) -> pl.DataFrame:
    """What speaks against each row by itself, as a copy, or as an item of a benchmark."""
    measured = evidence_of(store, context.partition_key).read("row_quality", *TABLES["row_quality"])
    flagged = rows.join(
        flags.flag_rows(measured),
        on="conversation_id",
        how="left",
        maintain_order="left",
        validate="1:1",
    )
    made = StoredStatistics(store)
    found = flags.find_source_flags(
        made.read("near_duplicate_questions"), made.read("contamination")
    )
    return flags.add_flags(flagged.with_columns(pl.col("flags").fill_null([])), found)


@dg.asset(
    deps=every_partition(training_rows, preference_pairs, *_OF_A_MODEL),
    partitions_def=RECIPES,
    group_name="training",
    kinds={"polars"},
    code_version=json.dumps(CATALOG.model_dump(mode="json")["mixtures"], sort_keys=True),
    metadata=column_metadata(TABLES["mixtures"]),
)
@told_plainly
def mixtures(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """Which rows a recipe of the catalogue takes; the same rows from the same inputs."""
    recipe, store = CATALOG.mixtures[context.partition_key], tables.store()
    candidates, takeable = 0, []
    for part in _candidates(recipe, store):  # a shard at a time: all of them take a gigabyte
        candidates += part.height
        takeable.append(mixing.select_candidates(part, recipe))
    if not takeable:
        table = table_of(recipe)
        raise StoreError(f"{table} is not materialized for any shard of any model: do that first")
    mixture = mixing.build_mixture(pl.concat(takeable), recipe)
    result = _store_once(context, tables, mixture, mixing.summarize_mixture(mixture))
    taken = {"candidates": candidates, "rows": mixture.height}
    metadata = {**(result.metadata or {}), **taken}
    return dg.MaterializeResult(metadata=metadata, data_version=result.data_version)


def table_of(recipe: Recipe) -> str:
    """Where the rows of a mixture are stored."""
    return "preference_pairs" if recipe.rejected else "training_rows"


def _candidates(recipe: Recipe, store: Store) -> Iterator[pl.DataFrame]:
    """One frame a model and shard; none where nothing is made."""
    table = table_of(recipe)
    which = "rejected_is" if recipe.rejected else "variant"
    wanted = ("conversation_id", "source", "model", "split", "tags", "flags", which)
    for model in CATALOG.models:
        made = StoredStatistics(store, model)
        found = flags.find_model_flags(
            made.read("near_duplicate_messages"), made.read("judged_alignment")
        )
        for shard in finished_shards(store, CATALOG, model, table):
            rows = StoredEvidence(store, CATALOG, (shard,), model).read(table, *wanted)
            if not recipe.rejected:
                rows = rows.filter(pl.col("variant") == recipe.variant).drop("variant")
            yield flags.add_flags(rows, found).with_columns(shard=pl.lit(shard))


def _require_known_flags() -> None:
    """Raises `CatalogError` when a recipe leaves out by a flag that no row can have."""
    for name, recipe in CATALOG.mixtures.items():
        try:
            flags.require_known(recipe.leave_out)
        except flags.FlagError as error:
            raise CatalogError(f"mixture {name} of the catalogue: {error}") from error


_require_known_flags()
TRAINING = [splits, training_rows, preference_pairs]
