"""Rows of conflict turns for the tests."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from sysgen_dagster.obedience.tables import CONFLICT_TURNS
from sysgen_dagster_tests.tables.evidence import Rows

# The six requests of a message, as (turn, whether the message is there).
REQUESTS = (
    ("aligned", True),
    ("unrelated", True),
    ("conflicting", True),
    ("conflicting", False),
    ("claimed_authority", True),
    ("claimed_authority", False),
)
# As a message leaves them that holds.
HOLDS = ("message", "message", "message", "user", "message", "user")


def turn_rows(*sides: tuple[str | None, ...], **changed: Any) -> list[dict[str, Any]]:
    """The rows of messages ``c0``, ``c1``, ...: the sides of their six answers, by `REQUESTS`.

    ``None`` stands for an answer that was cut. What `changed` says is so in every row.
    """
    return [
        {
            "conversation_id": f"c{number}",
            "source": "mine",
            "turn": turn,
            "has_system_message": has_message,
            "rule": "words",
            "prompt": _prompt(turn, has_message),
            "answer": f"{turn} {'with' if has_message else 'without'} {side}",
            "side": side,
            "is_refusal": False,
            "drop_reason": "truncated" if side is None else None,
            "engine": "vllm",
            **changed,
        }
        for number, of_message in enumerate(sides)
        for (turn, has_message), side in zip(REQUESTS, of_message, strict=True)
    ]


def _prompt(turn: str, has_message: bool) -> list[Mapping[str, str]]:
    system = [{"role": "system", "content": "S"}] if has_message else []
    return [*system, {"role": "user", "content": f"Q\n\n{turn}"}]


def turn_frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """The rows as `CONFLICT_TURNS`."""
    whole = [{**dict.fromkeys(CONFLICT_TURNS.columns), **row} for row in rows]
    return pl.DataFrame(whole, schema=CONFLICT_TURNS.schema, orient="row")


def evidence(rows: list[dict[str, Any]]) -> Rows:
    """The rows as what checks look at."""
    return Rows({CONFLICT_TURNS.name: rows})
