"""The forecast: what is still to be asked of a model, what that costs, and what is done.

The conversations that have completed a phase give the requests and tokens that the remaining ones
will need. Without any, `expected_work` estimates them roughly by characters.
"""

import polars as pl

from sysgen_dagster.analysis.expected_judging import expect_judging
from sysgen_dagster.analysis.expected_work import expect_work
from sysgen_dagster.analysis.measured_work import FIGURES, TOKENS
from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.analysis.tables import FORECAST
from sysgen_dagster.catalog.models import Model
from sysgen_dagster.catalog.operations import Rows
from sysgen_dagster.lanes.sysgen.settings import Generator, Method
from sysgen_dagster.obedience.tables import OBEDIENCE

ROUGH = "rough, by characters"
_DONE = {name: f"{name}_done" for name in ("conversations", *FIGURES)}
_BY = ["source", "phase"]


def build_forecast(
    texts: pl.DataFrame,
    done: pl.DataFrame,
    model: Generator,
    method: Method,
    judge: Model | None = None,
    judged: Rows = 0,
) -> pl.DataFrame:
    """`tables.FORECAST`: one row per source and phase, in the order of the sources.

    Args:
        texts: `expected_work.measure_texts` of all conversations that were not dropped, in any
            number of parts.
        done: `measured_work.WORK`, in any number of parts; may be empty.
        model: The model that is asked, with its rates and its price.
        method: The method's settings, for `expected_work.expect_work`.
        judge: The model that is asked whether answers obey, with its own rates and price.
        judged: Of how many rows of each source it is asked.
    """
    sources = texts.group_by("source", maintain_order=True).sum()
    so_far = done.group_by(_BY).sum().rename(_DONE)
    work = [expect_work(sources, model, method)]
    work += [expect_judging(sources, model, judged)] if judge and judged else []
    return (
        sources.select("source", "conversations")
        .join(pl.concat(work), on="source", maintain_order="left_right")
        .join(so_far, on=_BY, how="left", maintain_order="left", validate="1:1")
        .with_columns(pl.col(_DONE.values()).fill_null(0))
        .with_columns(
            conversations=(pl.col("conversations") - pl.col("conversations_done")).clip(0)
        )
        .with_columns(_left(name) for name in FIGURES)
        .with_columns(
            **_by_asked(model, judge),
            basis=pl.when(_is_measured())
            .then(pl.format("measured on {} rows", pl.col("conversations_done").cast(pl.UInt32)))
            .otherwise(pl.lit(ROUGH)),
        )
        .select(FORECAST.names)
        .cast(pl.Schema(FORECAST.schema))
    )


def _by_asked(model: Model, judge: Model | None) -> dict[str, pl.Expr]:
    """GPU-hours, money and currency of each row, by the model that is asked: ours or the judge."""
    is_judged = pl.col("phase") == OBEDIENCE.name
    of_judge, of_model = _costs(judge or model), _costs(model)
    return {
        name: pl.when(is_judged).then(of_judge[name]).otherwise(cost)
        for name, cost in of_model.items()
    }


def _costs(model: Model) -> dict[str, pl.Expr]:
    rates, price = model.rates, model.price
    none = pl.lit(None, dtype=pl.Float64)
    return {
        "gpu_hours": rates.hours(*TOKENS) if rates else none,
        "money": price.money(*TOKENS) if price else none,
        "currency": pl.lit(price and price.currency, dtype=pl.String),
    }


def _is_measured() -> pl.Expr:
    """Whether a row's estimate is from completed conversations; else it is rough."""
    return pl.col("conversations_done") > 0


def _left(name: str) -> pl.Expr:
    """The estimate of a figure for the conversations that have not completed the phase."""
    measured = pl.col(_DONE[name]) / pl.col("conversations_done")
    per_conversation = pl.when(_is_measured()).then(measured).otherwise(pl.col(name))
    return (per_conversation * pl.col("conversations")).alias(name)


def summarize_forecast(table: pl.DataFrame) -> pl.DataFrame:
    """`tables.FORECAST` after rows over all sources: one per phase and one over all phases.

    ``source`` and ``phase`` of these rows are `ALL`; the row over all phases has no number of
    conversations, since each goes through three phases.
    """
    rough, one_currency = pl.col("basis") == ROUGH, pl.col("currency").n_unique() == 1
    over_all = [
        table.with_columns(source=pl.lit(ALL), **phase)
        .group_by(_BY, maintain_order=True)
        .agg(
            pl.col("conversations", *FIGURES, *_DONE.values()).sum(),
            # Null where one that is asked has no rates or no price, or there are two currencies.
            pl.when(pl.col("gpu_hours").null_count() == 0).then(pl.col("gpu_hours").sum()),
            pl.when(one_currency, pl.col("money").null_count() == 0).then(pl.col("money").sum()),
            pl.when(one_currency).then(pl.col("currency").first()),
            basis=pl.when(rough.all())
            .then(pl.lit(ROUGH))
            .when(rough.any())
            .then(pl.lit("partly rough"))
            .otherwise(pl.lit("measured")),
        )
        for phase in ({}, {"phase": pl.lit(ALL)})
    ]
    conversations = pl.col("conversations", "conversations_done")
    totals = pl.concat(over_all).with_columns(pl.when(pl.col("phase") != ALL).then(conversations))
    return pl.concat([totals.select(FORECAST.names), table])


def missing_entries(model: Model) -> list[str]:
    """What to add to a model's catalogue entry for GPU-hours and money; one sentence each."""
    return [
        *([] if model.rates else ["For GPU-hours add `rates` to the model's entry."]),
        *([] if model.price else ["For money add `price` to the model's entry."]),
    ]
