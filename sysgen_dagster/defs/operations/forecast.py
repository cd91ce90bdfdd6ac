"""The asset `forecast`: for each model the rows that are left, and what they are going to cost."""

from collections.abc import Iterator

import polars as pl

from sysgen_dagster.analysis.expected_samples import (
    CALIBRATION_COLUMNS,
    expect_calibration,
    expect_samples,
    measure_calibration,
    measure_samples,
)
from sysgen_dagster.analysis.expected_samples import COLUMNS as SAMPLE_COLUMNS
from sysgen_dagster.analysis.expected_sets import COLUMNS as SET_COLUMNS
from sysgen_dagster.analysis.expected_sets import (
    expect_bench,
    expect_sets,
    measure_bench,
    measure_sets,
)
from sysgen_dagster.analysis.expected_work import measure_texts
from sysgen_dagster.analysis.forecast import build_forecast
from sysgen_dagster.analysis.measured_work import (
    COLUMNS,
    JUDGED_COLUMNS,
    WORK,
    measure_judging,
    measure_work,
)
from sysgen_dagster.analysis.tables import FORECAST
from sysgen_dagster.catalog.sources import Exchanges
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.lanes.multifaceted.bench.tables import (
    BENCH_INSTRUCTIONS,
    BENCH_REFERENCES,
    BENCH_RUBRICS,
)
from sysgen_dagster.lanes.multifaceted.steps import ASKED
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    JUDGED_PAIRS,
    PREFERENCE_SETS,
    SELECTION,
)
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED
from sysgen_dagster.obedience.tables import (
    JUDGE_CALIBRATION,
    JUDGED_ALIGNMENT,
    JUDGED_PREFERENCES,
    OBEDIENCE,
)
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.evidence import finished_shards
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.table import Partition, kept

# The rows of each source that a judge is shown.
_SAMPLES = {
    JUDGED_PREFERENCES: CATALOG.judging.preference_rows,
    JUDGED_ALIGNMENT: CATALOG.judging.alignment_rows,
}
_READ = ("source", "history", "question", "answer", "drop_reason")


def forecast_of(store: Store, model: Generator) -> pl.DataFrame:
    """`tables.FORECAST` of one model, over all shards whose source is stored.

    Raises:
        StoreError: No source is stored, or shards are of different cuts.
    """
    for table in (CONVERSATIONS, *SOURCE_TABLES.values()):
        finished_shards(store, CATALOG, table)  # refuses shards of different cuts
    texts = [
        measure_texts(kept(rows), whole=CATALOG.source_of(shard).exchanges is Exchanges.WHOLE)
        for shard in CATALOG.partition_values["shard"]
        if (rows := _conversations(store, shard)) is not None
    ]
    if not texts:
        raise StoreError(
            "a forecast needs to know the rows, and no source is stored: materialize the sources "
            "first; that sends no request to a model"
        )
    parts = [work_done(store, model.name), judging_done(store, model.name)]
    done = pl.concat([*parts, sets_done(store, model.name), bench_done(store, model.name)])
    done = pl.concat([done, samples_done(store, model.name, done)])
    every, judging = pl.concat(texts, how="diagonal"), CATALOG.judging
    samples = [expect_samples(every, model, judging), expect_calibration(judging)]
    beside = pl.concat([*samples, *_expect_sets(store, model.name)])
    asked = {
        **{table.name: [CATALOG.judge_of(model.name)] for table in (JUDGED_PAIRS, *_SAMPLES)},
        JUDGE_CALIBRATION.name: CATALOG.every_judge_of(model.name),
    }
    return build_forecast(
        every,
        done,
        model,
        CATALOG.method,
        CATALOG.judges_of(model.name),
        judging.obedience,
        beside,
        asked,
    )


def _expect_sets(store: Store, model: str) -> Iterator[pl.DataFrame]:
    """What the second lane needs of a model; nothing where its instructions are not chosen."""
    if CATALOG.multifaceted is None or not store.holds(SELECTION, Partition()):
        return
    selection = store.read(SELECTION, Partition(), "position", "question", "drop_reason")
    yield expect_sets(selection, CATALOG.multifaceted)
    if _writes_bench(model):
        yield expect_bench(selection, CATALOG.multifaceted)


def _writes_bench(model: str) -> bool:
    return CATALOG.bench_writer is not None and CATALOG.bench_writer.name == model


def bench_done(store: Store, model: str) -> pl.DataFrame:
    """`measured_work.WORK` of the stored bench, if the model wrote it."""
    parts, at = [pl.DataFrame(schema=WORK)], Partition()
    asked = ("attempts", "prompt_tokens", "completion_tokens")
    for table in (BENCH_REFERENCES, BENCH_RUBRICS) if _writes_bench(model) else ():
        if store.holds(table, at) and store.holds(BENCH_INSTRUCTIONS, at):
            held_out = store.read(BENCH_INSTRUCTIONS, at, "conversation_id").height
            parts.append(measure_bench(table.name, held_out, store.read(table, at, *asked)))
    return pl.concat(parts)


def sets_done(store: Store, model: str) -> pl.DataFrame:
    """`measured_work.WORK` of all stored rows of the second lane of a model and its judge."""
    parts = [pl.DataFrame(schema=WORK)]
    for shard in finished_shards(store, CATALOG, PREFERENCE_SETS, model):
        at = Partition(model, shard)
        sets = store.read(PREFERENCE_SETS, at, *SET_COLUMNS)
        for table in ASKED:
            more = ["attempt"] if "attempt" in table.columns else []
            if store.holds(table, at):
                answered = store.read(table, at, *SET_COLUMNS, *more)
                parts.append(measure_sets(table.name, sets, answered))
    return pl.concat(parts)


def _conversations(store: Store, shard: str) -> pl.DataFrame | None:
    """The conversations of a shard; None where its source is not stored either.

    Where they are not stored but their source is, they are made here and not stored.
    """
    at, source = Partition(shard=shard), CATALOG.source_of(shard)
    if store.holds(CONVERSATIONS, at):
        return store.read(CONVERSATIONS, at, *_READ)
    rows = SOURCE_TABLES[source.name]
    if store.holds(rows, at):
        return build_conversations(store.read(rows, at), source, store.excluded())
    return None


def work_done(store: Store, model: str) -> pl.DataFrame:
    """`measured_work.WORK` of all stored rows of a model, those of pilots too."""
    stored = {table: finished_shards(store, CATALOG, table, model) for table in COLUMNS}
    parts = [pl.DataFrame(schema=WORK)]
    for shard in stored[ANNOTATED]:
        at = Partition(model, shard)
        annotated = store.read(ANNOTATED, at, *COLUMNS[ANNOTATED])
        parts += [
            measure_work(table.name, annotated, store.read(table, at, *columns))
            for table, columns in COLUMNS.items()
            if shard in stored[table]
        ]
    return pl.concat(parts)


def judging_done(store: Store, model: str) -> pl.DataFrame:
    """The same of what a judge was asked about the phrases of a model's messages."""
    parts = [pl.DataFrame(schema=WORK)]
    for shard in finished_shards(store, CATALOG, OBEDIENCE, model):
        at = Partition(model, shard)
        annotated = store.read(ANNOTATED, at, *COLUMNS[ANNOTATED])
        parts.append(measure_judging(annotated, store.read(OBEDIENCE, at, *JUDGED_COLUMNS)))
    return pl.concat(parts)


def samples_done(store: Store, model: str, done: pl.DataFrame) -> pl.DataFrame:
    """The same of the samples of a model's answers, and of the labelled items for its judges.

    Args:
        store: Where they are stored.
        model: Whose answers they are of.
        done: `measured_work.WORK` of its phases.
    """
    parts, at = [pl.DataFrame(schema=WORK)], Partition(model)
    begun = done.filter(phase=ANNOTATED.name).group_by("source").agg(pl.col("conversations").sum())
    begun = begun.join(_kept_answers(store, model), on="source", how="left")
    for table, rows in _SAMPLES.items():
        if store.holds(table, at):
            judged = store.read(table, at, *SAMPLE_COLUMNS)
            parts.append(measure_samples(table.name, rows, judged, begun))
    if store.holds(JUDGE_CALIBRATION, at):
        parts.append(measure_calibration(store.read(JUDGE_CALIBRATION, at, *CALIBRATION_COLUMNS)))
    return pl.concat(parts)


def _kept_answers(store: Store, model: str) -> pl.DataFrame:
    """By ``source``, how many answers of a model were ``kept``, without excluded conversations."""
    columns, excluded = ("conversation_id", "source", "drop_reason"), store.excluded()
    rows = [
        kept(store.read(ALIGNED, Partition(model, shard), *columns))
        for shard in finished_shards(store, CATALOG, ALIGNED, model)
    ]
    none = pl.DataFrame(schema={name: ALIGNED.schema[name] for name in columns[:2]})
    every = pl.concat([none, *(each.select(columns[:2]) for each in rows)])
    is_there = ~pl.col("conversation_id").is_in(list(excluded))
    return every.filter(is_there).group_by("source").agg(kept=pl.len())


_OF_LANE = [SELECTION, GOLD_ANSWERS] if CATALOG.multifaceted else []
_OF_LANE += [BENCH_RUBRICS] if CATALOG.bench_writer else []


@table_asset(FORECAST, reads=[CONVERSATIONS, ALIGNED, *_OF_LANE], kinds={"polars"})
def forecast(run: AssetRun) -> pl.DataFrame:
    """Requests, tokens, GPU-hours and money that a model will need for the rows that are left.

    It is computed from what the rows needed that the model has finished, those of a pilot too.
    Before it has finished any, the figures are rough: they follow from the lengths of the texts.
    """
    return forecast_of(run.store, run.model)
