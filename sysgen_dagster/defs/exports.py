"""Assets that take mixtures out of the pipeline: folders that any trainer loads, and the Hub."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

import dagster as dg
import polars as pl

from sysgen_dagster.analysis.tables import (
    CONTAMINATION,
    ROW_QUALITY,
)
from sysgen_dagster.catalog.recipes import Lane, Recipe
from sysgen_dagster.defs.card_facts import build_facts, partitions_of, sources_of
from sysgen_dagster.defs.plumbing.contracts import broken_contracts, evidence_of
from sysgen_dagster.defs.plumbing.excluded import excluded_ids, excluded_tags
from sysgen_dagster.defs.plumbing.failures import errors_as_failures
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG, RECIPES
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.reviewed import (
    read_taken,
    reviewed_tags,
    rows_to_export,
    why_not_reviewed,
)
from sysgen_dagster.defs.plumbing.table_io import noted
from sysgen_dagster.defs.training_sets import mixtures
from sysgen_dagster.lanes.multifaceted import steps as steps_of_sets
from sysgen_dagster.lanes.multifaceted.tables import GOLD_ANSWERS
from sysgen_dagster.lanes.sysgen.phases import STEPS
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.review.decisions import read_decisions
from sysgen_dagster.storage.exports import making_export, reading_export, remove_export
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.export.folder import write_folder
from sysgen_dagster.training_sets.export.hub import push_folder, why_not_to_push
from sysgen_dagster.training_sets.export.loading import load_export
from sysgen_dagster.training_sets.export.manifest import (
    compute_checksums,
    read_checksums,
    read_decisions_followed,
    read_ids,
)
from sysgen_dagster.training_sets.exported_rows import to_exported
from sysgen_dagster.training_sets.mixtures import summarize_mixture
from sysgen_dagster.training_sets.reviewed import DECIDED, REJECTED, write_edits
from sysgen_dagster.training_sets.splits import Split
from sysgen_dagster.training_sets.tables import MIXTURES, table_of


@dg.asset(
    deps=[mixtures],
    partitions_def=RECIPES,
    group_name=Group.TRAINING_SETS.value,
    kinds={"huggingface", "parquet"},
)
@errors_as_failures
def exports(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """A mixture as a folder in the Hub's layout: Parquet, card, licences, snippets for trainers."""
    name, store = context.partition_key, tables.store()
    recipe = CATALOG.mixtures[name]
    taken = rows_to_export(store, name)
    mixture, decisions, decided = taken.mixture, taken.decisions, taken.decided
    tags = {
        **excluded_tags(store, None, Partition(recipe=name)),
        **reviewed_tags(decisions, None),
    }
    if mixture.is_empty():
        # An older export would hold rows that the recipe no longer takes.
        remove_export(store, name)
        reason = f"The recipe {name} takes none of the stored rows, so there is no folder."
        return dg.MaterializeResult(
            metadata={"dagster/partition_row_count": 0, "nothing_to_export": reason}, tags=tags
        )
    facts = replace(
        build_facts(store, recipe, mixture, noted(context.instance, CONTAMINATION)),
        rejected=sum(each.filter(choice=REJECTED).height for each in decided.values()),
        decisions=decisions.digest,
    )
    with making_export(store, name, tables.working_folder()) as folder:
        contents = write_folder(
            folder, name, _read_rows(store, name, recipe, mixture, decided), facts
        )
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": contents.rows,
            "folder": dg.MetadataValue.path(str(store.export(name))),
            "size_bytes": int(contents.files["bytes"].sum()),
            "rows": markdown(summarize_mixture(mixture)),
            "left_out_as_excluded": taken.stored.height - taken.usable.height,
            "rejected_in_review": facts.rejected,
            **({"pairs_edited_away": taken.pairs_edited_away} if recipe.rejected else {}),
            **{f"{word}_in_review": number for word, number in contents.reviewed.items()},
        },
        tags=tags,
    )


def _read_rows(
    store: Store,
    mixture_name: str,
    recipe: Recipe,
    mixture: pl.DataFrame,
    decided: Mapping[Partition, pl.DataFrame],
) -> Iterator[pl.DataFrame]:
    """The rows of the mixture, as reviewers have edited them: by source and model.

    Of each first those of the train split, by shard.
    """
    is_train = pl.col("split") == Split.TRAIN.value
    for source, model in product(sources_of(recipe), CATALOG.models):
        later = []
        cell = mixture.filter(source=source, model=model)
        for (shard,), taken in cell.group_by("shard", maintain_order=True):
            at = Partition(model, str(shard))
            here = decided.get(at, pl.DataFrame(schema=DECIDED))
            rows = read_taken(store, recipe, at, taken, here)
            if missing := taken.join(rows, on="conversation_id", how="anti").height:
                raise StoreError(
                    f"{table_of(recipe).label(at)} lacks {missing} of the {taken.height} rows that "
                    "the mixture takes from it, or they do not meet the recipe: it was made again "
                    f"since, or the recipe has changed. Materialize mixtures for {mixture_name} "
                    "again"
                )
            rows = write_edits(rows, here, recipe, table_of(recipe).label(at))
            rows = to_exported(rows, recipe)
            yield rows.filter(is_train)
            later.append(rows.filter(~is_train))
        for split in (Split.VALIDATION, Split.TEST) if later else ():
            yield pl.concat(later).filter(split=split.value)


_NO_REPOSITORY = (
    "Nothing was sent to the Hub, since no repository is named. To push, materialize hub_datasets "
    "with `{ops: {hub_datasets: {config: {repo: OWNER/NAME}}}}` as run configuration."
)


class PushTo(dg.Config):
    """Where an export is pushed to."""

    # OWNER/NAME; null: nothing is pushed, as in a backfill of everything.
    repo: str | None = None
    private: bool = True


@dg.asset(
    deps=[exports],
    partitions_def=RECIPES,
    group_name=Group.TRAINING_SETS.value,
    kinds={"huggingface"},
)
@errors_as_failures
def hub_datasets(
    context: dg.AssetExecutionContext, config: PushTo, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """An export on the Hub; needs ``HF_TOKEN`` and a repository. Without one nothing is pushed.

    It refuses simulated rows, sources and models without a licence, rows that break a contract, and
    a folder that differs from its manifest or that `datasets` does not load.
    """
    name, store = context.partition_key, tables.store()
    if not config.repo:
        # A backfill of everything asks for this, too, and is not to fail over what nobody wanted.
        return dg.MaterializeResult(metadata={"not_pushed": _NO_REPOSITORY})
    recipe = CATALOG.mixtures[name]
    mixture = store.read(MIXTURES, Partition(recipe=name))
    writers = _writers(store, recipe, mixture)
    with reading_export(store, name, tables.working_folder()) as folder:
        reasons = why_not_to_push(
            rows=mixture.height,
            engines=_engines(store, recipe, mixture, writers),
            licenses={name: sources_of(recipe)[name].license for name in mixture["source"].unique()}
            | {name: CATALOG.models[name].license for name in writers},
            failed_checks=_broken_contracts(store, recipe, mixture),
            excluded=excluded_ids(store) & read_ids(folder),
            newer_decisions=why_not_reviewed(
                read_decisions(store), read_decisions_followed(folder)
            ),
            declared=read_checksums(folder),
            actual=compute_checksums(folder),
        )
        if reasons:
            raise dg.Failure(f"{name} is not pushed. {' '.join(reasons)}", allow_retries=False)
        load_export(folder, tables.working_folder())
        token = os.environ.get("HF_TOKEN", "")
        address = push_folder(folder, config.repo, token, config.private, context.log.info)
    return dg.MaterializeResult(
        metadata={"commit": dg.MetadataValue.url(address), "rows": mixture.height}
    )


def _writers(store: Store, recipe: Recipe, mixture: pl.DataFrame) -> list[str]:
    """The models that wrote an answer of the mixture, a rejected one too."""
    writers = set(mixture["model"])
    if recipe.rejected:
        for at in partitions_of(mixture):
            writers |= set(store.read(table_of(recipe), at, "rejected_model").to_series())
    return [name for name in CATALOG.models if name in writers]


def _engines(
    store: Store, recipe: Recipe, mixture: pl.DataFrame, writers: Sequence[str]
) -> set[str]:
    """The engines that served these models for the shards of the mixture."""
    answers = GOLD_ANSWERS if recipe.lane is Lane.MULTIFACETED else ALIGNED
    return {
        engine
        for model, shard in product(writers, mixture["shard"].unique())
        if store.holds(answers, at := Partition(model, shard))
        for engine in store.read(answers, at, "engine").to_series().drop_nulls()
    }


def _broken_contracts(store: Store, recipe: Recipe, mixture: pl.DataFrame) -> list[str]:
    """The blocking checks that fail now; what Dagster recorded of them may be older."""
    before = (*STEPS, ROW_QUALITY)
    if recipe.lane is Lane.MULTIFACETED:
        before = tuple(step.table for step in steps_of_sets.STEPS)
    return [
        f"{table.name}/{check.name} for {at.key}"
        for at in partitions_of(mixture)
        for table in (*before, table_of(recipe))
        for check, _ in broken_contracts(evidence_of(store, at), table)
    ]


EXPORTS = [exports, hub_datasets]
