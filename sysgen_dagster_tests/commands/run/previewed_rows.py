"""Rows after a preview, made up, for tests of what is done with them."""

from typing import Any

import polars as pl

from sysgen_dagster.commands.run.answers import Spent
from sysgen_dagster.commands.run.preview import Chosen, Previewed

STORY: dict[str, Any] = {
    "id": "mine-0",
    "history": [],
    "question": "How far is the moon?",
    "answer": "It is 384,400 km away.",
    "annotated_message": None,
    "tagged_message": None,
    "defects": [],
    "verdicts": [],
    "removed": [],
    "system_message": None,
    "new_answer": None,
    "stopped_at": None,
    "drop_reason": None,
    "obedience": [],
    "rejected_answers": [],
}


def previewed(number: int = 1, spent: Spent | None = None, **changes: Any) -> Previewed:
    """A row; fields of its story, and ``of``, ``characters``, ``failure``, can be given."""
    of, characters = changes.pop("of", 1), changes.pop("characters", 100)
    failure = changes.pop("failure", None)
    conversation = pl.DataFrame({"source_row": [number * 1_000], "conversation_id": [f"c{number}"]})
    chosen = Chosen(number, conversation, 1, of, characters)
    spent = spent or Spent(requests=3, prompt_tokens=900, completion_tokens=300)
    return Previewed(chosen, STORY | changes, spent, 1.0, failure)
