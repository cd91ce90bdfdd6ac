"""Small evaluations of subjects, and what is compared with what."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from sysgen_dagster.evaluation.comparisons.subjects import UNTRAINED, Compared
from sysgen_dagster.evaluation.comparisons.tables import Evaluated
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.evaluation.tables import ITEM_COLUMNS, TOTAL
from sysgen_dagster.tables.table import polars_schema


def items(
    values: Sequence[float | None], metric: str = "solved", of: str = TOTAL, begin: int = 0
) -> pl.DataFrame:
    """`ITEM_COLUMNS` of items that are numbered from `begin`."""
    rows = [
        {
            "metric": metric,
            "of": of,
            "item": str(at),
            "cluster": str(at),
            "value": value,
            "drop_reason": "no_verdict" if value is None else None,
        }
        for at, value in enumerate(values, begin)
    ]
    return pl.DataFrame(rows, schema=polars_schema(ITEM_COLUMNS))


def evaluated(
    of_items: pl.DataFrame, *, subject: str = "mine", is_made_up: bool = False, **said: Any
) -> Evaluated:
    """What is stored of a subject with these items."""
    scores = score_items(of_items, subject=subject, **{"protocol": "asked once", **said})
    return Evaluated(scores, of_items, is_made_up)


def compared(name: str = "mine", **changes: Any) -> Compared:
    """A subject that is compared with nothing, unless `changes` say so."""
    said: Mapping[str, Any] = {
        "answers": name,
        "published_as": None,
        "against": None,
        "in_user_turn": False,
        "student": None,
        "arm": UNTRAINED,
        "training": None,
    }
    return Compared(name=name, **{**said, **changes})


def row_of(frame: pl.DataFrame, **where: Any) -> dict[str, Any]:
    """The one row with these values."""
    return frame.filter(**where).row(0, named=True) if frame.filter(**where).height == 1 else {}
