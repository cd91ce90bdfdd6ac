"""The bench as a file in the layout of Multifaceted-Bench, so that others can ask their models."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from sysgen_dagster.tables.table import kept

FILE: Final = "bench.jsonl"  # in the folder of `tables.MULTIFACETED_BENCH`


def write_lines(bench: pl.DataFrame, references: pl.DataFrame) -> str:
    """JSON lines, one for each item, with the columns of the published file.

    Args:
        bench: `tables.MULTIFACETED_BENCH`; rows that are no item are left out.
        references: `tables.BENCH_REFERENCES`, which has the words of the preferences.
    """
    sets = dict(references.select("conversation_id", "preference_set").iter_rows())
    lines = (json.dumps(row, ensure_ascii=False) for row in _lay_out(kept(bench), sets))
    return "".join(f"{line}\n" for line in lines)


def _lay_out(items: pl.DataFrame, sets: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in items.iter_rows(named=True):
        yield {
            "source": item["source"],
            "system": item["system_message"],
            "prompt": item["prompt"],
            "reference_answer": item["reference_answer"],
            "preference_set": sets[item["conversation_id"]],
            "rubrics": [
                {
                    "criteria": rubric["criterion"],
                    "score_descriptions": {
                        str(score): level for score, level in enumerate(rubric["levels"], 1)
                    },
                }
                for rubric in item["rubrics"]
            ],
        }
