"""What the card of a trained student says of its scores."""

from collections.abc import Iterator, Mapping

import polars as pl

from sysgen_dagster.evaluation.comparisons.published import IS_OVER_ALL
from sysgen_dagster.evaluation.comparisons.remarks import split_remarks
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.training_sets.export.markdown import escape, markdown_table


def render_scores(compared: Mapping[Suite, pl.DataFrame]) -> Iterator[str]:
    """The section of the card; nothing where the student has no score.

    Args:
        compared: By suite, the rows of its comparison whose subjects are the student.
    """
    lines = [line for suite, rows in compared.items() for line in _lines(suite, rows)]
    if not lines:
        return
    yield "## Scores"
    yield (
        "Each with its 95 % interval. A change is over the same items, from the subject that is "
        "named with it. A judge is uncalibrated where no labels of people bear it out."
    )
    columns = ("benchmark", "subject", "score", "items", "change", "graded by", "asked and graded")
    table = pl.DataFrame(lines, dict.fromkeys(columns, pl.String()), orient="row")
    yield markdown_table(table, names=("benchmark", "subject"))
    for suite, rows in compared.items():
        for remark in split_remarks(_shown(rows))["remarks"].unique(maintain_order=True):
            yield f"{suite.title}: {escape(remark)}."


def _shown(rows: pl.DataFrame) -> pl.DataFrame:
    """Each score over all items; of a task, of what is measured first."""
    has_total = IS_OVER_ALL.any().over("metric")
    is_shown = IS_OVER_ALL | (~has_total & (pl.col("of") == pl.col("of").first().over("metric")))
    is_scored = pl.col("score").is_not_null() | (pl.col("dropped") > 0)
    return rows.filter(is_scored).filter(is_shown)


def _lines(suite: Suite, rows: pl.DataFrame) -> Iterator[tuple[str, ...]]:
    """The cells of each score that is shown."""
    for row in _shown(rows).iter_rows(named=True):
        judge = f"{row['judge']} ({row['worth']})" if row["judge"] else "rules"
        change = _show(suite, row, "difference", "+")
        yield (
            f"{suite.title}, {row['metric']}, {row['of']}",
            row["subject"],
            _show(suite, row, "score") or "not known",
            f"{row['items']:,}, {row['dropped']:,} dropped",
            f"{change} from {row['against']}" if change else "",
            judge,
            row["protocol"],
        )


def _show(suite: Suite, row: Mapping[str, float | None], name: str, sign: str = "") -> str:
    """A figure with its interval; empty where it is not known."""
    ends = ("low", "high") if name == "score" else (f"{name}_low", f"{name}_high")
    figure, low, high = (_format(suite, row[each], sign) for each in (name, *ends))
    return f"{figure} ({low} to {high})" if low and high else figure


def _format(suite: Suite, value: float | None, sign: str) -> str:
    if value is None:
        return ""
    return format(value, f"{sign}.1%" if suite.is_share else f"{sign}.2f")
