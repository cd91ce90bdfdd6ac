"""The two files of a ledger: lines while a partition is made, and what they are sealed into.

A line is ``{"crc32": 907060870, "key": "9f...", "request_id": "...", "seed": 7, "text": ...}``. The
checksum is of all that follows it, and goes with the entry into the sealed Parquet file, which has
a column for each of the first four fields and one for the rest, ``outcome``. So a flipped bit costs
one entry and is never read as another answer. What is in an outcome belongs in `ledger`.
"""

import fcntl
import json
import os
import re
import zlib
from collections.abc import Collection, Iterable, Iterator
from json.encoder import encode_basestring_ascii as _quoted
from pathlib import Path
from typing import IO, Any, NamedTuple

import polars as pl

from sysgen_dagster.errors import SysgenError

_SEALED = {
    "key": pl.String(),
    "request_id": pl.String(),
    "seed": pl.UInt32(),
    "outcome": pl.String(),
    "checksum": pl.UInt32(),
}
# Versions before the checksums sealed none of these.
_SINCE_CHECKSUMS = {"request_id", "seed", "checksum"}
_ROWS_PER_GROUP = 2_000
_ZSTD_LEVEL = 6  # above it seals take longer than what they save is worth
_CHECKED, _UNCHECKED = b'{"crc32": ', b'{"key": '
_TEXT = rb'"(?:[^"\\]|\\.)*"'
_NAMES = re.compile(rb'"key": (%b), "request_id": (null|%b), "seed": (null|\d+), ' % (_TEXT, _TEXT))
_KEY = re.compile(rb'(?:\{"crc32": \d+, |\{)"key": "([^"\\]*)"')


class LedgerError(SysgenError):
    """A sealed ledger cannot be read; the message names the file and the fix."""

    def __init__(self, path: Path, error: BaseException) -> None:
        """Name the file; what the system says of it is no reason to remove it."""
        said = str(error).partition("\n")[0]
        # Polars raises the system's errors with their number in the text.
        is_systems = getattr(error, "errno", None) is not None or "(os error " in said
        fix = (
            "mend that, and materialize the partition again"
            if is_systems
            else "remove it, and the partition's requests are sent again when it is materialized"
        )
        super().__init__(
            f"{path}, the ledger of a stored partition, cannot be read ({said}): {fix}"
        )


class Entry(NamedTuple):
    """One outcome as it is kept.

    Attributes:
        key: Of the request; see `ledger.request_key`.
        request_id: Its name in its batch; None: an older version kept none.
        seed: Its seed, which tells apart the attempts that have the same name.
        outcome: A JSON object.
        checksum: Of all the others; None: an older version kept none.
    """

    key: str
    request_id: str | None
    seed: int | None
    outcome: str
    checksum: int | None

    @property
    def is_whole(self) -> bool:
        """Whether it is what was written, as far as that can be known."""
        return self.checksum is None or self.checksum == zlib.crc32(_covered(*self[:4]))

    def signed(self) -> "Entry":
        """The same with its checksum."""
        return self._replace(checksum=zlib.crc32(_covered(*self[:4])))


def format_line(key: str, request_id: str | None, seed: int | None, outcome: str) -> bytes:
    """An outcome as a line, with a line break on either side.

    The one before ends a line that a kill cut off.
    """
    covered = _covered(key, request_id, seed, outcome)
    return b'\n{"crc32": %d, %b\n' % (zlib.crc32(covered), covered)


def _covered(key: str, request_id: str | None, seed: int | None, outcome: str) -> bytes:
    """The bytes of which there is a checksum, as they stand in a line."""
    name = "null" if request_id is None else _quoted(request_id)
    number = "null" if seed is None else seed
    return f'"key": {_quoted(key)}, "request_id": {name}, "seed": {number}, {outcome[1:]}'.encode()


def read_lines(path: Path) -> tuple[list[Entry], int]:
    """The entries of a file of lines, and how many lines are cut off or damaged."""
    if not path.is_file():
        return [], 0
    with path.open("rb") as file:
        parsed = [parse_line(line) for line in file if line.strip()]
    entries = [entry for entry in parsed if entry is not None]
    return entries, len(parsed) - len(entries)


def read_keys_of_lines(path: Path) -> Iterator[str]:
    """The keys in a file of lines, without a look at the outcomes."""
    try:
        with path.open("rb") as file:
            found = (_KEY.match(line) for line in file)
            yield from (match[1].decode("utf-8", "replace") for match in found if match)
    except FileNotFoundError:  # it was sealed meanwhile
        return


def read_sealed(path: Path, keys: Collection[str] | None = None) -> list[Entry]:
    """The entries of a sealed file, none if there is no file.

    Args:
        path: The file.
        keys: Only these; None: all.

    Raises:
        LedgerError: It cannot be read.
    """
    rows = _collect(path, list(_SEALED), keys)
    return [] if rows is None else list(map(Entry._make, rows.iter_rows()))


def read_sealed_keys(path: Path) -> pl.Series:
    """The keys in a sealed file, without a look at the outcomes.

    Raises:
        LedgerError: It cannot be read.
    """
    rows = _collect(path, ["key"])
    return pl.Series("key", [], pl.String()) if rows is None else rows["key"]


def _collect(
    path: Path, columns: list[str], keys: Collection[str] | None = None
) -> pl.DataFrame | None:
    """These columns of `_SEALED`, whichever version sealed them; None if there is no file."""
    if not path.is_file():
        return None
    try:
        rows = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        stored = rows.collect_schema()
        # A checksum says something only together with all that it is of.
        left_out = set() if stored.keys() >= _SINCE_CHECKSUMS else _SINCE_CHECKSUMS
        if keys is not None:
            rows = rows.filter(pl.col("key").is_in(list(keys)))
        return rows.select(
            pl.lit(None, _SEALED[name]).alias(name) if name in left_out else _typed(name, stored)
            for name in columns
        ).collect()
    except FileNotFoundError:  # removed meanwhile
        return None
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise LedgerError(path, error) from error


def _typed(name: str, stored: pl.Schema) -> pl.Expr:
    """A column in its type; a text that is null, which no version writes, is not whole."""
    if name not in stored:
        raise pl.exceptions.SchemaError(f"it has no {name}")
    if stored[name].is_integer() != _SEALED[name].is_integer() or stored[name].is_nested():
        raise pl.exceptions.SchemaError(f"{name} is {stored[name]}, not {_SEALED[name]}")
    column = pl.col(name).cast(_SEALED[name])
    return column.fill_null("") if name in ("key", "outcome") else column


def write_sealed(path: Path, entries: Iterable[Entry]) -> None:
    """Replace a sealed file; only who holds the ledger's lock may.

    What a kill leaves beside it has the same name each time, so that it is written over.
    """
    beside = path.with_suffix(".tmp")
    columns = zip(*entries, strict=True)
    rows = pl.DataFrame(dict(zip(_SEALED, columns, strict=False)), schema=_SEALED)
    rows.write_parquet(
        beside,
        compression="zstd",
        compression_level=_ZSTD_LEVEL,
        row_group_size=_ROWS_PER_GROUP,
    )
    with beside.open("rb") as written:
        os.fsync(written.fileno())
    beside.replace(path)


def open_locked(path: Path) -> IO[bytes]:
    """The file of the lines, to be appended to; not one that was sealed and removed meanwhile.

    Raises:
        BlockingIOError: Another run has it.
    """
    while True:
        file = path.open("ab", buffering=0)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_nlink:
                return file
        except BlockingIOError:
            file.close()
            raise
        file.close()


def parse_line(line: bytes) -> Entry | None:
    """The entry of a line; None for one that was cut off or damaged."""
    if line.startswith(_CHECKED):
        checksum, _, covered = line[len(_CHECKED) :].rstrip().partition(b", ")
        if not checksum.isdigit() or int(checksum) != zlib.crc32(covered):
            return None
        names = _NAMES.match(covered)
        if names is None:  # another version wrote it
            return _parse_record(b"{" + covered)
        key, request_id, seed = map(json.loads, names.groups())
        outcome = "{" + covered[names.end() :].decode()
        return Entry(key, request_id, seed, outcome, int(checksum))
    # Without a checksum lines have always begun with the key; one that begins otherwise is damaged.
    return _parse_record(line) if line.startswith(_UNCHECKED) else None


def _parse_record(line: bytes) -> Entry | None:
    """The entry of a line by its fields, in whichever order they are."""
    try:
        record: dict[str, Any] = json.loads(line)
        key, request_id, seed = (record.pop(name, None) for name in ("key", "request_id", "seed"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(key, str):
        return None
    is_named = isinstance(request_id, str) and isinstance(seed, int)
    if not is_named:
        request_id = seed = None
    return Entry(key, request_id, seed, json.dumps(record), None)
