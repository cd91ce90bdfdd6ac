"""Digests inside Parquet files: what was written is compared with what is read.

Readers of Parquet find the footer from the end of a file and the columns from the footer, so bytes
between the columns and the footer disturb none of them. A file of ours has there, in this order::

    digests     JSON: for each column, the places of its bytes in the file and their XXH3 digest
    seal        16 bytes: the XXH3 digest of the JSON, the footer and the last eight bytes
    length      4 bytes: of the JSON
    magic       8 bytes that only such files have

A reader of two columns compares the bytes of two columns, so it costs little. There is no file
beside that could be lost, and the digests replace an older file together with its rows.
"""

import json
import os
import struct
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import xxhash

from sysgen_dagster.errors import SysgenError

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]

_MAGIC = b"\x93\xf7SYSGD\x01"
_SEAL = struct.Struct("<16sI8s")
_PARQUET_END = struct.Struct("<I4s")  # the length of the footer, and Parquet's own magic
_PARQUET_MAGIC = b"PAR1"
_USUAL_END = 16 * 1024  # bytes that hold the footer and the digests of most files
_LARGEST_END = 512 * 1024  # ... and of files with hundreds of row groups
_READ_WHOLE = 64 * 1024**2  # a file up to this size is read into memory if all its columns are
_READ_WHOLE_FOR_SOME = 256 * 1024  # ... and up to this one if some are
_PART = 256 * 1024  # bytes that are read at once: what stays in the processor's cache

_Places = list[list[int]]  # [start, stop) in the file
_Get = Callable[[int, int], bytes | memoryview]  # the bytes of a file from a start on, so many


class DamagedFileError(SysgenError):
    """A stored file does not hold what was written to it."""


class Checked(NamedTuple):
    """A file that holds what was written to it.

    Attributes:
        source: What Polars can read: the content that was compared or, where that is too long to
            keep in memory or little of it is wanted, the path.
        footer: What Polars can read the schema and the metadata from.
        columns: The names of all columns; None if the file has no digests.
    """

    source: bytes | str
    footer: bytes | str
    columns: frozenset[str] | None


class _End(NamedTuple):
    """The last bytes of a Parquet file."""

    footer_start: int
    footer: bytes  # with the eight bytes after it
    before: bytes  # some of the bytes before it


def write_digests(path: Path) -> None:
    """Add digests to a Parquet file that has none and that nobody else uses yet.

    Raises:
        DamagedFileError: It is not a Parquet file.
        OSError: It cannot be read or written.
    """
    # Imported here: reading, which all processes do, does without this slow import.
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    places = _places_of_columns(pq.read_metadata(path))
    with path.open("r+b", buffering=0) as file:
        get, size = _reader_of(file.fileno()), path.stat().st_size
        end = _read_end(get, size)
        if end is None:
            raise DamagedFileError("it does not end as a Parquet file does")
        last = max((stop for each in places.values() for _, stop in each), default=0)
        every = [*places.items(), (None, [[last, end.footer_start]])]
        digests = json.dumps(
            [[column, where, _digest(get, where).hex()] for column, where in every]
        ).encode()
        file.seek(end.footer_start)
        file.write(digests + _seal(digests, end.footer) + end.footer)


def read_checked(path: Path, columns: Collection[str] | None = None) -> Checked:
    """Compare a file with its digests; a file that an older version wrote without any passes.

    Args:
        path: A Parquet file.
        columns: The columns that will be read; None: all.

    Raises:
        DamagedFileError: It does not hold what was written to it.
        OSError: It cannot be read.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(file).st_size
        if size > (_READ_WHOLE if columns is None else _READ_WHOLE_FOR_SOME):
            return _compare(_reader_of(file), size, columns, str(path))
        content = _reader_of(file)(0, size)
    finally:
        os.close(file)
    view = memoryview(content)  # slices of it are no copies
    return _compare(lambda start, length: view[start : start + length], size, columns, content)


def is_whole(path: Path) -> bool:
    """Whether there is a file with digests that holds what was written to it.

    Raises:
        OSError: It cannot be read.
    """
    try:
        return read_checked(path).columns is not None
    except (FileNotFoundError, DamagedFileError):
        return False


def _compare(get: _Get, size: int, columns: Collection[str] | None, source: bytes | str) -> Checked:
    """`source` as it is read, once the footer and the columns have the digests written to them."""
    end = _read_end(get, size)
    digests = _read_digests(get, size, end)
    for column, places, digest in digests:
        is_wanted = columns is None or column is None or column in columns
        if is_wanted and _digest(get, places).hex() != digest:
            what = f"column {column!r}" if column else "its index"
            raise DamagedFileError(f"{what} does not have the digest it was written with")
    names = frozenset(column for column, _, _ in digests if column) if digests else None
    return Checked(source, _PARQUET_MAGIC + end.footer if end else source, names)


def _read_digests(get: _Get, size: int, end: _End | None) -> list[tuple[str | None, _Places, str]]:
    """The digests of a file, which are themselves compared; empty if it has none."""
    if end is not None and len(end.before) >= _SEAL.size:
        _, length, magic = _SEAL.unpack(seal := end.before[-_SEAL.size :])
        if magic == _MAGIC and length <= end.footer_start - _SEAL.size:
            digests: bytes | memoryview = end.before[: -_SEAL.size][-length:]
            if length > len(digests):
                digests = get(end.footer_start - _SEAL.size - length, length)
            if seal != _seal(digests, end.footer):
                raise DamagedFileError("its footer does not have the digest it was written with")
            found: list[tuple[str | None, _Places, str]] = json.loads(bytes(digests))
            return found
    if _contains_magic(get, size):
        raise DamagedFileError("its digests are not where its footer says")
    return []


def _seal(digests: bytes | memoryview, footer: bytes) -> bytes:
    sealed = xxhash.xxh3_128(digests)
    sealed.update(footer)
    return _SEAL.pack(sealed.digest(), len(digests), _MAGIC)


def _contains_magic(get: _Get, size: int) -> bool:
    """Whether a file had digests once: what is damaged may be the way to them."""
    start = max(0, size - _LARGEST_END)
    return _MAGIC in bytes(get(start, size - start))


def _read_end(get: _Get, size: int) -> _End | None:
    """The footer of a Parquet file; None if the file does not end like one."""
    start = max(0, size - _USUAL_END)
    last = bytes(get(start, size - start))
    if len(last) < _PARQUET_END.size:
        return None
    length, magic = _PARQUET_END.unpack(last[-_PARQUET_END.size :])
    footer_start = size - _PARQUET_END.size - length
    if magic != _PARQUET_MAGIC or footer_start < len(_PARQUET_MAGIC):
        return None
    if footer_start - start < _SEAL.size:
        start = max(0, footer_start - _SEAL.size)
        last = bytes(get(start, size - start))
    return _End(footer_start, last[footer_start - start :], last[: footer_start - start])


def _reader_of(file: int) -> Callable[[int, int], bytes]:
    """Gives bytes of an open file; fewer than asked for where it ends before."""

    def get(start: int, length: int) -> bytes:
        found = os.pread(file, length, start)
        if not found or len(found) == length:
            return found
        return found + get(start + len(found), length - len(found))  # a call gives 2 GB at most

    return get


def _digest(get: _Get, places: _Places) -> bytes:
    """The digest of the bytes at some places of a file, one after the other."""
    digest = xxhash.xxh3_128()
    for start, stop in places:
        for part in range(start, stop, _PART):
            digest.update(get(part, min(_PART, stop - part)))
    return digest.digest()


def _places_of_columns(metadata: Any) -> dict[str | None, _Places]:
    """Where the bytes of each column are; a place ends where the next one begins.

    Args:
        metadata: What pyarrow reads from the footer.
    """
    schema = metadata.schema.to_arrow_schema()
    names = [field.name for field in schema for _ in range(_count_leaves(field.type))]
    chunks = sorted(_chunks(metadata, names))
    starts = [0, *(start for start, _, _ in chunks[1:])]
    stops = [*starts[1:], *(stop for _, stop, _ in chunks[-1:])]
    places: dict[str | None, _Places] = {name: [] for name in schema.names}
    for start, stop, (_, _, name) in zip(starts, stops, chunks, strict=bool(chunks)):
        places[name].append([start, stop])
    return places


def _chunks(metadata: Any, names: list[str]) -> Iterator[tuple[int, int, str]]:
    """Start, stop and column of each run of pages that the footer names."""
    for group in range(metadata.num_row_groups):
        columns = metadata.row_group(group)
        for index, name in zip(range(columns.num_columns), names, strict=True):
            chunk = columns.column(index)
            start = chunk.dictionary_page_offset or chunk.data_page_offset
            yield start, start + chunk.total_compressed_size, name


def _count_leaves(kind: "pa.DataType") -> int:
    """How many columns of Parquet hold the values of a type: one for each field of a struct."""
    fields = [kind.field(index) for index in range(kind.num_fields)]
    return sum(_count_leaves(field.type) for field in fields) or 1
