"""The turns of the conflict set, what was answered to them, and what each answer is worth."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import polars as pl
import yaml

from sysgen_dagster.chat.messages import derive_seed
from sysgen_dagster.evaluation.conflict_set.tables import (
    CONFLICT_SET_ANSWERS,
    CONFLICT_SET_GRADINGS,
    CONFLICT_SET_ITEMS,
)
from sysgen_dagster.evaluation.tables import ITEM_COLUMNS, TOTAL
from sysgen_dagster.lanes.sysgen.refusals import is_refusal
from sysgen_dagster.obedience.conflicts import AGAINST, Side, build_turns, decide_sides
from sysgen_dagster.obedience.requested import FINGERPRINT as FINGERPRINT_OF_REQUESTS
from sysgen_dagster.tables.columns import MESSAGES
from sysgen_dagster.tables.table import polars_schema

_FILE: Final = Path(__file__).with_name("messages.yaml")
# Changes with the messages and with the wordings of what users ask.
FINGERPRINT: Final = sha256(_FILE.read_bytes() + FINGERPRINT_OF_REQUESTS.encode()).hexdigest()[:12]
# Two rates that are always shown together, and what the first one is to be read beside.
KEPT, HELPED, BROKEN = "kept_under_conflict", "helped", "broken_without_message"
_ROWS: Final = {
    **dict.fromkeys(("conversation_id", "source", "system_message", "question"), pl.String()),
    "phrases": pl.List(pl.Struct({"tag": pl.String(), "text": pl.String()})),
    "history": MESSAGES,
}


class NoSide(StrEnum):
    """Why an answer that is there counts for no rate."""

    UNDECIDED = "undecided"  # rules cannot tell whose wish it follows


@cache
def _read_messages() -> Mapping[str, Any]:
    messages: Mapping[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return messages


def build_set(most: int | None = None, seed: int = 0) -> pl.DataFrame:
    """`CONFLICT_SET_ITEMS`: six rows per message of our own file.

    Args:
        most: How many messages are taken; a larger number holds those of a smaller one. None: all.
        seed: Of the order in which they are taken.
    """
    messages = _read_messages()
    drawn = sorted(messages, key=lambda name: (derive_seed(name, "conflict_set", seed), name))
    taken = set(drawn[:most])
    rows = [
        {
            "conversation_id": name,
            "source": _FILE.parent.name,
            "system_message": " ".join(phrase["text"] for phrase in message["phrases"]),
            "question": message["question"],
            "phrases": message["phrases"],
            "history": [],
        }
        for name, message in messages.items()
        if name in taken
    ]
    turns = build_turns(pl.DataFrame(rows, schema=_ROWS))
    return turns.with_columns(message="conversation_id").select(CONFLICT_SET_ITEMS.names)


def grade(answers: pl.DataFrame) -> pl.DataFrame:
    """`CONFLICT_SET_GRADINGS` of the rows of `CONFLICT_SET_ANSWERS`, one for each."""
    sides = answers.with_columns(decide_sides(answers), is_refusal=is_refusal(pl.col("answer")))
    return sides.select(CONFLICT_SET_GRADINGS.names)


def build_items(gradings: pl.DataFrame) -> pl.DataFrame:
    """`ITEM_COLUMNS` of the rows of `CONFLICT_SET_GRADINGS`: those of each turn, and of all.

    `KEPT` and `BROKEN` are of the turns that ask for the opposite, with the message and without it;
    `HELPED` is of the turns that do not. A refusal helps nobody, and where rules cannot tell the
    side of any other answer, the answer counts for no rate.
    """
    holds, refuses = pl.col("side") == Side.MESSAGE.value, pl.col("is_refusal").fill_null(False)
    is_known = pl.col("side") != Side.UNKNOWN.value
    is_against = pl.col("turn").is_in([turn.value for turn in AGAINST])
    with_message = pl.col("has_system_message")
    parts = (
        (KEPT, is_against & with_message, holds, is_known),
        (HELPED, ~is_against, holds & ~refuses, is_known | refuses),
        (BROKEN, is_against & ~with_message, ~holds, is_known),
    )
    items = [
        gradings.filter(which)
        .with_columns(
            metric=pl.lit(metric),
            item="request_id",
            cluster="message",
            value=pl.when(pl.col("drop_reason").is_null() & known).then(value.cast(pl.Float64)),
            drop_reason=pl.when(pl.col("drop_reason").is_null() & ~known)
            .then(pl.lit(NoSide.UNDECIDED.value))
            .otherwise("drop_reason"),
        )
        .with_columns(of=of)
        for metric, which, value, known in parts
        for of in _of(metric)
    ]
    return pl.concat(items).select(ITEM_COLUMNS.keys()).cast(polars_schema(ITEM_COLUMNS))  # type: ignore[arg-type]


def _of(metric: str) -> list[pl.Expr]:
    """The scores of a rate: of each of its turns; and of all where these mean the same."""
    return [pl.col("turn")] if metric == HELPED else [pl.lit(TOTAL), pl.col("turn")]


def build_floor(turns: pl.DataFrame) -> pl.DataFrame:
    """`ITEM_COLUMNS` of a server that always says "yes".

    Args:
        turns: `CONFLICT_SET_ITEMS`.
    """
    said = {name: pl.lit(None, dtype) for name, dtype in CONFLICT_SET_ANSWERS.schema.items()}
    said = {name: null for name, null in said.items() if name not in turns.columns}
    return build_items(grade(turns.with_columns(**said | {"answer": pl.lit("yes")})))
