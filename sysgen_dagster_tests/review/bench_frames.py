"""A small bench of the second lane, with what its sheet and its reviews are made of."""

from typing import Any

import polars as pl

from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_REFERENCES, BENCH_RUBRICS
from sysgen_dagster.review.bench_sheets import FITS, SCORE_A, SCORE_B, list_rubrics
from sysgen_dagster.tables.table import Table, kept
from sysgen_dagster_tests.evaluation.multifacet.frames import rows_of_lane

BENCH = rows_of_lane(5, dropped=2)


def _frame(table: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    whole = [{**dict.fromkeys(table.names), **row} for row in rows]
    return pl.DataFrame(whole, schema=table.schema)


REFERENCES = _frame(
    BENCH_REFERENCES,
    [
        {
            "conversation_id": item["conversation_id"],
            "preference_set": [
                {
                    "dimension": rubric["dimension"],
                    "subdimension": rubric["subdimension"],
                    "preference": "short and plain",
                    "description": f"Says {rubric['dimension']} in few words.",
                }
                for rubric in item["rubrics"] or ()
            ],
        }
        for item in BENCH.iter_rows(named=True)
    ],
)
# The judge gives each reference a 5 and each sibling's answer a 2, but for one 3 an item.
TRIED = _frame(
    BENCH_RUBRICS,
    [
        {
            "conversation_id": item["conversation_id"],
            "source": item["source"],
            "dimension": rubric["dimension"],
            "reference_score": 5,
            "sibling_score": 3 if number == 0 else 2,
            "judge": "hawk",
            "engine": "vllm",
        }
        for item in kept(BENCH).iter_rows(named=True)
        for number, rubric in enumerate(item["rubrics"])
    ],
)
RUBRICS = list_rubrics(BENCH, REFERENCES)


def fill(row: dict[str, str], reference: Any, sibling: Any, fits: str = "yes") -> dict[str, str]:
    """A row of a sheet with what a reviewer writes who knows which answer is which."""
    [is_first] = RUBRICS.filter(row=row["row"])["a_is_reference"]
    first, second = (reference, sibling) if is_first else (sibling, reference)
    return row | {SCORE_A: str(first), SCORE_B: str(second), FITS: fits}
