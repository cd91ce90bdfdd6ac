"""A list of the stored files of all tables, and what is wrong with each.

Only the folders of the tables are listed. Only the footer of a Parquet file is read, so a file with
damaged rows and an intact footer counts as whole.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import polars as pl
from upath import UPath

from sysgen_dagster.catalog.catalog import BaseCatalog
from sysgen_dagster.storage.files import list_folder
from sysgen_dagster.storage.parquet import read_footer
from sysgen_dagster.storage.store import Store, answering
from sysgen_dagster.tables.digests import DamagedFileError
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Columns, Partition, Table, by_name


class State(StrEnum):
    """Whether a stored file can be used, and if not, why."""

    WHOLE = "whole"
    DAMAGED = "damaged"  # it cannot be read as Parquet
    OTHER_COLUMNS = "other_columns"  # written by another release or with another catalogue
    NOT_IN_CATALOG = "not_in_catalog"  # the catalogue lacks its source, model, shard or recipe
    LEFT_OVER = "left_over"  # the temporary file of a process that was killed while writing


# One row per stored file.
INVENTORY = pl.Schema(
    {
        "table": pl.String(),
        "model": pl.String(),  # null: the table is not partitioned by model
        "shard": pl.String(),  # null: the table is not partitioned by shard
        "partition": pl.String(),  # Dagster's partition key; null: the table is not partitioned
        "state": pl.String(),  # a value of `State`
        "detail": pl.String(),  # what is wrong with the file; empty for a whole file
        "rows": pl.UInt64(),  # null if the footer cannot be read
        "bytes": pl.UInt64(),
        "modified": pl.Datetime("us", "UTC"),
        "path": pl.String(),
    }
)
# The name that `files.replacing` gives to a temporary file.
_TEMPORARY = re.compile(r"^\.(?P<key>.+)\.parquet\.\d+\.tmp\Z")


def inventory(store: Store, catalog: BaseCatalog, tables: Iterable[Table]) -> pl.DataFrame:
    """`INVENTORY`: one row per file that is stored in the folder of a table, sorted by path.

    Symbolic links are not followed, and files that this package did not write are not listed.

    Args:
        store: The store to list.
        catalog: The catalogue, which says what partitions the tables have.
        tables: All tables, including one per source of the catalogue.

    Raises:
        StoreUnavailableError: Object storage did not answer a request.
    """
    known = by_name(tables)
    declared = {
        str(store.path(table, at)): at
        for table in known.values()
        for at in table.partitions(catalog)
    }
    with answering(store.root):
        rows = [
            row
            for table, path in _files(store, known)
            if (row := _row(table, path, declared.get(_whole_path(path))))
        ]
    return pl.DataFrame(rows, schema=INVENTORY, orient="row").sort("path")


def _files(store: Store, known: Mapping[str, Table]) -> Iterator[tuple[Table, Path | UPath]]:
    """Each path in the folder of a table, with the table.

    The columns of a source that the catalogue no longer has are unknown.
    """
    for folder in list_folder(store.root / "source"):
        source = folder.name
        removed = Table(f"source/{source}", {}, By.SHARD, Group.SOURCES, of_source=source)
        for path in list_folder(folder):
            yield known.get(removed.name, removed), path
    for table in known.values():
        if table.of_source is None:
            for path in list_folder(store.root / table.name):
                yield table, path
                if path.name.startswith("model="):
                    yield from ((table, each) for each in list_folder(path))


def _is_link(path: Path | UPath) -> bool:
    """Whether the path or its folder is a symbolic link, so that the file is stored elsewhere."""
    return isinstance(path, Path) and (path.is_symlink() or path.parent.is_symlink())


def _whole_path(path: Path | UPath) -> str:
    """The final path of a file that may be a temporary one."""
    return str(path.with_name(_TEMPORARY.sub(r"\g<key>.parquet", path.name)))


def _row(table: Table, path: Path | UPath, declared: Partition | None) -> tuple[object, ...] | None:
    """One row of `INVENTORY`; None for a path that is no file of ours.

    `declared` is the partition whose file this is; None if the catalogue has no such partition.
    """
    is_temporary = _TEMPORARY.fullmatch(path.name) is not None
    is_named_so = is_temporary or path.name.endswith(".parquet")
    if not is_named_so or not path.is_file() or _is_link(path):
        return None
    at = declared or _guess_partition(table, path)
    rows: int | None = None
    if is_temporary:
        state, detail = State.LEFT_OVER, "a writer was killed, or still writes"
    else:
        schema, rows = _read_footer(path)
        state, detail = _state(schema, table.columns)
        if declared is None:
            if not _is_ours(schema, table.columns):
                return None
            state = State.NOT_IN_CATALOG
            detail = f"the catalogue has no {table.name} for {at.key}"
    stat = path.stat()
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    partition = (at.model, at.shard, at.key)
    return (table.name, *partition, state.value, detail, rows, stat.st_size, modified, str(path))


def _guess_partition(table: Table, path: Path | UPath) -> Partition:
    """The partition that a path stands for, although the catalogue has no such partition."""
    name, folder = Path(_whole_path(path)).stem, path.parent.name
    if folder.startswith("model="):
        return Partition(model=folder.removeprefix("model="), shard=name)
    dimension = table.by.value[0] if len(table.by.value) == 1 else "shard"
    return Partition(**{dimension: name})


def _is_ours(schema: pl.Schema | str, columns: Columns) -> bool:
    """Whether the columns are those of the table, or include one that identifies our rows."""
    if isinstance(schema, str):
        return False
    if {"conversation_id", "source_row"} & schema.keys():
        return True
    return bool(columns) and columns.keys() <= schema.keys()


def _read_footer(path: Path | UPath) -> tuple[pl.Schema | str, int | None]:
    """Columns and number of rows of a file; the error message and None if it cannot be read."""
    try:
        return read_footer(path)
    except DamagedFileError as error:
        return str(error), None


def _state(schema: pl.Schema | str, columns: Columns) -> tuple[State, str]:
    """The state of a file and what is wrong with it; undeclared columns do no harm.

    `schema` is the error message if the file cannot be read.
    """
    if isinstance(schema, str):
        return State.DAMAGED, schema
    faults = [
        f"{name} is {schema[name]}, not {column.dtype}" if name in schema else f"no {name}"
        for name, column in columns.items()
        if schema.get(name) != column.dtype and not (column.is_new and name not in schema)
    ]
    return (State.OTHER_COLUMNS if faults else State.WHOLE), "; ".join(faults)
