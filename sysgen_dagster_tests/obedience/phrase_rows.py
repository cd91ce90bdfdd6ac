"""Rows with the phrases of their message and what rules say of them, for the tests."""

from typing import Any

import polars as pl

from sysgen_dagster.obedience.tables import PHRASE_VERDICTS
from sysgen_dagster.tables.columns import MESSAGES

OPEN = {"verdict": "unknown", "by": None, "rule": None}
SCHEMA = {
    "conversation_id": pl.String(),
    "source": pl.String(),
    "question": pl.String(),
    "history": MESSAGES,
    "system_message": pl.String(),
    "new_answer": pl.String(),
    "new_history": MESSAGES,
    "phrases": PHRASE_VERDICTS,
    "may_decline": pl.Boolean(),
}


def phrase(text: str, verdict: str = "unknown", tag: str = "Style") -> dict[str, Any]:
    """A phrase that rules leave open, or one that they have decided."""
    decided = {"verdict": verdict, "by": "rules", "rule": "words"}
    return {"tag": tag, "text": text, **(OPEN if verdict == "unknown" else decided)}


def rows(*phrases: list[dict[str, Any]] | None, **given: Any) -> pl.DataFrame:
    """One row for each list of phrases, with the ids ``c0``, ...; all have what is given."""
    texts = {
        "source": "mine",
        "question": "Why?",
        "history": [],
        "new_history": None,
        "may_decline": False,
    }
    texts |= {"system_message": "Be kind. Be brief.", "new_answer": "Because."} | given
    numbered = [
        {"conversation_id": f"c{n}", **texts, "phrases": of} for n, of in enumerate(phrases)
    ]
    return pl.DataFrame(numbered, schema=SCHEMA)
