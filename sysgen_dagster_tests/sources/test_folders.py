"""Which files a path is: by the endings of their names, of one format, rows to train on first."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from sysgen_dagster.sources.folders import Format, files_of, format_of
from sysgen_dagster.sources.recognition import SourceError


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("rows")
    return folder


def taken(folder: Path, split: str | None = None) -> list[str]:
    found = files_of("mine", folder, split)
    return [path.relative_to(folder).as_posix() for path in found.paths]


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("a.parquet", Format.PARQUET),
        ("A.PARQUET", Format.PARQUET),
        ("a.jsonl", Format.JSON_LINES),
        ("a.ndjson", Format.JSON_LINES),
        ("a.JSONL.gz", Format.JSON_LINES),
        ("a.b.json", Format.JSON),
        ("a.json.gz", Format.JSON),
        ("a.CSV", Format.CSV),
        ("a.csv.gz", Format.CSV),
        ("a.tsv", Format.TSV),
        ("a.parquet.gz", None),
        ("a.txt", None),
        ("a.gz", None),
        ("csv", None),
        (".csv", None),
    ],
)
def test_the_ending_of_a_name_says_the_format(name: str, format_: Format | None) -> None:
    assert format_of(Path(name)) is format_


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (["b.jsonl", "a.jsonl", "c.ndjson"], ["a.jsonl", "b.jsonl", "c.ndjson"]),
        (["README.md", "LICENSE", ".gitattributes", "a.parquet"], ["a.parquet"]),
        (["dataset_infos.json", "a.jsonl"], ["a.jsonl"]),
        ([".cache/a.parquet", ".hidden.jsonl", "_SUCCESS", "a.parquet"], ["a.parquet"]),
        (["data/b.parquet", "data/a.parquet", "README.md"], ["data/a.parquet", "data/b.parquet"]),
        (["train-00001.parquet", "train-00000.parquet", "test-00000.parquet"],
         ["train-00000.parquet", "train-00001.parquet"]),
        (["train/a.csv", "validation/a.csv", "test/a.csv"], ["train/a.csv"]),
        (["my_train.jsonl", "my_dev.jsonl"], ["my_train.jsonl"]),
        (["train.jsonl", "test.csv"], ["train.jsonl"]),
        (["questions_dev.jsonl", "chats.jsonl"], ["chats.jsonl"]),
        (["test-0.jsonl", "test-1.jsonl"], ["test-0.jsonl", "test-1.jsonl"]),
        (["latest.jsonl", "contest.jsonl"], ["contest.jsonl", "latest.jsonl"]),
    ],
    ids=str,
)  # fmt: skip
def test_a_folder_is_its_files_in_the_order_of_their_names(
    tmp_path: Path, names: Sequence[str], read: Sequence[str]
) -> None:
    assert taken(made(tmp_path, *names)) == read


def test_a_split_may_be_named(tmp_path: Path) -> None:
    made(tmp_path, "train-0.jsonl", "test-0.jsonl", "dev.jsonl")
    assert taken(tmp_path, "test") == ["test-0.jsonl"]
    assert taken(tmp_path, "validation") == ["dev.jsonl"]


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    made(tmp_path, *(f"train-{number}.jsonl" for number in range(9)), "test.jsonl")
    said = files_of("mine", tmp_path).said
    assert "9 jsonl files (train-0.jsonl, train-1.jsonl, train-2.jsonl, ..., train-8.jsonl)" in said
    assert "its split train, 1 other files are left out" in said


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("rows.xlsx", b"PK\x03\x04\x14[Content_Types].xml", "an Excel workbook, save it as CSV"),
        ("rows.xls", b"\xd0\xcf\x11\xe0", "an Excel workbook, save it as CSV"),
        ("rows.zip", b"PK\x03\x04\x14rows.jsonl", "a zip archive, unpack it"),
        ("data-00000-of-00001.arrow", b"\xff" * 4, r"such as by `datasets.load_from_disk\("),
        ("rows", b'{"question": "Why?"}', "it is JSON, end its name in .jsonl"),
        ("rows.txt", b"Why? So.", "convert it first"),
    ],
)
def test_what_to_do_with_another_format_is_said_of_a_file_and_of_its_folder(
    tmp_path: Path, name: str, content: bytes, what: str
) -> None:
    (tmp_path / "state.json").write_text("{}")  # as `save_to_disk` writes it
    (tmp_path / name).write_bytes(content)
    for path in (tmp_path / name, tmp_path):
        with pytest.raises(SourceError, match=what) as error:
            files_of("mine", path)
        assert "state.json" not in str(error.value)


@pytest.mark.parametrize(
    ("names", "what"),
    [
        ([], "holds no file that is one of .parquet"),
        (["README.md"], "holds no file that is one of .parquet"),
        (["a.csv", "a.parquet", "b.parquet"], r"several formats \(1 of csv, 2 of parquet\)"),
        (["a.json", "b.jsonl"], "several formats"),
        (["test.csv", "dev.csv"], "has no split train: only test, validation; give another"),
    ],
    ids=str,
)
def test_a_folder_of_which_it_is_not_clear_what_to_read_is_refused(
    tmp_path: Path, names: Sequence[str], what: str
) -> None:
    with pytest.raises(SourceError, match=f"mine: the folder {tmp_path} .*{what}"):
        files_of("mine", made(tmp_path, *names))
