"""What must be known before a score, or a difference, is believed: the remarks of a comparison."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from sysgen_dagster.evaluation.comparisons.published import AVERAGE
from sysgen_dagster.evaluation.comparisons.subjects import Compared
from sysgen_dagster.evaluation.comparisons.tables import Evaluated
from sysgen_dagster.evaluation.tables import END_OF_PART, MESSAGE_IN
from sysgen_dagster.evaluation.unknown import MOST_UNKNOWN, find_unknown

SEPARATOR: Final = "; "  # between the remarks of a row
_SCORE: Final = ["metric", "of"]


def add_remarks(
    rows: pl.DataFrame,
    suite: str,
    subject: Compared,
    by_name: Mapping[str, Compared],
    evaluated: Mapping[str, Evaluated],
) -> pl.DataFrame:
    """The scores of a subject with ``remarks``: those on the subject, then those on the score.

    Args:
        rows: With ``metric``, ``of`` and ``difference``.
        suite: The name of the benchmark.
        subject: Whose scores they are.
        by_name: All subjects.
        evaluated: By subject, what is stored.
    """
    own, other = evaluated[subject.name], evaluated.get(subject.against or "")
    of_subject = [*_of_subject(suite, subject, by_name, own, other)]
    unknown = find_unknown(own.items).filter(pl.col("share") > MOST_UNKNOWN).select(*_SCORE, "said")
    is_lacking = pl.lit(other is not None) & pl.col("difference").is_null()
    scores = own.scores.clear() if other is None else other.scores
    theirs = scores.select(*_SCORE, is_theirs=pl.lit(value=True)).unique()
    lacking = pl.format(
        f"no difference from {subject.against}: {{}}",
        pl.when("is_theirs")
        .then(pl.lit("no item of it, or of a part, is known of both"))
        .otherwise(pl.lit("it has no score of the same parts")),
    )
    left_out = _left_out(own.items)
    remarks = (
        *map(pl.lit, of_subject),
        pl.col("said"),
        pl.when(is_lacking).then(lacking),
        pl.when(pl.col("metric").str.starts_with(AVERAGE)).then(pl.lit(left_out, pl.String)),
    )
    said = pl.concat_str(remarks, separator=SEPARATOR, ignore_nulls=True).replace("", None)
    return (
        rows.join(unknown, on=_SCORE, how="left", maintain_order="left")
        .join(theirs, on=_SCORE, how="left", maintain_order="left")
        .with_columns(remarks=said)
        .drop("said", "is_theirs")
    )


def split_remarks(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows once for each of their remarks; those without any are left out."""
    said = rows.drop_nulls("remarks").with_columns(pl.col("remarks").str.split(SEPARATOR))
    return said.explode("remarks")


def _of_subject(
    suite: str,
    subject: Compared,
    by_name: Mapping[str, Compared],
    own: Evaluated,
    other: Evaluated | None,
) -> Iterator[str]:
    """What holds of all its scores, and of its differences from the other one."""
    if own.is_made_up:
        yield "no model wrote its answers: they are made up"
    if subject.also_called & _said(own, "judge"):
        yield "it graded itself"
    if subject.against is None:
        return
    if other is None:
        yield f"{subject.against}, which it is compared with, is not evaluated on {suite}"
        return
    # Where the message stands may be what is compared; the rest of a protocol never is.
    is_alike = by_name[subject.against].in_user_turn == subject.in_user_turn
    first, second = (_protocols(each, with_place=is_alike) for each in (own, other))
    if first != second:
        yield f"{subject.against} was asked or graded otherwise"
    if _said(own, "judge") != _said(other, "judge"):
        yield f"{subject.against} was graded by another judge"


def _protocols(evaluated: Evaluated, *, with_place: bool) -> set[Any]:
    protocol = evaluated.scores["protocol"]
    return set(protocol if with_place else protocol.str.replace(f"{MESSAGE_IN}[^;]*", ""))


def _said(evaluated: Evaluated, column: str) -> set[Any]:
    return set(evaluated.scores[column])


def _left_out(items: pl.DataFrame) -> str | None:
    """Which tasks are in no average over tasks."""
    is_average = pl.col("metric").str.starts_with(AVERAGE)
    part = pl.col("item").str.extract(f"^(.*?)/[^/]*{END_OF_PART}")
    averaged = items.filter(is_average).select(part).to_series()
    others = [each for each in items["metric"].unique() if each not in set(averaged)]
    named = sorted(each for each in others if not each.startswith(AVERAGE))
    return f"the average is without {', '.join(named)}" if named else None
