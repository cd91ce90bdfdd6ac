"""CSV and TSV files: every value as the text that stands there, or an error that says where."""

import csv
from pathlib import Path

import pytest

from sysgen_dagster.sources.csv_rows import read_csv_rows
from sysgen_dagster.sources.recognition import UnreadableError

HEADER = "question,answer\n"


def read(
    tmp_path: Path, content: str | bytes, delimiter: str | None = None
) -> list[dict[str, str]]:
    file = tmp_path / "rows.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return [*read_csv_rows(file, delimiter)]


@pytest.mark.parametrize(
    "text",
    [
        *("007", "1e400", "4.50", "true", "null", "NA", "nan", "", " ", "2020-01-01", "  kept  "),
        *(
            "a,b",
            "a;b",
            "a\tb",
            'say "hi"',
            '5" disk',
            "a\nb",
            "a\r\nb",
            "\0",
            "語 😀\u200d",
            "=1+1",
        ),
        "x" * 200_000,
    ],
)
def test_a_value_is_the_text_that_was_written(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rows.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([["question", "answer"], [text, "yes"], ["why", text]])
    assert [*read_csv_rows(file)] == [
        {"question": text, "answer": "yes"},
        {"question": "why", "answer": text},
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_header_shows_what_stands_between_values(
    tmp_path: Path, delimiter: str, encoding: str, end: str
) -> None:
    rows = [delimiter.join(row) for row in (["question", "answer"], ["Why?", "So."])]
    assert read(tmp_path, end.join(rows).encode(encoding)) == [
        {"question": "Why?", "answer": "So."}
    ]


@pytest.mark.parametrize(
    "content",
    [
        "question, answer\nWhy?,So.\n",
        ",question,answer\n0,Why?,So.\n",
        "question,answer\n\nWhy?,So.\n\n",
        '"question","answer"\n"Why?","So."',
        "sep=;\r\nquestion;answer\r\nWhy?;So.\r\n",
        "sep=|\nquestion|answer\nWhy?|So.\n",
    ],
    ids=[
        "a blank after the delimiter",
        "an index without a name",
        "blank lines",
        "quoted",
        "Excel",
        "bars",
    ],
)
def test_what_programs_write_beside_the_rows_is_no_part_of_them(
    tmp_path: Path, content: str
) -> None:
    assert read(tmp_path, content) == [{"question": "Why?", "answer": "So."}]


def test_a_file_of_one_column_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, "text\nWhy?\n") == [{"text": "Why?"}]


def test_a_tsv_file_has_tabs_whatever_its_header_holds(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b,c\td\n1,2\t3\n", "\t") == [{"a,b,c": "1,2", "d": "3"}]


BROKEN = {
    "one value more": (
        HEADER + "Why?,So.\nWhy, then?,So.\n",
        "line 3 has 3 values where the first",
    ),
    "one value fewer": (HEADER + "Why?\n", "line 2 has 1 values"),
    "a title above the names": (
        "My export\n\nquestion,answer\nWhy?,So.\n",
        "line 3 has 2 values where the first line names 1 columns",
    ),
    "a quote that stays open": (
        HEADER + 'Why?,So.\n"Why?,So.\nHow?,So.\n',
        "begins in line 3 is quo",
    ),
    "text after a quote": (HEADER + '"Why"?,So.\n', "begins in line 2 is quoted wrongly"),
    "no header but a long row": ("x" * 300 + ",So.\n", "its first line is no header but a row"),
    "no header but a text": ('"Why?\nHow?",So.\n', "its first line is no header but a row"),
    "a name twice": ("answer,answer\nA,B\n", "names 'answer' more than once"),
    "only nameless columns": (",\nA,B\n", "it has no first line that names the columns"),
    "empty": ("", "it has no first line"),
    "JSON lines": ('{"question": "Why?"}\n', "it is JSON"),
    "an HTML page": ("<!DOCTYPE html><html>", "it is an HTML page"),
    "a Git LFS pointer": ("version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    "not UTF-8": ("question,answer\nO\xf9?,L\xe0.\n".encode("latin-1"), "line 2, byte 2: 0xf9 is"),
    "Parquet": (b"PAR1", "it is a Parquet file"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_is_wrong_is_said_with_its_place_and_what_to_do(tmp_path: Path, fault: str) -> None:
    content, what = BROKEN[fault]
    with pytest.raises(UnreadableError) as error:
        read(tmp_path, content)
    assert what in error.value.what
    assert error.value.fix
