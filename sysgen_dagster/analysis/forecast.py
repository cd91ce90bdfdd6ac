"""Before you spend: what is still to be asked of a model; afterwards, what it came to.

A figure of a sample is its mean times the conversations in question. Its margin is 1.96 standard
errors with the correction for a finite population, so none where every row was counted. It tells
of the chance of sampling alone, not of what was assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from sysgen_dagster.analysis.expected_work import PHASES
from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.analysis.tables import FORECAST, FORECAST_AGAINST_ACTUAL
from sysgen_dagster.catalog.models import Model, Price, Rates
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.tables.rates import Z95

# Fewer answered rows of a source say too little to take the place of what is assumed.
LEAST_MEASURED = 20
# vLLM's prefix cache keeps whole blocks, of 16 tokens on a GPU.
_CACHE_BLOCK = 16
FIGURES = ("requests", "prompt_tokens", "completion_tokens")
METRICS = (*FIGURES, "prompt_tokens_shared", "gpu_hours", "money")
_BY = ["source", "phase"]


@dataclass(frozen=True, slots=True)
class Basis:
    """What a forecast stands on.

    Attributes:
        conversations: One row per source and phase: ``conversations`` that have not been through
            it, and ``of_rows``, those that the sample was drawn from.
        expected: `expected_work.WORK` of the sample.
        measured: `expected_work.WORK` of what is answered already; may be empty.
        shared: By phase, the tokens at the beginning of all its prompts.
        counted_with: What counted the tokens.
        one_attempt: Whether Phase 1 asks once for each conversation.
        assumed: What was assumed where nothing is measured.
    """

    conversations: pl.DataFrame
    expected: pl.DataFrame
    measured: pl.DataFrame
    shared: Mapping[str, int]
    counted_with: str
    one_attempt: bool
    assumed: str


def build_forecast(basis: Basis, model: Model) -> pl.DataFrame:
    """`tables.FORECAST`: one row per source and phase, in the order of the conversations."""
    counted, measured = _means(basis.expected), _means(basis.measured)
    enough = pl.col("rows_measured").fill_null(0) >= LEAST_MEASURED
    table = basis.conversations.join(
        counted, on=_BY, how="left", maintain_order="left", validate="1:1"
    ).join(measured, on=_BY, how="left", maintain_order="left", suffix="_measured", validate="1:1")
    # The prompts of Phase 1 are known from any row; a pilot's are those of the first rows.
    prompts_counted = (pl.col("phase") == ANNOTATED.name) & pl.lit(basis.one_attempt)
    from_rows = dict.fromkeys(FIGURES, enough)
    from_rows["prompt_tokens"] = enough & ~prompts_counted
    figures = [
        pl.when(use)
        .then(pl.col(f"{name}{ending}_measured"))
        .otherwise(pl.col(f"{name}{ending}"))
        .alias(f"{name}{ending}")
        for name, use in from_rows.items()
        for ending in ("", "_deviation")
    ]
    rows = pl.when(from_rows["prompt_tokens"]).then("rows_measured").otherwise("rows")
    shared = pl.col("phase").replace_strict(_whole_blocks(basis.shared), return_dtype=pl.Float64)
    many = pl.col("conversations")
    return (
        table.with_columns(
            *figures,
            measured=enough,
            prompts_counted=prompts_counted,
            rows=rows,
            rows_answered=pl.col("rows_measured"),
        )
        .with_columns(
            prompt_tokens_margin=pl.when(prompts_counted | enough).then(
                _margin("prompt_tokens", pl.col("rows"))
            ),
            completion_tokens_margin=pl.when(enough).then(
                _margin("completion_tokens", pl.col("rows_answered"))
            ),
            basis=_basis(),
            counted_with=pl.lit(basis.counted_with),
            assumed=pl.when(~enough).then(pl.lit(basis.assumed)),
        )
        .with_columns(pl.col(name) * many for name in FIGURES)
        .with_columns(
            prompt_tokens_shared=pl.min_horizontal(
                pl.col("requests") * shared, pl.col("prompt_tokens")
            )
        )
        .with_columns(
            gpu_hours=gpu_hours(model.rates),
            money=money(model.price),
            currency=pl.lit(model.price.currency if model.price else None, dtype=pl.String),
        )
        .select(FORECAST.names)
        .cast(pl.Schema(FORECAST.schema))
    )


def compare_with_actual(
    made: pl.DataFrame, measured: pl.DataFrame, engine: pl.DataFrame, model: Model
) -> pl.DataFrame:
    """`tables.FORECAST_AGAINST_ACTUAL`, for the sources that were forecast and are answered.

    Args:
        made: The stored forecast, taken for as many conversations as are answered.
        measured: `expected_work.WORK` of what is answered.
        engine: One row per source and phase: ``seconds`` in which the engine was asked and
            ``prompt_tokens_shared``, what its prefix cache gave; null where not known.
        model: Its price, and the GPUs of its engine.
    """
    actual = (
        measured.join(made, on=_BY, how="semi")
        .group_by(_BY, maintain_order=True)
        .agg(pl.len().alias("conversations"), *(pl.col(name).sum() for name in FIGURES))
        .join(engine, on=_BY, how="left", maintain_order="left", validate="1:1")
    )
    # Without a count of the cache nothing is known of the money.
    actual = actual.with_columns(
        gpu_hours=pl.col("gpu_seconds") / 3600, money=money(model.price)
    ).drop("gpu_seconds")
    wanted = made.select(
        *_BY,
        *(
            pl.when(pl.col("conversations") > 0)
            .then(pl.col(name) / pl.col("conversations"))
            .alias(name)
            for name in METRICS
        ),
    )
    done = actual.select(*_BY, "conversations")
    metrics = [*METRICS, "seconds"]
    actual = actual.with_row_index("place")
    expected = done.join(wanted, on=_BY, how="left", maintain_order="left").with_columns(
        *(pl.col(name) * pl.col("conversations") for name in METRICS),
        seconds=pl.lit(None, dtype=pl.Float64),
    )
    return (
        _long(actual, metrics, "actual", "place")
        .join(
            _long(expected, metrics, "forecast").drop("conversations"),
            on=[*_BY, "metric"],
            how="left",
            maintain_order="left",
        )
        .sort("place", maintain_order=True)
        .select(FORECAST_AGAINST_ACTUAL.names)
        .cast(pl.Schema(FORECAST_AGAINST_ACTUAL.schema))
    )


def _long(table: pl.DataFrame, metrics: list[str], value: str, *index: str) -> pl.DataFrame:
    return table.with_columns(pl.col(metrics).cast(pl.Float64)).unpivot(
        metrics, index=[*_BY, "conversations", *index], variable_name="metric", value_name=value
    )


def summarize_forecast(table: pl.DataFrame, model: Model | None) -> pl.DataFrame:
    """The forecast with lines over all sources, by phase and in all, before those of the sources.

    Their ``basis`` says where rates and prices come from, or what to add to have them.
    """
    rates, price = (model.rates, model.price) if model else (None, None)
    told = [
        f"rates: {rates.source}" if rates else "GPU-hours: add `rates` to the model's entry",
        f"price: {price.source}" if price else "money: add `price` to the model's entry",
    ]
    added = ["requests", "prompt_tokens", "prompt_tokens_shared", "completion_tokens"]
    over_all = [
        table.with_columns(source=pl.lit(ALL), **phase)
        .group_by("source", "phase", maintain_order=True)
        .agg(
            pl.col("conversations").sum(),
            pl.col(added).sum(),
            *(_sum_of_known(name) for name in ("gpu_hours", "money")),
            *(_joint_margin(name) for name in ("prompt_tokens", "completion_tokens")),
            pl.col("currency", "counted_with").first(),
            pl.col("assumed").drop_nulls().first(),
        )
        for phase in ({}, {"phase": pl.lit(ALL)})
    ]
    # A conversation goes through three phases: their sum is none of conversations.
    lines = pl.concat(over_all).with_columns(
        basis=pl.lit("; ".join(told)),
        conversations=pl.when(pl.col("phase") != ALL).then("conversations"),
    )
    return pl.concat([lines.select(FORECAST.names), table])


def compute_ratios(compared: pl.DataFrame) -> pl.DataFrame:
    """Actual by forecast over all sources, by phase and in all, then by source and phase.

    Grain: source, phase, metric, of `tables.FORECAST_AGAINST_ACTUAL`; those of which nothing is
    known are left out. ``ratio`` is null where nothing was forecast or the actual is not known.
    """
    over_all = [
        compared.with_columns(source=pl.lit(ALL), **phase)
        .group_by(*_BY, "metric", maintain_order=True)
        .agg(_sum_of_known("forecast"), _sum_of_known("actual"))
        for phase in ({}, {"phase": pl.lit(ALL)})
    ]
    sums = pl.concat([*over_all, compared.drop("conversations")])
    wanted = pl.when(pl.col("forecast") > 0).then(pl.col("forecast"))
    known = pl.any_horizontal(pl.col("forecast", "actual").is_not_null())
    return sums.filter(known).with_columns(ratio=pl.col("actual") / wanted)


def _sum_of_known(name: str) -> pl.Expr:
    """The sum where every row has a figure, else null."""
    return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).alias(name)


def _joint_margin(name: str) -> pl.Expr:
    """That of a sum of independent samples."""
    margin = pl.col(f"{name}_margin")
    return pl.when(margin.null_count() == 0).then((margin**2).sum().sqrt()).alias(f"{name}_margin")


def gpu_hours(rates: Rates | None) -> pl.Expr:
    """Hours of one GPU for a row's tokens; those of the prefix cache cost none."""
    if rates is None:
        return pl.lit(None, dtype=pl.Float64)
    asked = pl.col("prompt_tokens") - pl.col("prompt_tokens_shared")
    seconds = (
        asked / rates.prompt_tokens_per_gpu_s
        + pl.col("completion_tokens") / rates.completion_tokens_per_gpu_s
    )
    return seconds / 3600


def money(price: Price | None) -> pl.Expr:
    """What a row's tokens cost at an endpoint."""
    if price is None:
        return pl.lit(None, dtype=pl.Float64)
    cached = pl.col("prompt_tokens_shared")
    millionths = (
        (pl.col("prompt_tokens") - cached) * price.per_million_prompt
        + cached * price.per_million_cached
        + pl.col("completion_tokens") * price.per_million_completion
    )
    return millionths / 1e6


def _means(work: pl.DataFrame) -> pl.DataFrame:
    """One row per source and phase: ``rows``, mean and deviation of each figure."""
    return work.group_by(_BY).agg(
        pl.len().alias("rows"),
        *(pl.col(name).mean() for name in FIGURES),
        *(pl.col(name).std().fill_null(0).alias(f"{name}_deviation") for name in FIGURES),
    )


def _whole_blocks(shared: Mapping[str, int]) -> dict[str, float]:
    return {phase: float(shared[phase] // _CACHE_BLOCK * _CACHE_BLOCK) for phase in PHASES}


def _margin(name: str, rows: pl.Expr) -> pl.Expr:
    left_out = (1 - rows / pl.max_horizontal("of_rows", rows)).sqrt()
    error = pl.col(f"{name}_deviation") / rows.cast(pl.Float64).sqrt()
    return Z95 * error * left_out * pl.col("conversations")


def _basis() -> pl.Expr:
    """How each row's figures were found, in short."""
    counted = pl.format("prompts counted on {} of {} rows, the rest ", "rows", "of_rows")
    measured = pl.format("measured on {} answered rows", "rows_answered")
    rest = pl.when("measured").then(measured).otherwise(pl.lit("assumed"))
    return pl.when("prompts_counted").then(counted).otherwise(pl.lit("")) + rest
