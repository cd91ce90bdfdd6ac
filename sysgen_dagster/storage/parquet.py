"""Parquet files: written with digests, compared with them when they are read.

In a folder. In object storage neither: the server keeps digests of its own (S3: of each object,
compared when it is stored and in its disks), and what is sent is protected by TLS.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polars as pl
from upath import UPath

from sysgen_dagster.storage.files import replacing
from sysgen_dagster.tables.digests import Checked, DamagedFileError, read_checked, write_digests
from sysgen_dagster.tables.file_errors import as_os_error
from sysgen_dagster.tables.table import Columns, Frame

# Rows per row group of a lazily written file: as many rows are in memory at once.
_GROUP_ROWS = 8_000


def write(frame: Frame, target: Path | UPath, notes: Mapping[str, str]) -> None:
    """Write a file, atomically; `notes` are stored in its footer.

    Raises:
        OSError: The system or object storage refused it.
    """
    if isinstance(target, Path):
        target.parent.mkdir(parents=True, exist_ok=True)
        with replacing(target) as temporary:
            _sink(frame, temporary, notes)
            write_digests(temporary)
    else:
        _sink(frame, target, notes)


def _sink(
    frame: pl.DataFrame | pl.LazyFrame, target: Path | UPath, notes: Mapping[str, str]
) -> None:
    rows = _GROUP_ROWS if isinstance(frame, pl.LazyFrame) else None
    try:
        frame.lazy().sink_parquet(
            str(target),
            compression="zstd",
            row_group_size=rows,
            metadata=dict(notes) or None,
            credential_provider=None,
        )
    except pl.exceptions.PolarsError as error:
        raise as_os_error(error) or error from error


def read(path: Path | UPath, columns: Columns) -> tuple[pl.DataFrame, bytes | str]:
    """Those of the columns that a file has, and what `notes_in` reads its notes from.

    Columns that are new are null where the file lacks them.

    Raises:
        DamagedFileError: The file does not hold what was written to it.
        FileNotFoundError: There is none.
        OSError: The system or object storage refused it.
    """
    with _telling_damage():
        checked = _compare(path, columns)
        rows = _scan(checked.source)
        stored = checked.columns if checked.columns is not None else {*rows.collect_schema()}
        new = [
            pl.lit(None, dtype=column.dtype).alias(name)
            for name, column in columns.items()
            if column.is_new and name not in stored
        ]
        names = [name for name, column in columns.items() if column.is_new or name in stored]
        return (rows.with_columns(new) if new else rows).select(names).collect(), checked.footer


def scan(path: Path | UPath) -> pl.LazyFrame:
    """The rows of a file that was compared with its digests; they are read later.

    Raises:
        DamagedFileError: The file does not hold what was written to it.
        OSError: The system or object storage refused it.
    """
    with _telling_damage():
        return _scan(_compare(path, None).source)


def read_footer(path: Path | UPath) -> tuple[pl.Schema, int]:
    """The columns of a file and its number of rows; the rows themselves are not looked at.

    Raises:
        DamagedFileError: The footer is not the one that was written.
        OSError: The system or object storage refused it.
    """
    with _telling_damage():
        rows = _scan(_compare(path, ()).source)
        return rows.collect_schema(), rows.select(pl.len()).collect().item()


def read_notes(path: Path | UPath) -> dict[str, str]:
    """What `write` was told to note.

    Raises:
        DamagedFileError: The footer is not the one that was written.
        OSError: The system or object storage refused it.
    """
    with _telling_damage():
        return notes_in(_compare(path, ()).footer)


def notes_in(footer: bytes | str) -> dict[str, str]:
    """What `write` was told to note, from the second part of what `read` gives.

    Raises:
        OSError: Object storage refused it.
    """
    return pl.read_parquet_metadata(footer, credential_provider=None)


def _compare(path: Path | UPath, columns: Collection[str] | None) -> Checked:
    """A file that holds what was written to it; one in object storage is not looked at."""
    return (
        read_checked(path, columns)
        if isinstance(path, Path)
        else Checked(str(path), str(path), None)
    )


def _scan(source: bytes | str) -> pl.LazyFrame:
    # `glob`, `hive_partitioning`: the path is taken literally, whatever characters it contains.
    # `credential_provider`: with boto3 installed, Polars would look for keys in more places than
    # obstore does.
    return pl.scan_parquet(source, glob=False, hive_partitioning=False, credential_provider=None)


@contextmanager
def _telling_damage() -> Iterator[None]:
    """Tell what is wrong with a file from what the system refuses; damage can make Polars panic."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        if (refused := as_os_error(error)) is not None:
            raise refused from error
        raise DamagedFileError(str(error).partition("\n")[0]) from error
