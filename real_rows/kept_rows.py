"""The rows that `written_rows.py` has written, and which of them hold by the rules of now.

Rules that are added after rows were made may find that some of them break a phrase.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from sysgen_dagster.lanes.sysgen.tables import PHRASES
from sysgen_dagster.obedience.by_rules import decide_by_rules
from sysgen_dagster.obedience.contradictions import compare_results

Row = dict[str, Any]


def read_rows(file: Path) -> list[Row]:
    """One for each line."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def write_lines(rows: Sequence[Row], file: Path) -> None:
    """Write one line for each."""
    file.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))


def select_sound(rows: Sequence[Row]) -> list[Row]:
    """Those of which no phrase is known to be broken and whose result is not another one.

    Their ``phrases`` have the verdicts of the rules of now.
    """
    frame = pl.DataFrame(
        {
            "original_answer": [row["original_answer"] for row in rows],
            "new_answer": [row["new_answer"] for row in rows],
            "phrases": [[_phrase(each) for each in row["phrases"]] for row in rows],
        },
        schema={"original_answer": pl.String, "new_answer": pl.String, "phrases": PHRASES},
    )
    answers = frame["new_answer"].reshape((-1, 1)).arr.to_list()
    decided = decide_by_rules(frame["phrases"], answers).to_list()
    results = compare_results(frame["original_answer"], frame["new_answer"])["result"]
    return [
        row | {"phrases": verdicts}
        for row, verdicts, result in zip(rows, decided, results, strict=True)
        if result != "contradicts" and all(each["verdict"] != "not_obeyed" for each in verdicts)
    ]


def _phrase(phrase: Row) -> Row:
    return {name: phrase[name] for name in ("tag", "text")}


def places_of(rows: Sequence[Row], source: str) -> set[int]:
    """Of the upstream rows of a source that they were made of, in its file."""
    return {row["upstream"]["row"] for row in rows if row["source"] == source}
