"""The rows of JSON files, and the places where a file is no JSON."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.sources import json_rows
from sysgen_dagster.sources.json_rows import as_numbers, read_json_rows
from sysgen_dagster.sources.recognition import UnreadableError

ROWS: Sequence[Any] = [
    {"question": "Où?", "answer": "Là \U0001f600", "n": None, "tags": ["a", {"b": True}]},
    {"question": "[", "answer": '{"a": 1}\n\u2028'},
    {},
    [],
    "text",
    None,
]


def read(folder: Path, content: bytes | str) -> list[Any]:
    path = folder / "rows.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_json_rows(path))


def refusal(folder: Path, content: bytes | str) -> UnreadableError:
    with pytest.raises(UnreadableError) as error:
        read(folder, content)
    assert error.value.what.isprintable()
    return error.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("ascii", [True, False])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "\n\n", "\n \t\n"])
@pytest.mark.parametrize("last", ["", "\n", "\r\n\r\n  \n"])
def test_lines_are_read_in_any_encoding_that_says_so_and_with_any_ends(
    tmp_path: Path, encoding: str, ascii: bool, ends: str, last: str
) -> None:
    text = ends.join(json.dumps(row, ensure_ascii=ascii) for row in ROWS) + last
    assert read(tmp_path, text.encode(encoding)) == ROWS


def test_files_that_were_put_together_keep_the_marks_of_their_encoding(tmp_path: Path) -> None:
    assert read(tmp_path, '\ufeff{"a": 1}\n\ufeff{"a": "\ufeff"}\r\n\ufeff') == [
        {"a": "1"},
        {"a": "\ufeff"},
    ]


@pytest.mark.parametrize("mark", [("\ufeff", "utf-16-be"), ("\ufeff", "utf-16-le")])
def test_utf_16_of_either_byte_order_is_read(tmp_path: Path, mark: tuple[str, str]) -> None:
    sign, encoding = mark
    assert read(tmp_path, f'{sign}{{"a": "b"}}\n'.encode(encoding)) == [{"a": "b"}]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("chunk", [1, 2, 7, 1 << 20])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_array_is_read_item_by_item_however_it_is_laid_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indent: int | None, chunk: int, encoding: str
) -> None:
    monkeypatch.setattr(json_rows, "_CHUNK", chunk)
    text = f" \n{json.dumps(ROWS, indent=indent, ensure_ascii=False)}\n "
    assert read(tmp_path, text.encode(encoding)) == ROWS
    assert read(tmp_path, "[12, 345]") == ["12", "345"]
    assert read(tmp_path, " [ ] ") == []


def test_a_number_stays_the_text_that_it_is_in_the_file(tmp_path: Path) -> None:
    huge = "7" * 4_501
    for number in ("4", "4.50", "-0", "1e999", "1E-7", huge, f"0.{huge}"):
        assert read(tmp_path, f'{{"answer": {number}}}') == [{"answer": number}]


def test_what_is_not_a_number_is_one_that_is_none(tmp_path: Path) -> None:
    [row] = read(tmp_path, '{"a": NaN, "b": Infinity, "c": -Infinity}')
    assert math.isnan(row["a"])
    assert (row["b"], row["c"]) == (math.inf, -math.inf)


GOOD = '{"question": "Why?", "answer": "So."}\n'


@pytest.mark.parametrize(
    ("content", "place", "what"),
    [
        (GOOD + "not json at all\n" + GOOD, "line 2, column 1", "'not json at all'"),
        (GOOD + "\n\n  not json\n", "line 4, column 3", "'not json'"),
        (GOOD * 2 + '{"question": "Why?", "answer"\n', "line 3, column 30", "ends with"),
        (GOOD + '{"question": "Why?", "ans', "line 2, column 22", "Unterminated string"),
        (GOOD + '{"a": 1} {"a": 2}\n', "line 2, column 10", "Extra data"),
        (GOOD + "{'a': 1}\n", "line 2, column 2", "double quotes"),
        (GOOD + '{"a": "b\0c"}\n', "line 2, column 9", r"'\x00c"),
        (GOOD + "\0" * 80 + "\n", "line 2, column 1", r"'\x00\x00"),
        (GOOD + '{"a": "b\tc"}\n', "line 2, column 9", r"'\tc"),
        ("question,answer\nWhy?,So.\n", "line 1, column 1", "'question,answer'"),
        ("Entry not found", "line 1, column 1", "'Entry not found'"),
        (GOOD + '{"a": "\x1b[2J" x}\n', "line 2, column 8", r"\x1b"),
        (GOOD + '{"a": ' + "[" * 100_000 + "\n", "line 2 nests", "too deeply"),
        ("[\n" + GOOD + ",\n" + GOOD + "x]", "line 5, column 1", "'x]'"),
        ("[" + GOOD + "," + GOOD, "line 3, column 1", "Expecting ',' or ']': the file ends"),
        ('{"a": 1},\n{"a": 2},', "line 1, column 9", "Extra data: ','"),
        ('[{"a": 1},\n{"a": }]', "line 2, column 7", "Expecting value"),
        ("[{}]\n[{}]", "line 2, column 1", "Expecting nothing after the array"),
        ("[" * 100_000, "line 1 nests", "too deeply"),
    ],
)
def test_the_place_is_named_where_a_file_is_no_json(
    tmp_path: Path, content: str, place: str, what: str
) -> None:
    error = refusal(tmp_path, content)
    assert error.what.startswith(place)
    assert what in error.what
    assert error.fix == "correct the line or replace the file"


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
@pytest.mark.parametrize("lines", ["", "\n", "\n \n"])
def test_the_column_is_that_in_the_line_however_the_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, lines: str
) -> None:
    monkeypatch.setattr(json_rows, "_CHUNK", chunk)
    line = lines.count("\n") + 1
    error = refusal(tmp_path, "[" + lines + '{"a": 1}, ' * 9 + "x]")
    column = 10 * 9 + (2 if line == 1 else 1)
    assert error.what == f"line {line}, column {column}: Expecting value: 'x]'"


def test_an_object_over_several_lines_is_recognised(tmp_path: Path) -> None:
    for row in ({"question": "Why?", "answer": "So."}, [{"a": 1}]):
        for text in (json.dumps({"rows": row}, indent=2), json.dumps({"a": 1, "b": row}, indent=1)):
            error = refusal(tmp_path, f"{text}\n{text}\n")
            assert error.what == "line 1: its JSON is spread over several lines"
            assert "jq -c ." in error.fix


def test_bytes_that_are_no_text_are_named_with_their_place(tmp_path: Path) -> None:
    error = refusal(tmp_path, GOOD.encode() + '{"a": "Où"}\n'.encode("latin-1"))
    assert error.what == "line 2, byte 9: 0xf9 is not UTF-8"
    assert "iconv" in error.fix


@pytest.mark.parametrize(
    ("encoding", "name"), [("utf-16-le", "UTF-16LE"), ("utf-16-be", "UTF-16BE")]
)
def test_utf_16_without_a_mark_is_recognised(tmp_path: Path, encoding: str, name: str) -> None:
    error = refusal(tmp_path, GOOD.encode(encoding))
    assert error.what == f"it is {name} without a byte order mark"
    assert error.fix == f"convert it with `iconv -f {name} -t UTF-8`"


def test_utf_16_that_breaks_off_is_named(tmp_path: Path) -> None:
    assert "not whole as UTF-16" in refusal(tmp_path, GOOD.encode("utf-16")[:-1]).what


def test_a_line_without_end_is_not_taken_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_rows, "LONGEST_ROW", 100)
    assert refusal(tmp_path, GOOD + "x" * 1_000).what == "line 2 has more than 100 characters"
    monkeypatch.setattr(json_rows, "_CHUNK", 10)
    assert "line 1" in refusal(tmp_path, '[{"a": "' + "x" * 1_000 + '"}').what


def test_numbers_are_read_as_they_are_written_and_can_be_had_as_numbers(tmp_path: Path) -> None:
    value = {"n": [1, -2.50, {"m": 1e3}], "text": "7", "yes": True, "none": None}
    [row] = read(tmp_path, json.dumps(value).replace("-2.5", "-2.50"))

    assert row["n"][:2] == ["1", "-2.50"]
    assert as_numbers(row) == value
