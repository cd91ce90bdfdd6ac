"""Builds conversations from upstream rows: a question, its answer and the turns before it.

``{"conversation": [{"input": "Hi", "output": "Hello"}]}`` becomes one conversation: question
``Hi``, answer ``Hello``, an empty history. `shapes` reads the turns out of the different formats;
everything here is the same for every source.
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
        for record in _build_records(row, list(read_turns(row, **shape)), source, excluded_rows)
    ]
    return pl.DataFrame(records, schema=CONVERSATIONS.schema, orient="row")


def _build_records(
    row: Row, turns: list[Turn], source: Source, excluded_rows: Collection[str]
) -> Iterator[dict[str, Any]]:
    """The conversations of one upstream row, whose turns are `turns`."""
    name, texts = source.name, [row[column] for column in source.shape_columns]
    first_id = _row_id(name, texts, 0)  # of the first upstream row with the same texts
    row_id = first_id if row["occurrence"] == 0 else _row_id(name, texts, row["occurrence"])
    system = "\n\n".join(text or "" for role, text in turns if role == Role.SYSTEM) or None
    keeps_system = source.show_original_system_message
    shown = [turn for turn in turns if keeps_system or turn[0] != Role.SYSTEM]
    is_excluded = row_id in excluded_rows or first_id in excluded_rows
    for turn, (history, question, answer) in _choose_exchanges(shown, source.exchanges):
        record = {
            "conversation_id": f"{row_id}-{turn}",
            "source": name,
            "source_row": row["source_row"],
            "source_revision": row["source_revision"],
            "turn": turn,
            "history": [
                ChatMessage(role=Role(role), content=text or "")
                for role, text in history
                if role in set(Role)
            ],
            "original_system_message": system,
            "question": question,
            "answer": answer,
            "duplicate_of": None if row_id == first_id else f"{first_id}-{turn}",
            "drop_reason": _drop_reason(turns, history, question, answer),
        }
        yield {**record, **_WITHOUT_TEXTS} if is_excluded else record


_WITHOUT_TEXTS: Mapping[str, Any] = {
    "history": [],
    "original_system_message": None,
    "question": None,
    "answer": None,
    "drop_reason": Unusable.EXCLUDED,
}


def _row_id(name: str, texts: list[Any], occurrence: int) -> str:
    """An id that depends only on the texts, so that reordering or resharding does not change it."""
    text = json.dumps([name, texts, occurrence], ensure_ascii=False)
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return f"{name}-{digest.hexdigest()}"


Exchange = tuple[list[Turn], str | None, str | None]  # history, question, answer


def _choose_exchanges(turns: list[Turn], wanted: Exchanges) -> list[tuple[int, Exchange]]:
    """The exchanges that the catalogue asks for, with their positions; always at least one."""
    exchanges = list(enumerate(_split_exchanges(turns)))
    if wanted is Exchanges.EACH:
        return exchanges
    if wanted is Exchanges.FIRST:
        return exchanges[:1]
    answered = [exchange for exchange in exchanges if exchange[1][2] is not None]
    return (answered or exchanges)[-1:]


def _split_exchanges(turns: list[Turn]) -> Iterator[Exchange]:
    """Every question with its answer, None if there is none; at least one exchange."""
    asked: int | None = None  # position of a question without an answer so far
    has_answer = False
    for position, (role, text) in enumerate(turns):
        if role == Role.USER:
            if asked is not None:
                yield turns[:asked], turns[asked][1], None
            asked = position
        elif role == Role.ASSISTANT and asked is not None:
            yield turns[:asked], turns[asked][1], text or ""
            asked, has_answer = None, True
    if asked is not None:
        yield turns[:asked], turns[asked][1], None
    elif not has_answer:
        yield turns, None, None


def _drop_reason(
    turns: list[Turn], history: list[Turn], question: str | None, answer: str | None
) -> str | None:
    if any(role not in set(Role) for role, _ in turns):
        return Unusable.UNKNOWN_ROLE
    if not (question or "").strip():
        return Unusable.EMPTY_QUESTION
    if answer is None:
        return Unusable.NO_ANSWER
    if not answer.strip():
        return Unusable.EMPTY_ANSWER
    return None if all((text or "").strip() for _, text in history) else Unusable.EMPTY_TURN
