"""The scores of SysBench, each a mean over constraints, turns or sessions, with its interval.

A constraint with a third verdict, such as "not applicable", is left out, and its turn is held to
the others. Where a verdict is missing nobody knows: a turn without a failed constraint is then
unknown, as is one that is not there or has no constraint left, and so is a session in an unknown
turn before which it has not failed. Scores are means over what is known.
"""

from collections.abc import Iterable

import polars as pl

from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.evaluation.sysbench.tables import (
    AS_PUBLISHED,
    TURNS,
    TYPES,
    NoVerdict,
)
from sysgen_dagster.evaluation.tables import ITEM_COLUMNS, SCORE_COLUMNS, TOTAL
from sysgen_dagster.tables.table import polars_schema

_ALIGNMENTS = ("aligned", "misaligned", TOTAL)
_KINDS = ("dependent", "parallel", TOTAL)
_ORDER = (
    *(("CSR", of) for of in (*TYPES.values(), TOTAL)),
    *(("ISR", of) for of in _ALIGNMENTS),
    *(("SSR", of) for of in _KINDS),
    *((f"R{turn}", of) for turn in range(1, TURNS + 1) for of in _KINDS),
)
_SCORE = ("metric", "of")


def build_items(verdicts: pl.DataFrame) -> pl.DataFrame:
    """`ITEM_COLUMNS` of rows of `VERDICTS`: constraints, turns and sessions, in that order.

    The turns of a session are drawn together.
    """
    return _build_items(verdicts, verdicts)


def score(verdicts: pl.DataFrame, seed: int = 0, subject: str = "") -> pl.DataFrame:
    """The scores of an answer sheet, those of no items too, beside what is published.

    Args:
        verdicts: `VERDICTS` of one answer sheet.
        seed: Of the draws of whole sessions, of which the intervals are the percentiles.
        subject: Whose answers they are.

    Returns:
        `SCORE_COLUMNS` and `AS_PUBLISHED`, in the order of the benchmark's tables.
    """
    fails, passes = (
        verdicts.with_columns(satisfied=pl.col("satisfied").fill_null(value), drop_reason=None)
        for value in (False, True)
    )
    published = (
        _build_items(fails, passes).group_by(_SCORE).agg(as_published=pl.col("value").mean())
    )
    scored = score_items(build_items(verdicts), subject=subject, protocol="a sheet", seed=seed)
    scores = (
        pl.DataFrame(_ORDER, schema=_SCORE, orient="row")
        .join(scored, on=_SCORE, how="left", maintain_order="left")
        .join(published, on=_SCORE, how="left", maintain_order="left")
        .with_columns(pl.col("items", "dropped").fill_null(0))
    )
    if not _is_counted_by_theirs(verdicts):
        scores = scores.with_columns(as_published=pl.lit(None, pl.Float64))
    schema = polars_schema({**SCORE_COLUMNS, **AS_PUBLISHED})
    return scores.select(*schema).cast(schema)  # type: ignore[arg-type]


def _is_counted_by_theirs(verdicts: pl.DataFrame) -> bool:
    """Whether all turns are there, and each constraint has a verdict, a third one at worst."""
    reasons = set(verdicts["drop_reason"].drop_nulls()) - {NoVerdict.THIRD_VERDICT}
    turns = verdicts.select("session", "turn").unique()
    return not reasons and turns.height == TURNS * turns["session"].n_unique()


def _build_items(of_constraints: pl.DataFrame, of_turns: pl.DataFrame) -> pl.DataFrame:
    """As `build_items`.

    Args:
        of_constraints: Rows of `VERDICTS` that count for CSR.
        of_turns: The same rows as they count for all other scores.
    """
    aligned = pl.when("aligned").then(pl.lit("aligned")).otherwise(pl.lit("misaligned"))
    is_held_to = pl.col("drop_reason").ne_missing(NoVerdict.THIRD_VERDICT)
    satisfied = pl.col("satisfied").filter(is_held_to)
    turns = of_turns.group_by("session", "turn", "dependent", "aligned", maintain_order=True).agg(
        # One that fails decides, whatever is unknown beside it.
        pl.when(is_held_to.any()).then(satisfied.all(ignore_nulls=False)).alias("satisfied"),
        pl.col("drop_reason").drop_nulls().first(),
    )
    constraint = pl.concat_str("session", "turn", "number", separator="/")
    turn = pl.concat_str("session", "turn", separator="/")
    return pl.concat(
        [
            _items("CSR", of_constraints, constraint, pl.col("type"), pl.col("satisfied")),
            _items("ISR", turns, turn, aligned, pl.col("satisfied")),
            *_items_of_sessions(turns),
        ]
    )


def _items_of_sessions(turns: pl.DataFrame) -> Iterable[pl.DataFrame]:
    """Items of R1 to R5 and of SSR, which is their mean: the turns before the first failure."""
    columns = [str(turn) for turn in range(1, TURNS + 1)]
    wide = turns.group_by("session", "dependent", maintain_order=True).agg(
        *(
            pl.col("satisfied").filter(pl.col("turn") == turn).first().alias(column)
            for turn, column in enumerate(columns, 1)
        ),
        pl.col("drop_reason").drop_nulls().first(),
    )
    kind = pl.when("dependent").then(pl.lit("dependent")).otherwise(pl.lit("parallel"))
    holds = wide.with_columns(
        pl.all_horizontal(columns[: number + 1]).alias(column)
        for number, column in enumerate(columns)
    )
    session = pl.col("session")
    run = pl.mean_horizontal(columns, ignore_nulls=False)
    yield _items("SSR", holds, session, kind, run)
    for column in columns:
        yield _items(f"R{column}", holds, session, kind, pl.col(column))


def _items(
    metric: str, rows: pl.DataFrame, item: pl.Expr, of: pl.Expr, value: pl.Expr
) -> pl.DataFrame:
    """The items of a metric: each under what it is of, and once more under all.

    One that nobody knows has the first reason in it; where a turn is not there, ``no_verdict``.
    """
    why = pl.coalesce("drop_reason", pl.lit(NoVerdict.MISSING.value))
    items = rows.select(
        pl.lit(metric).alias("metric"),
        of.alias("of"),
        item.alias("item"),
        pl.col("session").alias("cluster"),
        value.cast(pl.Float64).alias("value"),
        pl.when(value.is_null()).then(why).alias("drop_reason"),
    ).select(ITEM_COLUMNS.keys())
    return pl.concat([items, items.with_columns(of=pl.lit(TOTAL))])
