"""What a user calls a source, and what it is in the terms of the catalogue."""

from pathlib import Path

import pytest

from sysgen_dagster.catalog.entries import UNKNOWN
from sysgen_dagster.sources.finding import find_source, source_name
from sysgen_dagster.sources.recognition import SourceError


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text('{"question": "Why?", "answer": "So."}\n')
    return folder


def test_a_file_is_found_from_the_folder_and_its_licence_is_not_known(tmp_path: Path) -> None:
    made(tmp_path, "My Chats-v1.2.jsonl")
    found = find_source("My Chats-v1.2.jsonl", tmp_path, None, None)
    assert found.name == "my_chats_v1_2"
    assert (found.title, found.license) == ("My Chats-v1.2.jsonl", UNKNOWN)
    assert (found.path, found.hub) == (tmp_path / "My Chats-v1.2.jsonl", None)
    assert found.said == "My Chats-v1.2.jsonl, 38 bytes"


def test_a_folder_is_a_source_and_the_splits_that_are_left_out_are_said(tmp_path: Path) -> None:
    made(tmp_path, "chats/train-0.jsonl", "chats/train-1.jsonl", "chats/test.jsonl")
    found = find_source("chats", tmp_path)
    assert (found.name, found.path) == ("chats", tmp_path / "chats")
    assert found.said == (
        "folder chats: 2 jsonl files (train-0.jsonl, train-1.jsonl), 76 bytes; its split train, 1 "
        "other files are left out"
    )


@pytest.mark.parametrize(
    ("names", "path"),
    [
        (["train.jsonl", "test.jsonl"], "test.jsonl"),
        (["train/a.jsonl", "test/a.jsonl", "test/b.jsonl"], "test"),
    ],
    ids=["a file", "a folder"],
)
def test_a_split_of_a_folder_is_the_file_or_the_folder_that_holds_it(
    tmp_path: Path, names: list[str], path: str
) -> None:
    made(tmp_path, *names)
    assert find_source(".", tmp_path, split="test").path == tmp_path / path


@pytest.mark.parametrize(
    ("text", "options", "what"),
    [
        ("none.jsonl", {}, "there is no file or folder .*none.jsonl; give one, or hf://OWNER/NAME"),
        ("org/name", {}, "or hf://org/name for the data set on the Hub"),
        ("a.jsonl", {"config": "main"}, "a.jsonl has no configurations"),
        ("a.jsonl", {"split": "test"}, "a.jsonl is one file and has no split 'test'"),
        ("mixed", {}, "several formats"),
        ("among", {"split": "test"}, "the files of the split test in .* lie among others"),
        ("notes.txt", {}, "notes.txt is none of .parquet"),
        ("s3://bucket/a.jsonl", {}, "is no data set on the Hub.*; download the file"),
        ("hf://name", {}, "hf://name is no data set on the Hub; write hf://OWNER/NAME"),
        ("hf://a/b/c.jsonl", {"split": "test"}, "names a file, which has no configuration"),
    ],
)
def test_what_is_no_source_is_refused_with_what_to_give(
    tmp_path: Path, text: str, options: dict[str, str], what: str
) -> None:
    made(tmp_path, "a.jsonl", "notes.txt", "mixed/a.jsonl", "mixed/a.csv")
    made(tmp_path, "among/train-0.jsonl", "among/test-0.jsonl", "among/test-1.jsonl")
    with pytest.raises(SourceError, match=what):
        find_source(text, tmp_path, **options)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("chats.jsonl", "chats"),
        ("Chats.JSONL.gz", "chats"),
        ("airoboros-3.1", "airoboros_3_1"),
        ("2024 rows.csv", "source_2024_rows"),
        ("語.parquet", "source"),
        ("Größe é.csv", "grosse_e"),
        ("...", "source"),
        ("x" * 200, "x" * 100),
    ],
)
def test_a_name_for_the_catalogue_is_made_of_any_name(text: str, name: str) -> None:
    assert source_name(text) == name
