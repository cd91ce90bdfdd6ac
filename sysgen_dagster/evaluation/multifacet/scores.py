"""What each item of a bench is worth: the mean of its rubrics that were read.

An item of which one rubric is unread keeps the others. Each rubric stands for another kind of
preference, so that leaving out the item would cost four gradings for one, and those of items that
are hard to grade above all; how many rubrics are unread is counted by dimension, and bounded by a
check. An item without any read rubric is unknown.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Final

import polars as pl

from sysgen_dagster.evaluation.multifacet.columns import UNASSIGNED, read_columns
from sysgen_dagster.evaluation.multifacet.tables import NotGraded
from sysgen_dagster.evaluation.tables import END_OF_PART, ITEM_COLUMNS, MESSAGE_IN, TOTAL
from sysgen_dagster.tables.table import polars_schema

COLUMNS: Final = frozenset(read_columns().values())  # the paper's five
MEAN_OF: Final = "mean of "  # begins the name of a mean of columns' means
MEAN_OF_COLUMNS: Final = f"{MEAN_OF}columns"
EXPECTED: Final = "_expected"  # ends the name of a metric of expected scores
_BY = ["metric", "item", "column"]


def name_metrics(bench: str) -> dict[bool, str]:
    """The metrics of a bench, of gradings without and with the system message before the judge."""
    return {False: bench, True: f"{bench}_judge_sees_message"}


METRICS: Final = name_metrics("multifacet")


def build_items(
    gradings: pl.DataFrame,
    metrics: Mapping[bool, str] = METRICS,
    columns: Collection[str] | None = COLUMNS,
) -> pl.DataFrame:
    """`ITEM_COLUMNS` of the gradings of a bench: of the total, each column and each dimension.

    The metric says whether the judge saw the system message, and whether scores are as written or,
    where the judge's server gave probabilities of any, expected.

    Under the mean of columns an item is called by its column and its own name, so that `scores`
    makes of them the mean of the columns' means, as SysGen's tables print it. Items of no column
    count for nothing there.

    Args:
        gradings: Of a bench.
        metrics: Of `name_metrics`.
        columns: Whose mean is `MEAN_OF_COLUMNS`; None: of those that there are.
    """
    rubrics = _list_rubrics(gradings, metrics)
    items = _average(rubrics, _BY).with_columns(cluster="item")
    dimensions = _average(rubrics, [*_BY, "dimension"]).with_columns(cluster="item")
    total = items.with_columns(of=pl.lit(TOTAL))
    by_column = items.sort("column", maintain_order=True).with_columns(of="column")
    by_dimension = dimensions.sort("dimension", maintain_order=True).with_columns(of="dimension")
    every = pl.concat(
        [total, _under_their_columns(items, columns), by_column, by_dimension], how="diagonal"
    )
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


def _under_their_columns(items: pl.DataFrame, wanted: Collection[str] | None) -> pl.DataFrame:
    """The items of columns under the mean of these; their values stay what they are."""
    assigned = items.filter(pl.col("column") != UNASSIGNED)
    return assigned.with_columns(
        of=pl.lit(name_mean(assigned["column"].unique(), wanted)),
        item=pl.concat_str("column", pl.lit(END_OF_PART), "item"),
    )


def name_mean(columns: Iterable[str], wanted: Collection[str] | None = COLUMNS) -> str:
    """What the mean of these columns is called: `MEAN_OF_COLUMNS` where they are all `wanted` ones.

    Else it names them, so that a mean of four columns never stands beside one of five. None wanted:
    whatever columns the bench has are all.
    """
    found = sorted(columns)
    is_whole = wanted is None or found == sorted(wanted)
    return MEAN_OF_COLUMNS if is_whole else f"{MEAN_OF}{', '.join(found)}"


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
        f"{bench}; {MESSAGE_IN}{message_in}; answers: {_describe(answers)}; one "
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
