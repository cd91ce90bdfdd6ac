"""What the phases are going to cost a model, before they do; afterwards what they did cost.

A forecast stays as it was made until it is materialized again, so that it can be held against what
came of it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import dagster as dg
import polars as pl
from pydantic import Field

from sysgen_dagster.analysis.expected_work import (
    PHASES,
    WORK,
    estimate_work,
    kept_share,
    length_ratio,
)
from sysgen_dagster.analysis.forecast import Basis, build_forecast, compare_with_actual
from sysgen_dagster.analysis.measured_work import COLUMNS, measure_work
from sysgen_dagster.analysis.sampling import draw_stratified_sample
from sysgen_dagster.analysis.tables import FORECAST, FORECAST_AGAINST_ACTUAL
from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun, StoredStatistics
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.token_counting import token_counter
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import Partition, kept

SAMPLED_ROWS = 200  # of a source: prompts to about 5 % either way, in some seconds
_ASKED = ("conversation_id", "source", "history", "question", "answer", "drop_reason")
_SEED = 0
_MOST_RUNS = 100  # of a partition, that are looked at


def forecast_of(
    store: Store,
    engines: Engines,
    model: str,
    shards: Sequence[str],
    everything: bool,
    rows: int,
    report: Callable[[str], None],
) -> pl.DataFrame:
    """`tables.FORECAST` of one model for the shards whose conversations are stored.

    Forecast are the conversations that have not been through a phase, or `everything` as if none
    had; what is answered is measured all the same. `rows` of each source are rendered and counted;
    more make the margins smaller.

    Raises:
        StoreError: There are no conversations for any of them.
        TokenCountError: The model's tokens cannot be counted.
    """
    stored = _stored_shards(store, shards)
    entry = CATALOG.models[model]
    counter = token_counter(engines, entry, report)
    sample = _sample(store, stored, rows)
    expected, shared = estimate_work(sample, entry, CATALOG.method, counter)
    method = CATALOG.method
    basis = Basis(
        conversations=_to_do(store, model, stored, everything),
        expected=expected,
        measured=measured_so_far(store, model, stored),
        shared=shared,
        counted_with=counter.how,
        one_attempt=method.samples == 1 and not method.repair,
        assumed=_assumed(entry),
    )
    return build_forecast(basis, entry)


def measured_so_far(store: Store, model: str, shards: Sequence[str]) -> pl.DataFrame:
    """`expected_work.WORK` of the shards that the model has finished, whole or in a pilot."""
    done = set(finished_shards(store, CATALOG, ALIGNED, model))
    parts = [
        measure_work(*(part.read(TABLES[table], *columns) for table, columns in COLUMNS.items()))
        for part in _evidence(store, [shard for shard in shards if shard in done], model)
    ]
    return pl.concat(parts) if parts else pl.DataFrame(schema=WORK)


def compared_with_actual(
    store: Store, model: str, made: pl.DataFrame, instance: dg.DagsterInstance
) -> pl.DataFrame:
    """`tables.FORECAST_AGAINST_ACTUAL` of one model's finished shards and a forecast.

    Raises:
        StoreError: It has finished none.
    """
    shards = finished_shards(store, CATALOG, ALIGNED, model)
    if not shards:
        raise StoreError(f"{model} has finished no shard: there is nothing to compare with yet")
    measured = measured_so_far(store, model, shards)
    engine = engine_figures(instance, model, shards)
    return compare_with_actual(made, measured, engine, CATALOG.models[model])


def stored_forecast(store: Store, model: str) -> pl.DataFrame:
    """`tables.FORECAST` as it was made.

    Raises:
        StoreError: It was not.
    """
    made = StoredStatistics(store, model).read(FORECAST)
    if made is None:
        raise StoreError(
            f"there is no forecast for {model} to compare with: materialize `forecast` before the "
            "phases; afterwards with `everything: true`, which knows what was measured"
        )
    return made


def engine_figures(instance: dg.DagsterInstance, model: str, shards: Iterable[str]) -> pl.DataFrame:
    """One row per source and phase, summed over the shards and every run that stored one.

    Returns:
        ``seconds``, ``prompt_tokens_shared`` and, for vLLM on this machine, ``gpu_seconds``; null
        where no run tells. Runs that ask at the same time share a GPU, and each counts its seconds.
    """
    entry = CATALOG.models[model]
    gpus = len(entry.gpus)
    told = [
        {"source": split_shard(shard)[0], "phase": phase, **figures}
        for shard in shards
        for phase in PHASES
        for figures in _engine_metadata(instance, phase, Partition(model, shard))
    ]
    schema = dict.fromkeys(("seconds", "prompt_tokens_shared"), pl.Float64())
    rows = pl.DataFrame(told, schema={"source": pl.String(), "phase": pl.String(), **schema})
    is_vllm = pl.lit(entry.engine is Engine.VLLM)
    return (
        rows.group_by("source", "phase", maintain_order=True)
        .agg(pl.col(schema).sum())
        .with_columns(gpu_seconds=pl.when(is_vllm).then(pl.col("seconds") * gpus))
    )


def _engine_metadata(
    instance: dg.DagsterInstance, phase: str, at: Partition
) -> Iterator[dict[str, float]]:
    names = {"seconds": "engine/seconds", "prompt_tokens_shared": "engine/prompt_tokens_from_cache"}
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=dg.AssetKey(phase), asset_partitions=[str(at.key)]),
        limit=_MOST_RUNS,
    ).records
    for record in records:
        found = record.asset_materialization
        if found is not None and set(names.values()) <= found.metadata.keys():
            values = {name: found.metadata[key].value for name, key in names.items()}
            yield {
                name: float(value)
                for name, value in values.items()
                if isinstance(value, int | float)
            }


def _stored_shards(store: Store, shards: Sequence[str]) -> list[str]:
    there = set(finished_shards(store, CATALOG, CONVERSATIONS))
    stored = [shard for shard in shards if shard in there]
    if not stored:
        raise StoreError(
            "a forecast needs conversations, and none are stored for "
            f"{', '.join(shards[:3])}{' ...' if len(shards) > 3 else ''}: materialize the sources "
            "and `conversations` first; they ask no model"
        )
    return stored


def _evidence(store: Store, shards: Sequence[str], model: str | None) -> Iterator[StoredEvidence]:
    return StoredEvidence(store, tuple(shards), model).by_shard()


def _sample(store: Store, shards: Sequence[str], rows: int) -> pl.DataFrame:
    parts = (
        draw_stratified_sample(kept(part.read(CONVERSATIONS, *_ASKED)), rows, _SEED)
        for part in _evidence(store, shards, None)
    )
    return draw_stratified_sample(pl.concat(parts), rows, _SEED).drop("drop_reason")


def _to_do(store: Store, model: str, shards: Sequence[str], everything: bool) -> pl.DataFrame:
    """One row per source and phase: ``conversations`` that it waits for, ``of_rows`` in all."""
    written = {
        phase: set(finished_shards(store, CATALOG, TABLES[phase], model)) for phase in PHASES
    }
    counts = []
    for shard, part in zip(shards, _evidence(store, shards, None), strict=True):
        source, _ = split_shard(shard)
        usable = kept(part.read(CONVERSATIONS, "drop_reason")).height
        asked = _asked(store, model, shard) if shard in written[PHASES[0]] else 0
        for phase in PHASES:
            done = asked if shard in written[phase] and not everything else 0
            counts.append((source, phase, max(usable - done, 0), usable))
    columns = ["source", "phase", "conversations", "of_rows"]
    return (
        pl.DataFrame(counts, schema=columns, orient="row")
        .group_by("source", "phase", maintain_order=True)
        .agg(pl.col("conversations", "of_rows").sum())
    )


def _asked(store: Store, model: str, shard: str) -> int:
    """Conversations of a shard that Phase 1 took; a pilot leaves the others out."""
    [part] = _evidence(store, [shard], model)
    return part.read(ANNOTATED, "sample").drop_nulls().height


def _assumed(model: Generator) -> str:
    goes_on = f"{kept_share(model):.1%} go on"
    source = "the paper's Table 2" if model.published else "no figures in the paper: all of them"
    return (
        f"messages like the demonstrations of the prompt, {goes_on} ({source}), answers "
        f"{length_ratio(model.name):.2f} times as long as the original ones (its Table 1)"
    )


class Selection(dg.Config):
    """What is forecast.

    Attributes:
        sources: Of the catalogue; all when empty.
        shards: Such as ``capybara-003``; all of the sources when empty.
        everything: As if nothing had been asked; else what is missing.
        rows: Of each source, whose prompts are counted.
    """

    sources: list[str] = Field(default=[])
    shards: list[str] = Field(default=[])
    everything: bool = False
    rows: int = SAMPLED_ROWS


@table_asset(FORECAST, reads=[CONVERSATIONS], kinds={"polars"}, config=Selection, asks=True)
def forecast(run: AssetRun, config: Selection) -> pl.DataFrame:
    """Requests, tokens, GPU-hours and money that a model's missing partitions are going to cost.

    Made by hand before the phases run, and kept as it is to be held against what came of it. Tokens
    are those of the model's own tokenizer on a sample of rows; no engine is started.
    """
    assert run.models is not None
    run.all_shards(CONVERSATIONS)
    return forecast_of(
        run.store,
        run.models.engines(),
        run.model.name,
        shards_of(config.sources, config.shards),
        config.everything,
        config.rows,
        run.context.log.info,
    )


def shards_of(sources: Sequence[str], shards: Sequence[str] = ()) -> list[str]:
    """These shards, else those of these sources, else all.

    Raises:
        StoreError: The catalogue has no such source or shard.
    """
    if unknown := sorted(set(sources) - CATALOG.sources.keys()):
        raise StoreError(f"there is no source {', '.join(unknown)}: {', '.join(CATALOG.sources)}")
    every = [shard for source in sources or CATALOG.sources for shard in CATALOG.shards(source)]
    if unknown := sorted(set(shards) - set(every)):
        raise StoreError(f"there is no shard {', '.join(unknown)}; the last is {every[-1]}")
    return list(shards) or every


@table_asset(FORECAST_AGAINST_ACTUAL, reads=[FORECAST, ALIGNED], kinds={"polars"})
def forecast_against_actual(run: AssetRun) -> pl.DataFrame:
    """What a model's finished partitions came to, beside what was forecast for as many rows."""
    run.all_shards(ALIGNED)
    made = stored_forecast(run.store, run.model.name)
    return compared_with_actual(run.store, run.model.name, made, run.context.instance)


FORECASTS = [forecast, forecast_against_actual]
