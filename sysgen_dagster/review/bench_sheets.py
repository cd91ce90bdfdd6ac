"""The blind sheet of the second lane's bench: people score two answers by a rubric, in a CSV file.

One is the reference, the other a sibling's answer. The sheet does not say which; a draw by the
rubric alone decides which comes first. A filled sheet is held against the bench, so that what was
changed beside the empty columns is an error. What spreadsheets do to a file is none: another
separator, another order, blanks, characters that cannot be printed.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import polars as pl

from sysgen_dagster.chat.messages import derive_seed
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.obedience.rubric_scores import HIGHEST, LOWEST
from sysgen_dagster.storage.files import write_text
from sysgen_dagster.tables.columns import COUNT, FLAG, TEXT
from sysgen_dagster.tables.table import kept

SCORE_A, SCORE_B = (f"score of {answer} ({LOWEST} to {HIGHEST})" for answer in "AB")
FITS: Final = "does the rubric fit the preference (yes or no)"
_TEXTS: Final = (
    *("instruction", "system message", "preference", "criterion", "levels"),
    *("answer A", "answer B"),
)
_FILLED: Final = (SCORE_A, SCORE_B, FITS)
COLUMNS: Final = ("row", *_TEXTS, *_FILLED)
_MOST_CHARACTERS: Final = 32_767  # of a cell, in Excel and in LibreOffice
_COMPUTED: Final = ("=", "+", "-", "@", "\t", "\r")  # what begins so would be taken for a formula
_SCORES: Final = {str(score): score for score in range(LOWEST, HIGHEST + 1)}
_WORDS: Final = {"yes": True, "y": True, "no": False, "n": False}

# One row per rubric of an item.
RUBRICS_TO_SCORE = pl.Schema(
    {
        "row": TEXT,  # names the rubric in a sheet
        **dict.fromkeys(("conversation_id", "source", "item", "dimension"), TEXT),
        **dict.fromkeys(_TEXTS, TEXT),
        "a_is_reference": FLAG,
    }
)
# What a reviewer says of a rubric: one row per row of a sheet.
SCORES = pl.Schema(
    {
        "row": TEXT,
        **dict.fromkeys(("reference_score", "sibling_score"), COUNT),
        "fits": FLAG,
        "drop_reason": TEXT,
    }
)


class Unfilled(StrEnum):
    """Values of ``drop_reason``: why a row of a sheet says nothing."""

    EMPTY = "empty"  # nobody has filled it
    HALF_FILLED = "half_filled"  # one of the three cells is empty
    UNREADABLE = "unreadable"  # there is something else than a score from 1 to 5, or yes or no


class BenchSheetError(SysgenError):
    """A sheet cannot be written, or is none of this bench; the message names file and fault."""


def list_rubrics(bench: pl.DataFrame, references: pl.DataFrame) -> pl.DataFrame:
    """`RUBRICS_TO_SCORE` of a bench, in the order in which sheets take them, which is drawn.

    Args:
        bench: `lanes.multifaceted.bench.tables.MULTIFACETED_BENCH`.
        references: `BENCH_REFERENCES` there, which has the words of the preferences.
    """
    preferences = {
        (identity, each["dimension"]): f"{each['preference']}: {each['description']}"
        for identity, listed in references.select("conversation_id", "preference_set").iter_rows()
        for each in listed or ()
    }
    rows = [
        _rubric_row(item, number, preferences)
        for item in kept(bench).iter_rows(named=True)
        for number in range(len(item["rubrics"]))
    ]
    rows.sort(key=lambda row: (derive_seed(row["row"], "bench_sheet"), row["row"]))
    return pl.DataFrame(rows, schema=RUBRICS_TO_SCORE)


def _rubric_row(
    item: Mapping[str, Any], number: int, preferences: Mapping[tuple[str, str], str]
) -> dict[str, Any]:
    rubric, row = item["rubrics"][number], f"{item['item']}/{number + 1}"
    answers = item["reference_answer"], item["sibling_answer"]
    is_first = derive_seed(row, "bench_sheet_side") % 2 == 0
    first, second = answers if is_first else answers[::-1]
    levels = enumerate(rubric["levels"], LOWEST)
    return {
        **{name: item[name] for name in ("conversation_id", "source", "item")},
        "row": row,
        "dimension": rubric["dimension"],
        "instruction": item["prompt"],
        "system message": item["system_message"],
        "preference": preferences[item["conversation_id"], rubric["dimension"]],
        "criterion": rubric["criterion"],
        "levels": "\n".join(f"{score}: {level}" for score, level in levels),
        "answer A": first,
        "answer B": second,
        "a_is_reference": is_first,
    }


def write_sheet(path: Path, rubrics: pl.DataFrame, rows: int) -> int:
    """Write a sheet of the first rubrics, and return how many it has.

    A rubric with a text that no cell of a spreadsheet holds is left out.

    Raises:
        BenchSheetError: There is such a file already, or there is no rubric.
    """
    if path.exists():
        raise BenchSheetError(f"{path} exists, and may be filled: name another file")
    is_short = pl.all_horizontal(pl.col(_TEXTS).str.len_chars() < _MOST_CHARACTERS)
    chosen = rubrics.filter(is_short).head(rows)
    if chosen.is_empty():
        raise BenchSheetError("the bench has no rubric that a sheet can hold: nothing is written")
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for row in chosen.select("row", *_TEXTS).iter_rows():
        writer.writerow([*map(_cell, row), *("" for _ in _FILLED)])
    # Excel takes a file for UTF-8 by the mark at its beginning.
    write_text(path, "\ufeff" + written.getvalue())
    return chosen.height


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_COMPUTED) else text


def read_sheet(path: Path, rubrics: pl.DataFrame) -> pl.DataFrame:
    """`SCORES` of a filled sheet, in the order of its rows; rows that say nothing have a reason.

    Args:
        path: The file.
        rubrics: `RUBRICS_TO_SCORE` of the bench.

    Raises:
        BenchSheetError: It cannot be read, or it is no sheet of this bench: it lacks columns, has
            rows of other rubrics or one twice, or texts were changed.
    """
    known = {row["row"]: row for row in rubrics.iter_rows(named=True)}
    scores: dict[str, dict[str, Any]] = {}
    for number, cells in _read_rows(path):
        place, row = f"{path}, row {number} below the heading", cells["row"].strip()
        if row not in known:
            raise BenchSheetError(
                f"{place}: {row[:60] or 'an empty cell'} names no rubric of this bench: the sheet "
                "is of another one, or of this one before it was made anew"
            )
        if row in scores:
            raise BenchSheetError(f"{place}: {row} stands there twice: leave one of them out")
        for name in _TEXTS:
            if _plain(cells[name]) != _plain(known[row][name]):
                raise BenchSheetError(
                    f"{place}: `{name}` is not what was written there: put the text back, or fill "
                    "a new sheet"
                )
        scores[row] = {"row": row, **_read_scores(cells, known[row]["a_is_reference"])}
    if not scores:
        raise BenchSheetError(f"{path} has no rows below its heading: there is nothing to read")
    return pl.DataFrame([*scores.values()], schema=SCORES)


def _read_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a sheet with their number, without those that are empty."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BenchSheetError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BenchSheetError(f"{path} is not UTF-8: save it as CSV in UTF-8") from error
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    try:
        lines = [*csv.reader(io.StringIO(text, newline=""), delimiter=separator)]
    except csv.Error as error:
        raise BenchSheetError(f"{path} cannot be read as CSV: {error}") from error
    heading = [name.strip() for name in lines[0]] if lines else []
    if missing := [name for name in COLUMNS if name not in heading]:
        raise BenchSheetError(
            f"{path} is no sheet of `sysgen review bench`: it lacks the columns "
            f"{', '.join(missing)}"
        )
    for number, line in enumerate(lines[1:], 1):
        if any(cell.strip() for cell in line):
            padded = [*line, *("" for _ in heading[len(line) :])]
            yield number, dict(zip(heading, padded, strict=False))


def _plain(text: str) -> str:
    """A text without what a spreadsheet may change of it, or was added for it."""
    return "".join(each for each in text.lstrip("'") if each.isprintable() and not each.isspace())


def _read_scores(cells: Mapping[str, str], a_is_reference: bool) -> dict[str, Any]:
    filled = [cells[name].strip().lower() for name in _FILLED]
    if not all(filled):
        return {"drop_reason": Unfilled.HALF_FILLED if any(filled) else Unfilled.EMPTY}
    scores: Sequence[int | None] = [_SCORES.get(cell.removesuffix(".0")) for cell in filled[:2]]
    fits = _WORDS.get(filled[2])
    if None in scores or fits is None:
        return {"drop_reason": Unfilled.UNREADABLE}
    reference, sibling = scores if a_is_reference else scores[::-1]
    return {"reference_score": reference, "sibling_score": sibling, "fits": fits}
