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
import struct
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import xxhash

from sysgen_dagster.errors import SysgenError

if TYPE_CHECKING:
    import pyarrow as pa

_MAGIC = b"\x93\xf7SYSGD\x01"
_SEAL = struct.Struct("<16sI8s")
_PARQUET_END = struct.Struct("<I4s")  # the length of the footer, and Parquet's own magic
_PARQUET_MAGIC = b"PAR1"
_USUAL_END = 16 * 1024  # bytes that hold the footer and the digests of most files
_READ_WHOLE = 64 * 1024**2  # a file up to this size is read into memory if all its columns are
_READ_WHOLE_FOR_SOME = 256 * 1024  # ... and up to this one if some are
_PART = 256 * 1024  # bytes that are read at once: what stays in the processor's cache

_Places = list[list[int]]  # [start, stop) in the file


class DamagedFileError(SysgenError):
    """A stored file does not hold what was written to it."""


class Checked(NamedTuple):
    """A file that holds what was written to it.

    Attributes:
        source: What Polars can read: the content that was compared or, where that is too long to
            keep in memory or little of it is wanted, the path.
        columns: The names of all columns; None if the file has no digests.
    """

    source: bytes | str
    columns: frozenset[str] | None


class _End(NamedTuple):
    """The last bytes of a Parquet file."""

    footer_start: int
    footer: bytes  # with the eight bytes after it


def write_digests(path: Path) -> None:
    """Add digests to a Parquet file that has none and that nobody else uses yet.

    Raises:
        DamagedFileError: It is not a Parquet file.
        OSError: It cannot be read or written.
    """
    # Imported here: reading, which all processes do, does without this slow import.
    import pyarrow.parquet as pq

    places = _places_of_columns(pq.read_metadata(path))
    with path.open("r+b", buffering=0) as file:
        end = _read_end(file)
        if end is None:
            raise DamagedFileError("it does not end as a Parquet file does")
        last = max((stop for each in places.values() for _, stop in each), default=0)
        every = [*places.items(), (None, [[last, end.footer_start]])]
        digests = json.dumps(
            [[column, where, _digest(file, where).hex()] for column, where in every]
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
    with path.open("rb", buffering=0) as file:
        if file.seek(0, 2) > (_READ_WHOLE if columns is None else _READ_WHOLE_FOR_SOME):
            return Checked(str(path), _compare(file, columns))
        file.seek(0)
        content = file.readall()
    return Checked(content, _compare(BytesIO(content), columns))


def _compare(file: BinaryIO, columns: Collection[str] | None) -> frozenset[str] | None:
    """Raise `DamagedFileError` if a digest differs; returns `Checked.columns`."""
    digests = _read_digests(file)
    for column, places, digest in digests:
        is_wanted = columns is None or column is None or column in columns
        if is_wanted and _digest(file, places).hex() != digest:
            what = f"column {column!r}" if column else "its index"
            raise DamagedFileError(f"{what} does not have the digest it was written with")
    return frozenset(column for column, _, _ in digests if column) if digests else None


def _read_digests(file: BinaryIO) -> list[tuple[str | None, _Places, str]]:
    """The digests of a file, which are themselves compared; empty if it has none."""
    end = _read_end(file)
    if end is not None and end.footer_start >= _SEAL.size:
        file.seek(end.footer_start - _SEAL.size)
        _, length, magic = _SEAL.unpack(seal := _read(file, _SEAL.size))
        if magic == _MAGIC and length <= end.footer_start - _SEAL.size:
            file.seek(end.footer_start - _SEAL.size - length)
            if seal != _seal(digests := _read(file, length), end.footer):
                raise DamagedFileError("its footer does not have the digest it was written with")
            found: list[tuple[str | None, _Places, str]] = json.loads(digests)
            return found
    if _contains_magic(file):
        raise DamagedFileError("its digests are not where its footer says")
    return []


def _seal(digests: bytes, footer: bytes) -> bytes:
    sealed = xxhash.xxh3_128(digests)
    sealed.update(footer)
    return _SEAL.pack(sealed.digest(), len(digests), _MAGIC)


def _contains_magic(file: BinaryIO) -> bool:
    """Whether a file had digests once: what is damaged may be the way to them."""
    file.seek(0)
    before = b""
    while part := file.read(_PART):
        if _MAGIC in before + part:
            return True
        before = part[-len(_MAGIC) :]
    return False


def _read_end(file: BinaryIO) -> _End | None:
    """The footer of a Parquet file; None if the file does not end like one."""
    size = file.seek(0, 2)
    if size < _PARQUET_END.size:
        return None
    start = max(0, size - _USUAL_END)
    file.seek(start)
    last = _read(file, size - start)
    length, magic = _PARQUET_END.unpack(last[-_PARQUET_END.size :])
    footer_start = size - _PARQUET_END.size - length
    if magic != _PARQUET_MAGIC or footer_start < len(_PARQUET_MAGIC):
        return None
    if footer_start < start:
        file.seek(footer_start)
        last = _read(file, size - footer_start)
    return _End(footer_start, last[-(size - footer_start) :])


def _read(file: BinaryIO, length: int) -> bytes:
    """The next bytes of a file; one call to the system may give fewer."""
    parts = []
    while length and (part := file.read(length)):
        parts.append(part)
        length -= len(part)
    if length:
        raise DamagedFileError("it is cut short")
    return b"".join(parts)


def _digest(file: BinaryIO, places: _Places) -> bytes:
    """The digest of the bytes at some places of a file, one after the other."""
    digest = xxhash.xxh3_128()
    for start, stop in places:
        file.seek(start)
        while start < stop and (part := file.read(min(stop - start, _PART))):
            digest.update(part)
            start += len(part)
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
    places: dict[str | None, _Places] = {}
    for start, stop, (_, _, name) in zip(starts, stops, chunks, strict=bool(chunks)):
        places.setdefault(name, []).append([start, stop])
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
