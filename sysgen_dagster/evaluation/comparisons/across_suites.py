"""Comparisons over all suites: what each part of the rows is worth, and the message's place."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl

from sysgen_dagster.errors import SysgenError
from sysgen_dagster.evaluation.comparisons.comparing import compare_subjects
from sysgen_dagster.evaluation.comparisons.published import IS_OVER_ALL
from sysgen_dagster.evaluation.comparisons.subjects import UNTRAINED, Compared
from sysgen_dagster.evaluation.comparisons.tables import ABLATION, USER_ROLE, Evaluated
from sysgen_dagster.tables.table import Table

# Scores over all items, and rows that say that a subject is not evaluated.
_IS_OF_ALL = pl.col("of").is_null() | IS_OVER_ALL


class NothingToCompareError(SysgenError):
    """No subject, or no pair of them, is there to be compared."""


def build_ablation(
    compared: Mapping[str, pl.DataFrame], subjects: Sequence[Compared]
) -> pl.DataFrame:
    """`ABLATION`: the subjects of each student that some training of it is among, all suites.

    Args:
        compared: By suite, its stored comparison.
        subjects: Those of the catalogue.

    Raises:
        NothingToCompareError: No subject is a trained student.
    """
    trained = {each.student for each in subjects if each.arm != UNTRAINED}
    arms = [
        each
        for each in subjects
        if each.student in trained and each.student is not None and not each.in_user_turn
    ]
    if not trained:
        raise NothingToCompareError(
            "no subject of the catalogue is a trained student, so there is nothing to take apart: "
            "name trainings as subjects, such as `subjects: {taught: {training: NAME}}`"
        )
    students = list(dict.fromkeys(each.student for each in arms))
    parts = [
        of_suite.filter(pl.col("subject") == each.name, _IS_OF_ALL).with_columns(
            suite=pl.lit(suite), student=pl.lit(each.student), arm=pl.lit(each.arm)
        )
        for student in students
        for suite, of_suite in compared.items()
        for each in arms
        if each.student == student
    ]
    return _concat(ABLATION, parts)


def build_user_role(
    evaluated: Mapping[str, Mapping[str, Evaluated]],
    pairs: Sequence[Compared],
    subjects: Sequence[Compared],
) -> pl.DataFrame:
    """`USER_ROLE`: each pair, on the suites on which a subject of any pair is evaluated.

    Args:
        evaluated: By suite and subject, what is stored.
        pairs: Those of the catalogue.
        subjects: All of the catalogue.

    Raises:
        NothingToCompareError: There is no pair.
    """
    if not pairs:
        raise NothingToCompareError(
            "no two subjects of the catalogue differ in the message's place alone: name the same "
            "model or training twice, once with `message_in: user`"
        )
    return _concat(USER_ROLE, [*_of_pairs(evaluated, pairs, subjects)])


def evaluated_suites(
    evaluated: Mapping[str, Mapping[str, Evaluated]], pairs: Iterable[Compared]
) -> list[str]:
    """The suites on which a subject of a pair is evaluated, with the message in either place."""
    of_pairs = {name for each in pairs for name in (each.name, each.against)}
    return [suite for suite, of_suite in evaluated.items() if of_pairs & of_suite.keys()]


def _of_pairs(
    evaluated: Mapping[str, Mapping[str, Evaluated]],
    pairs: Sequence[Compared],
    subjects: Sequence[Compared],
) -> Iterator[pl.DataFrame]:
    for suite in evaluated_suites(evaluated, pairs):
        of_suite = evaluated[suite]
        compared = compare_subjects(suite, pairs, of_suite, others=subjects)
        rows = compared.filter(pl.col("subject").is_not_null(), _IS_OF_ALL)
        yield rows.with_columns(suite=pl.lit(suite))


def _concat(table: Table, parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([table.empty(), *(part.select(table.names) for part in parts)])
