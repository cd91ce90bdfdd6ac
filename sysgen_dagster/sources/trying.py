"""Reads rows by what their columns may be for, as they would be read for good, and counts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from pydantic import ValidationError

from sysgen_dagster.catalog.sources import Exchanges, QuestionAnswer, Shape, Source
from sysgen_dagster.sources.candidates import Candidate
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.recognition import UnreadableError
from sysgen_dagster.sources.seen import has_words
from sysgen_dagster.sources.tables import source_table
from sysgen_dagster.sources.upstream_rows import tabulate


class Tried(NamedTuple):
    """What rows are when they are read by a candidate.

    Attributes:
        rows: How many were read.
        conversations: How many these gave.
        several_turns: How many rows gave more than one.
        system_messages: How many rows have a system message.
        unreadable: How many rows give nothing that can be used, by reason, the commonest first.
        refused: Why no row can be read at all; None: some can.
        dropped: How many conversations of the other rows cannot be used.
        questions: Some of the usable ones, where most are single words.
        answers: Likewise.
    """

    rows: int
    conversations: int = 0
    several_turns: int = 0
    system_messages: int = 0
    unreadable: Mapping[str, int] = {}
    refused: str | None = None
    dropped: int = 0
    questions: Sequence[str] = ()
    answers: Sequence[str] = ()

    @property
    def usable(self) -> int:
        """How many rows give something that can be used."""
        return 0 if self.refused else self.rows - sum(self.unreadable.values())


def exchanges_of(shape: Shape) -> Exchanges:
    """Which exchanges of such rows become conversations."""
    return Exchanges.LAST if isinstance(shape, QuestionAnswer) else Exchanges.EACH


def try_candidate(candidate: Candidate, rows: Sequence[Any]) -> Tried:
    """What the rows of a file are when they are read by a candidate."""
    if candidate.unclear:
        return Tried(len(rows), refused="nobody can tell who of them asks and who answers")
    try:
        source = Source(
            name="guessed",
            title="",
            license="",
            path=Path(),
            shards=1,
            columns=candidate.columns,
            shape=candidate.shape,
            exchanges=exchanges_of(candidate.shape),
        )
        table = tabulate(rows, source)
    except ValidationError as error:  # such as a name that Polars takes for a pattern
        return Tried(len(rows), refused=str(error.errors()[0]["msg"]))
    except UnreadableError as error:
        return Tried(len(rows), refused=error.what)
    where = source_table(source).schema
    table = table.with_columns(
        pl.Series("source_row", range(len(table)), where["source_row"]),
        pl.lit(0, where["occurrence"]).alias("occurrence"),
        pl.lit("", where["source_revision"]).alias("source_revision"),
        pl.lit(None, where["excluded_ids"]).alias("excluded_ids"),
    )
    return _count(build_conversations(table, source), len(rows))


def _count(conversations: pl.DataFrame, rows: int) -> Tried:
    of_rows = conversations.group_by("source_row").agg(
        conversations=pl.len(),
        is_usable=pl.col("drop_reason").is_null().any(),
        reason=pl.col("drop_reason").drop_nulls().last(),
        has_system=pl.col("original_system_message").is_not_null().any(),
    )
    usable = conversations.filter(pl.col("drop_reason").is_null())
    unusable = of_rows.filter(~pl.col("is_usable"))["reason"]
    return Tried(
        rows,
        len(conversations),
        of_rows.filter(pl.col("conversations") > 1).height,
        of_rows.filter("has_system").height,
        dict(Counter(sorted(unusable)).most_common()),
        None,
        int(of_rows.filter("is_usable")["conversations"].sum()) - len(usable),
        *(_single_words(usable[column].to_list()) for column in ("question", "answer")),
    )


def _single_words(texts: Sequence[str]) -> tuple[str, ...]:
    """Some that are single words, such as the letter of a choice, where most of the texts are."""
    words = [text.strip() for text in texts if not has_words(text)]
    return tuple(dict.fromkeys(words))[:3] if 2 * len(words) > len(texts) else ()
