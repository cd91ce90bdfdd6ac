"""What the rows of one model cost: requests, tokens, time, GPU-hours and money, phase by phase."""

import polars as pl

from sysgen_dagster.analysis.measured_work import FIGURES, TOKENS
from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.catalog.models import Model

PER_ROWS = 1_000  # kept rows, that a cost is also given for
# The schema of `summarize_costs`.
COSTS = {
    "phase": pl.String(),
    **dict.fromkeys(FIGURES, pl.Float64()),
    **dict.fromkeys(("hours", "gpu_hours", "money"), pl.Float64()),
    "currency": pl.String(),
}


def summarize_costs(
    work: pl.DataFrame, hours: pl.DataFrame, kept_rows: int, model: Model
) -> pl.DataFrame:
    """One row per phase that asks the model, one over all, and one for 1,000 kept rows: `COSTS`.

    ``phase`` of the last two is `ALL` and ``per 1,000 kept rows``, which is left out where no row
    was kept. What is not known is null: GPU-hours without `rates` in the model's entry, money
    without `price`.

    Args:
        work: `measured_work.WORK`, in any number of parts.
        hours: ``phase`` and ``hours``, how long requests of the phase were in flight; in any number
            of parts, for the phases of which that is known.
        kept_rows: How many rows have a new answer.
        model: The model that was asked.
    """
    phases = (
        work.group_by("phase", maintain_order=True)
        .agg(pl.col(FIGURES).sum())
        .join(
            hours.drop_nulls("hours").group_by("phase").agg(pl.col("hours").sum()),
            on="phase",
            how="left",
        )
        .with_columns(
            gpu_hours=model.rates.hours(*TOKENS) if model.rates else None,
            money=model.price.money(*TOKENS) if model.price else None,
            currency=pl.lit(model.price and model.price.currency),
        )
        .select(COSTS.keys())
        .cast(pl.Schema(COSTS))
    )
    numbers = pl.col([name for name, dtype in COSTS.items() if dtype.is_numeric()])
    known = pl.when(numbers.null_count() == 0).then(numbers.sum())
    over_all = phases.select(pl.lit(ALL).alias("phase"), known, pl.col("currency").first())
    rows = [phases, over_all.select(COSTS.keys())]
    if kept_rows:
        label = pl.lit(f"per {PER_ROWS:,} kept rows").alias("phase")
        share = numbers * (PER_ROWS / kept_rows)
        rows.append(over_all.select(label, share, "currency"))
    return pl.concat(rows)
