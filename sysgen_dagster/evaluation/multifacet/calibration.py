"""Whether a judge's gradings by rubrics may be believed: what it says where people have graded.

The labelled set is ContextualAI/Flask: answers to FLASK's instructions, each with a rubric, a
reference answer and the scores from 1 to 5 that people gave. The judge is asked with the prompt of
the bench; the set has no system messages.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

import polars as pl

from sysgen_dagster.catalog.evaluation import RubricLabels
from sysgen_dagster.evaluation.multifacet.ids import choose_items
from sysgen_dagster.evaluation.multifacet.tables import MULTIFACET_CALIBRATION
from sysgen_dagster.obedience.agreement import Interval, bootstrap_intervals, quadratic_kappa
from sysgen_dagster.obedience.calibration import UNCALIBRATED, say_worth
from sysgen_dagster.obedience.rubric_scores import HIGHEST, LOWEST
from sysgen_dagster.sources.files import SourceError, read_rows
from sysgen_dagster.sources.places import locate
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.content_ids import number_items

# Its columns of text, each with the name that the requests have for it.
_TEXTS: Final = {
    "query": "prompt",
    "response": "answer",
    "reference_answer": "reference_answer",
    "rubric": "criterion",
}
_LABELS: Final = "human_score"
_Pairs = Sequence[tuple[float, float]]


def read_labelled(labelled: RubricLabels, cache: Path, store: Store | None = None) -> pl.DataFrame:
    """Graded answers in the columns of `grading.list_gradings`, with ``labels`` and ``label``.

    A rubric is one text here, so that there are no levels.

    Args:
        labelled: Its settings in the catalogue.
        cache: Folder for downloads.
        store: As in `locate`.

    Raises:
        SourceUnavailableError: The Hub did not answer and the file is not in the cache.
        SourceError: The file is not the one that the catalogue describes, or has other columns.
    """
    located = locate(labelled, cache, store)
    rows = []
    for number, row in enumerate(read_rows(labelled.name, located.files), 1):
        texts = {name: row.get(column) for column, name in _TEXTS.items()}
        labels = _read_labels(row.get(_LABELS))
        if not labels or not all(isinstance(text, str) for text in texts.values()):
            wanted = f"texts in {', '.join(_TEXTS)} and scores from 1 to 5 in {_LABELS}"
            raise SourceError(
                f"{labelled.name}: row {number} of {located.place} lacks some of {wanted}; "
                "give a file of ContextualAI/Flask at `evaluation.multifacet.calibration`, or 0 "
                "`items`"
            )
        rows.append({**texts, "labels": labels, "label": float(median(labels))})
    items = [{**row, "item": item} for row, item in zip(rows, number_items(rows), strict=True)]
    schema = dict.fromkeys([*_TEXTS.values(), "item"], pl.String()) | {
        "labels": pl.List(pl.Float64()),
        "label": pl.Float64(),
    }
    return choose_items(pl.DataFrame(items, schema=schema), labelled).with_columns(
        request_id="item",
        judge_sees_message=pl.lit(value=False),
        system_message=pl.lit(None, pl.String),
        levels=pl.lit([], pl.List(pl.String)),
    )


def _read_labels(value: Any) -> list[float]:
    """The scores that people gave; none where something else stands there."""
    listed = value if isinstance(value, list) else [value]
    try:
        labels = [float(each) for each in listed]
    except (TypeError, ValueError):
        return []
    return labels if all(LOWEST <= each <= HIGHEST for each in labels) else []


class Agreement(NamedTuple):
    """How far a judge's scores and people's medians agree.

    Attributes:
        items: With a score.
        unread: Without one.
        kappa: With quadratic weights; None: all scores and labels are the same, or there are none.
        interval: Its 95 % interval, by item.
        same: Share of equal ones.
        near: Share of those that differ by at most 1.
        leniency: Mean of score minus label.
    """

    items: int
    unread: int
    kappa: float | None
    interval: Interval | None
    same: float | None
    near: float | None
    leniency: float | None


def measure_agreement(graded: pl.DataFrame) -> Agreement:
    """How far the judge and people agree in the rows of `MULTIFACET_CALIBRATION`."""
    pairs = _pairs(graded)
    apart = [score - label for score, label in pairs]
    number = len(pairs)
    return Agreement(
        items=number,
        unread=graded.height - number,
        kappa=_kappa(pairs),
        interval=bootstrap_intervals(Counter(pairs), {"kappa": quadratic_kappa})["kappa"],
        same=sum(each == 0 for each in apart) / number if number else None,
        near=sum(abs(each) <= 1 for each in apart) / number if number else None,
        leniency=sum(apart) / number if number else None,
    )


def worth_of_gradings(graded: pl.DataFrame | None, judge: str) -> str:
    """What a judge's gradings are worth: ``calibrated``, or ``uncalibrated`` and why.

    Args:
        graded: `MULTIFACET_CALIBRATION`; None where none is stored.
        judge: The name of the judge in the catalogue.
    """
    if graded is None:
        return f"{UNCALIBRATED}: {MULTIFACET_CALIBRATION.name} is not made"
    of_judge = graded.filter(judge=judge)
    pairs = _pairs(of_judge)
    return say_worth(_kappa(pairs), len(pairs), of_judge.height - len(pairs))


def _pairs(graded: pl.DataFrame) -> _Pairs:
    scored = graded.drop_nulls("score").select(pl.col("score").cast(pl.Float64), "label")
    return scored.rows()


def _kappa(pairs: _Pairs) -> float | None:
    return quadratic_kappa(Counter(pairs))
