"""The scores of subjects beside those that they are compared with, and beside the paper's."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import polars as pl

from sysgen_dagster.evaluation.comparisons.published import (
    Published,
    find_published,
    find_rows,
    untrained_row,
)
from sysgen_dagster.evaluation.comparisons.remarks import add_remarks
from sysgen_dagster.evaluation.comparisons.subjects import Compared
from sysgen_dagster.evaluation.comparisons.tables import COMPARISON_COLUMNS, Evaluated
from sysgen_dagster.evaluation.scores import compare_items
from sysgen_dagster.tables.table import polars_schema

_SCORE: Final = ["metric", "of"]
# Of `DIFFERENCE_COLUMNS`, as they are called beside scores.
_DIFFERENCE: Final = {"low": "difference_low", "high": "difference_high", "items": "paired_items"}


def compare_subjects(
    suite: str,
    subjects: Sequence[Compared],
    evaluated: Mapping[str, Evaluated],
    *,
    others: Sequence[Compared] = (),
    seed: int = 0,
) -> pl.DataFrame:
    """`COMPARISON_COLUMNS`: the subjects in their order, those without scores too.

    Rows of the paper that are no subject's come last, where any subject stands beside one.

    Args:
        suite: The name of the benchmark.
        subjects: What is compared, and with what.
        evaluated: By subject, what is stored.
        others: What they are compared with and is not among them.
        seed: Of the draws of clusters, from which the intervals of differences are.
    """
    by_name = {each.name: each for each in (*others, *subjects)}
    parts = [
        _compare(suite, each, by_name, evaluated, seed)
        if each.name in evaluated
        else _frame([_not_evaluated(suite, each)])
        for each in subjects
    ]
    compared = pl.concat([_frame([]), *parts])
    if compared["score_paper"].count():
        compared = pl.concat([compared, _frame(_rows_of_paper(suite, subjects))])
    return compared


def _compare(
    suite: str,
    subject: Compared,
    by_name: Mapping[str, Compared],
    evaluated: Mapping[str, Evaluated],
    seed: int,
) -> pl.DataFrame:
    """The scores of one subject that is evaluated."""
    own, other = evaluated[subject.name], evaluated.get(subject.against or "")
    scores = own.scores.with_columns(
        subject=pl.lit(subject.name),
        published_as=pl.lit(subject.published_as, pl.String),
        against=pl.lit(subject.against if other else None, pl.String),
    )
    differences = compare_items(other.items if other else own.items.clear(), own.items, seed)
    rows = scores.join(
        differences.rename(_DIFFERENCE), on=_SCORE, how="left", maintain_order="left"
    ).join(
        _published(suite, subject, by_name.get(subject.against or ""), own.scores),
        on=_SCORE,
        how="left",
        maintain_order="left",
    )
    return _complete(add_remarks(rows, suite, subject, by_name, evaluated))


def _published(
    suite: str, subject: Compared, against: Compared | None, scores: pl.DataFrame
) -> pl.DataFrame:
    """What the paper says of each of the scores, and of how they differ."""
    rows = []
    for metric, of in scores.select(_SCORE).iter_rows():
        own, other = (_find(suite, each, metric, of) for each in (subject, against))
        if own is not None:
            difference = _difference(subject, own, against, other)
            rows.append((metric, of, own.score, difference, own.protocol))
    columns = [*_SCORE, "score_paper", "difference_paper", "protocol_paper"]
    schema = {name: COMPARISON_COLUMNS[name].dtype for name in columns}
    return pl.DataFrame(rows, schema, orient="row")


def _find(suite: str, subject: Compared | None, metric: str, of: str) -> Published | None:
    if subject is None:
        return None
    row, in_user_turn = subject.published_as, subject.in_user_turn
    return find_published(suite, row, metric, of, in_user_turn=in_user_turn)


def _difference(
    subject: Compared, own: Published, against: Compared | None, other: Published | None
) -> float | None:
    """The paper's difference of the same two rows."""
    if own.gain is not None and subject.published_as and against:
        is_over_untrained = against.published_as == untrained_row(subject.published_as)
        return own.gain if is_over_untrained else None
    if own.score is None or other is None or other.score is None:
        return None
    return own.score - other.score


def _not_evaluated(suite: str, subject: Compared) -> dict[str, Any]:
    return {
        "subject": subject.name,
        "published_as": subject.published_as,
        "remarks": f"not evaluated: sysgen evaluate {suite} --subject {subject.name}",
    }


def _rows_of_paper(suite: str, subjects: Iterable[Compared]) -> Iterator[dict[str, Any]]:
    taken = {subject.published_as for subject in subjects}
    for row, metric, of, found in find_rows(suite):
        if row not in taken:
            yield {
                "published_as": row,
                "metric": metric,
                "of": of,
                "score_paper": found.score,
                "protocol_paper": found.protocol,
            }


def _frame(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([*rows], schema=polars_schema(COMPARISON_COLUMNS))


def _complete(rows: pl.DataFrame) -> pl.DataFrame:
    """The columns in their order."""
    return rows.select(COMPARISON_COLUMNS.keys()).cast(polars_schema(COMPARISON_COLUMNS))  # type: ignore[arg-type]
