"""Answer sheets of SysBench: one row a turn with its checklist and the verdicts, to `VERDICTS`.

The benchmark publishes them as XLSX, one of several worksheets in each; Parquet with the same
columns is read as well.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar

import polars as pl

from sysgen_dagster.evaluation.sysbench.checklists import SheetError, read_turn
from sysgen_dagster.evaluation.sysbench.tables import TURNS, VERDICTS
from sysgen_dagster.tables.table import polars_schema

Value = TypeVar("Value")

# What is read of the fifteen columns of a published sheet. The others, such as the answer, are what
# the judge saw; `是否可用` (usable) is computed of the verdicts.
SESSION, DEPENDENT, ALIGNMENT = "system_id", "multi_rounds_related", "alignment"
TURN, CHECKLIST, _VERDICTS = "round_index", "评判细则", "评判结果"
READ: Final = (SESSION, DEPENDENT, ALIGNMENT, TURN, CHECKLIST, _VERDICTS)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_ALIGNED = {"align": True, "misalign": False}
# What Polars says of a file that it cannot read: ValueError of a workbook without worksheets.
_UNREADABLE = (
    *(pl.exceptions.PolarsError, pl.exceptions.PanicException),
    *(OSError, ValueError),
)
_ROUNDS = {str(turn): turn for turn in range(1, TURNS + 1)}


def read_sheet(path: Path) -> pl.DataFrame:
    """The rows of `VERDICTS` of an answer sheet, sorted by session, turn and constraint.

    A turn that the sheet lacks has no rows.

    Raises:
        SheetError: The file is no answer sheet, or it contradicts itself.
    """
    rows = [row for place, turn in read_turns(path, READ) for row in _read_row(place, turn)]
    verdicts = pl.DataFrame(rows, schema=polars_schema(VERDICTS), orient="row")
    _require_whole_sessions(path, verdicts)
    return verdicts.sort("session", "turn", "number")


def read_turns(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where each row of a sheet stands, for messages, and its cells in these columns.

    Of several worksheets the first one that has the columns is read.

    Raises:
        SheetError: The file is no answer sheet, or it has no rows.
    """
    turns = _read_columns(path, columns)
    if turns.is_empty():
        raise SheetError(f"{path} has no rows: there is nothing to read")
    for number, turn in enumerate(turns.iter_rows(named=True), 1):
        yield f"{path}, row {number} below the heading", turn


def require_sheet(path: Path) -> None:
    """Raise `SheetError` where there is no such file."""
    if not path.is_file():
        raise SheetError(f"there is no file {path}")


def _read_columns(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    require_sheet(path)
    read = {".xlsx": _read_xlsx, ".parquet": _read_parquet}.get(path.suffix.lower())
    if read is None:
        raise SheetError(f"{path} is neither .xlsx nor .parquet: write the sheet as one of these")
    sheets = read(path)
    for sheet in sheets.values():
        if set(columns) <= set(sheet.columns):
            return sheet.select(columns)
    there = "; ".join(f"{name}: {', '.join(each.columns)}" for name, each in sheets.items())
    raise SheetError(
        f"{path} has not all columns of an answer sheet, which are {', '.join(columns)}. It has "
        f"{there[:500]}"
    )


def _read_parquet(path: Path) -> dict[str, pl.DataFrame]:
    try:
        return {path.name: pl.read_parquet(path, glob=False)}
    except _UNREADABLE as error:
        raise SheetError(f"{path} cannot be read as Parquet: {_first_line(error)}") from error


def _read_xlsx(path: Path) -> dict[str, pl.DataFrame]:
    if find_spec("fastexcel") is None:
        raise SheetError(
            f"{path}: XLSX needs the extra: pip install 'sysgen-dagster[evaluate]'. Parquet with "
            "the same columns needs nothing"
        )
    from fastexcel import FastExcelError

    try:
        return pl.read_excel(
            path.read_bytes(),  # a path would be taken for a pattern
            sheet_id=0,
            raise_if_empty=False,
            engine="calamine",
            read_options={"dtypes": "string"},  # types guessed from some rows would fail on others
        )
    except (*_UNREADABLE, FastExcelError) as error:
        raise SheetError(f"{path} cannot be read as XLSX: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _read_row(place: str, turn: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The rows of `VERDICTS` of one turn."""
    of_turn = identify(place, turn)
    with naming_checklist(place):
        for verdict in read_turn(str(turn[CHECKLIST] or ""), str(turn[_VERDICTS] or "")):
            yield *of_turn, *verdict


def identify(place: str, turn: dict[str, Any]) -> tuple[str, int, bool, bool]:
    """Session, turn, whether the session is dependent and whether the turn is aligned.

    Raises:
        SheetError: A cell says none of it.
    """
    session = _plain(turn[SESSION])
    if session is None:
        raise SheetError(f"{place}: {SESSION} is empty")
    return (
        str(session),
        _one_of(_ROUNDS, place, TURN, turn),
        _one_of(_FLAGS, place, DEPENDENT, turn),
        _one_of(_ALIGNED, place, ALIGNMENT, turn),
    )


@contextmanager
def naming_checklist(place: str) -> Iterator[None]:
    """Say where the checklist stands that cannot be read."""
    try:
        yield
    except SheetError as error:
        raise SheetError(f"{place}, {CHECKLIST}: {error}") from error


def _one_of(values: Mapping[str, Value], place: str, column: str, turn: dict[str, Any]) -> Value:
    """The value that a cell stands for; flags may have been read as text."""
    word = str(_plain(turn[column]))
    if word.lower() not in values:
        raise SheetError(f"{place}: {column} is {word!r}, not one of {', '.join(values)}")
    return values[word.lower()]


def _require_whole_sessions(path: Path, verdicts: pl.DataFrame) -> None:
    """Refuse turns that stand there twice, and sessions that are dependent and parallel at once."""
    twice = verdicts.filter(pl.struct("session", "turn", "number").is_duplicated())
    if not twice.is_empty():
        session, turn = twice.row(0)[:2]
        raise SheetError(f"{path} has turn {turn} of session {session} twice: leave one out")
    both = verdicts.group_by("session").agg(pl.col("dependent").n_unique()).filter(dependent=2)
    if not both.is_empty():
        raise SheetError(
            f"{path}: session {min(both['session'])} has turns with both values of {DEPENDENT}; "
            "it is one of the session"
        )


def _plain(cell: Any) -> Any:
    """A whole number may have been read as a float, and nothing as NaN."""
    if not isinstance(cell, float):
        return cell
    return None if math.isnan(cell) else int(cell) if cell.is_integer() else cell
