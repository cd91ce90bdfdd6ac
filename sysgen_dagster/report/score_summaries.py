"""The short tables of comparisons, and which of their scores a chart has room for."""

from typing import Final

import polars as pl

from sysgen_dagster.evaluation.comparisons.published import IS_OVER_ALL
from sysgen_dagster.evaluation.comparisons.remarks import split_remarks
from sysgen_dagster.evaluation.comparisons.tables import OF_SUITES, USER_ROLE
from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.evaluation.tables import TOTAL
from sysgen_dagster.obedience.calibration import CALIBRATED
from sysgen_dagster.report.view import Statistics
from sysgen_dagster.tables.table import Table, TableError

LABEL: Final = "scored"  # the column with what a chart calls a score
_PAPERS: Final = " (the paper's)"  # ends the name of a row of the paper that no subject has
_BY_RULES: Final = "rules"
# Which rows are not the paper's alone, and which numbers Dagster plots: over all items.
OF_OURS: Final = ~pl.col("subject").str.ends_with(_PAPERS)
PLOTTED: Final = OF_OURS & IS_OVER_ALL
_OUR_COLUMNS: Final = (
    *("subject", "metric", "of", "score", "low", "high", "items", "dropped", "floor"),
    *("against", "difference", "difference_low", "difference_high", "paired_items", "moved"),
)


def summarize_comparison(stored: pl.DataFrame) -> pl.DataFrame:
    """What is shown of a comparison: who graded, with what that is worth, in one column.

    Columns of differences are kept, as charts ask for them.
    """
    worth = pl.col("worth").fill_null("worth not known").str.split(":").list.first()
    judge = pl.format("{} ({})", "judge", worth)
    graded = pl.when(pl.col("score").is_not_null()).then(pl.coalesce(judge, pl.lit(_BY_RULES)))
    before = [name for name in stored.columns if name in ("suite", "student", "arm")]
    return stored.select(
        *before,
        subject=pl.coalesce("subject", pl.col("published_as") + _PAPERS),
        **{name: pl.col(name) for name in _OUR_COLUMNS if name != "subject"},
        graded_by=graded,
        remarks="remarks",
        paper="score_paper",
        difference_paper="difference_paper",
        # What is known of all of its figures stands above the table.
        protocol_paper=pl.col("protocol_paper").str.replace(r"^protocol unknown: [^;]*(; )?", ""),
    )


def label_scores(summary: pl.DataFrame, most: int) -> pl.DataFrame:
    """The rows that a chart shows, with what it calls each score.

    Those are all scores of the first metric, and the other metrics over all items; where more than
    `most` points would be drawn, only what is over all items.
    """
    if summary.is_empty():
        return summary.with_columns(pl.lit("").alias(LABEL))
    # Over all items; of a metric without such a score, such as a task, the first one.
    of, is_first = pl.col("of"), pl.col("metric") == summary["metric"][0]
    is_whole = IS_OVER_ALL
    has_total, has_whole = ((of == TOTAL).any().over("metric"), is_whole.any().over("metric"))
    is_main = (
        pl.when(has_total)
        .then(of == TOTAL)
        .when(has_whole)
        .then(is_whole)
        .otherwise(of == of.first().over("metric"))
    )
    has_parts = is_first & has_whole
    shown = summary.filter(has_parts | is_main)
    if shown.height > most:
        shown = summary.filter(is_main | (has_parts & is_whole))
    if "suite" in summary.columns:
        label = pl.concat_str("suite", "metric", "of", separator=", ").str.strip_suffix(
            f", {TOTAL}"
        )
    else:
        label = pl.when(has_parts & (of != TOTAL)).then("of").otherwise("metric")
    return shown.with_columns(label.str.replace_all("_", " ").alias(LABEL))


def find_notices(statistics: Statistics) -> list[str]:
    """What must be known of the stored comparisons before any figure is read."""
    notices: dict[str, None] = {}
    for suite in SUITES:
        stored = _read(statistics, OF_SUITES[suite.name])
        if stored is None:
            continue
        scored = stored.drop_nulls("metric")
        for judge, worth in scored.select("judge", "worth").unique(maintain_order=True).iter_rows():
            if judge is not None and worth != CALIBRATED:
                notices[f"{suite.title} is graded by {judge}, {worth or 'worth not known'}."] = None
        said = split_remarks(label_scores(scored, 0))
        alike = said.group_by("remarks", maintain_order=True)
        for remarks, subjects in alike.agg(
            pl.col("subject").unique(maintain_order=True)
        ).iter_rows():
            notices[f"{suite.title}, {', '.join(subjects)}: {remarks}."] = None
    if (pairs := _read(statistics, USER_ROLE)) is not None:
        there = set(pairs["suite"])
        if missing := [suite.title for suite in SUITES if suite.name not in there]:
            line = f"The message in the user turn is not evaluated on {', '.join(missing)}."
            notices[line] = None
    return [*notices]


def _read(statistics: Statistics, table: Table) -> pl.DataFrame | None:
    try:
        return statistics.read(table)
    except TableError:
        return None  # of another version: the section says that it is outdated
