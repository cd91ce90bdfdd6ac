"""Guesses what the columns of a file are for, from its first rows, and says so in a line.

`candidates` lists what they may be for; here the rows are read by one candidate after the other,
exactly as the source would be read. The first by which at least half of the rows can be used is
taken.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import polars as pl
from pydantic import ValidationError

from sysgen_dagster.catalog.sources import Exchanges, QuestionAnswer, Shape, Source
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.chat.quoting import on_one_line
from sysgen_dagster.sources.candidates import REJECTED, Candidate, Columns, candidates
from sysgen_dagster.sources.column_words import (
    ColumnWordsError,
    as_option,
    known_words,
)
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import SourceError
from sysgen_dagster.sources.heads import MOST_ROWS, read_head
from sysgen_dagster.sources.recognition import UnreadableError
from sysgen_dagster.sources.seen import Seen, plain_name
from sysgen_dagster.sources.tables import source_table
from sysgen_dagster.sources.upstream_rows import tabulate

_LEAST_USABLE = 0.5  # share of the rows that a guess must be able to use
_MOST_TRIED = 40  # candidates
_MOST_ALSO = 2  # other candidates that are named
_TRIED_ROWS = 50  # by which other candidates are tried
_SHOWN = 300  # characters of a row in an error


class ShapeError(SourceError):
    """Nobody can tell what the columns of a file are for; the message shows what to say of them."""


class Guess(NamedTuple):
    """What the columns of a file are for.

    Attributes:
        shape: For the catalogue.
        columns: Those that the shape uses, for the catalogue.
        exchanges: Of a chat each answered turn, because each is an answer to train on.
        rows_seen: Of how many rows.
        said: All this and what the rows are like, in one line.
    """

    shape: Shape
    columns: Columns
    exchanges: Exchanges
    rows_seen: int
    said: str


class _Tried(NamedTuple):
    """What rows are as a candidate reads them."""

    rows: int
    conversations: int
    several_turns: int
    system_messages: int
    unreadable: Mapping[str, int]  # rows by reason
    refused: str | None = None  # why no row can be read

    @property
    def usable(self) -> int:
        return 0 if self.refused else self.rows - sum(self.unreadable.values())


def guess_shape(name: str, file: Path, mapping: Mapping[str, str] = MappingProxyType({})) -> Guess:
    """What the columns of a file are for, from its first rows.

    Args:
        name: That of the source, for messages.
        file: Its name says what it is, as for `files.read_rows`.
        mapping: What the user says of the columns, by the words of `column_words`; the rest is
            guessed.

    Raises:
        ShapeError: Nobody can tell, or the mapping does not fit the file.
        SourceError: The file cannot be read.
    """
    seen = Seen(read_head(name, file))
    asked = _asked(name, file, seen, mapping)
    found = list(islice(candidates(seen, asked), _MOST_TRIED))
    least = 1 if mapping else max(1, _LEAST_USABLE * len(seen.rows))
    failed: list[tuple[Candidate, _Tried]] = []
    for at, candidate in enumerate(found):
        tried = _try(name, file, candidate, seen.rows)
        if tried.usable >= least:
            others = [
                other
                for other in found[at + 1 :]
                if _try(name, file, other, seen.rows[:_TRIED_ROWS]).usable
                >= max(1, _LEAST_USABLE * len(seen.rows[:_TRIED_ROWS]))
            ]
            said = _said(candidate, tried, seen, others)
            exchanges = _exchanges(candidate.shape)
            return Guess(candidate.shape, candidate.columns, exchanges, tried.rows, said)
        failed.append((candidate, tried))
    raise _unknown_shape(name, file, seen, failed)


def _exchanges(shape: Shape) -> Exchanges:
    return Exchanges.LAST if isinstance(shape, QuestionAnswer) else Exchanges.EACH


def _asked(name: str, file: Path, seen: Seen, mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping, checked against the columns of the file."""
    try:
        asked = known_words(mapping)
    except ColumnWordsError as error:
        raise ShapeError(f"{name}: --columns: {error}") from error
    of_records = "messages" in asked
    words = {"text", "messages", "system", "reasoning"}
    words |= set() if of_records else {"question", "answer", "input"}
    for word in words & asked.keys():
        if asked[word] not in seen.columns:
            raise ShapeError(
                f"{name}: {file} has no column {asked[word]!r}, which --columns gives as {word!r}; "
                f"it has {_shown_names(seen.columns)}"
            )
    return asked


def _shown_names(names: Sequence[str]) -> str:
    return on_one_line(", ".join(map(repr, names))) if names else "none: its rows are no objects"


def _try(name: str, file: Path, candidate: Candidate, rows: Sequence[Any]) -> _Tried:
    """The rows, read by a candidate."""
    nothing = _Tried(len(rows), 0, 0, 0, {})
    if candidate.unclear:
        return nothing._replace(refused="who asks and who answers is not clear")
    try:
        source = Source(
            name=name,
            title=name,
            license="unknown",
            path=file,
            shards=1,
            columns=candidate.columns,
            shape=candidate.shape,
            exchanges=_exchanges(candidate.shape),
        )
        table = tabulate(rows, source)
    except (ValidationError, UnreadableError) as error:
        return nothing._replace(refused=on_one_line(str(error)))
    rows_of = source_table(source).schema
    table = table.with_columns(
        pl.Series("source_row", range(len(table)), rows_of["source_row"]),
        pl.lit(0, rows_of["occurrence"]).alias("occurrence"),
        pl.lit("", rows_of["source_revision"]).alias("source_revision"),
        pl.lit(None, rows_of["excluded_ids"]).alias("excluded_ids"),
    )
    return _count(build_conversations(table, source), len(rows))


def _count(conversations: pl.DataFrame, rows: int) -> _Tried:
    of_rows = conversations.group_by("source_row").agg(
        questions=pl.len(),
        is_usable=pl.col("drop_reason").is_null().any(),
        reason=pl.col("drop_reason").drop_nulls().last(),
        has_system=pl.col("original_system_message").is_not_null().any(),
    )
    unusable = of_rows.filter(~pl.col("is_usable"))
    return _Tried(
        rows,
        len(conversations),
        of_rows.filter(pl.col("questions") > 1).height,
        of_rows.filter("has_system").height,
        dict(Counter(unusable["reason"].to_list()).most_common()),
    )


def _said(candidate: Candidate, tried: _Tried, seen: Seen, others: Sequence[Candidate]) -> str:
    parts = []
    if tried.several_turns:
        rows = f"each a row of its own ({tried.conversations:,} in all)"
        parts.append(f"{tried.several_turns:,} have several turns, {rows}")
    if tried.system_messages:
        parts.append(f"{tried.system_messages:,} have a system message")
    if unreadable := sum(tried.unreadable.values()):
        parts.append(f"{unreadable:,} cannot be read ({_reasons(tried)})")
    else:
        parts.append("all can be read")
    first = "the first " if tried.rows == MOST_ROWS else ""
    said = f"{candidate.told}; of {first}{tried.rows:,} rows {', '.join(parts)}"
    if rejected := [c for c in seen.columns if plain_name(c) in REJECTED]:
        said += f"; {_shown_names(rejected)} is left out"
    if others:
        also = " or ".join(as_option(other.words) for other in others[:_MOST_ALSO])
        said += f"; also possible: {also}"
    return on_one_line(said)


def _reasons(tried: _Tried) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in tried.unreadable.items())


def _unknown_shape(
    name: str, file: Path, seen: Seen, failed: Sequence[tuple[Candidate, _Tried]]
) -> ShapeError:
    """What is seen of the file, and what could be said of it."""
    first = next((row for row in seen.rows if isinstance(row, Mapping)), seen.rows[0])
    row = on_one_line(repr(first))
    beginning = row[:_SHOWN] + ("..." if row[_SHOWN:] else "")
    message = f"{name}: it is not clear what the columns of {file} are for"
    if failed:
        candidate, tried = max(failed, key=lambda each: each[1].usable)
        why = tried.refused or f"{tried.usable:,} of {tried.rows:,} rows ({_reasons(tried)})"
        message += f"; read as {candidate.told}: {why}"
        if candidate.unclear:
            message += f" ({_shown_names(candidate.unclear[:5])})"
    shown = ", ".join(_kind(seen, column) for column in seen.columns)
    return ShapeError(
        f"{message}.\nColumns: {on_one_line(shown) or 'none: its rows are no objects'}\n"
        f"First row: {beginning}\n"
        f"Say what they are for, such as with {_example(seen, failed)}"
    )


def _kind(seen: Seen, column: str) -> str:
    if column in seen.lists:
        fields = seen.lists[column].fields
        return f"{column} (list of {', '.join(fields) or 'texts'})"
    return f"{column} (text)" if column in seen.texts else column


def _example(seen: Seen, failed: Sequence[tuple[Candidate, _Tried]]) -> str:
    """An option that could be meant."""
    unclear = next((candidate for candidate, _ in failed if candidate.unclear), None)
    if unclear is not None:
        user, assistant = [*unclear.unclear, "NAME"][:2]
        return as_option({**unclear.words, Role.USER: user, Role.ASSISTANT: assistant})
    chats = [column for column in seen.lists.values() if len(column.fields) > 1]
    if chats:
        role, content, *_ = chats[0].fields
        return as_option({"messages": chats[0].name, "role": role, "content": content})
    question, answer = [*seen.texts, "COLUMN", "COLUMN"][:2]
    return as_option({"question": question, "answer": answer})
