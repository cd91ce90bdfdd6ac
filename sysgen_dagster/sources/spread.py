"""Some rows from all over a source, for a look at it before all of it is read.

The positions are those of a golden-ratio sequence: however many are taken, they lie about evenly
over the file, and the next ones fall into the widest gaps. They are the same each time.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import polars as pl

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.sources.files import OpenSource, open_source
from sysgen_dagster.storage.store import Store

_GOLDEN = (math.sqrt(5) - 1) / 2
_ROWS_AT_ONCE = 100_000  # whose texts are in memory while equal rows are counted


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


def read_spread(
    source: Source, first: int, count: int, cache: Path, store: Store | None = None
) -> tuple[pl.DataFrame, int]:
    """Some rows of a source, as a shard would hold them, and how many rows it has.

    Args:
        source: Its catalogue entry.
        first: How many rows of the sequence are passed over.
        count: How many are read; fewer where the source has no more.
        cache: Folder for downloads and converted files.
        store: As in `files.locate`.

    Returns:
        `tables.source_table` in the order of the sequence.

    Raises:
        SourceUnavailableError: The Hub did not answer and the file is not in the cache.
        SourceError: The file is not the one the catalogue describes.
    """
    opened = open_source(source, cache, store)
    positions = list(islice(spread_positions(opened.total), first, first + count))
    rows = pl.concat(
        [opened.rows.head(0), *(opened.rows.slice(position, 1) for position in positions)]
    )
    return opened.as_table(rows, positions, _occurrences(opened, positions)), opened.total


def _occurrences(opened: OpenSource, positions: Sequence[int]) -> pl.Series:
    """For the row at each position, the number of equal rows before it."""
    end = max(positions, default=-1) + 1
    starts = range(0, end, _ROWS_AT_ONCE)
    parts = [opened.hashes(opened.rows.slice(start, _ROWS_AT_ONCE)) for start in starts]
    hashes = pl.concat(parts) if parts else pl.Series(dtype=pl.UInt64)
    return pl.Series(
        [(hashes.head(each) == hashes[each]).sum() for each in positions], dtype=pl.UInt32
    )
