"""Reading the first rows of files and folders, and counting about how many there are."""

import csv
import gzip
import io
import json
import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sysgen_dagster.sources.files import SourceError
from sysgen_dagster.sources.heads import MOST_ROWS, estimate_rows, read_head

ROW = {"question": "Why?", "answer": "So."}


def write(folder: Path, suffix: str, rows: int = 1) -> Path:
    file = folder / f"rows{suffix}"
    lines = [json.dumps(ROW)] * rows
    if suffix == ".parquet":
        pl.DataFrame([ROW] * rows).write_parquet(file)
    elif suffix in (".csv", ".tsv"):
        between = "," if suffix == ".csv" else "\t"
        texts = [between.join(ROW), *[between.join(ROW.values())] * rows]
        file.write_text("\n".join(texts))
    else:
        file.write_text("\n".join(lines) if suffix == ".jsonl" else f"[{','.join(lines)}]")
    return file


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet", ".csv", ".tsv"])
def test_the_first_rows_of_every_format_are_read_alike(suffix: str, tmp_path: Path) -> None:
    assert read_head("mine", write(tmp_path, suffix)) == ([ROW], True)
    many = write(tmp_path, suffix, MOST_ROWS + 7)
    assert read_head("mine", many) == ([ROW] * MOST_ROWS, False)


def test_a_folder_is_read_from_its_first_file_on(tmp_path: Path) -> None:
    for number in (1, 2):
        file = tmp_path / f"part-{number}.parquet"
        pl.DataFrame({"question": [f"Why {number}?"]}).write_parquet(file)
    rows = [{"question": "Why 1?"}, {"question": "Why 2?"}]
    assert read_head("mine", tmp_path) == (rows, True)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_few_long_rows_are_enough(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"rows{suffix}"
    rows = pl.DataFrame({"text": ["x" * 3_000_000] * 9})
    _ = rows.write_parquet(file) if suffix == ".parquet" else rows.write_ndjson(file)
    head = read_head("mine", file)
    assert (len(head.rows), head.is_all) == (3, False)


def test_what_python_does_not_have_is_read_as_text_and_what_is_no_text_left_out(
    tmp_path: Path,
) -> None:
    table = pa.table(
        {
            "when": pa.array([253402300800], pa.timestamp("s")),  # the year 10,000
            "score": pa.array([0.1], pa.float32()),
            "question": ["Why?"],
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    [row] = read_head("mine", tmp_path / "rows.parquet").rows
    assert row["question"] == "Why?"
    assert row["score"] == 0.1
    assert isinstance(row["when"], str)


def test_a_type_that_only_polars_has_costs_no_file(tmp_path: Path) -> None:
    frame = pl.DataFrame({"question": ["Why?"], "id": [1]}, schema_overrides={"id": pl.Int128})
    frame.write_parquet(tmp_path / "rows.parquet")
    assert read_head("mine", tmp_path / "rows.parquet").rows == [{"question": "Why?", "id": 1}]


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("rows.jsonl", b"", r"rows\.jsonl cannot be read as jsonl \(it has no rows\)"),
        ("rows.json", b"[]", r"cannot be read as json \(it has no rows\)"),
        ("rows.jsonl", b'{"a": 1}\n{"a": ', r"line 2"),
        ("rows.parquet", b'{"a": 1}', r"it is JSON"),
        ("rows.parquet", b"PAR1" * 9, r"cannot be read as parquet"),
        ("rows.xlsx", b"PK", r"rows\.xlsx is none of"),
        ("rows.csv", b"a,b\n1\n", r"line 2 has 1 values"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_what_is_wrong(
    name: str, content: bytes, fault: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=fault):
        read_head("mine", tmp_path / name)


Rows = list[dict[str, str]]


def _rows(number: int) -> Rows:
    draw = random.Random(7)
    words = ["word", "Ünïcode", 'with "quotes", commas', "two\nlines", "数字"]
    return [
        {"question": " ".join(draw.choices(words, k=draw.randint(1, 40))), "answer": f"a{at}"}
        for at in range(number)
    ]


def _lines(rows: Rows) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _table(rows: Rows, between: str = ",") -> str:
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, ["question", "answer"], delimiter=between)
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def _parquet(rows: Rows) -> bytes:
    written = io.BytesIO()
    pl.DataFrame(rows).write_parquet(written)
    return written.getvalue()


FORMATS: dict[str, Callable[[Rows], bytes]] = {
    "a.jsonl": lambda rows: _lines(rows).encode(),
    "a.ndjson": lambda rows: _lines(rows).encode("utf-8-sig"),
    "a.json": lambda rows: json.dumps(rows).encode(),
    "pretty.json": lambda rows: json.dumps(rows, indent=4).encode(),
    "a.csv": lambda rows: _table(rows).encode(),
    "a.tsv": lambda rows: _table(rows, "\t").encode(),
    "a.jsonl.gz": lambda rows: gzip.compress(_lines(rows).encode()),
    "a.csv.gz": lambda rows: gzip.compress(_table(rows).encode()),
    "a.parquet": _parquet,
}


@pytest.mark.parametrize("number", [1, 3, 500, 12_000])
@pytest.mark.parametrize("name", FORMATS)
def test_rows_are_counted_in_small_files_and_nearly_so_in_large_ones(
    tmp_path: Path, name: str, number: int
) -> None:
    file = tmp_path / name
    file.write_bytes(FORMATS[name](_rows(number)))
    found = estimate_rows(file)

    assert found == pytest.approx(number, rel=0 if number <= 500 else 0.15)
    assert estimate_rows(file) == found


ODD = {
    "empty.jsonl": b"",
    "empty.jsonl.gz": gzip.compress(b""),
    "cut.jsonl.gz": gzip.compress(b'{"a": 1}\n' * 1000)[:30],
    "no-gzip.jsonl.gz": b"plain text",
    "no-parquet.parquet": b"PAR1",
    "only-blanks.json": b" \n\n",
}


@pytest.mark.parametrize("name", ODD)
def test_a_file_that_cannot_be_read_has_no_rows(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(ODD[name])

    assert estimate_rows(file) in (0, 1)


@pytest.mark.parametrize(
    "content",
    [b"\x00" * 400_000, b"[" * 400_000, b'{"a": ' * 100_000, b'"' * 400_000, b"a,b\n" * 100_000],
    ids=["null-bytes", "brackets", "open-records", "quotes", "words"],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_file_of_something_else_has_some_number_of_rows(
    tmp_path: Path, name: str, content: bytes
) -> None:
    file = tmp_path / name
    file.write_bytes(content)

    assert 0 <= estimate_rows(file) <= 400_000
