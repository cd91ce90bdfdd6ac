"""Answer sheets as files: what is read of them, and how each refuses what is none."""

import os
import random
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.evaluation.sysbench.checklists import SheetError
from sysgen_dagster.evaluation.sysbench.sheets import READ, read_sheet
from sysgen_dagster.evaluation.sysbench.tables import VERDICTS
from sysgen_dagster.tables.table import polars_schema
from sysgen_dagster_tests.evaluation.sysbench.small_sheets import (
    ACTION,
    STYLE,
    session,
    turn,
    write_parquet,
    write_xlsx,
)

needs_fastexcel = pytest.mark.skipif(
    find_spec("fastexcel") is None, reason="needs the extra `evaluate`"
)
ROWS = [
    *session(1, "是是", "是否", "否", "是", "不适用/是"),
    turn(2, 1, "是", "否", types=[ACTION, STYLE], dependent=False, alignment="misalign"),
]


def refusal(path: Path) -> str:
    with pytest.raises(SheetError) as caught:
        read_sheet(path)
    return str(caught.value)


def test_each_constraint_of_each_turn_is_a_row(tmp_path: Path) -> None:
    verdicts = read_sheet(write_parquet(tmp_path / "sheet.parquet", ROWS))

    assert verdicts.schema == pl.Schema(polars_schema(VERDICTS))
    assert verdicts.height == 10
    assert verdicts.tail(2).rows() == [
        ("2", 1, False, False, 1, "action", "是", True, None),
        ("2", 1, False, False, 2, "style", "否", False, None),
    ]
    assert verdicts.filter(turn=5).select("said", "drop_reason").rows() == [
        ("不适用", "third_verdict"),
        ("是", None),
    ]


@needs_fastexcel
def test_xlsx_and_parquet_of_the_same_rows_are_read_the_same(tmp_path: Path) -> None:
    overview: list[dict[str, Any]] = [{"": "约束总量", "total": 10.0}]
    workbook = write_xlsx(tmp_path / "[a]*.xlsx", {"empty": [], "不同": overview, "详情": ROWS})
    parquet = write_parquet(tmp_path / "s.parquet", ROWS)
    assert read_sheet(workbook).equals(read_sheet(parquet))


def test_the_order_of_rows_and_columns_is_of_no_account(tmp_path: Path) -> None:
    other = [dict(reversed(row.items())) for row in reversed(ROWS)]
    one = read_sheet(write_parquet(tmp_path / "a.parquet", ROWS))
    assert one.equals(read_sheet(write_parquet(tmp_path / "b.parquet", other)))


def test_only_what_is_read_has_to_be_there(tmp_path: Path) -> None:
    few = [{column: row[column] for column in READ} for row in ROWS]
    one = read_sheet(write_parquet(tmp_path / "a.parquet", ROWS))
    assert one.equals(read_sheet(write_parquet(tmp_path / "b.parquet", few)))


@pytest.mark.parametrize(
    "written",
    [
        {"multi_rounds_related": "true", "round_index": "1", "system_id": "1"},
        {"multi_rounds_related": "TRUE", "round_index": 1.0},
        {"multi_rounds_related": 1, "alignment": "align"},
        {"multi_rounds_related": 1.0},
    ],
)
def test_flags_and_numbers_may_be_written_as_spreadsheets_do(
    tmp_path: Path, written: dict[str, Any]
) -> None:
    plain, other = turn(1, 1, "是"), turn(1, 1, "是", **written)
    one = read_sheet(write_parquet(tmp_path / "a.parquet", [plain]))
    assert one.equals(read_sheet(write_parquet(tmp_path / "b.parquet", [other])))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([turn(1, 6, "是")], "row 1 below the heading: round_index is '6', not one of 1, 2, 3"),
        ([turn(1, 0, "是")], "round_index is '0'"),
        ([turn(1, 1, "是", round_index=1.5)], "round_index is '1.5'"),
        ([turn(1, 1, "是", round_index=None)], "round_index is 'None'"),
        ([turn(1, 1, "是", alignment="unknown")], "alignment is 'unknown', not one of align"),
        ([turn(1, 1, "是", multi_rounds_related="perhaps")], "multi_rounds_related is 'perhaps'"),
        ([turn(1, 1, "是", system_id=None)], "system_id is empty"),
        ([turn(1, 1, "是"), turn(1, 2, "是", 评判细则=None)], "row 2 below the heading, 评判细则:"),
        ([turn(1, 1, "是", 评判细则="须合理")], "is no constraint"),
        ([turn(1, 1, "是"), turn(1, 1, "否")], "has turn 1 of session 1 twice: leave one out"),
        (
            [turn(1, 1, "是"), turn(1, 2, "是", dependent=False)],
            "session 1 has turns with both values of multi_rounds_related",
        ),
    ],
)
def test_a_sheet_that_cannot_be_right_is_refused_with_its_place(
    tmp_path: Path, rows: list[dict[str, Any]], said: str
) -> None:
    assert said in refusal(write_parquet(tmp_path / "sheet.parquet", rows))


def test_a_verdict_cell_that_is_empty_is_a_verdict_that_is_missing(tmp_path: Path) -> None:
    sheet = write_parquet(tmp_path / "sheet.parquet", [turn(1, 1, "是", 评判结果=None)])
    assert read_sheet(sheet)["drop_reason"].to_list() == ["no_verdict"]


def test_a_file_that_is_none_is_named_with_the_fix(tmp_path: Path) -> None:
    assert "there is no file" in refusal(tmp_path / "typo.xlsx")
    assert "there is no file" in refusal(tmp_path)
    (tmp_path / "sheet.csv").write_text("system_id\n1\n")
    assert "is neither .xlsx nor .parquet" in refusal(tmp_path / "sheet.csv")
    (tmp_path / "sheet.parquet").write_text("no Parquet")
    assert "cannot be read as Parquet" in refusal(tmp_path / "sheet.parquet")
    (tmp_path / "empty.parquet").touch()
    assert "cannot be read as Parquet" in refusal(tmp_path / "empty.parquet")
    other = write_parquet(tmp_path / "other.parquet", [{"question": "a", "answer": "b"}])
    assert "has not all columns of an answer sheet, which are system_id, " in refusal(other)
    assert "other.parquet: question, answer" in refusal(other)
    pl.DataFrame(schema=dict.fromkeys(READ, pl.String)).write_parquet(tmp_path / "no.parquet")
    assert "has no rows" in refusal(tmp_path / "no.parquet")


@needs_fastexcel
@pytest.mark.parametrize("content", [b"", b"no workbook", b"PK\x03\x04" + 60 * b"\x00"])
def test_a_broken_workbook_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "sheet.xlsx").write_bytes(content)
    assert "cannot be read as XLSX" in refusal(tmp_path / "sheet.xlsx")


def write_damaged(path: Path, rng: random.Random) -> Path:
    """A sheet of which some bytes are others, and often the end is missing."""
    write = write_parquet if path.suffix == ".parquet" else lambda at, of: write_xlsx(at, {"a": of})
    content = bytearray(write(path, ROWS).read_bytes())
    for _ in range(rng.choice([1, 3, 20])):
        content[rng.randrange(len(content))] = rng.randrange(256)
    path.write_bytes(content[: rng.choice([len(content), rng.randrange(len(content))])])
    return path


@needs_fastexcel
@pytest.mark.parametrize(("name", "seed"), [("s.xlsx", 1), ("s.parquet", 2)])
def test_a_damaged_file_is_one_message_or_still_a_sheet(
    tmp_path: Path, name: str, seed: int
) -> None:
    rng = random.Random(seed)
    refused = 0
    for _ in range(300):
        damaged = write_damaged(tmp_path / name, rng)
        try:
            read_sheet(damaged)
        except SheetError as error:
            refused += str(damaged) in str(error)
    assert refused > 100


@pytest.mark.parametrize("name", [1.0, "1", 1])
def test_a_session_has_the_same_name_however_its_number_is_written(
    tmp_path: Path, name: object
) -> None:
    sheet = write_parquet(tmp_path / "s.parquet", [turn(1, 1, "是", system_id=name)])
    assert read_sheet(sheet)["session"].to_list() == ["1"]


def test_a_session_that_pandas_leaves_open_has_no_name(tmp_path: Path) -> None:
    rows = [turn(1, 1, "是", system_id=each) for each in (1.0, float("nan"))]
    assert "row 2 below the heading: system_id is empty" in refusal(
        write_parquet(tmp_path / "s.parquet", rows)
    )


@needs_fastexcel
def test_cells_of_a_column_may_be_of_different_kinds(tmp_path: Path) -> None:
    mixed = [turn(1, 1, "是"), turn(1, 2, "是", round_index="2", multi_rounds_related="TRUE")]
    mixed += [turn(2, 1, "是", system_id="二")]
    verdicts = read_sheet(write_xlsx(tmp_path / "s.xlsx", {"a": mixed}))
    assert verdicts["session"].to_list() == ["1", "1", "二"]


@needs_fastexcel
def test_a_workbook_without_the_columns_names_its_worksheets(tmp_path: Path) -> None:
    workbook = write_xlsx(tmp_path / "s.xlsx", {"one": [{"a": 1}], "two": [{"b": "x"}]})
    assert "It has one: a; two: b" in refusal(workbook)


def test_without_the_extra_it_is_said_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    message = refusal(write_xlsx(tmp_path / "s.xlsx", {"详情": ROWS}))
    assert "pip install 'sysgen-dagster[evaluate]'" in message
    assert "Parquet with the same columns needs nothing" in message


# The benchmark has no licence, so its sheets are not in this repository: the path of one, such as
# output/gpt4o/gpt4o_analysis.xlsx of its own, may be named.
PUBLISHED = os.environ.get("SYSGEN_SYSBENCH_SHEET")


@needs_fastexcel
@pytest.mark.skipif(not PUBLISHED, reason="SYSGEN_SYSBENCH_SHEET names no published sheet")
def test_a_published_sheet_is_read_whole() -> None:
    verdicts = read_sheet(Path(str(PUBLISHED)))
    assert verdicts.height == 5_952
    assert verdicts["session"].n_unique() == 500
    assert set(verdicts["drop_reason"].drop_nulls()) <= {"third_verdict"}
