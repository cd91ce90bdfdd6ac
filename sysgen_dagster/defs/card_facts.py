"""What the card of an export states beside what its rows say: figures, languages, prompts."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import polars as pl

from sysgen_dagster.analysis.obedience_counts import READ, count_obedience, summarize_obedience
from sysgen_dagster.analysis.tables import (
    ANSWER_SIMILARITY,
    OBEDIENCE_COUNTS,
    QUALITY_COUNTS,
    ROW_QUALITY,
)
from sysgen_dagster.catalog.recipes import Lane, Recipe
from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import StoredStatistics
from sysgen_dagster.lanes.multifaceted import pair_judgement
from sysgen_dagster.lanes.multifaceted.settings import InstructionSource
from sysgen_dagster.lanes.multifaceted.steps import STEPS
from sysgen_dagster.lanes.sysgen.counts import count_results, summarize_results
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, RESULT_COUNTS, RETENTION, TAG_COUNTS
from sysgen_dagster.obedience.calibration import Kind
from sysgen_dagster.obedience.tables import JUDGE_CALIBRATION, OBEDIENCE
from sysgen_dagster.obedience.worth import name_judges
from sysgen_dagster.report.view import over_all_and_by_source, without_empty_paper
from sysgen_dagster.report.views import VIEWS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster.training_sets.export.card import CardFacts, Figure
from sysgen_dagster.training_sets.mixtures import count_missing
from sysgen_dagster.training_sets.reviewed import texts_of
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS

# The statistics of each model that the card shows.
_ON_THE_CARD = (RETENTION, TAG_COUNTS, ANSWER_SIMILARITY, QUALITY_COUNTS)
# What is read of answers to count their results.
_OF_RESULTS = ("source", "result", "result_kind", "first_result", "is_original", "drop_reason")
_RARE = 0.001  # of the questions: the card does not name a language with a smaller share


def partitions_of(mixture: pl.DataFrame) -> list[Partition]:
    """The partitions that the mixture takes rows from."""
    cells = mixture.select("model", "shard").unique(maintain_order=True)
    return [Partition(model, shard) for model, shard in cells.iter_rows()]


def sources_of(recipe: Recipe) -> Mapping[str, Source | InstructionSource]:
    """The sources that rows of a recipe may be from, in the order of the catalogue."""
    if recipe.lane is Lane.MULTIFACETED:
        return CATALOG.multifaceted.sources if CATALOG.multifaceted else {}
    return CATALOG.sources


def build_facts(
    store: Store, recipe: Recipe, mixture: pl.DataFrame, contamination: Mapping[str, Any]
) -> CardFacts:
    """Facts for the card; `contamination` is what was noted when benchmarks were searched for."""
    if recipe.lane is Lane.MULTIFACETED:
        return _build_facts_of_sets(store, recipe, mixture)
    models = [name for name in CATALOG.models if name in mixture["model"]]
    return CardFacts(
        recipe=recipe,
        training=CATALOG.training,
        titles={name: source.title for name, source in CATALOG.sources.items()},
        prompts={
            prompt.name: prompt.fingerprint
            for phase in PHASES
            if (prompt := phase.prompt(CATALOG.method))
        },
        method=CATALOG.method.label,
        version=version("sysgen-dagster"),
        figures=[*_build_figures(store, models), *_measure_answers(store, recipe, mixture)],
        languages=_find_languages(store, mixture),
        searched=contamination.get("benchmarks"),
        missing=count_missing(mixture, recipe),
    )


def _build_facts_of_sets(store: Store, recipe: Recipe, mixture: pl.DataFrame) -> CardFacts:
    """The same of rows of the second lane, in which no benchmark was searched for."""
    prompts = [step.prompt for step in STEPS if step.prompt]
    prompts += [pair_judgement.PROMPT] if recipe.rejected else []
    return CardFacts(
        recipe=recipe,
        training=CATALOG.training,
        titles={name: source.title for name, source in sources_of(recipe).items()},
        prompts={prompt.name: prompt.fingerprint for prompt in prompts},
        version=version("sysgen-dagster"),
        figures=[*_count_pairs(store, mixture)] if recipe.rejected else [],
        missing=count_missing(mixture, recipe),
    )


def _count_pairs(store: Store, mixture: pl.DataFrame) -> Iterator[Figure]:
    """What became of each answer of the partitions of a mixture, and by whose judgement."""
    read = ("source", "model", "judge", "drop_reason")
    rows = pl.concat(store.read(MULTIFACETED_PAIRS, at, *read) for at in partitions_of(mixture))
    counts = (
        rows.with_columns(pl.col("drop_reason").fill_null("a pair").alias("became"))
        .group_by("model", "became")
        .agg(answers=pl.len(), judges=pl.col("judge").drop_nulls().unique().sort().str.join(", "))
        .with_columns(share=pl.col("answers") / pl.col("answers").sum().over("model"))
        .sort("model", "answers", "became", descending=[False, True, False])
    )
    yield Figure("Answers that are chosen in a pair, and why others are not", counts, ".1%")


def _build_figures(store: Store, models: Sequence[str]) -> Iterator[Figure]:
    for view in (view for view in VIEWS if view.table in _ON_THE_CARD):
        frames = [
            over_all_and_by_source(summary)[0].select(pl.lit(model).alias("model"), pl.all())
            for model in models
            if (summary := view.read(StoredStatistics(store, model))) is not None
        ]
        if frames:
            yield Figure(view.title, without_empty_paper(pl.concat(frames)), view.number_format)


def _measure_answers(store: Store, recipe: Recipe, mixture: pl.DataFrame) -> Iterator[Figure]:
    """How far the answers of these rows obey and keep results, where they are new ones."""
    _, has_new_answers = texts_of(recipe)
    if not has_new_answers:
        return
    by_model = {
        model: count_obedience(obedience)
        for [model], taken in mixture.group_by("model", maintain_order=True)
        for obedience in [_read_taken(store, taken, OBEDIENCE, *READ)]
    }
    if (counts := pl.concat(by_model.values())).height:
        judges = [
            name_judges(
                counts["by"],
                Kind.PHRASE,
                StoredStatistics(store, model).read(JUDGE_CALIBRATION),
                wrote_answers=bool(counts["judge_is_generator"].any()),
            )
            for model, counts in by_model.items()
        ]
        judge = pl.lit("; ".join(dict.fromkeys(filter(None, judges))), pl.String)
        yield _of_this_export(
            OBEDIENCE_COUNTS, summarize_obedience(counts).with_columns(judge=judge)
        )
    aligned = _read_taken(store, mixture, ALIGNED, *_OF_RESULTS)
    if (results := count_results(aligned)).height:
        yield _of_this_export(RESULT_COUNTS, summarize_results(results))


def _read_taken(store: Store, mixture: pl.DataFrame, table: Table, *columns: str) -> pl.DataFrame:
    """These columns of the rows of a mixture, as far as the table is stored."""
    parts = [
        store.read(table, at, "conversation_id", *columns).join(
            taken, on="conversation_id", how="semi"
        )
        for (model, shard), taken in mixture.group_by("model", "shard", maintain_order=True)
        if store.holds(table, at := Partition(str(model), str(shard)))
    ]
    return pl.concat([table.empty().select("conversation_id", *columns), *parts])


def _of_this_export(table: Table, summary: pl.DataFrame) -> Figure:
    view = next(view for view in VIEWS if view.table == table)
    title = f"{view.title}, in the rows of this export"
    return Figure(title, summary, view.number_format, view.lead)


def _find_languages(store: Store, mixture: pl.DataFrame) -> list[str]:
    """The languages of the questions, the most frequent first."""
    languages = pl.concat(
        store.read(ROW_QUALITY, at, "question_language").to_series()
        for at in partitions_of(mixture)
    )
    shares = languages.alias("language").drop_nulls().value_counts(normalize=True)
    named = shares.filter(pl.col("proportion") > _RARE)
    return named.sort("proportion", "language", descending=[True, False])["language"].to_list()
