"""The scores of SysBench, each a mean over constraints, turns or sessions, with its interval.

A constraint with a third verdict, such as "not applicable", is left out, and its turn is held to
the others. Where a verdict is missing nobody knows: a turn without a failed constraint is then
unknown, as is one that is not there or has no constraint left, and so is a session in an unknown
turn before which it has not failed. Scores are means over what is known.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

import polars as pl

from sysgen_dagster.evaluation.sysbench.tables import (
    SYSBENCH_SCORES,
    TURNS,
    TYPES,
    NoVerdict,
)
from sysgen_dagster.obedience.agreement import bootstrap_intervals

_TOTAL = "total"
_ALIGNMENTS = ("aligned", "misaligned", _TOTAL)
_KINDS = ("dependent", "parallel", _TOTAL)
_ORDER = (
    *(("CSR", of) for of in (*TYPES.values(), _TOTAL)),
    *(("ISR", of) for of in _ALIGNMENTS),
    *(("SSR", of) for of in _KINDS),
    *((f"R{turn}", of) for turn in range(1, TURNS + 1) for of in _KINDS),
)
_Session = Sequence[tuple[float, int]]  # sum and number of the known items of each score


def score(verdicts: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """`SYSBENCH_SCORES` of the rows of `VERDICTS`, those of no items too.

    Args:
        verdicts: Of one answer sheet.
        seed: Of the draws of whole sessions, of which the intervals are the percentiles.
    """
    items = _build_items(verdicts, verdicts)
    fails, passes = (
        verdicts.with_columns(satisfied=pl.col("satisfied").fill_null(value), drop_reason=None)
        for value in (False, True)
    )
    published = _build_items(fails, passes)
    scores = (
        pl.DataFrame(_ORDER, schema=["metric", "of"], orient="row")
        .join(_means(items), on=["metric", "of"], how="left", maintain_order="left")
        .join(
            _means(published).select("metric", "of", as_published="score"),
            on=["metric", "of"],
            how="left",
            maintain_order="left",
        )
        .with_columns(_intervals(items, seed))
        .with_columns(pl.col("items", "dropped").fill_null(0))
    )
    if not _is_counted_by_theirs(verdicts):
        scores = scores.with_columns(as_published=pl.lit(None, pl.Float64))
    return scores.select(SYSBENCH_SCORES.names).cast(SYSBENCH_SCORES.schema)  # type: ignore[arg-type]


def _is_counted_by_theirs(verdicts: pl.DataFrame) -> bool:
    """Whether all turns are there, and each constraint has a verdict, a third one at worst."""
    reasons = set(verdicts["drop_reason"].drop_nulls()) - {NoVerdict.THIRD_VERDICT}
    turns = verdicts.select("session", "turn").unique()
    return not reasons and turns.height == TURNS * turns["session"].n_unique()


def _build_items(of_constraints: pl.DataFrame, of_turns: pl.DataFrame) -> pl.DataFrame:
    """One row per item of each score: metric, of, session and value, null where it is unknown.

    Args:
        of_constraints: Rows of `VERDICTS` that count for CSR.
        of_turns: The same rows as they count for all other scores.
    """
    aligned = pl.when("aligned").then(pl.lit("aligned")).otherwise(pl.lit("misaligned"))
    is_held_to = pl.col("drop_reason").ne_missing(NoVerdict.THIRD_VERDICT)
    satisfied = pl.col("satisfied").filter(is_held_to)
    turns = of_turns.group_by("session", "turn", "dependent", "aligned", maintain_order=True).agg(
        # One that fails decides, whatever is unknown beside it.
        pl.when(is_held_to.any()).then(satisfied.all(ignore_nulls=False)).alias("satisfied")
    )
    return pl.concat(
        [
            _items("CSR", of_constraints, pl.col("type"), pl.col("satisfied")),
            _items("ISR", turns, aligned, pl.col("satisfied")),
            *_items_of_sessions(turns),
        ]
    )


def _items_of_sessions(turns: pl.DataFrame) -> Iterable[pl.DataFrame]:
    """Items of R1 to R5 and of SSR, which is their mean: the turns before the first failure."""
    columns = [str(turn) for turn in range(1, TURNS + 1)]
    wide = turns.group_by("session", "dependent", maintain_order=True).agg(
        pl.col("satisfied").filter(pl.col("turn") == turn).first().alias(column)
        for turn, column in enumerate(columns, 1)
    )
    kind = pl.when("dependent").then(pl.lit("dependent")).otherwise(pl.lit("parallel"))
    holds = wide.with_columns(
        pl.all_horizontal(columns[: number + 1]).alias(column)
        for number, column in enumerate(columns)
    )
    run = pl.mean_horizontal(columns, ignore_nulls=False)
    yield _items("SSR", holds, kind, run)
    for column in columns:
        yield _items(f"R{column}", holds, kind, pl.col(column))


def _items(metric: str, rows: pl.DataFrame, of: pl.Expr, value: pl.Expr) -> pl.DataFrame:
    """The items of a metric: each under what it is of, and once more under all."""
    items = rows.select(
        pl.lit(metric).alias("metric"),
        of.alias("of"),
        "session",
        value.cast(pl.Float64).alias("value"),
    )
    return pl.concat([items, items.with_columns(of=pl.lit(_TOTAL))])


def _means(items: pl.DataFrame) -> pl.DataFrame:
    value = pl.col("value")
    return items.group_by("metric", "of").agg(
        score=value.mean(), items=value.count(), dropped=value.null_count()
    )


def _intervals(items: pl.DataFrame, seed: int) -> list[pl.Series]:
    """Columns ``low`` and ``high``, in the order of the scores."""
    value = pl.col("value")
    by_session = items.group_by("session", "metric", "of").agg(
        total=value.sum(), known=value.count()
    )
    sessions: dict[str, list[tuple[float, int]]] = {
        session: [(0.0, 0)] * len(_ORDER) for session in sorted(set(items["session"]))
    }
    places = {name: place for place, name in enumerate(_ORDER)}
    for session, metric, of, total, known in by_session.iter_rows():
        sessions[session][places[metric, of]] = (total, known)
    drawn_from = [
        place
        for place in places.values()
        if sum(1 for each in sessions.values() if each[place][1]) > 1
    ]
    found = bootstrap_intervals(
        [*sessions.values()], {str(place): _mean_of(place) for place in drawn_from}, seed
    )
    ends = [found.get(str(place)) or (None, None) for place in places.values()]
    return [
        pl.Series(name, [each[end] for each in ends], pl.Float64)
        for end, name in enumerate(("low", "high"))
    ]


def _mean_of(place: int) -> Callable[[Sequence[_Session]], float | None]:
    """The mean of one score over the items of the sessions of a draw."""
    part = itemgetter(place)

    def mean(sessions: Sequence[_Session]) -> float | None:
        totals, known = zip(*map(part, sessions), strict=True)
        return sum(totals) / whole if (whole := sum(known)) else None

    return mean
