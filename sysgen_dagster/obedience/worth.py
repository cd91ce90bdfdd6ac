"""What stands beside the name of a judge, and beside what its verdicts come to, wherever shown.

Belongs here: the words. Does not: how far a judge agrees with labels (`calibration`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import polars as pl

from sysgen_dagster.obedience.calibration import CALIBRATED, UNCALIBRATED, Kind, worth_of
from sysgen_dagster.obedience.rules import BY_RULES
from sysgen_dagster.obedience.tables import JUDGE_CALIBRATION
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.tables.checks import Check, Evidence, Finding

_AND = ", "  # between the names of judges that gave a verdict together


def name_judges(
    judges: Iterable[str | None],
    kind: Kind,
    calibration: pl.DataFrame | None,
    *,
    wrote_answers: bool = False,
) -> str | None:
    """Who judged, each with what its verdicts are worth and why; None where nobody did.

    Args:
        judges: Names of judges; rules and nobody are left out.
        kind: What they were asked.
        calibration: `tables.JUDGE_CALIBRATION`; None where none is stored.
        wrote_answers: Whether the judge, or one of several, also wrote what it judged.
    """
    names = sorted({name for joined in _models(judges) for name in joined.split(_AND)})
    named = ", ".join(f"{name} ({worth_of(calibration, name, kind)})" for name in names)
    return (f"{named}{say_who_wrote(names)}" if wrote_answers else named) or None


def say_who_wrote(names: Sequence[str]) -> str:
    """What stands behind the names of judges of which one also wrote what it judged."""
    return f", {'which' if len(names) == 1 else 'one of which'} also wrote the answers"


def mark_uncalibrated(
    rows: pl.DataFrame, kind: Kind, calibration: pl.DataFrame | None
) -> pl.DataFrame:
    """The rows with a word beside the judge of each verdict: ``owl (uncalibrated)``.

    Args:
        rows: Of a table with ``judge``; where they have ``phrases``, these say whose verdict each
            is, in ``by``.
        kind: What the judges were asked.
        calibration: `tables.JUDGE_CALIBRATION`; None where none is stored.
    """
    if "phrases" not in rows.columns:
        marks = mark_judges(rows["judge"], kind, calibration)
        return rows.with_columns(pl.col("judge").replace(marks))
    by = pl.element().struct.field("by")
    judges = rows["phrases"].explode().struct.field("by").unique()
    marks = mark_judges(judges, kind, calibration)
    marked = pl.element().struct.with_fields(by.replace(marks).alias("by"))
    return rows.with_columns(pl.col("phrases").list.eval(marked))


def mark_judges(
    judges: Iterable[str | None], kind: Kind, calibration: pl.DataFrame | None
) -> dict[str, str]:
    """By name, how a judge stands beside a figure or a verdict: ``owl (uncalibrated)``.

    Several that gave one verdict are one name, such as ``owl, hawk``.
    """

    def mark(name: str) -> str:
        is_known = worth_of(calibration, name, kind) == CALIBRATED
        return name if is_known else f"{name} ({UNCALIBRATED})"

    return {joined: _AND.join(map(mark, joined.split(_AND))) for joined in _models(judges)}


def _models(judges: Iterable[str | None]) -> list[str]:
    return sorted({judge for judge in judges if judge is not None and judge != BY_RULES})


def with_worth(check: Check, kind: Kind, named_in: str = "judge") -> Check:
    """The check of a table of verdicts, whose finding says what the judge's verdicts are worth.

    Args:
        check: What is asked of the verdicts.
        kind: What the judge was asked.
        named_in: The column of the check's table that names the judge.
    """

    def evaluate(evidence: Evidence) -> Finding:
        finding = check.evaluate(evidence)
        judges = evidence.read(check.table, named_in).to_series()
        named = name_judges(judges, kind, _read_calibration(evidence))
        said = [finding.explanation, f"Judged by {named}" if named else ""]
        return replace(finding, explanation=". ".join(filter(None, said)))

    return replace(check, evaluate=evaluate)


def _read_calibration(evidence: Evidence) -> pl.DataFrame | None:
    """What judges say of labelled items; None where none was asked about them."""
    try:
        return evidence.read(JUDGE_CALIBRATION, *JUDGE_CALIBRATION.columns)
    except StoreError as error:
        if error.may_come_back:
            raise
        return None
