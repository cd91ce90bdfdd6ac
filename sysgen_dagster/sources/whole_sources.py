"""Reads all rows of a source as conversations, a batch at a time.

The sources of the first lane are read shard by shard (`files.read_shard`). What is chosen among all
rows of several sources at once needs every row, and no answer of it.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

import polars as pl

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import open_source
from sysgen_dagster.storage.store import Store

_ROWS_AT_ONCE = 20_000  # as Python objects a row takes several KB


def read_conversations(
    source: Source, cache: Path, store: Store | None = None, excluded: Collection[str] = ()
) -> Iterator[pl.DataFrame]:
    """`tables.CONVERSATIONS` of all rows of a source, in their order.

    Args:
        source: Its catalogue entry.
        cache: Folder for downloads and converted files.
        store: As in `places.locate`.
        excluded: Ids of conversations that must not be used; their rows stay, without texts.

    Raises:
        SourceUnavailableError: The Hub did not answer and the file is not in the cache.
        SourceError: The file is not the one the catalogue describes.
    """
    opened = open_source(source, cache, store)
    same = opened.rows.select(row=opened.sameness)
    earlier = opened.collect(same.select(pl.col("row").cum_count().over("row") - 1)).to_series()
    for start in range(0, opened.total, _ROWS_AT_ONCE):
        stop = min(start + _ROWS_AT_ONCE, opened.total)
        rows = opened.as_table(
            opened.rows.slice(start, stop - start), range(start, stop), earlier[start:stop]
        )
        yield build_conversations(rows, source, excluded)
