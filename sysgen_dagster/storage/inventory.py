"""What is really stored: every file of the tables, as its footer has it, beside the catalogue.

Only the folders of the tables are looked at. Of a Parquet file nothing but the footer is read, so a
file that is damaged in its middle counts as whole until somebody reads its rows.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import product
from pathlib import Path

import polars as pl
from upath import UPath

from sysgen_dagster.catalog.catalog import Catalog
from sysgen_dagster.storage.store import Store, answering, scan
from sysgen_dagster.tables.table import (
    ALL_MODELS,
    OF_NO_MODEL,
    STATISTICS,
    TABLES,
    Columns,
    source_columns,
)


class State(StrEnum):
    """What became of a stored file."""

    WHOLE = "whole"
    DAMAGED = "damaged"  # it cannot be read as Parquet
    OTHER_COLUMNS = "other_columns"  # another release wrote it, or another catalogue
    NOT_IN_CATALOG = "not_in_catalog"  # its source, model, shard or recipe is gone
    LEFT_OVER = "left_over"  # of a writer that was killed


# One row per stored file.
INVENTORY = pl.Schema(
    {
        "table": pl.String(),
        "model": pl.String(),  # null: the table is of no model
        "shard": pl.String(),  # null: the table is of no shard
        "partition": pl.String(),  # as in Dagster; null: the table is not partitioned
        "state": pl.String(),  # of `State`
        "detail": pl.String(),  # what is wrong with it; empty where nothing is
        "rows": pl.UInt64(),  # null where the footer cannot be read
        "bytes": pl.UInt64(),
        "modified": pl.Datetime("us", "UTC"),
        "path": pl.String(),
    }
)
_ONCE = {"splits", *OF_NO_MODEL}
_OF_MODELS = STATISTICS.keys() - OF_NO_MODEL
# As `files.replacing` names what it writes.
_TEMPORARY = re.compile(r"\.(?P<key>.+)\.parquet\.\d+\.tmp")


@dataclass(frozen=True, slots=True)
class Partition:
    """One file that the catalogue asks for, whether it is stored or not.

    Attributes:
        key: As in Dagster; None where the table is not partitioned.
    """

    table: str
    columns: Columns
    stored_as: str  # the name of its file
    model: str | None = None
    shard: str | None = None
    key: str | None = None

    def path(self, store: Store) -> Path | UPath:
        """Where it is or will be."""
        folder = self.model if self.shard else None
        return store.path(self.table, self.stored_as, folder)


def partitions(catalog: Catalog) -> Iterator[Partition]:
    """Every partition of every table: of the sources, then of the tables as they are declared."""
    for source, entry in catalog.sources.items():
        columns = source_columns(entry)
        for name in catalog.shards(source):
            yield Partition(f"source/{source}", columns, name, shard=name, key=name)
    for table, columns in TABLES.items():
        for stored_as, model, shard, key in _places(table, catalog):
            yield Partition(table, columns, stored_as, model, shard, key)


_Place = tuple[str, str | None, str | None, str | None]


def _places(table: str, catalog: Catalog) -> list[_Place]:
    """Name of the file, model, shard and key of each partition of a table."""
    shards = [shard for source in catalog.sources for shard in catalog.shards(source)]
    if table == "conversations":
        return [(shard, None, shard, shard) for shard in shards]
    if table == "mixtures":
        return [(recipe, None, None, recipe) for recipe in catalog.mixtures]
    if table in _ONCE:
        return [(ALL_MODELS, None, None, None)]
    if table in _OF_MODELS:
        return [(model, model, None, model) for model in catalog.models]
    pairs = product(catalog.models, shards)
    return [(shard, model, shard, f"{model}|{shard}") for model, shard in pairs]


def inventory(store: Store, catalog: Catalog) -> pl.DataFrame:
    """`INVENTORY`: one row per file that is stored in the folder of a table, sorted by path.

    Files that no writer of ours leaves there are not listed, nor what links lead to.

    Raises:
        StoreUnavailableError: Object storage did not give everything.
    """
    declared = {str(each.path(store)): each for each in partitions(catalog)}
    with answering(store.root):
        found = [_row(table, path, declared) for table, path in _files(store)]
    rows = [row for row in found if row is not None]
    return pl.DataFrame(rows, schema=INVENTORY, orient="row").sort("path")


def _files(store: Store) -> Iterator[tuple[str, Path | UPath]]:
    """Each file in the folder of a table, and the table; also of sources that are gone."""
    places = [
        *((f"source/{path.parent.name}", path) for path in (store.root / "source").glob("*/*")),
        *(
            (table, path)
            for table in TABLES
            for pattern in ("*", "model=*/*")
            for path in (store.root / table).glob(pattern)
        ),
    ]
    return (place for place in places if not _is_link(place[1]))


def _is_link(path: Path | UPath) -> bool:
    """Whether a link leads there: what it leads to may be somebody's, or be listed already."""
    return isinstance(path, Path) and (path.is_symlink() or path.parent.is_symlink())


def _row(
    table: str, path: Path | UPath, declared: Mapping[str, Partition]
) -> tuple[object, ...] | None:
    """One row of `INVENTORY`; None for what is no file of ours."""
    temporary = _TEMPORARY.fullmatch(path.name)
    if not (temporary or path.name.endswith(".parquet")) or not path.is_file():
        return None
    name = temporary["key"] if temporary else path.name.removesuffix(".parquet")
    partition = declared.get(str(path.with_name(f"{name}.parquet")))
    known = partition or _guessed(table, path, name)
    rows: int | None = None
    if temporary:
        state, detail = State.LEFT_OVER, "a writer was killed, or still writes"
    elif partition is None:
        state, detail = State.NOT_IN_CATALOG, _what_is_gone(known)
        schema, rows = _read(path)
        if not _is_ours(schema, known.columns):
            return None
    else:
        schema, rows = _read(path)
        state, detail = _state(schema, partition.columns)
    stat = path.stat()
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    place = (known.model, known.shard, known.key)
    return (table, *place, state.value, detail, rows, stat.st_size, modified, str(path))


def _guessed(table: str, path: Path | UPath, name: str) -> Partition:
    """What a file that the catalogue does not ask for was, by its place."""
    columns = TABLES.get(table, {})
    folder = path.parent.name
    if folder.startswith("model="):
        model = folder.removeprefix("model=")
        return Partition(table, columns, name, model, name, f"{model}|{name}")
    if table in _OF_MODELS:
        return Partition(table, columns, name, model=name, key=name)
    if table == "mixtures":
        return Partition(table, columns, name, key=name)
    return Partition(table, columns, name, shard=name, key=name)


def _is_ours(schema: pl.Schema | str, columns: Columns) -> bool:
    """Whether a file of no partition was one: by what only our rows have, or by all its columns."""
    if isinstance(schema, str):
        return False
    by_row = {"conversation_id", "source_row"} & schema.keys()
    return bool(by_row) or (bool(columns) and columns.keys() <= schema.keys())


def _what_is_gone(gone: Partition) -> str:
    return f"the catalogue has no {gone.table} for {gone.key}"


def _read(path: Path | UPath) -> tuple[pl.Schema | str, int | None]:
    """Columns and number of rows of a file, or why it cannot be read."""
    # In a folder an error of the system is one of the disk, in object storage of the network.
    damage = (
        (pl.exceptions.PolarsError, OSError)
        if isinstance(path, Path)
        else (pl.exceptions.PolarsError,)
    )
    try:
        rows = scan(path)
        return rows.collect_schema(), rows.select(pl.len()).collect().item()
    except damage as error:
        return str(error).partition("\n")[0], None


def _state(schema: pl.Schema | str, columns: Columns) -> tuple[State, str]:
    """As `Store.read` would find it: a column that is not declared does no harm."""
    if isinstance(schema, str):
        return State.DAMAGED, schema
    missing = [f"no {name}" for name in columns if name not in schema]
    other = [
        f"{name} is {schema[name]}, not {column.dtype}"
        for name, column in columns.items()
        if name in schema and schema[name] != column.dtype
    ]
    if missing or other:
        return State.OTHER_COLUMNS, "; ".join([*missing, *other])
    return State.WHOLE, ""
