"""Assets of training sets: splits, rows in every variant, preference pairs, mixtures.

Rows and pairs are partitioned as the phases are, mixtures by the catalogue's recipes.
"""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import dagster as dg
import polars as pl

from sysgen_dagster.analysis import tables
from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.candidates import LEFT_OUT, narrow, read_flags, read_in_form
from sysgen_dagster.defs.plumbing.examples import (
    READ_FOR_EXAMPLES,
    build_examples,
    build_pair_examples,
    describe,
)
from sysgen_dagster.defs.plumbing.excluded import excluded_ids
from sysgen_dagster.defs.plumbing.looked_at import require_looked_at, require_obedience_known
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES
from sysgen_dagster.defs.plumbing.reviewed import decided_rows, reviewed_tags
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.obedience.tables import CONFLICT_TURNS, JUDGED_ALIGNMENT
from sysgen_dagster.review.decisions import read_decisions
from sysgen_dagster.review.tables import REVIEW_DECISIONS
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.tables.columns import MESSAGES
from sysgen_dagster.tables.table import Partition, kept
from sysgen_dagster.training_sets.conflict_pairs import compare_conflict_answers
from sysgen_dagster.training_sets.mixtures import (
    build_mixture,
    count_missing,
    require_one_shard_each,
    summarize_mixture,
)
from sysgen_dagster.training_sets.pairs import compare_answers
from sysgen_dagster.training_sets.rows import build_training_rows
from sysgen_dagster.training_sets.splits import build_splits, summarize_splits
from sysgen_dagster.training_sets.tables import (
    MIXTURES,
    MULTIFACETED_PAIRS,
    MULTIFACETED_ROWS,
    PREFERENCE_PAIRS,
    SPLITS,
    TRAINING_ROWS,
    table_of,
)


@table_asset(
    SPLITS,
    reads=[CONVERSATIONS, *SOURCE_TABLES.values(), tables.NEAR_DUPLICATE_QUESTIONS],
    kinds={"polars"},
)
def splits(run: AssetRun) -> pl.DataFrame:
    """The split of each conversation: train, validation or test; related ones share a split.

    What is stored is extended: a row once in test stays in test.
    """
    conversations = pl.concat(
        _read_links(part) for part in run.all_shards(CONVERSATIONS).by_shard()
    )
    clusters = run.statistics.read(tables.NEAR_DUPLICATE_QUESTIONS)
    if clusters is None:
        clusters = tables.NEAR_DUPLICATE_QUESTIONS.empty()
    rows = build_splits(
        conversations.join(
            clusters.select("conversation_id", "cluster"),
            on="conversation_id",
            how="left",
            validate="1:1",
        ),
        CATALOG.training,
        run.store.read(SPLITS, run.at) if run.store.holds(SPLITS, run.at) else None,
    )
    run.note(summary=markdown(summarize_splits(rows)))
    return rows


def _read_links(part: StoredEvidence) -> pl.DataFrame:
    """The usable conversations of a shard, with the columns that link them to others."""
    [shard] = part.shards
    source = CATALOG.source_of(shard)
    columns = ("conversation_id", "source", "source_row", "duplicate_of", "drop_reason")
    conversations = kept(part.read(CONVERSATIONS, *columns)).drop("drop_reason")
    if source.same_question is None:
        return conversations.with_columns(same_question=pl.lit(None, dtype=pl.String))
    upstream = part.read(SOURCE_TABLES[source.name], "source_row", source.same_question)
    return conversations.join(
        upstream.rename({source.same_question: "same_question"}),
        on="source_row",
        how="left",
        validate="m:1",
    )


@table_asset(
    TRAINING_ROWS,
    reads=READ_FOR_EXAMPLES,
    kinds={"polars", "parquet"},
    code_version=CATALOG.training.model_dump_json(),
)
def training_rows(run: AssetRun) -> pl.LazyFrame:
    """Chats to train on: each conversation in every variant of the paper, over the same rows."""
    examples = build_examples(run)
    unfinished = run.read_kept(CONVERSATIONS).join(examples, on="conversation_id", how="anti")
    # Rows that no variant takes need not be described.
    wanted = unfinished.clear() if CATALOG.training.same_conversations else unfinished
    nothing, model = pl.lit(None, dtype=pl.String), run.model
    described = describe(run, wanted).with_columns(
        system_message=nothing,
        new_answer=nothing,
        reasoning=nothing,
        new_history=pl.lit(None, dtype=MESSAGES),
        tags=pl.lit([], dtype=pl.List(pl.String)),
        served_name=pl.lit(model.served_name),
        model_revision=pl.lit(model.revision, dtype=pl.String),
        engine=nothing,
    )
    # Lazily, so that the five chats of each conversation are never in memory all at once.
    rows = build_training_rows(
        examples.lazy(), described.select(examples.columns).lazy(), CATALOG.training
    )
    counts = rows.group_by("variant", "split").len("rows").sort("variant", "split").collect()
    run.note(variants=markdown(counts))
    return rows


# Without conflict turns in the catalogue pairs do not wait for them.
_OF_CONFLICTS = (CONFLICT_TURNS,) if CATALOG.conflicts.messages_a_shard else ()


@table_asset(
    PREFERENCE_PAIRS, reads=[*READ_FOR_EXAMPLES, *_OF_CONFLICTS], kinds={"polars", "parquet"}
)
def preference_pairs(run: AssetRun) -> pl.DataFrame:
    """Pairs for DPO and ORPO: the new answer is chosen, another answer to the question is rejected.

    The rejected one is the original answer, another one under the same system message which breaks
    a rule of it, or the answer that another model gave under its own system message, as far as
    other models have finished the shard; or it does what a user asks for against the message, in a
    turn of `conflict_turns`. No new answer is chosen that is known to break a phrase.
    """
    columns = ("conversation_id", "model", "system_message", "new_answer", "drop_reason")
    others = [Partition(model, run.at.shard) for model in CATALOG.models if model != run.at.model]
    foreign = [
        kept(run.store.read(ALIGNED, other, *columns))
        for other in others
        if run.store.holds(ALIGNED, other)
    ]
    nothing = ALIGNED.empty().select(columns)
    examples = build_pair_examples(run)
    compared = compare_answers(examples, pl.concat([nothing, *foreign]))
    turns = [run.store.read(table, run.at) for table in _OF_CONFLICTS]
    every = [compared, *(compare_conflict_answers(examples, each) for each in turns)]
    compared = pl.concat(each.select(*PREFERENCE_PAIRS.names, "left_out") for each in every)
    pairs = compared.filter(pl.col("left_out").is_null()).drop("left_out")
    counts = pairs.group_by("rejected_is", "split").len("pairs").sort("rejected_is", "split")
    left_out = compared.drop_nulls("left_out").group_by("left_out").len("pairs").sort("left_out")
    run.note(pairs=markdown(counts), **dict(left_out.iter_rows()))
    return pairs


def _recipes_version() -> str:
    """What the recipes say; later settings only where they are set, as older versions wrote it."""
    recipes = {}
    for name, recipe in CATALOG.mixtures.items():
        unset = {field for field in ("reviewed", "obeyed") if getattr(recipe, field) is None}
        said = recipe.recorded
        recipes[name] = {field: said[field] for field in said.keys() - unset}
    return json.dumps(recipes, sort_keys=True)


@table_asset(
    MIXTURES,
    reads=[
        *(TRAINING_ROWS, PREFERENCE_PAIRS, JUDGED_ALIGNMENT, tables.CONTAMINATION),
        *(tables.NEAR_DUPLICATE_MESSAGES, tables.NEAR_DUPLICATE_QUESTIONS, REVIEW_DECISIONS),
        *((MULTIFACETED_ROWS, MULTIFACETED_PAIRS) if CATALOG.multifaceted else ()),
    ],
    kinds={"polars"},
    code_version=_recipes_version(),
)
def mixtures(run: AssetRun) -> pl.DataFrame:
    """Which rows a recipe of the catalogue takes, without those that a reviewer has rejected."""
    recipe = CATALOG.mixtures[str(run.at.recipe)]
    decisions = read_decisions(run.store)
    run.tags.update(reviewed_tags(decisions, MIXTURES))
    left_out, selected = Counter[str](), []
    excluded = excluded_ids(run.store)
    for at, part in _read_flagged(recipe, run):  # by shard: all together take a gigabyte
        steps = narrow(part, recipe, excluded, decided_rows(run.store, decisions, at))
        selected.append(steps[-1])
        for reason, (before, after) in zip(LEFT_OUT, pairwise(map(_count, steps)), strict=True):
            left_out[reason] += before - after
    if not selected:
        raise StoreError(
            f"{table_of(recipe).name} is not materialized for any shard of any model: do that first"
        )
    candidates = pl.concat(selected)
    require_one_shard_each(candidates)
    mixture = build_mixture(candidates, recipe)
    left_out["left_out_by_the_numbers"] += candidates.height - mixture.height
    run.note(
        candidates=mixture.height + left_out.total(),
        rows=mixture.height,
        missing=count_missing(mixture, recipe),
        **left_out,
        decisions_damaged=decisions.damaged,
        summary=markdown(summarize_mixture(mixture)),
    )
    return mixture


def _count(rows: pl.DataFrame) -> int:
    """The conversations of one model and shard, of which each may be in several pairs."""
    return rows["conversation_id"].n_unique()


def _read_flagged(recipe: Recipe, run: AssetRun) -> Iterator[tuple[Partition, pl.DataFrame]]:
    """The rows in the form of a recipe, with all their flags: one frame per model and shard.

    Raises:
        StoreError: Rows may have a flag that the recipe leaves out, or not obey their system
            message, and nobody has looked.
    """
    for model in CATALOG.models:
        shards = finished_shards(run.store, CATALOG, table_of(recipe), model)
        if shards and (not recipe.models or model in recipe.models):
            require_looked_at(recipe, run, model, shards)
        flagged = read_flags(run.store, recipe, model)
        for shard in shards:
            at = Partition(model, shard)
            in_form = read_in_form(run.store, recipe, at, flagged)
            require_obedience_known(recipe, run, at, in_form)
            yield at, in_form


TRAINING: list[dg.AssetsDefinition] = [splits, training_rows, preference_pairs]
