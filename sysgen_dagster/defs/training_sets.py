"""Training sets: splits, rows in every variant, preference pairs, mixtures.

Rows and pairs are partitioned as the phases are, mixtures by the catalogue's recipes.
"""

import json
from collections.abc import Iterator

import dagster as dg
import polars as pl

from sysgen_dagster.analysis.tables import (
    CONTAMINATION,
    NEAR_DUPLICATE_MESSAGES,
    NEAR_DUPLICATE_QUESTIONS,
    ROW_QUALITY,
)
from sysgen_dagster.catalog.load import CatalogError
from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES
from sysgen_dagster.defs.plumbing.table_io import AssetRun, StoredStatistics
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, VERIFIED
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import Partition, Table, kept
from sysgen_dagster.training_sets.flags import (
    FlagError,
    add_flags,
    find_model_flags,
    find_source_flags,
    flag_rows,
    require_known,
)
from sysgen_dagster.training_sets.mixtures import (
    build_mixture,
    select_candidates,
    summarize_mixture,
)
from sysgen_dagster.training_sets.pairs import build_preference_pairs
from sysgen_dagster.training_sets.rows import build_training_rows
from sysgen_dagster.training_sets.splits import build_splits, summarize_splits
from sysgen_dagster.training_sets.tables import (
    MIXTURES,
    PREFERENCE_PAIRS,
    SPLITS,
    TRAINING_ROWS,
)


@table_asset(
    SPLITS,
    reads=[CONVERSATIONS, *SOURCE_TABLES.values(), NEAR_DUPLICATE_QUESTIONS],
    kinds={"polars"},
)
def splits(run: AssetRun) -> pl.DataFrame:
    """Which side of training each conversation is on; related ones are on the same side."""
    clusters = run.statistics.read(NEAR_DUPLICATE_QUESTIONS)
    asked = pl.concat(_related(part) for part in run.all_shards(CONVERSATIONS).by_shard())
    if clusters is None:
        asked = asked.with_columns(cluster=pl.lit(None, dtype=pl.String))
    else:
        of_a_cluster = clusters.select("conversation_id", "cluster")
        asked = asked.join(of_a_cluster, on="conversation_id", how="left", validate="1:1")
    grouped = build_splits(asked, CATALOG.training)
    run.note(summary=markdown(summarize_splits(grouped)))
    return grouped


def _related(part: StoredEvidence) -> pl.DataFrame:
    """The usable conversations of a shard, with what they have in common with others."""
    [shard] = part.shards
    source = CATALOG.source_of(shard)
    wanted = ("conversation_id", "source", "source_row", "duplicate_of", "drop_reason")
    asked = kept(part.read(CONVERSATIONS, *wanted)).drop("drop_reason")
    column = source.same_question
    if column is None:
        return asked.with_columns(same_question=pl.lit(None, dtype=pl.String))
    upstream = part.read(SOURCE_TABLES[source.name], "source_row", column)
    return asked.join(
        upstream.rename({column: "same_question"}), on="source_row", how="left", validate="m:1"
    )


_READ_OF_A_ROW = (
    ALIGNED,
    VERIFIED,
    CONVERSATIONS,
    ROW_QUALITY,
    SPLITS,
    NEAR_DUPLICATE_QUESTIONS,
    CONTAMINATION,
)


@table_asset(
    TRAINING_ROWS,
    reads=_READ_OF_A_ROW,
    kinds={"polars", "parquet"},
    code_version=CATALOG.training.model_dump_json(),
)
def training_rows(run: AssetRun) -> pl.LazyFrame:
    """Chats to train on: each conversation in every variant of the paper, over the same rows."""
    examples = _examples(run)
    others = run.read_kept(CONVERSATIONS).join(examples, on="conversation_id", how="anti")
    if CATALOG.training.same_conversations:
        others = others.clear()  # none of them is taken: nothing needs to be looked up for them
    # Five chats a conversation: lazily, they are never in memory all at once.
    made = build_training_rows(
        examples.lazy(),
        _described(run, others).select(examples.columns).lazy(),
        CATALOG.training,
    )
    counts = made.group_by("variant", "split").len("rows").sort("variant", "split").collect()
    run.note(variants=markdown(counts))
    return made


@table_asset(PREFERENCE_PAIRS, reads=_READ_OF_A_ROW, kinds={"polars", "parquet"})
def preference_pairs(run: AssetRun) -> pl.DataFrame:
    """Pairs for DPO and ORPO: the new answer is chosen, one that does not keep to S is rejected.

    That is the original answer, or the answer of another model to the same question under its own
    system message, as far as other models have finished the shard.
    """
    wanted = ("conversation_id", "model", "system_message", "new_answer", "drop_reason")
    foreign = [
        kept(run.store.read(ALIGNED, Partition(other, run.at.shard), *wanted))
        for other in CATALOG.models
        if other != run.at.model and run.store.holds(ALIGNED, Partition(other, run.at.shard))
    ]
    nothing = pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))
    pairs = build_preference_pairs(
        _examples(run), pl.concat([nothing, *foreign]).drop("drop_reason")
    )
    counts = pairs.group_by("rejected_is", "split").len("pairs").sort("rejected_is", "split")
    run.note(pairs=markdown(counts))
    return pairs


def _examples(run: AssetRun) -> pl.DataFrame:
    """The aligned rows of the partition with their texts, tags, flags, split and provenance."""
    new = ("conversation_id", "system_message", "new_answer", "served_name", "engine")
    aligned = run.read_kept(ALIGNED).select(*new, "model_revision")
    tags = pl.col("phrases").list.eval(pl.element().struct.field("tag").unique(maintain_order=True))
    verified = run.evidence().read(VERIFIED, "conversation_id", "phrases")
    known = run.read_kept(CONVERSATIONS).join(
        aligned.select("conversation_id"), on="conversation_id", how="semi"
    )
    described = _described(run, known).drop(*new[1:], "model_revision", "tags")
    return aligned.join(
        verified.select("conversation_id", tags=tags), on="conversation_id", how="left"
    ).join(described, on="conversation_id", how="inner", maintain_order="left", validate="1:1")


def _described(run: AssetRun, known: pl.DataFrame) -> pl.DataFrame:
    """Conversations as examples, with null where only an aligned row says more."""
    source, entry = CATALOG.source_of(str(run.at.shard)), run.model
    text = pl.lit(None, dtype=pl.String)
    described = _with_split(run.store, known).with_columns(
        system_message=text,
        new_answer=text,
        tags=pl.lit([], dtype=pl.List(pl.String)),
        source_repo=pl.lit(source.hub.repo if source.hub else "local"),
        source_turn=pl.col("turn"),
        source_license=pl.lit(source.license),
        model=pl.lit(entry.name),
        served_name=pl.lit(entry.served_name),
        model_revision=pl.lit(entry.revision, dtype=pl.String),
        model_license=pl.lit(entry.license),
        engine=text,
    )
    return _with_flags(run, described)


def _with_split(store: Store, known: pl.DataFrame) -> pl.DataFrame:
    sides = store.read(SPLITS, Partition(), "conversation_id", "split")
    sided = known.join(
        sides, on="conversation_id", how="left", maintain_order="left", validate="1:1"
    )
    if sided["split"].null_count():
        raise StoreError(
            f"splits does not know {sided['split'].null_count():,} of the conversations: it is "
            "older than they are. Materialize near_duplicate_questions and splits again"
        )
    return sided


def _with_flags(run: AssetRun, rows: pl.DataFrame) -> pl.DataFrame:
    """What speaks against each row by itself, as a copy, or as an item of a benchmark."""
    measured = flag_rows(run.store.read(ROW_QUALITY, run.at))
    flagged = rows.join(
        measured, on="conversation_id", how="left", maintain_order="left", validate="1:1"
    )
    of_sources = StoredStatistics(run.store)
    found = find_source_flags(
        of_sources.read(NEAR_DUPLICATE_QUESTIONS), of_sources.read(CONTAMINATION)
    )
    return add_flags(flagged.with_columns(pl.col("flags").fill_null([])), found)


@table_asset(
    MIXTURES,
    reads=[TRAINING_ROWS, PREFERENCE_PAIRS, NEAR_DUPLICATE_MESSAGES, JUDGED_ALIGNMENT],
    kinds={"polars"},
    code_version=json.dumps(CATALOG.model_dump(mode="json")["mixtures"], sort_keys=True),
)
def mixtures(run: AssetRun) -> pl.DataFrame:
    """Which rows a recipe of the catalogue takes; the same rows from the same inputs."""
    recipe = CATALOG.mixtures[str(run.at.recipe)]
    candidates, selected = 0, []
    for part in _candidates(recipe, run.store):  # a shard at a time: all of them take a gigabyte
        candidates += part.height
        selected.append(select_candidates(part, recipe))
    if not selected:
        name = rows_of(recipe).name
        raise StoreError(f"{name} is not materialized for any shard of any model: do that first")
    mixture = build_mixture(pl.concat(selected), recipe)
    summary = markdown(summarize_mixture(mixture))
    run.note(candidates=candidates, rows=mixture.height, summary=summary)
    return mixture


def rows_of(recipe: Recipe) -> Table:
    """Where the rows of a mixture are stored."""
    return PREFERENCE_PAIRS if recipe.rejected else TRAINING_ROWS


def _candidates(recipe: Recipe, store: Store) -> Iterator[pl.DataFrame]:
    """One frame a model and shard; none where nothing is made."""
    table = rows_of(recipe)
    which = "rejected_is" if recipe.rejected else "variant"
    wanted = ("conversation_id", "source", "model", "split", "tags", "flags", which)
    for model in CATALOG.models:
        statistics = StoredStatistics(store, model)
        found = find_model_flags(
            statistics.read(NEAR_DUPLICATE_MESSAGES), statistics.read(JUDGED_ALIGNMENT)
        )
        for shard in finished_shards(store, CATALOG, table, model):
            rows = store.read(table, Partition(model, shard), *wanted)
            if not recipe.rejected:
                rows = rows.filter(pl.col("variant") == recipe.variant).drop("variant")
            yield add_flags(rows, found).with_columns(shard=pl.lit(shard))


def _require_known_flags() -> None:
    """Raises `CatalogError` when a recipe leaves out by a flag that no row can have."""
    for name, recipe in CATALOG.mixtures.items():
        try:
            require_known(recipe.leave_out)
        except FlagError as error:
            raise CatalogError(f"mixture {name} of the catalogue: {error}") from error


_require_known_flags()
TRAINING: list[dg.AssetsDefinition] = [splits, training_rows, preference_pairs]
