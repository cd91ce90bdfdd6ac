"""Small frames for the tests of training sets."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from sysgen_dagster.lanes.sysgen.tables import PHRASES, REJECTED_ANSWERS
from sysgen_dagster.tables.columns import MESSAGES
from sysgen_dagster.tables.table import Table
from sysgen_dagster.training_sets.tables import TRAINING_ROWS

_MADE = {"variant", "messages", "trained"}
_ALIGNED = {name: type for name, type in TRAINING_ROWS.schema.items() if name not in _MADE}
_TEXTS = ("question", "answer", "answer_reasoning", "system_message", "new_answer")
_ALIGNED |= dict.fromkeys(_TEXTS, pl.String())
_ALIGNED |= dict.fromkeys(("history", "new_history"), MESSAGES)
_ALIGNED |= {"phrases": PHRASES, "rejected_answers": REJECTED_ANSWERS}


def aligned(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """Aligned conversations ``c0``, ``c1``, ...; what a row does not say is usual."""
    usual = {
        "source": "mine",
        "question": "Q",
        "answer": "A",
        "answer_reasoning": None,
        "history": [],
        "system_message": "S",
        "new_answer": "A'",
        "reasoning": None,
        "split": "train",
        "tags": ["Role", "Task"],
        "flags": ["repetitive"],
        "new_history": None,
        "phrases": [{"tag": "Role", "text": "S"}],
        "rejected_answers": [],
        "phrases_obeyed": 2,
        "phrases_not_obeyed": 0,
        "phrases_unknown": 1,
        "source_repo": "us/mine",
        "source_revision": "local:0000",
        "source_row": 7,
        "source_turn": 1,
        "source_license": "mit",
        "model": "phi",
        "served_name": "us/phi",
        "model_revision": "1111",
        "model_license": "apache-2.0",
        "engine": "vllm",
    }
    numbered = [{"conversation_id": f"c{n}", **usual, **row} for n, row in enumerate(rows)]
    return pl.DataFrame(numbered, schema=_ALIGNED, orient="row")


def of(table: Table, *rows: Mapping[str, Any]) -> pl.DataFrame:
    """A stored table; what a row does not say is null."""
    whole = [{**dict.fromkeys(table.columns), **row} for row in rows]
    return pl.DataFrame(whole, schema=table.schema, orient="row")


def chat(*turns: tuple[str, str]) -> list[dict[str, str]]:
    """Messages from (role, content) pairs."""
    return [{"role": role, "content": content} for role, content in turns]
