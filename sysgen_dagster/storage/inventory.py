"""What is really stored: every file of the tables, as its footer has it, beside the catalogue.

Only the folders of the tables are looked at. Of a Parquet file nothing but the footer is read, so a
file that is damaged in its middle counts as whole until somebody reads its rows.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import polars as pl
from upath import UPath

from sysgen_dagster.storage.store import Store, answering, scan
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Columns, Partition, Table, Values, by_name


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
# As `files.replacing` names what it writes.
_TEMPORARY = re.compile(r"\.(?P<key>.+)\.parquet\.\d+\.tmp")


@dataclass(frozen=True, slots=True)
class _File:
    """A file of a table: one that the catalogue asks for, or by its place one that it did."""

    table: Table
    at: Partition


def inventory(store: Store, values: Values, tables: Iterable[Table]) -> pl.DataFrame:
    """`INVENTORY`: one row per file that is stored in the folder of a table, sorted by path.

    Files that no writer of ours leaves there are not listed, nor what links lead to.

    Args:
        store: What is looked at.
        values: The catalogue: what the partitions of a table are.
        tables: All tables, those of the sources among them.

    Raises:
        StoreUnavailableError: Object storage did not give everything.
    """
    known = by_name(tables)
    declared = {
        str(store.path(table, at)): _File(table, at)
        for table in known.values()
        for at in table.partitions(values)
    }
    with answering(store.root):
        found = [
            _row(table, path, declared.get(_whole_path(path)))
            for table, path in _files(store, known)
        ]
    rows = [row for row in found if row is not None]
    return pl.DataFrame(rows, schema=INVENTORY, orient="row").sort("path")


def _files(store: Store, known: Mapping[str, Table]) -> Iterator[tuple[Table, Path | UPath]]:
    """Each file in the folder of a table, and the table; also of sources that are gone."""
    places = [
        *(
            (known.get(f"source/{path.parent.name}") or _gone_source(path.parent.name), path)
            for path in (store.root / "source").glob("*/*")
        ),
        *(
            (table, path)
            for table in known.values()
            if table.of_source is None
            for pattern in ("*", "model=*/*")
            for path in (store.root / table.name).glob(pattern)
        ),
    ]
    return (place for place in places if not _is_link(place[1]))


def _gone_source(name: str) -> Table:
    """The table of a source that is not in the catalogue any more; its columns are not known."""
    return Table(f"source/{name}", {}, By.SHARD, Group.SOURCES, of_source=name)


def _is_link(path: Path | UPath) -> bool:
    """Whether a link leads there: what it leads to may be somebody's, or be listed already."""
    return isinstance(path, Path) and (path.is_symlink() or path.parent.is_symlink())


def _whole_path(path: Path | UPath) -> str:
    """The path that a file has once it is written whole."""
    temporary = _TEMPORARY.fullmatch(path.name)
    return str(path.with_name(f"{temporary['key']}.parquet") if temporary else path)


def _row(table: Table, path: Path | UPath, declared: _File | None) -> tuple[object, ...] | None:
    """One row of `INVENTORY`; None for what is no file of ours."""
    is_temporary = _TEMPORARY.fullmatch(path.name) is not None
    if not (is_temporary or path.name.endswith(".parquet")) or not path.is_file():
        return None
    file = declared or _File(table, _guessed(table, path))
    rows: int | None = None
    if is_temporary:
        state, detail = State.LEFT_OVER, "a writer was killed, or still writes"
    elif declared is None:
        state = State.NOT_IN_CATALOG
        detail = f"the catalogue has no {table.name} for {file.at.key}"
        schema, rows = _read(path)
        if not _is_ours(schema, table.columns):
            return None
    else:
        schema, rows = _read(path)
        state, detail = _state(schema, table.columns)
    stat = path.stat()
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    place = (file.at.model, file.at.shard, file.at.key)
    return (table.name, *place, state.value, detail, rows, stat.st_size, modified, str(path))


def _guessed(table: Table, path: Path | UPath) -> Partition:
    """The partition of a file that the catalogue does not ask for, by its place."""
    name, folder = Path(_whole_path(path)).stem, path.parent.name
    if folder.startswith("model="):
        return Partition(model=folder.removeprefix("model="), shard=name)
    dimension = table.by.value[0] if len(table.by.value) == 1 else "shard"
    return Partition(**{dimension: name})


def _is_ours(schema: pl.Schema | str, columns: Columns) -> bool:
    """Whether a file of no partition was one: by what only our rows have, or by all its columns."""
    if isinstance(schema, str):
        return False
    by_row = {"conversation_id", "source_row"} & schema.keys()
    return bool(by_row) or (bool(columns) and columns.keys() <= schema.keys())


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
