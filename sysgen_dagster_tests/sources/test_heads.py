"""Reading the first rows of files and folders."""

import json
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sysgen_dagster.sources.files import SourceError
from sysgen_dagster.sources.heads import MOST_ROWS, read_head

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
    assert read_head("mine", write(tmp_path, suffix)) == [ROW]
    many = write(tmp_path, suffix, MOST_ROWS + 7)
    assert read_head("mine", many) == [ROW] * MOST_ROWS


def test_a_folder_is_read_from_its_first_file_on(tmp_path: Path) -> None:
    for number in (1, 2):
        file = tmp_path / f"part-{number}.parquet"
        pl.DataFrame({"question": [f"Why {number}?"]}).write_parquet(file)
    assert read_head("mine", tmp_path) == [{"question": "Why 1?"}, {"question": "Why 2?"}]


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_few_long_rows_are_enough(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"rows{suffix}"
    rows = pl.DataFrame({"text": ["x" * 3_000_000] * 9})
    _ = rows.write_parquet(file) if suffix == ".parquet" else rows.write_ndjson(file)
    assert len(read_head("mine", file)) == 3


def test_what_python_does_not_have_is_read_as_text_and_what_is_no_text_left_out(
    tmp_path: Path,
) -> None:
    table = pa.table(
        {
            "when": pa.array([253402300800], pa.timestamp("s")),  # the year 10,000
            "score": pa.array([0.1], pa.float32()),
            "id": pa.array([b"0123456789abcdef"], pa.binary(16)).cast(pa.binary(16)),
            "question": ["Why?"],
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet")
    [row] = read_head("mine", tmp_path / "rows.parquet")
    assert row["question"] == "Why?"
    assert row["score"] == 0.1
    assert isinstance(row["when"], str)


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
