"""Builds conversations from upstream rows: a question, its answer and the turns before it.

``{"conversation": [{"input": "Hi", "output": "Hello"}]}`` becomes one conversation: question
``Hi``, answer ``Hello``, an empty history. `shapes` reads the turns out of the different formats;
everything here is the same for every source.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import polars as pl

from sysgen_dagster.catalog.sources import Exchanges, Source
from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.sources.shapes import SHAPES, Row, Turn
from sysgen_dagster.sources.tables import CONVERSATIONS


def build_conversations(
    rows: pl.DataFrame, source: Source, excluded: Collection[str] = ()
) -> pl.DataFrame:
    """The conversations of some upstream rows of one source, in the order of the rows.

    Args:
        rows: One row per upstream row, with the columns of `tables.source_table`.
        source: The catalogue entry of the source. Its name begins every ``conversation_id``.
        excluded: Ids of conversations that must not be used. The texts of all conversations of the
            same upstream row are removed too, because they are each other's history.

    Returns:
        `tables.CONVERSATIONS`, one row per conversation. With ``exchanges: each`` an upstream row
        gives one conversation per question, answered or not; otherwise exactly one.
    """
    shape = source.shape.model_dump()
    read_turns = SHAPES[shape.pop("kind")]
    excluded_rows = {identity.rpartition("-")[0] for identity in excluded}
    records = [
        record
        for row in rows.iter_rows(named=True)
        for record in (
            _build_emptied(row, source)
            if row.get("excluded_ids")
            else _build_records(row, list(read_turns(row, **shape)), source, excluded_rows)
        )
    ]
    return pl.DataFrame(records, schema=CONVERSATIONS.schema, orient="row")


def _build_records(
    row: Row, turns: list[Turn], source: Source, excluded_rows: Collection[str]
) -> Iterator[dict[str, Any]]:
    """The conversations of one upstream row, whose turns are `turns`."""
    name, texts = source.name, [row[column] for column in source.shape_columns]
    first_id = _row_id(name, texts, 0)  # of the first upstream row with the same texts
    row_id = first_id if row["occurrence"] == 0 else _row_id(name, texts, row["occurrence"])
    system = "\n\n".join(turn.text or "" for turn in turns if turn.role == Role.SYSTEM) or None
    keeps_system = source.show_original_system_message
    shown = [turn for turn in turns if keeps_system or turn.role != Role.SYSTEM]
    is_excluded = row_id in excluded_rows or first_id in excluded_rows
    for turn, exchange in _choose_exchanges(shown, source.exchanges):
        history = [each for each in exchange.history if each.role in set(Role)]
        record = {
            "conversation_id": f"{row_id}-{turn}",
            "source": name,
            "source_row": row["source_row"],
            "source_revision": row["source_revision"],
            "turn": turn,
            "history": [
                ChatMessage(role=Role(each.role), content=each.text or "") for each in history
            ],
            "history_reasoning": _list_reasoning(history),
            "original_system_message": system,
            "question": exchange.question,
            "answer": exchange.answer,
            "answer_reasoning": exchange.reasoning,
            "duplicate_of": None if row_id == first_id else f"{first_id}-{turn}",
            "drop_reason": _drop_reason(turns, exchange),
        }
        yield {**record, **_WITHOUT_TEXTS} if is_excluded else record


def _build_emptied(row: Row, source: Source) -> Iterator[dict[str, Any]]:
    """The conversations of an upstream row whose texts were removed from the source's table."""
    for identity in row["excluded_ids"]:
        yield {
            "conversation_id": identity,
            "source": source.name,
            "source_row": row["source_row"],
            "source_revision": row["source_revision"],
            "turn": int(identity.rpartition("-")[2]),
            "duplicate_of": None,
            **_WITHOUT_TEXTS,
        }


_WITHOUT_TEXTS: Mapping[str, Any] = {
    "history": [],
    "original_system_message": None,
    "history_reasoning": None,
    "question": None,
    "answer": None,
    "answer_reasoning": None,
    "drop_reason": Unusable.EXCLUDED,
}


def _row_id(name: str, texts: list[Any], occurrence: int) -> str:
    """An id that depends only on the texts, so that reordering or resharding does not change it."""
    text = json.dumps([name, texts, occurrence], ensure_ascii=False)
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return f"{name}-{digest.hexdigest()}"


def _list_reasoning(history: list[Turn]) -> list[str | None] | None:
    """What was thought before each turn; None where nothing was."""
    thoughts = [turn.reasoning for turn in history]
    return thoughts if any(thoughts) else None


class Exchange(NamedTuple):
    """A question with the turns before it, its answer, and what was thought before that."""

    history: list[Turn]
    question: str | None
    answer: str | None = None
    reasoning: str | None = None


def _choose_exchanges(turns: list[Turn], wanted: Exchanges) -> list[tuple[int, Exchange]]:
    """The exchanges that the catalogue asks for, with their positions; always at least one."""
    exchanges = list(enumerate(_split_exchanges(turns)))
    if wanted is Exchanges.EACH:
        return exchanges
    if wanted is Exchanges.FIRST:
        return exchanges[:1]
    answered = [exchange for exchange in exchanges if exchange[1].answer is not None]
    return (answered or exchanges)[-1:]


def _split_exchanges(turns: list[Turn]) -> Iterator[Exchange]:
    """Every question with its answer, None if there is none; at least one exchange."""
    asked: int | None = None  # position of a question without an answer so far
    has_answer = False
    for position, turn in enumerate(turns):
        if turn.role == Role.USER:
            if asked is not None:
                yield Exchange(turns[:asked], turns[asked].text)
            asked = position
        elif turn.role == Role.ASSISTANT and asked is not None:
            yield Exchange(turns[:asked], turns[asked].text, turn.text or "", turn.reasoning)
            asked, has_answer = None, True
    if asked is not None:
        yield Exchange(turns[:asked], turns[asked].text)
    elif not has_answer:
        yield Exchange(turns, None)


def _drop_reason(turns: list[Turn], exchange: Exchange) -> str | None:
    if any(turn.role not in set(Role) for turn in turns):
        return Unusable.UNKNOWN_ROLE
    if not (exchange.question or "").strip():
        return Unusable.EMPTY_QUESTION
    if exchange.answer is None:
        return Unusable.NO_ANSWER
    if not exchange.answer.strip():
        return Unusable.EMPTY_ANSWER
    is_blank = any(not (turn.text or "").strip() for turn in exchange.history)
    return Unusable.EMPTY_TURN if is_blank else None
