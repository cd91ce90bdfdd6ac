"""Some rows from all over a source, for a look at it before all of it is read.

The positions are those of a golden-ratio sequence: however many are taken, they lie about evenly
over the file, and the next ones fall into the widest gaps. They are the same each time.
"""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import polars as pl

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import OpenSource, open_source
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import kept

_GOLDEN = (math.sqrt(5) - 1) / 2
_ROWS_AT_ONCE = 100_000  # whose texts are in memory while equal rows are counted
_ROWS_TRIED = 4_096  # whose conversations are built to learn how many rows are needed


def spread_positions(total: int) -> Iterator[int]:
    """All positions in a file of so many rows, each once; the first ones lie all over it."""
    seen: set[int] = set()
    number = 0
    while len(seen) < total:
        position = int((0.5 + number * _GOLDEN) % 1.0 * total)
        number += 1
        if position not in seen:
            seen.add(position)
            yield position


@dataclass(frozen=True, slots=True)
class Spread:
    """Some rows of a source, and how they compare with all that are wanted.

    Attributes:
        rows: `tables.source_table` in the order of the sequence.
        characters: Of the texts of each of them.
        wanted: How many rows of the source are wanted, from the first one on.
        total: How many it has.
        mean_characters: Of those that are wanted.
    """

    rows: pl.DataFrame
    characters: list[int]
    wanted: int
    total: int
    mean_characters: float


def read_spread(
    source: Source,
    first: int,
    count: int,
    cache: Path,
    store: Store | None = None,
    conversations: int | None = None,
) -> Spread:
    """Some rows of a source, as its shards would hold them.

    Args:
        source: Its catalogue entry.
        first: How many rows of the sequence are passed over.
        count: How many are read; fewer where the source has no more.
        cache: Folder for downloads and converted files.
        store: As in `files.locate`.
        conversations: How many are wanted in all: the rows are spread over those, from the first
            one on, that hold so many; None: over all.

    Raises:
        SourceUnavailableError: The Hub did not answer and the file is not in the cache.
        SourceError: The file is not the one the catalogue describes.
    """
    opened = open_source(source, cache, store)
    wanted = opened.total
    if conversations is not None:
        wanted = _rows_of(opened, conversations, store.excluded() if store else ())
    positions = list(islice(spread_positions(wanted), first, first + count))
    seen = _look_at(opened, wanted)
    same, characters = seen["same"], seen["characters"]
    earlier = [int((same.head(each) == same[each]).sum()) for each in positions]
    chosen = [opened.rows.head(0), *(opened.rows.slice(each, 1) for each in positions)]
    rows = opened.as_table(pl.concat(chosen), positions, pl.Series(earlier, dtype=pl.UInt32))
    mean = int(characters.sum()) / wanted
    return Spread(rows, [int(characters[each]) for each in positions], wanted, opened.total, mean)


def _rows_of(opened: OpenSource, conversations: int, excluded: Collection[str]) -> int:
    """How many rows, from the first one on, hold so many usable conversations and no more.

    At least one; all of them where they hold fewer. Where many rows are needed, as many as the
    first ones tell.
    """
    tried = 0
    while True:
        tried = min(4 * tried or conversations, opened.total, _ROWS_TRIED)
        equal = pl.repeat(0, tried, eager=True)
        rows = opened.as_table(opened.rows.head(tried), range(tried), equal)
        usable = kept(build_conversations(rows, opened.source, excluded))["source_row"]
        if usable.len() > conversations:
            return max(1, int(usable[conversations]))
        if tried == opened.total or usable.len() == conversations:
            return tried
        if tried == _ROWS_TRIED:
            return min(opened.total, math.ceil(conversations * tried / max(usable.len(), 1)))


def _look_at(opened: OpenSource, rows: int) -> pl.DataFrame:
    """Of each of the first rows ``same``, a number that equal rows share, and ``characters``."""
    numbers = {"same": opened.sameness, "characters": _characters(opened.source)}
    return pl.concat(
        opened.collect(opened.rows.slice(start, min(_ROWS_AT_ONCE, rows - start)).select(**numbers))
        for start in range(0, rows, _ROWS_AT_ONCE)
    )


def _characters(source: Source) -> pl.Expr:
    """The number of characters in the columns that the shape reads."""
    lengths = []
    for column in source.shape_columns:
        fields = source.columns[column]
        if isinstance(fields, str):
            lengths.append(pl.col(column).str.len_chars())
        else:
            lengths += [
                pl.col(column)
                .list.eval(pl.element().struct.field(field).str.len_chars())
                .list.sum()
                for field in fields
            ]
    return pl.sum_horizontal(lengths).cast(pl.UInt64)
