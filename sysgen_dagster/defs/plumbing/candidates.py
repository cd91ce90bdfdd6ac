"""The stored rows that a recipe may take, with all their flags, and how many it would take of them.

Belongs here: reading them, a model and a shard at a time. Does not: which of them a recipe takes
(`training_sets.mixtures`).
"""

from collections.abc import Sequence

import polars as pl

from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.defs.plumbing.excluded import excluded_ids, without
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.reviewed import decided_rows
from sysgen_dagster.defs.plumbing.table_io import StoredStatistics
from sysgen_dagster.review.decisions import read_decisions
from sysgen_dagster.storage.evidence import finished_shards
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import By, Partition
from sysgen_dagster.training_sets.flags import Flagged, add_flags, find_flagged
from sysgen_dagster.training_sets.mixtures import (
    build_mixture,
    is_in_form_of,
    only_matching,
    select_candidates,
)
from sysgen_dagster.training_sets.reviewed import only_accepted, without_rejected
from sysgen_dagster.training_sets.splits import Split
from sysgen_dagster.training_sets.tables import PHRASE_COUNTS, table_of

_READ = ("conversation_id", "source", "model", "split", "tags", "flags", *PHRASE_COUNTS)


def takes(recipe: Recipe, at: Partition) -> bool:
    """Whether a recipe takes rows of a model and a shard."""
    source, _ = split_shard(str(at.shard))
    if (lane := table_of(recipe).of_lane) and source != lane:
        return False
    return (not recipe.models or at.model in recipe.models) and (
        not recipe.sources or source in recipe.sources
    )


def read_flags(store: Store, recipe: Recipe, model: str) -> Flagged:
    """The conversations with a flag of the whole corpus that a recipe leaves out."""
    of_corpus = find_flagged(StoredStatistics(store).read, By.NOTHING, recipe.leave_out)
    of_model = find_flagged(StoredStatistics(store, model).read, By.MODEL, recipe.leave_out)
    return {**of_corpus, **of_model}


def read_in_form(store: Store, recipe: Recipe, at: Partition, flagged: Flagged) -> pl.DataFrame:
    """The rows in the form of a recipe, with all their flags."""
    form: tuple[str, ...] = ("variant",)
    if recipe.rejected:
        form = ("rejected_is", "rejected_not_obeyed")
    if recipe.rejected and recipe.reviewed:  # which texts a reviewer has accepted
        form += ("prompt", "chosen")
    rows = store.read(table_of(recipe), at, *_READ, *form).filter(is_in_form_of(recipe))
    return add_flags(rows, flagged).with_columns(shard=pl.lit(at.shard))


def narrow(
    in_form: pl.DataFrame, recipe: Recipe, excluded: frozenset[str], decided: pl.DataFrame
) -> Sequence[pl.DataFrame]:
    """`in_form`, then what is left of it after each step, in the order of `LEFT_OUT`."""
    usable = without(in_form, excluded)
    not_rejected = without_rejected(usable, decided)
    wanted = only_accepted(not_rejected, decided, recipe)
    matching = only_matching(wanted, recipe)
    return in_form, usable, not_rejected, wanted, matching, select_candidates(matching, recipe)


# Why a row is no candidate, in the order in which it is decided.
LEFT_OUT = (
    *("left_out_as_excluded", "rejected_in_review", "not_accepted", "left_out_by_filters"),
    "not_obeying",
)


def count_taken(store: Store, recipe: Recipe) -> int:
    """How many rows of the train split the recipe would take of what is stored now."""
    excluded, decisions = excluded_ids(store), read_decisions(store)
    found = []
    for model in recipe.models or CATALOG.models:
        flagged = read_flags(store, recipe, model)
        for shard in finished_shards(store, CATALOG, table_of(recipe), model):
            at = Partition(model, shard)
            if takes(recipe, at):
                rows = read_in_form(store, recipe, at, flagged)
                decided = decided_rows(store, decisions, at)
                found.append(narrow(rows, recipe, excluded, decided)[-1])
    if not found:
        return 0
    return build_mixture(pl.concat(found), recipe).filter(split=Split.TRAIN.value).height
