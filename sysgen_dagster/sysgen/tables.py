"""Every stored table: its columns, what they hold, and what a frame must be to be stored.

Grain: `conversations` and the four phase tables hold one row per conversation that reached them;
the rows of a phase are the rows of the step before that have no ``drop_reason``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from sysgen_dagster.catalog import Source


class TableError(ValueError):
    """A frame is not the table it is said to be; the message names table, column and fix."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column's type and what it holds."""

    dtype: pl.DataType
    description: str


Columns = Mapping[str, Column]

_TEXT = pl.String()
_COUNT = pl.UInt32()
MESSAGES = pl.List(pl.Struct({"role": pl.String(), "content": pl.String()}))
PHRASES = pl.List(pl.Struct({"tag": pl.String(), "text": pl.String()}))
DEFECTS = pl.List(pl.Struct({"kind": pl.String(), "text": pl.String()}))
VERDICTS = pl.List(
    pl.Struct({"tag": pl.String(), "verdict": pl.String(), "confidence": pl.Float64()})
)
REMOVED = pl.List(pl.Struct({"tag": pl.String(), "text": pl.String(), "verdict": pl.String()}))
REJECTED = pl.List(pl.Struct({"message": pl.String(), "reason": pl.String()}))

_IDENTITY: Columns = {
    "conversation_id": Column(_TEXT, "the same conversation in every table"),
    "source": Column(_TEXT, "source data set, as the catalogue names it"),
}
_DROP_REASON: Columns = {
    "drop_reason": Column(_TEXT, "why the row does not go on; null: it does"),
}
_GENERATION: Columns = {
    "finish_reason": Column(_TEXT, "stop, length, ...; null where the engine gave no answer"),
    "prompt_tokens": Column(_COUNT, "tokens in, as the server counted them"),
    "completion_tokens": Column(_COUNT, "tokens out, as the server counted them"),
    "attempts": Column(_COUNT, "times the request was sent"),
    "failure": Column(_TEXT, "what the server or the connection said when there is no answer"),
    "seed": Column(pl.Int64(), "sampling seed that was sent"),
    "temperature": Column(pl.Float64(), "sampling temperature that was sent"),
    "max_tokens": Column(_COUNT, "limit of tokens out that was sent"),
    "prompt_fingerprint": Column(_TEXT, "of the prompt's words; null where there is no prompt"),
    "model": Column(_TEXT, "the model, as the catalogue names it"),
    "served_name": Column(_TEXT, "the model, as the server names it"),
    "model_revision": Column(_TEXT, "commit of the model in the catalogue"),
    "engine": Column(_TEXT, "vllm, endpoint or simulated (no model: made-up text)"),
    "system_message_folded": Column(
        pl.Boolean(), "the chat template has no system role: sent at the start of the user turn"
    ),
    "characters_left_out": Column(
        _COUNT, "of the middle of the original answer, so that the request fits the context"
    ),
}

SOURCE_ROW: Columns = {
    "source_row": Column(_COUNT, "position of the row in the upstream file, from 0"),
    "occurrence": Column(_COUNT, "how many earlier rows of the file hold the same exchanges"),
    "source_revision": Column(_TEXT, "commit on the Hub, or local:<sha256 of the file>"),
}

CONVERSATIONS: Columns = {
    **_IDENTITY,
    "source_row": SOURCE_ROW["source_row"],
    "source_revision": SOURCE_ROW["source_revision"],
    "turn": Column(_COUNT, "position of the exchange in its upstream row, from 0"),
    "history": Column(MESSAGES, "the turns before the question"),
    "original_system_message": Column(_TEXT, "upstream system turn, kept as data"),
    "question": Column(_TEXT, "Q: the user's turn"),
    "answer": Column(_TEXT, "A: the assistant's original answer"),
    "duplicate_of": Column(_TEXT, "conversation_id of the first upstream row with the same text"),
    **_DROP_REASON,
}
ANNOTATED: Columns = {
    **_IDENTITY,
    "annotated_message": Column(_TEXT, "the tagged system message as the model wrote it"),
    "sample": Column(_COUNT, "which of the attempts at the row this is, from 0; null: not asked"),
    "repaired": Column(pl.Boolean(), "written under a grammar, after malformed messages"),
    "rejected": Column(
        REJECTED, "the other attempts in their order: what was written, why it does not go on"
    ),
    **_DROP_REASON,
    **_GENERATION,
}
FILTERED: Columns = {
    **_IDENTITY,
    "phrases": Column(PHRASES, "well-formed phrases of the eight tags, in canonical order"),
    "tagged_message": Column(_TEXT, "the phrases as tagged text; null when dropped"),
    "defects": Column(DEFECTS, "what was left out and why"),
    "has_malformed_boundary": Column(pl.Boolean(), "a tag was opened or closed wrongly"),
    **_DROP_REASON,
}
VERIFIED: Columns = {
    **_IDENTITY,
    "verdict_text": Column(_TEXT, "the verdicts as the model wrote them"),
    "verdicts": Column(
        VERDICTS,
        "Good, Bad, None or Unreadable for each tag of the message; confidence: the word's "
        "probability among the three, null where not asked for",
    ),
    "phrases": Column(PHRASES, "phrases that stay, in canonical order"),
    "removed": Column(REMOVED, "phrases that went, and the verdict that removed them"),
    **_DROP_REASON,
    **_GENERATION,
}
ALIGNED: Columns = {
    **_IDENTITY,
    "system_message": Column(_TEXT, "S: the verified phrases as natural text, no tags"),
    "new_answer": Column(_TEXT, "A': the model's answer under the system message"),
    **_DROP_REASON,
    **_GENERATION,
}

# One row per source, phase table and outcome.
RETENTION: Columns = {
    "source": _IDENTITY["source"],
    "table": Column(_TEXT, "conversations or one of the four phase tables"),
    "outcome": Column(_TEXT, "kept, or the reason why the rows do not go on"),
    "conversations": Column(_COUNT, "how many"),
}
# One row per source, table (after Phase 2 or after Phase 3) and tag.
TAG_COUNTS: Columns = {
    "source": _IDENTITY["source"],
    "table": Column(_TEXT, "filtered_system_messages or verified_system_messages"),
    "tag": Column(_TEXT, "one of the eight key functionalities"),
    "messages": Column(_COUNT, "messages that go on and hold the tag"),
    "of_messages": Column(_COUNT, "messages that go on"),
}

TABLES: Mapping[str, Columns] = {
    "conversations": CONVERSATIONS,
    "annotated_system_messages": ANNOTATED,
    "filtered_system_messages": FILTERED,
    "verified_system_messages": VERIFIED,
    "aligned_responses": ALIGNED,
    "retention": RETENTION,
    "tag_counts": TAG_COUNTS,
}


def source_columns(source: Source) -> Columns:
    """The columns of a source table: the upstream ones, then where each row comes from."""
    upstream = {
        name: Column(_upstream_dtype(fields), "as upstream")
        for name, fields in source.columns.items()
    }
    return {**upstream, **SOURCE_ROW}


def _upstream_dtype(fields: str | list[str]) -> pl.DataType:
    if isinstance(fields, str):
        return _TEXT
    return pl.List(pl.Struct(dict.fromkeys(fields, pl.String())))


def polars_schema(columns: Columns) -> dict[str, pl.DataType]:
    """Column name to Polars type, in stored order."""
    return {name: column.dtype for name, column in columns.items()}


def require_columns(frame: pl.DataFrame, columns: Columns, where: str, fix: str) -> pl.DataFrame:
    """`frame` with exactly these columns in this order; extra ones are left out.

    Raises:
        TableError: A column is missing or has another type; `where` names the culprit and `fix`
            says what to do.
    """
    for name, column in columns.items():
        if name not in frame.schema:
            raise TableError(
                f"{where} has no column {name!r}, only {', '.join(frame.schema)}. {fix}"
            )
        if frame.schema[name] != column.dtype:
            raise TableError(
                f"{where} has {name!r} as {frame.schema[name]}, not as {column.dtype}. {fix}"
            )
    return frame.select(columns.keys())


def kept(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows that go on."""
    return frame.filter(pl.col("drop_reason").is_null())
