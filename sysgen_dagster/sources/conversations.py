"""Upstream rows to conversations: one row per (question, answer), with what was said before.

A shape turns one upstream row into chat messages; everything after that is the same for every
data set. ``{"conversation": [{"input": "Hi", "output": "Hello"}]}`` becomes one conversation:
question ``Hi``, answer ``Hello``, an empty history.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import polars as pl

from sysgen_dagster.catalog.sources import Exchanges, Source
from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.sources.shapes import SHAPES, Row, Turn
from sysgen_dagster.sources.tables import CONVERSATIONS


def build_conversations(
    rows: pl.DataFrame, source: Source, excluded: Collection[str] = ()
) -> pl.DataFrame:
    """The conversations of some upstream rows of one source, in their order.

    Args:
        rows: One row per upstream row, with the columns of `tables.source_table`.
        source: The catalogue entry of their source, whose name begins every ``conversation_id``.
        excluded: Ids of conversations that are not to be used any more. Nothing of the text of
            such a one stays, nor of its upstream row, whose other turns hold it as their history.

    Returns:
        One row per conversation, `tables.CONVERSATIONS`. With ``exchanges: each`` an upstream row
        gives one per answered or unanswered question, otherwise exactly one.
    """
    shape = source.shape.model_dump()
    read = SHAPES[shape.pop("kind")]
    gone = {identity.rpartition("-")[0] for identity in excluded}
    records = [
        record
        for row in rows.iter_rows(named=True)
        for record in _conversations_of(row, list(read(row, **shape)), source, gone)
    ]
    return pl.DataFrame(records, schema=CONVERSATIONS.schema, orient="row")


def _conversations_of(
    row: Row, turns: list[Turn], source: Source, gone: Collection[str]
) -> Iterator[dict[str, Any]]:
    name, exchanges = source.name, [row[column] for column in source.shape_columns]
    first = _row_id(name, exchanges, 0)
    own = first if row["occurrence"] == 0 else _row_id(name, exchanges, row["occurrence"])
    system = "\n\n".join(text or "" for who, text in turns if who == Role.SYSTEM) or None
    shown = turns if source.show_original_system_message else _spoken(turns)
    is_gone = own in gone or first in gone
    for turn, (history, question, answer) in _exchanges(shown, source.exchanges):
        record = {
            "conversation_id": f"{own}-{turn}",
            "source": name,
            "source_row": row["source_row"],
            "source_revision": row["source_revision"],
            "turn": turn,
            "history": _chat(history),
            "original_system_message": system,
            "question": question,
            "answer": answer,
            "duplicate_of": None if own == first else f"{first}-{turn}",
            "drop_reason": _drop_reason(turns, history, question, answer),
        }
        yield {**record, **_EXCLUDED} if is_gone else record


_EXCLUDED: Mapping[str, Any] = {
    "history": [],
    "original_system_message": None,
    "question": None,
    "answer": None,
    "drop_reason": Unusable.EXCLUDED,
}


def _row_id(name: str, exchanges: list[Any], occurrence: int) -> str:
    """Depends on the text alone, so it survives re-ordering, re-sharding and other rows' edits."""
    text = json.dumps([name, exchanges, occurrence], ensure_ascii=False)
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return f"{name}-{digest.hexdigest()}"


def _spoken(turns: list[Turn]) -> list[Turn]:
    return [turn for turn in turns if turn[0] != Role.SYSTEM]


Exchange = tuple[list[Turn], str | None, str | None]  # history, question, answer


def _exchanges(turns: list[Turn], wanted: Exchanges) -> Iterator[tuple[int, Exchange]]:
    """The exchanges wanted, with their positions; a row always gives at least one."""
    found = list(enumerate(_all_exchanges(turns)))
    if wanted is Exchanges.EACH:
        yield from found
    elif wanted is Exchanges.FIRST:
        yield found[0]
    else:
        answered = [each for each in found if each[1][2] is not None]
        yield (answered or found)[-1]


def _all_exchanges(turns: list[Turn]) -> Iterator[Exchange]:
    """Every question with its answer; a question nobody answered has None for one."""
    asked: int | None = None
    given = False
    for position, (who, text) in enumerate(turns):
        if who == Role.USER:
            if asked is not None:
                yield turns[:asked], turns[asked][1], None
            asked = position
        elif who == Role.ASSISTANT and asked is not None:
            yield turns[:asked], turns[asked][1], text or ""
            asked, given = None, True
    if asked is not None:
        yield turns[:asked], turns[asked][1], None
    elif not given:
        yield turns, None, None


def _chat(turns: list[Turn]) -> list[ChatMessage]:
    return [{"role": Role(who), "content": text or ""} for who, text in turns if who in set(Role)]


def _drop_reason(
    turns: list[Turn], history: list[Turn], question: str | None, answer: str | None
) -> str | None:
    if any(who not in set(Role) for who, _ in turns):
        return Unusable.UNKNOWN_ROLE
    if not (question or "").strip():
        return Unusable.EMPTY_QUESTION
    if answer is None:
        return Unusable.NO_ANSWER
    if not answer.strip():
        return Unusable.EMPTY_ANSWER
    return None if all((text or "").strip() for _, text in history) else Unusable.EMPTY_TURN
