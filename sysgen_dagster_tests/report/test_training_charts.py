"""The chart of a training."""

import polars as pl
import pytest

from sysgen_dagster.report.drawing import svg
from sysgen_dagster.report.training_charts import draw_losses
from sysgen_dagster_tests.report.chart_frames import data_of


def steps(count: int, *, evaluated: bool = True) -> pl.DataFrame:
    numbers = range(1, count + 1)
    evaluations = [1.0 / step if evaluated and not step % 10 else None for step in numbers]
    schema = {"step": pl.Int64, "loss": pl.Float64, "eval_loss": pl.Float64}
    losses = [2.0 / step for step in numbers]
    return pl.DataFrame([numbers, losses, evaluations], schema)


def test_both_losses_are_drawn_and_told_apart() -> None:
    of_layers = draw_losses(steps(20)).to_dict()["datasets"].values()
    rows = [row for layer in of_layers for row in layer]
    counts = {
        of: sum(row["of"] == of for row in rows) for of in ("training rows", "validation split")
    }
    assert counts == {"training rows": 20, "validation split": 2}


@pytest.mark.parametrize("count", [1, 499, 500, 501, 25_000])
def test_a_long_training_is_drawn_with_as_many_points_as_are_seen(count: int) -> None:
    drawn = data_of(draw_losses(steps(count, evaluated=False)))
    assert 0 < len(drawn) <= 500
    assert drawn[0]["step"] == 1


@pytest.mark.parametrize("evaluated", [True, False])
def test_it_becomes_a_picture(evaluated: bool) -> None:
    text = svg(draw_losses(steps(30, evaluated=evaluated)), "Loss", alone=True)
    assert "optimiser step" in text


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), float("-inf")])
def test_a_loss_that_is_no_finite_number_is_a_gap(loss: float) -> None:
    broken = steps(30).with_columns(
        pl.when(pl.col("step") > 20).then(loss).otherwise("loss").alias("loss")
    )
    assert "optimiser step" in svg(draw_losses(broken), "Loss", alone=True)
