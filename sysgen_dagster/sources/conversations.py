"""Builds conversations from upstream rows: a question, its answer and the turns before it.

``{"conversation": [{"input": "Hi", "output": "Hello"}]}`` becomes one conversation: question
``Hi``, answer ``Hello``, an empty history. `shapes` reads the turns out of the different formats,
`dialogue` makes them alternate; everything here is the same for every source.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from sysgen_dagster.catalog.sources import Exchanges, Source
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.chat.visible import is_blank
from sysgen_dagster.sources.dialogue import Dialogue, Exchange, Histories, History
from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.sources.shapes import Row, Turn, read_turns
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
    columns = source.shape_columns
    excluded_rows = {identity.rpartition("-")[0] for identity in excluded}
    records = [
        record
        for row in rows.iter_rows(named=True)
        for record in (
            _build_emptied(row, source)
            if row.get("excluded_ids")
            else _build_records(
                row,
                [row[column] for column in columns],
                read_turns(row, source.shape),
                source,
                excluded_rows,
            )
        )
    ]
    return pl.DataFrame(records, schema=CONVERSATIONS.schema, orient="row")


def _build_records(
    row: Row,
    texts: Sequence[Any],
    turns: Sequence[Turn],
    source: Source,
    excluded_rows: Collection[str],
) -> Iterator[dict[str, Any]]:
    """The conversations of one upstream row, whose turns are `turns`, read from `texts`."""
    name = source.name
    first_id = _row_id(name, texts, 0)  # of the first upstream row with the same texts
    row_id = first_id if row["occurrence"] == 0 else _row_id(name, texts, row["occurrence"])
    system = "\n\n".join(turn.text or "" for turn in turns if turn.role == Role.SYSTEM) or None
    dialogue = Dialogue(turn for turn in turns if turn.role != Role.SYSTEM)
    histories = Histories(dialogue.turns, system, source.show_original_system_message)
    is_excluded = row_id in excluded_rows or first_id in excluded_rows
    for exchange in _choose_exchanges(dialogue.exchanges(), source.exchanges):
        turn, history = exchange.position, histories.before(exchange)
        question, answer = exchange.question, exchange.answer
        left_out = dialogue.left_out
        # With `each` these have conversations of their own.
        if source.exchanges in (Exchanges.LAST, Exchanges.WHOLE):
            left_out += dialogue.dependent_after(exchange)
        joined = sum(each.joined for each in (question, answer) if each) + history.joined
        record = {
            "conversation_id": f"{row_id}-{turn}",
            "source": name,
            "source_row": row["source_row"],
            "source_revision": row["source_revision"],
            "turn": turn,
            "history": history.messages,
            "history_reasoning": history.reasoning,
            "original_system_message": history.system,
            "question": question.text if question else None,
            "answer": (answer.text or "") if answer else None,
            "answer_reasoning": answer.reasoning if answer else None,
            "turns_joined": joined or None,
            "turns_left_out": left_out or None,
            "duplicate_of": None if row_id == first_id else f"{first_id}-{turn}",
            "drop_reason": row["unusable"] or dialogue.reason or _drop_reason(exchange, history),
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


def _row_id(name: str, texts: Sequence[Any], occurrence: int) -> str:
    """An id that depends only on the texts, so that reordering or resharding does not change it."""
    text = json.dumps([name, texts, occurrence], ensure_ascii=False)
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return f"{name}-{digest.hexdigest()}"


def _choose_exchanges(exchanges: list[Exchange], wanted: Exchanges) -> list[Exchange]:
    """The exchanges that the catalogue asks for; always at least one."""
    if wanted is Exchanges.EACH:
        return exchanges
    if wanted is Exchanges.FIRST:
        return exchanges[:1]
    answered = [exchange for exchange in exchanges if exchange.answer is not None]
    sound = [exchange for exchange in answered if exchange.reason is None]
    return (sound or answered or exchanges)[-1:]


def _drop_reason(exchange: Exchange, history: History) -> Unusable | None:
    if exchange.reason is not None:
        return exchange.reason
    if exchange.question is None or is_blank(exchange.question.text):
        return Unusable.EMPTY_QUESTION
    if exchange.answer is None:
        return Unusable.NO_ANSWER
    return Unusable.EMPTY_ANSWER if is_blank(exchange.answer.text) else history.reason
