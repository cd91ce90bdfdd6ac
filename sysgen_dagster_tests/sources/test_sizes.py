"""How many rows a file has is known soon, nearly, and always the same."""

import csv
import gzip
import io
import json
import random
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.sources.sizes import estimate_rows

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
