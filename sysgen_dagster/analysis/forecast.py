"""What is still to be asked of a model, and what that costs; and what was asked so far.

What the model took for the rows that it is through with says what the rows that are left will take.
Where it is through with none, the characters of the conversations say so roughly.
"""

import polars as pl

from sysgen_dagster.analysis.expected_work import expect_work
from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.analysis.tables import FORECAST
from sysgen_dagster.catalog.models import Model, Price, Rates
from sysgen_dagster.lanes.sysgen.settings import Generator, Method

ROUGH = "rough, by characters"
_FIGURES = ("requests", "prompt_tokens", "completion_tokens")
_DONE = {name: f"{name}_done" for name in ("conversations", *_FIGURES)}
_BY = ["source", "phase"]


def build_forecast(
    texts: pl.DataFrame, done: pl.DataFrame, model: Generator, method: Method
) -> pl.DataFrame:
    """`tables.FORECAST`: one row per source and phase, in the order of the sources.

    Args:
        texts: `expected_work.measure_texts` of all usable conversations, in any number of parts.
        done: `measured_work.WORK`, in any number of parts; may be empty.
        model: Who is asked, with its rates and its price.
        method: How often Phase 1 asks.
    """
    sources = texts.group_by("source", maintain_order=True).sum()
    so_far = done.group_by(_BY).sum().rename(_DONE)
    return (
        sources.select("source", "conversations")
        .join(expect_work(sources, model, method), on="source", maintain_order="left_right")
        .join(so_far, on=_BY, how="left", maintain_order="left", validate="1:1")
        .with_columns(pl.col(_DONE.values()).fill_null(0))
        .with_columns(
            conversations=(pl.col("conversations") - pl.col("conversations_done")).clip(0)
        )
        .with_columns(_left(name) for name in _FIGURES)
        .with_columns(
            gpu_hours=_gpu_hours(model.rates),
            money=_money(model.price),
            currency=pl.lit(model.price.currency if model.price else None, dtype=pl.String),
            basis=pl.when(_is_measured())
            .then(pl.format("measured on {} rows", pl.col("conversations_done").cast(pl.UInt32)))
            .otherwise(pl.lit(ROUGH)),
        )
        .select(FORECAST.names)
        .cast(pl.Schema(FORECAST.schema))
    )


def _is_measured() -> pl.Expr:
    """Whether a row goes by what the model took so far; else it is a rough figure."""
    return pl.col("conversations_done") > 0


def _left(name: str) -> pl.Expr:
    """A figure of the conversations that are left."""
    measured = pl.col(_DONE[name]) / pl.col("conversations_done")
    one = pl.when(_is_measured()).then(measured).otherwise(pl.col(name))
    return (one * pl.col("conversations")).alias(name)


def _gpu_hours(rates: Rates | None) -> pl.Expr:
    if rates is None:
        return pl.lit(None, dtype=pl.Float64)
    seconds = (
        pl.col("prompt_tokens") / rates.prompt_tokens_per_gpu_s
        + pl.col("completion_tokens") / rates.completion_tokens_per_gpu_s
    )
    return seconds / 3600


def _money(price: Price | None) -> pl.Expr:
    if price is None:
        return pl.lit(None, dtype=pl.Float64)
    millionths = (
        pl.col("prompt_tokens") * price.per_million_prompt
        + pl.col("completion_tokens") * price.per_million_completion
    )
    return millionths / 1e6


def summarize_forecast(table: pl.DataFrame) -> pl.DataFrame:
    """The forecast, with lines over all sources, by phase and in all, before the others."""
    rough = pl.col("basis") == ROUGH
    over_all = [
        table.with_columns(source=pl.lit(ALL), **phase)
        .group_by(_BY, maintain_order=True)
        .agg(
            pl.col("conversations", *_FIGURES, *_DONE.values()).sum(),
            # One entry of the catalogue gives all of them or none.
            *(
                pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).alias(name)
                for name in ("gpu_hours", "money")
            ),
            pl.col("currency").first(),
            basis=pl.when(rough.all())
            .then(pl.lit(ROUGH))
            .when(rough.any())
            .then(pl.lit("partly rough"))
            .otherwise(pl.lit("measured")),
        )
        for phase in ({}, {"phase": pl.lit(ALL)})
    ]
    # A conversation goes through three phases: the sum over them is no number of conversations.
    of_one_phase = pl.when(pl.col("phase") != ALL)
    lines = pl.concat(over_all).with_columns(
        of_one_phase.then(name).alias(name) for name in ("conversations", "conversations_done")
    )
    return pl.concat([lines.select(FORECAST.names), table])


def missing_entries(model: Model) -> list[str]:
    """What a model's entry in the catalogue lacks for hours and money: a sentence each."""
    return [
        *([] if model.rates else ["For GPU-hours add `rates` to the model's entry."]),
        *([] if model.price else ["For money add `price` to the model's entry."]),
    ]
