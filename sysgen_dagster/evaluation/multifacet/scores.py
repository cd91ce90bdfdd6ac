"""What each item of a bench is worth: the mean of its rubrics that were read.

An item of which one rubric is unread keeps the others. Each rubric stands for another kind of
preference, so that leaving out the item would cost four gradings for one, and those of items that
are hard to grade above all; how many rubrics are unread is counted by dimension, and bounded by a
check. An item without any read rubric is unknown.
"""

import json
from collections.abc import Mapping
from typing import Final

import polars as pl

from sysgen_dagster.evaluation.multifacet.columns import UNASSIGNED
from sysgen_dagster.evaluation.multifacet.tables import NotGraded
from sysgen_dagster.evaluation.tables import ITEM_COLUMNS, TOTAL
from sysgen_dagster.tables.table import polars_schema

MEAN_OF_COLUMNS: Final = "mean of columns"
EXPECTED: Final = "_expected"  # ends the name of a metric of expected scores
_BY = ["metric", "item", "column"]


def name_metrics(bench: str) -> dict[bool, str]:
    """The metrics of a bench, of gradings without and with the system message before the judge."""
    return {False: bench, True: f"{bench}_judge_sees_message"}


METRICS: Final = name_metrics("multifacet")


def build_items(gradings: pl.DataFrame, metrics: Mapping[bool, str] = METRICS) -> pl.DataFrame:
    """`ITEM_COLUMNS` of the gradings of a bench: of the total, each column and each dimension.

    The metric says whether the judge saw the system message, and whether scores are as written or,
    where the judge's server gave probabilities of any, expected.

    The value of an item under `MEAN_OF_COLUMNS` is how far it is from the mean of its column, by
    the weight that its column's items have in the mean of columns, and from there. So their mean is
    the mean of the columns' means, as SysGen's tables print it, and their spread over draws of
    items that of this mean, to first order: a plain sum of weighted scores would vary with how many
    items of each column are drawn. Items of no column count for nothing there.
    """
    rubrics = _list_rubrics(gradings, metrics)
    items = _average(rubrics, _BY)
    dimensions = _average(rubrics, [*_BY, "dimension"])
    total = items.with_columns(of=pl.lit(TOTAL))
    columns = items.sort("column", maintain_order=True).with_columns(of="column")
    by_dimension = dimensions.sort("dimension", maintain_order=True).with_columns(of="dimension")
    every = pl.concat(
        [total, _relative_to_columns(items), columns, by_dimension], how="diagonal"
    ).with_columns(cluster="item")
    order = {metric: at for at, metric in enumerate(rubrics["metric"].unique(maintain_order=True))}
    return (
        every.sort(pl.col("metric").replace_strict(order, default=None), maintain_order=True)
        .select(ITEM_COLUMNS.keys())
        .cast(polars_schema(ITEM_COLUMNS))  # type: ignore[arg-type]
    )


def _list_rubrics(gradings: pl.DataFrame, metrics: Mapping[bool, str]) -> pl.DataFrame:
    """One row per grading and metric, with its ``value``."""
    metric = pl.col("judge_sees_message").replace_strict(metrics, return_dtype=pl.String)
    common = ("item", "column", "dimension")
    written = gradings.select(*common, "drop_reason", metric=metric, value="score")
    if gradings["expected_score"].null_count() == gradings.height:
        return written
    no_shares = pl.lit(NotGraded.NO_PROBABILITIES.value)
    is_unknown = pl.col("expected_score").is_null()
    expected = gradings.select(
        *common,
        pl.coalesce("drop_reason", pl.when(is_unknown).then(no_shares)).alias("drop_reason"),
        metric=metric + EXPECTED,
        value="expected_score",
    )
    return pl.concat([written.with_columns(pl.col("value").cast(pl.Float64)), expected])


def _average(rubrics: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """The mean of the known values of each group; a reason where none is known."""
    value = pl.col("value")
    reason = pl.when(value.count() == 0).then(pl.col("drop_reason").drop_nulls().first())
    return rubrics.group_by(by, maintain_order=True).agg(value=value.mean(), drop_reason=reason)


def _relative_to_columns(items: pl.DataFrame) -> pl.DataFrame:
    """The items under `MEAN_OF_COLUMNS`; see `build_items`."""
    value, known = pl.col("value"), pl.col("value").count()
    assigned = items.filter(pl.col("column") != UNASSIGNED)
    of_columns = assigned.drop_nulls("value").group_by("metric", "column").agg(mean=value.mean())
    means = of_columns.group_by("metric").agg(
        mean_of_columns=pl.col("mean").mean(), columns=pl.len()
    )
    weight = known.over("metric") / (pl.col("columns") * known.over("metric", "column"))
    return (
        assigned.join(of_columns, on=["metric", "column"], how="left", maintain_order="left")
        .join(means, on="metric", how="left", maintain_order="left")
        .with_columns(
            of=pl.lit(MEAN_OF_COLUMNS),
            value=pl.col("mean_of_columns") + weight * (value - pl.col("mean")),
        )
        .select("metric", "of", "item", "value", "drop_reason")
    )


def describe_protocol(
    bench: str, answers: pl.DataFrame, gradings: pl.DataFrame, message_in: str
) -> str:
    """How was asked and graded, as most of the rows say it.

    Args:
        bench: For people.
        answers: Of a subject.
        gradings: Of these.
        message_in: Where the catalogue has the subject shown its system message.
    """
    if answers["system_message_folded"].any():
        message_in = "user turn, as the template has no system role"
    return (
        f"{bench}; system message in: {message_in}; answers: {_describe(answers)}; one "
        f"grading a rubric: {_describe(gradings)}, if it is unread again with other seeds"
    )


def _describe(rows: pl.DataFrame) -> str:
    """The sampling that most of the rows were asked with."""
    asked = rows.drop_nulls("request_fields").select("request_fields", "max_tokens")
    if asked.is_empty():
        return "none"
    common = asked.group_by("request_fields", "max_tokens").len().sort("len", "request_fields")
    fields, most, _ = common.row(-1)
    sent = {**json.loads(fields), "max_tokens": most}
    return ", ".join(f"{name} {value}" for name, value in sent.items())
