"""What leaves the pipeline: a folder for each mixture that any trainer loads, and the Hub."""

import os
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import product

import dagster as dg
import polars as pl

from sysgen_dagster.analysis.tables import ANSWER_SIMILARITY, QUALITY_COUNTS, ROW_QUALITY
from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.defs.plumbing.checks import CHECKS
from sysgen_dagster.defs.plumbing.failures import errors_as_failures
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG, RECIPES
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.table_io import StoredStatistics
from sysgen_dagster.defs.training_sets import mixtures, rows_of
from sysgen_dagster.lanes.sysgen.phases import PHASES, STEPS
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, RETENTION, TAG_COUNTS
from sysgen_dagster.report.views import VIEWS, over_all_and_by_source
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.storage.exports import making_export, reading_export, remove_export
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.checks import checks_of
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.export.card import CardFacts, Figure
from sysgen_dagster.training_sets.export.folder import Part, write_folder
from sysgen_dagster.training_sets.export.hub import (
    declared_files,
    found_files,
    push_folder,
    why_not_to_push,
)
from sysgen_dagster.training_sets.mixtures import summarize_mixture
from sysgen_dagster.training_sets.splits import Split
from sysgen_dagster.training_sets.tables import MIXTURES, PREFERENCE_PAIRS

_PACKAGE = "sysgen-dagster"
# What the card shows of a model's statistics.
_ON_THE_CARD = (RETENTION, TAG_COUNTS, ANSWER_SIMILARITY, QUALITY_COUNTS)
_RARE = 0.001  # of the questions: a language below this is not named


@dg.asset(
    deps=[mixtures],
    partitions_def=RECIPES,
    group_name="training",
    kinds={"huggingface", "parquet"},
)
@errors_as_failures
def exports(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """A mixture as a folder in the Hub's layout: Parquet, card, licences, snippets for trainers."""
    name, store = context.partition_key, tables.store()
    recipe = CATALOG.mixtures[name]
    mixture = store.read(MIXTURES, Partition(recipe=name))
    if mixture.is_empty():
        # An older export would hold rows that the recipe takes no more.
        remove_export(store, name)
        nothing = f"The recipe {name} takes no row of what is made: there is no folder."
        return dg.MaterializeResult(
            metadata={"dagster/partition_row_count": 0, "nothing_to_export": nothing}
        )
    with making_export(store, name, tables.working_folder()) as folder:
        written = write_folder(
            folder, name, _parts(store, recipe, mixture), _facts(store, name, recipe, mixture)
        )
    return dg.MaterializeResult(
        metadata={
            "dagster/partition_row_count": written.rows,
            "folder": dg.MetadataValue.path(str(store.export(name))),
            "size_bytes": written.bytes,
            "rows": markdown(summarize_mixture(mixture)),
        }
    )


def _parts(store: Store, recipe: Recipe, mixture: pl.DataFrame) -> Iterator[Part]:
    """The rows of the mixture, a source and model at a time, train shard by shard and first."""
    train = pl.col("split") == Split.TRAIN.value
    for source, model in product(CATALOG.sources, CATALOG.models):
        later = []
        cell = mixture.filter(source=source, model=model)
        for (shard,), taken in cell.group_by("shard", maintain_order=True):
            rows = _rows(store, recipe, model, str(shard), taken)
            yield Part(source, model, Split.TRAIN, rows.filter(train))
            later.append(rows.filter(~train))
        for split in (Split.VALIDATION, Split.TEST) if later else ():
            yield Part(source, model, split, pl.concat(later).filter(split=split.value))


def _rows(
    store: Store, recipe: Recipe, model: str, shard: str, taken: pl.DataFrame
) -> pl.DataFrame:
    rows = store.read(rows_of(recipe), Partition(model, shard))
    of_the_recipe = (
        pl.col("rejected_is").is_in([each.value for each in recipe.rejected])
        if recipe.rejected
        else pl.col("variant") == recipe.variant.value
    )
    ids = taken.select("conversation_id")
    return rows.filter(of_the_recipe).join(ids, on="conversation_id", how="semi")


def _facts(store: Store, name: str, recipe: Recipe, mixture: pl.DataFrame) -> CardFacts:
    models = [name for name in CATALOG.models if name in mixture["model"]]
    prompts = [phase.prompt for phase in PHASES if phase.prompt is not None]
    return CardFacts(
        recipe=recipe,
        training=CATALOG.training,
        titles={source: entry.title for source, entry in CATALOG.sources.items()},
        prompts={prompt.name: prompt.fingerprint for prompt in prompts},
        version=version(_PACKAGE),
        figures=[*_figures(store, models)],
        languages=_languages(store, mixture),
        commands=[
            "export SYSGEN_CATALOG=catalog.yaml SYSGEN_DATA=data  # yours, with this recipe in it",
            *(
                "dagster asset materialize -m sysgen_dagster.definitions "
                f"--select {asset} --partition {name}"
                for asset in ("mixtures", "exports")
            ),
        ],
    )


def _figures(store: Store, models: list[str]) -> Iterator[Figure]:
    for view in VIEWS:
        if view.table in _ON_THE_CARD:
            summaries = {model: view.read(StoredStatistics(store, model)) for model in models}
            named = [
                over_all_and_by_source(summary)[0].select(pl.lit(model).alias("model"), pl.all())
                for model, summary in summaries.items()
                if summary is not None
            ]
            if named:
                yield Figure(view.title, pl.concat(named), view.formats)


def _languages(store: Store, mixture: pl.DataFrame) -> list[str]:
    """The languages of the questions, the most frequent first."""
    wanted = "question_language"
    counts = pl.concat(
        store.read(ROW_QUALITY, at, wanted).drop_nulls().to_series().value_counts()
        for at in _partitions(mixture)
    )
    summed = counts.group_by("question_language").agg(pl.col("count").sum())
    common = summed.filter(pl.col("count") > _RARE * pl.col("count").sum())
    return common.sort("count", "question_language", descending=[True, False])[
        "question_language"
    ].to_list()


class PushTo(dg.Config):
    """Where an export goes."""

    repo: str  # OWNER/NAME
    private: bool = True


@dg.asset(deps=[exports], partitions_def=RECIPES, group_name="training", kinds={"huggingface"})
@errors_as_failures
def hub_datasets(
    context: dg.AssetExecutionContext, config: PushTo, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """An export on the Hub; needs ``HF_TOKEN`` and a repository, and refuses what must not go out.

    Refused are simulated rows, sources and models without a licence, rows that break a contract,
    and a folder that is not as its manifest says.
    """
    name, store = context.partition_key, tables.store()
    recipe = CATALOG.mixtures[name]
    mixture = store.read(MIXTURES, Partition(recipe=name))
    writers = _writers(store, recipe, mixture)
    with reading_export(store, name, tables.working_folder()) as folder:
        reasons = why_not_to_push(
            rows=mixture.height,
            engines=_engines(store, mixture, writers),
            licenses={
                **{each: CATALOG.sources[each].license for each in mixture["source"].unique()},
                **{model: CATALOG.models[model].license for model in writers},
            },
            failed_checks=_broken_contracts(store, recipe, mixture),
            declared=declared_files(folder),
            found=found_files(folder),
        )
        if reasons:
            raise dg.Failure(f"{name} is not pushed. {' '.join(reasons)}", allow_retries=False)
        token = os.environ.get("HF_TOKEN", "")
        address = push_folder(folder, config.repo, token, config.private, context.log.info)
    return dg.MaterializeResult(
        metadata={"commit": dg.MetadataValue.url(address), "rows": mixture.height}
    )


def _partitions(mixture: pl.DataFrame) -> list[Partition]:
    """Every partition that the mixture takes rows from."""
    cells = mixture.select("model", "shard").unique(maintain_order=True)
    return [Partition(model, shard) for model, shard in cells.iter_rows()]


def _writers(store: Store, recipe: Recipe, mixture: pl.DataFrame) -> list[str]:
    """The models that wrote an answer of the mixture, those whose answers are rejected too."""
    writers = set(mixture["model"])
    if recipe.rejected:
        for at in _partitions(mixture):
            pairs = store.read(PREFERENCE_PAIRS, at, "rejected_model")
            writers |= set(pairs["rejected_model"].drop_nulls())
    return [name for name in CATALOG.models if name in writers]


def _engines(store: Store, mixture: pl.DataFrame, writers: Sequence[str]) -> set[str]:
    """What served the writers on the shards of the mixture."""
    places = product(writers, mixture["shard"].unique())
    return {
        str(engine)
        for at in (Partition(model, shard) for model, shard in places)
        if store.holds(ALIGNED, at)
        for engine in store.read(ALIGNED, at, "engine")["engine"].drop_nulls()
    }


def _broken_contracts(store: Store, recipe: Recipe, mixture: pl.DataFrame) -> list[str]:
    """The blocking checks that do not hold now, whatever Dagster has recorded of them."""
    checks = [
        check
        for table in (*STEPS, ROW_QUALITY, rows_of(recipe))
        for check in checks_of(CHECKS, table)
        if check.blocking
    ]
    return [
        f"{check.table.name}/{check.name} for {at.key}"
        for at in _partitions(mixture)
        for check in checks
        if not check.evaluate(StoredEvidence(store, (str(at.shard),), at.model)).passed
    ]


EXPORTS = [exports, hub_datasets]
