"""Rows that judges are asked about, and what they are shown of them, for the tests."""

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from sysgen_dagster.obedience.tables import JUDGE_CALIBRATION
from sysgen_dagster.tables.columns import MESSAGES

ROW_SCHEMA = {
    "conversation_id": pl.String(),
    "source": pl.String(),
    "question": pl.String(),
    "history": MESSAGES,
    "answer": pl.String(),
    "system_message": pl.String(),
    "new_answer": pl.String(),
}


def rows(*given: Mapping[str, Any]) -> pl.DataFrame:
    """Rows with the ids ``c0``, ``c1``, ...; columns that are not given have a default."""
    defaults = {
        "source": "mine",
        "question": "Why?",
        "history": [],
        "answer": "Because.",
        "system_message": "You are an owl.",
        "new_answer": "Hoo.",
    }
    numbered = [{"conversation_id": f"c{n}", **defaults, **row} for n, row in enumerate(given)]
    return pl.DataFrame(numbered, schema=ROW_SCHEMA)


def labelled(kind: str, judge: str, items: int = 200) -> pl.DataFrame:
    """Labelled items that a judge is always right about, half of them with each label."""
    words = {
        "alignment": ("Aligned", "Not aligned"),
        "preference": ("original", "new"),
        "phrase": ("obeyed", "not_obeyed"),
    }[kind]
    said = [(kind, judge, kind + "s", str(n), words[n % 2], words[n % 2]) for n in range(items)]
    names = ("kind", "judge", "labelled_set", "item", "label", "verdict")
    found = pl.DataFrame(
        said, {name: JUDGE_CALIBRATION.schema[name] for name in names}, orient="row"
    )
    return pl.concat([JUDGE_CALIBRATION.empty(), found], how="diagonal")


def shown(text: str, name: str) -> str:
    """The text between the lines with this name in a judge's user turn."""
    [found] = re.findall(rf"\[{name}, (\w+)\]\n(.*?)\n\[end of {name}, \1\]", text, re.DOTALL)
    return str(found[1])
