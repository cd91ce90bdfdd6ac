"""The forecast: what is still to be asked of a model, what that costs, and what is done.

The conversations that have completed a phase give the requests and tokens that the remaining ones
will need. Without any, `expected_work` estimates them roughly by characters.
"""

from collections.abc import Mapping, Sequence

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
    judges: Sequence[Model] = (),
    judged: Rows = 0,
    beside: pl.DataFrame | None = None,
    asked: Mapping[str, Sequence[Model]] = {},
) -> pl.DataFrame:
    """`tables.FORECAST`: one row per source and phase, in the order of the sources.

    Args:
        texts: `expected_work.measure_texts` of all conversations that were not dropped, in any
            number of parts.
        done: `measured_work.WORK`, in any number of parts; may be empty.
        model: The model that is asked, with its rates and its price.
        method: The method's settings, for `expected_work.expect_work`.
        judges: The models that are asked whether answers obey, each with its rates and its price.
        judged: Of how many rows of each source they are asked.
        beside: What another lane needs, as `expected_sets.expect_sets`; its rows come last.
        asked: By phase of `beside`, who is asked where that is not the model.
    """
    sources = texts.group_by("source", maintain_order=True).sum()
    so_far = done.group_by(_BY).sum().rename(_DONE)
    work = [expect_work(sources, model, method)]
    of_one = [expect_judging(sources, model, judged)] if judges and judged else []
    work += [each.with_columns(pl.col(FIGURES) * len(judges)) for each in of_one]
    planned = sources.select("source", "conversations").join(
        pl.concat(work), on="source", maintain_order="left_right"
    )
    return (
        pl.concat([planned, *([] if beside is None else [beside])], how="vertical_relaxed")
        .join(so_far, on=_BY, how="left", maintain_order="left", validate="1:1")
        .with_columns(pl.col(_DONE.values()).fill_null(0))
        .with_columns(
            conversations=(pl.col("conversations") - pl.col("conversations_done")).clip(0)
        )
        .with_columns(_left(name) for name in FIGURES)
        .with_columns(
            **_by_asked(model, {OBEDIENCE.name: judges, **asked}),
            basis=pl.when(_is_measured())
            .then(pl.format("measured on {} rows", pl.col("conversations_done").cast(pl.UInt32)))
            .otherwise(pl.lit(ROUGH)),
        )
        .select(FORECAST.names)
        .cast(pl.Schema(FORECAST.schema))
    )


def _by_asked(model: Model, others: Mapping[str, Sequence[Model]]) -> dict[str, pl.Expr]:
    """GPU-hours, money and currency of each row, by the models that are asked in its phase.

    Args:
        model: Who is asked.
        others: By phase, who is asked in its place; none: the model.
    """
    costs = _costs([model])
    for phase, models in others.items():
        if models:
            is_theirs, theirs = pl.col("phase") == phase, _costs(models)
            costs = {
                name: pl.when(is_theirs).then(theirs[name]).otherwise(cost)
                for name, cost in costs.items()
            }
    return costs


def _costs(models: Sequence[Model]) -> dict[str, pl.Expr]:
    """What the tokens cost, of which each of these models has an equal part."""
    tokens = [each / len(models) for each in TOKENS]
    hours = [model.rates.hours(*tokens) for model in models if model.rates]
    prices = [model.price for model in models if model.price]
    currencies = {price.currency for price in prices}
    is_priced = len(prices) == len(models) and len(currencies) == 1
    none = pl.lit(None, dtype=pl.Float64)
    return {
        "gpu_hours": pl.sum_horizontal(hours) if len(hours) == len(models) else none,
        "money": pl.sum_horizontal(price.money(*tokens) for price in prices) if is_priced else none,
        "currency": pl.lit(currencies.pop() if is_priced else None, dtype=pl.String),
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
