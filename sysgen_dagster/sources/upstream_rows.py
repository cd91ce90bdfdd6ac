"""Makes a table of the rows of an upstream file: the declared columns, as texts and records.

A row that cannot be used stays, with the reason: one odd row costs no other. What no row of the
file has is a fault of the file or of the catalogue, and an error.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.sources.recognition import UnreadableError
from sysgen_dagster.sources.shapes import TOOL_ROLES, role_of
from sysgen_dagster.sources.tables import upstream_columns
from sysgen_dagster.sources.values import (
    NoRecordsError,
    NotTextError,
    as_records,
    as_text,
    as_turn_text,
)
from sysgen_dagster.tables.table import polars_schema

_ROWS_AT_ONCE = 10_000
# Types of Parquet that have neither a text nor parts.
_ODD_TYPES = (pl.Extension, pl.Object, pl.Unknown)


def tabulate(
    rows: Iterable[Any], source: Source, types: Mapping[str, pl.DataType] | None = None
) -> pl.DataFrame:
    """The declared columns of a source and ``unusable``, one row for each of `rows`.

    Args:
        rows: The values of the file; those that are mappings have columns.
        source: Says which columns, which of them are records, and which are used.
        types: Those of the file's columns, as errors name them; None: the file has no types.

    Raises:
        UnreadableError: A column is missing, or unreadable, in all rows.
    """
    tabulator = _Tabulator(source, types or {})
    rows = iter(rows)
    frames = [pl.DataFrame(schema=tabulator.schema)]
    while batch := [tabulator.row(row) for row in islice(rows, _ROWS_AT_ONCE)]:
        frames.append(pl.DataFrame(batch, schema=tabulator.schema, orient="row"))
    table = pl.concat(frames)
    for column in tabulator.columns if len(table) else ():
        column.require_readable(tabulator.names)
    return table


def parquet_rows(file: Path, source: Source) -> Iterator[Mapping[str, Any]]:
    """The rows of a Parquet file, with those of its columns that the catalogue declares.

    Raises:
        UnreadableError: A column is missing, or has a type that Parquet does not know itself.
    """
    rows = pl.scan_parquet(file, glob=False, hive_partitioning=False)
    schema = rows.collect_schema()
    for column in source.columns:
        if column not in schema:
            raise _no_column(column, schema, source)
        if isinstance(schema[column], _ODD_TYPES):
            what = f"it has {column!r} as {schema[column]}, which is no text"
            raise UnreadableError(what, _fix(column, source))
    yield from batched_rows(
        rows.select(_plain(column, schema[column]) for column in source.columns)
    )


def batched_rows(rows: pl.LazyFrame) -> Iterator[Mapping[str, Any]]:
    """The rows of a scanned file, read in pieces."""
    for first in range(0, rows.select(pl.len()).collect().item(), _ROWS_AT_ONCE):
        yield from rows.slice(first, _ROWS_AT_ONCE).collect().iter_rows(named=True)


def _fix(column: str, source: Source) -> str:
    fields = source.fields_that_name(column)
    return f"give the file in the upstream schema, or correct {fields} in the catalogue"


def _no_column(column: str, names: Iterable[str], source: Source) -> UnreadableError:
    has = ", ".join(names)
    but = f"only {has}" if has else "its rows are no objects"
    return UnreadableError(f"it has no column {column!r}, {but}", _fix(column, source))


def readable_columns(schema: Mapping[str, pl.DataType]) -> list[pl.Expr]:
    """The columns of a Parquet file that have a text or parts, losing nothing in Python."""
    return [
        _plain(column, dtype)
        for column, dtype in schema.items()
        if not isinstance(dtype, _ODD_TYPES)
    ]


def _plain(column: str, dtype: pl.DataType) -> pl.Expr:
    """A column whose values lose nothing as objects of Python."""
    # By way of texts, because the float64 next to a narrow 0.1 is 0.10000000149011612.
    as_text, plain = (_plain_type(dtype, narrow) for narrow in (pl.String(), pl.Float64()))
    return pl.col(column) if plain == dtype else pl.col(column).cast(as_text).cast(plain)


def _plain_type(dtype: Any, narrow: pl.DataType) -> Any:
    """The type with `narrow` for narrow floats, which Python does not have, and texts for times.

    Python knows neither nanoseconds nor the year 10,000.
    """
    if isinstance(dtype, pl.Float32):
        return narrow
    if isinstance(dtype, (pl.Date, pl.Datetime, pl.Time)):
        return pl.String()
    if isinstance(dtype, (pl.List, pl.Array)):
        return pl.List(_plain_type(dtype.inner, narrow))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: _plain_type(field.dtype, narrow) for field in dtype.fields})
    return dtype


class _Column:
    """One declared column: reads its values, and remembers what it has seen."""

    def __init__(self, name: str, source: Source, dtype: pl.DataType | None) -> None:
        self.name, self._is_used = name, name in source.shape_columns
        self._source = source
        fields = source.columns[name]
        self._speaker = source.shape.speaker
        self._roles = getattr(source.shape, "roles", {})
        self._fields = None if isinstance(fields, str) else fields
        self._is_present = self._is_readable = False
        self._seen_fields: dict[str, None] = {}
        self._dtype = None if dtype is None else str(dtype)
        self._odd: str | None = None  # what the first value is that is not what is declared

    def read(self, row: Mapping[str, Any]) -> tuple[Any, Unusable | None]:
        """The value of a row, and why it makes the row unusable."""
        if self.name not in row:
            return None, None
        self._is_present = True
        value = row[self.name]
        if value is None:
            return None, None
        reason = None
        try:
            if self._fields is None:
                value = as_text(value)
            else:
                value, reason = self._records(as_records(value, self._fields) or [])
        except (NotTextError, NoRecordsError) as error:
            self._odd = self._odd or self._dtype or _kind(value)
            is_text = isinstance(error, NotTextError)
            return None, self._used(Unusable.NOT_TEXT if is_text else Unusable.MALFORMED_ROW)
        self._is_readable = True
        return value, self._used(reason)

    def _used(self, reason: Unusable | None) -> Unusable | None:
        return reason if self._is_used else None

    def _records(self, records: Sequence[Mapping[str, Any] | None]) -> tuple[Any, Unusable | None]:
        reason = None
        read: list[dict[str, str | None] | None] = []
        for record in records:
            if record is None:
                read.append(None)
                continue
            self._seen_fields.update(dict.fromkeys(record))
            turn: dict[str, str | None] = {}
            for field in self._fields or ():
                try:
                    turn[field] = as_turn_text(record.get(field))
                except NotTextError:
                    turn[field] = None
                    reason = reason if self._is_tools(record) else Unusable.NOT_TEXT
            read.append(turn)
        return read, reason

    def _is_tools(self, record: Mapping[str, Any]) -> bool:
        """Whether a turn is that of a tool, whose text nobody reads."""
        speaker = record.get(self._speaker or "")
        return isinstance(speaker, str) and role_of(speaker, self._roles) in TOOL_ROLES

    def require_readable(self, names: Iterable[str]) -> None:
        """Raise `UnreadableError` if no row has the column as it is declared."""
        if not self._is_present:
            raise _no_column(self.name, names, self._source)
        fix = _fix(self.name, self._source)
        wanted = "text" if self._fields is None else f"records of {', '.join(self._fields)}"
        if self._odd and not self._is_readable:
            raise UnreadableError(f"it has {self.name!r} as {self._odd}, not as {wanted}", fix)
        if self._seen_fields and not set(self._fields or ()) <= self._seen_fields.keys():
            has = f"records of {', '.join(self._seen_fields)}"
            raise UnreadableError(f"it has {self.name!r} as {has}, not as {wanted}", fix)


class _Tabulator:
    """Reads row by row."""

    def __init__(self, source: Source, types: Mapping[str, pl.DataType]) -> None:
        self.columns = [_Column(name, source, types.get(name)) for name in source.columns]
        self.schema = {**polars_schema(upstream_columns(source)), "unusable": pl.String()}
        self.names: dict[str, None] = {}  # of the columns of the first rows

    def row(self, row: Any) -> list[Any]:
        """The values of one row, in the order of the schema."""
        if not isinstance(row, Mapping):
            return [*(None for _ in self.columns), Unusable.MALFORMED_ROW.value]
        self.names = self.names or dict.fromkeys(row)
        values: list[Any] = []
        unusable: str | None = None
        for column in self.columns:
            value, reason = column.read(row)
            values.append(value)
            if reason is not None and unusable is None:
                unusable = reason.value
        values.append(unusable)
        return values


def _kind(value: Any) -> str:
    """What a value is, as people who know JSON say it."""
    if isinstance(value, Mapping):
        return f"an object of {', '.join(map(str, value))}"
    names = {list: "a list", str: "text", bytes: "bytes", float: "no number"}
    return names.get(type(value), type(value).__name__)
