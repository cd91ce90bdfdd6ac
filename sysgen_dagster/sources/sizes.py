"""About how many rows files have, for deciding into how many shards a source is cut."""

import csv
import io
import json
import zlib
from pathlib import Path

import polars as pl

from sysgen_dagster.catalog.sources import shards_for
from sysgen_dagster.sources.folders import Format, files_of, format_of
from sysgen_dagster.sources.text_files import PACKED

_HEAD = 1 << 18  # bytes of text from which the length of a row is estimated
_USUAL_ROW = 2_000  # bytes of a row, where the head shows no whole one


def shards_of(name: str, path: Path) -> int:
    """Into how many shards the file of a source, or the folder of its files, is cut.

    Raises:
        SourceError: As `files_of`.
    """
    return shards_for(sum(map(estimate_rows, files_of(name, path).paths)))


def estimate_rows(file: Path) -> int:
    """About how many rows a file has: always the same of the same bytes, and soon known.

    A Parquet file says it; of others the first rows are measured. It is 0 of a file that cannot be
    read, which the asset of its source says.
    """
    found = format_of(file)
    try:
        if found is Format.PARQUET:
            return int(pl.scan_parquet(file, glob=False).select(pl.len()).collect().item())
        return _estimate_rows(file, found)
    except (pl.exceptions.PolarsError, OSError, zlib.error):
        return 0


def _estimate_rows(file: Path, found: Format | None) -> int:
    size = file.stat().st_size
    with file.open("rb") as opened:
        head, taken = opened.read(_HEAD), min(size, _HEAD)
    if file.suffix.lower() == PACKED:
        head, taken = _unpacked(head)
    if not head:
        return 0
    text = head.decode("utf-8", "replace").lstrip("\ufeff")
    is_whole = taken == size
    count = _count_records if found in (Format.CSV, Format.TSV) else _count_values
    rows, length = count(text, is_whole)
    per_row = length / rows if rows else _USUAL_ROW
    return rows if is_whole and rows else round(size * (len(head) / taken) / per_row)


def _unpacked(head: bytes) -> tuple[bytes, int]:
    """What the head of a packed file holds, at most `_HEAD`, and how many of its bytes that is."""
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # of gzip
    unpacked = unpacker.decompress(head, _HEAD)
    return unpacked, len(head) - len(unpacker.unconsumed_tail) - len(unpacker.unused_data)


def _count_values(text: str, is_whole: bool) -> tuple[int, int]:
    """The whole JSON values in a list or one after the other, and the bytes up to their end."""
    read = json.JSONDecoder()
    rows = at = end = 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,[":
            at += 1
        try:
            _, at = read.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        rows, end = rows + 1, at
    return rows, len(text[:end].encode())


def _count_records(text: str, is_whole: bool) -> tuple[int, int]:
    """The rows of a table after its line of names, and their bytes; the last may be cut."""
    try:
        records = sum(1 for _ in csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        return 0, 0
    return max(0, records - (1 if is_whole else 2)), len(text.encode())
