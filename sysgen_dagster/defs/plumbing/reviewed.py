"""Which decisions of reviewers count for the rows of a partition, and the tag of what follows them.

A decision counts as long as the row has the texts that the reviewer saw. What is made of many rows
reads all decisions when it is made, as it does with the list of excluded conversations.
"""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.defs.plumbing.excluded import excluded_ids, without
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.versions import REVIEWED, Tags
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.review.decisions import Choice, Decisions, digest_of, read_decisions
from sysgen_dagster.review.tables import REVIEW_DECISIONS
from sysgen_dagster.storage.evidence import finished_shards
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table, kept
from sysgen_dagster.training_sets.mixtures import only_taken
from sysgen_dagster.training_sets.reviewed import (
    DECIDED,
    of_accepted,
    only_accepted,
    without_rejected,
    write_edits,
)
from sysgen_dagster.training_sets.tables import MIXTURES, table_of

_TEXTS = ("conversation_id", "system_message", "new_answer")


def decided_rows(store: Store, decisions: Decisions, at: Partition) -> pl.DataFrame:
    """`DECIDED` of those of a partition's rows that a reviewer has accepted or rejected.

    Texts are read only where there are some. Of rows of the second lane nobody decides.

    Raises:
        StoreError: The answers are missing or damaged.
    """
    wanted = {
        identity: each
        for identity, each in decisions.of(str(at.model)).items()
        if each.choice is not Choice.OPEN
    }
    of_lane, _ = split_shard(str(at.shard))
    if not wanted or CATALOG.lane_shards.get(of_lane):
        return pl.DataFrame(schema=DECIDED)
    ids = store.read(ALIGNED, at, "conversation_id").to_series()
    if wanted.keys().isdisjoint(ids):
        return pl.DataFrame(schema=DECIDED)
    texts = kept(store.read(ALIGNED, at, *_TEXTS, "drop_reason"))
    rows = [
        (at.model, identity, said.choice.value, *shown, said.system_message, said.new_answer)
        for identity, *shown in texts.select(_TEXTS).iter_rows()
        if (said := wanted.get(identity)) and said.texts == digest_of(*shown)
    ]
    return pl.DataFrame(rows, schema=DECIDED, orient="row")


def decided_for(
    store: Store, decisions: Decisions, recipe: Recipe
) -> dict[Partition, pl.DataFrame]:
    """`decided_rows` of each partition of the models and sources that a recipe takes."""
    found = {}
    for model in CATALOG.models:
        if decisions.of(model) and (not recipe.models or model in recipe.models):
            for shard in finished_shards(store, CATALOG, ALIGNED, model):
                if not recipe.sources or split_shard(shard)[0] in recipe.sources:
                    at = Partition(model, shard)
                    found[at] = decided_rows(store, decisions, at)
    return {at: rows for at, rows in found.items() if rows.height}


def take_reviewed(
    mixture: pl.DataFrame, decided: Mapping[Partition, pl.DataFrame], recipe: Recipe
) -> pl.DataFrame:
    """The conversations of a mixture that a recipe takes by what is decided now, in their order."""
    every = pl.concat([pl.DataFrame(schema=DECIDED), *decided.values()])
    left = without_rejected(mixture, every)
    return of_accepted(left, every) if recipe.reviewed else left


def why_not_reviewed(decisions: Decisions, followed: str) -> list[str]:
    """What an export does not follow, given the digest of the decisions that it was made with."""
    newer = [] if decisions.digest == followed else ["decisions of reviewers"]
    return newer + (["decisions that cannot be read"] if decisions.damaged else [])


def reviewed_tags(decisions: Decisions, table: Table | None) -> Tags:
    """The tag with which decisions a table or an export was made; labels are in one table only."""
    if table == REVIEW_DECISIONS:
        return {REVIEWED: f"{decisions.made}-made"}
    return {REVIEWED: decisions.digest} if table is None or table == MIXTURES else {}


class ToExport(NamedTuple):
    """The rows of a mixture: stored, without excluded ones, and without those left out in review.

    Attributes:
        stored: All of them.
        usable: Those of which no text must be removed.
        mixture: Those that the export holds.
        decisions: What reviewers have decided, of all rows.
        decided: Of the rows of each partition.
        pairs_edited_away: How many pairs of the mixture a reviewer's message or answer ended, as
            they reject it or answer to a conflict turn under another message.
    """

    stored: pl.DataFrame
    usable: pl.DataFrame
    mixture: pl.DataFrame
    decisions: Decisions
    decided: Mapping[Partition, pl.DataFrame]
    pairs_edited_away: int


def rows_to_export(store: Store, name: str) -> ToExport:
    """Which rows of a stored mixture its export holds now."""
    recipe = CATALOG.mixtures[name]
    stored, decisions = store.read(MIXTURES, Partition(recipe=name)), read_decisions(store)
    usable = without(stored, excluded_ids(store))
    decided = decided_for(store, decisions, recipe)
    mixture = take_reviewed(usable, decided, recipe)
    edited_away = 0
    if recipe.rejected:
        mixture, edited_away = _without_edited_away(store, recipe, mixture, decided)
    return ToExport(stored, usable, mixture, decisions, decided, edited_away)


def read_taken(
    store: Store, recipe: Recipe, at: Partition, taken: pl.DataFrame, decided: pl.DataFrame
) -> pl.DataFrame:
    """The stored rows of these conversations that meet the recipe, as `table_of(recipe)` has them.

    Args:
        store: Where they are stored.
        recipe: The mixture's entry in the catalogue.
        at: The partition that they are read from.
        taken: ``conversation_id`` of the rows of the mixture.
        decided: `DECIDED` of the partition.
    """
    rows = only_taken(store.read(table_of(recipe), at), recipe)
    rows = rows.join(taken, on="conversation_id", how="semi", maintain_order="left")
    return only_accepted(rows, decided, recipe)


def _without_edited_away(
    store: Store, recipe: Recipe, mixture: pl.DataFrame, decided: Mapping[Partition, pl.DataFrame]
) -> tuple[pl.DataFrame, int]:
    """The rows that still have a pair as reviewers wrote them, and how many pairs went by that."""
    edited_away = 0
    for at, here in decided.items():
        taken = mixture.filter(model=at.model, shard=at.shard)
        taken = taken.join(here, on="conversation_id", how="semi")
        if taken.height:
            pairs = read_taken(store, recipe, at, taken, here)
            left = write_edits(pairs, here, recipe, table_of(recipe).label(at))
            gone = pairs.join(left, on="conversation_id", how="anti")
            mixture = mixture.join(
                gone, on=["model", "conversation_id"], how="anti", maintain_order="left"
            )
            edited_away += pairs.height - left.height
    return mixture, edited_away
