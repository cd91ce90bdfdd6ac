"""What a catalogue leaves out of a source is taken from its file, where that is possible."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.catalog.catalog import BaseCatalog
from sysgen_dagster.catalog.references import Misnamed
from sysgen_dagster.catalog.sources import Exchanges, Source
from sysgen_dagster.sources.left_out import complete_sources

CHAT = {"messages": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Yes."}]}
PAIR = {"question": "Why?", "answer": "So."}


def _lines(folder: Path, name: str, row: Mapping[str, Any], number: int = 3) -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"{json.dumps(row)}\n" * number)
    return file


def _completed(folder: Path, **entry: Any) -> tuple[dict[str, Any], list[Misnamed]]:
    """The entry of a source after it was completed, and what was found wrong."""
    faults = complete_sources({"sources": {"mine": entry}}, folder)
    return entry, faults


def _read(entry: dict[str, Any]) -> Source:
    catalog = BaseCatalog.model_validate({"sources": {"mine": entry}, "models": {"m": {}}})
    return catalog.sources["mine"]


SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any], Exchanges]] = {
    "messages": (CHAT, {"messages": ["role", "content"]}, Exchanges.EACH),
    "sharegpt": (
        {"conversations": [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Yes."}]},
        {"conversations": ["from", "value"]},
        Exchanges.EACH,
    ),
    "question_answer": (PAIR, {"question": "string", "answer": "string"}, Exchanges.LAST),
}


@pytest.mark.parametrize("kind", SHAPES)
def test_shape_columns_and_exchanges_are_those_that_the_rows_suggest(
    tmp_path: Path, kind: str
) -> None:
    row, columns, exchanges = SHAPES[kind]
    _lines(tmp_path, "rows.jsonl", row)
    entry, faults = _completed(tmp_path, path="rows.jsonl")
    source = _read(entry)

    assert faults == []
    assert (source.shape.kind, source.columns, source.exchanges) == (kind, columns, exchanges)
    assert (source.title, source.license, source.shards) == ("mine", "unknown", 1)


@pytest.mark.parametrize("kind", SHAPES)
def test_a_shape_alone_says_which_columns_there_are(kind: str) -> None:
    _, columns, _ = SHAPES[kind]
    shape = {"kind": kind, "column": next(iter(columns))}
    if kind == "question_answer":
        shape = {"kind": kind, **PAIR, "question": "question", "answer": "answer"}

    assert _read({"path": "rows.jsonl", "shape": shape}).columns == columns


@pytest.mark.parametrize("path", ["rows.jsonl", "./rows.jsonl", "in/../rows.jsonl"])
def test_a_path_begins_at_the_folder_of_the_catalogue(
    tmp_path: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = tmp_path / "beside"
    (beside / "in").mkdir(parents=True)
    file = _lines(beside, "rows.jsonl", CHAT)
    monkeypatch.chdir(tmp_path)
    entry, faults = _completed(beside, path=path)

    assert faults == []
    assert Path(entry["path"]).resolve() == file.resolve()


def test_an_absolute_path_stays_and_that_of_a_benchmark_is_one_too(tmp_path: Path) -> None:
    values = {
        "sources": {"mine": {"path": "/else/rows.jsonl", "shards": 1, "shape": {}}},
        "benchmarks": {"sums": {"path": "sums.jsonl"}},
    }

    assert complete_sources(values, tmp_path) == []
    assert values["sources"]["mine"]["path"] == "/else/rows.jsonl"
    assert values["benchmarks"]["sums"]["path"] == str(tmp_path / "sums.jsonl")


def test_what_the_catalogue_says_stays_as_it_says(tmp_path: Path) -> None:
    _lines(tmp_path, "rows.jsonl", CHAT)
    said = {"exchanges": "first", "shards": 7, "columns": {"messages": ["role", "content"]}}
    entry, _ = _completed(tmp_path, path="rows.jsonl", **said)

    assert {name: entry[name] for name in said} == said


def test_a_file_is_not_looked_at_where_everything_is_said(tmp_path: Path) -> None:
    """So data that outlived its source can still be read."""
    shape = {"kind": "messages", "column": "messages"}

    assert _completed(tmp_path, path="gone.jsonl", shape=shape, shards=2)[1] == []
    assert _completed(tmp_path, path="gone.jsonl", shape=shape, rows=9_000)[1] == []


@pytest.mark.parametrize(
    ("rows", "shards"),
    [(1, 1), (4_000, 1), (4_001, 2), (8_000, 2), (8_001, 3), (41_301, 11), (10**17, 100_000)],
)
def test_a_shard_has_at_most_4_000_of_the_rows_that_the_catalogue_counts(
    rows: int, shards: int
) -> None:
    shape = {"kind": "messages", "column": "messages"}

    assert _read({"path": "rows.jsonl", "shape": shape, "rows": rows}).shards == shards


def test_the_rows_of_a_file_are_counted_where_the_catalogue_does_not(tmp_path: Path) -> None:
    pl.DataFrame([PAIR] * 9_000).write_parquet(tmp_path / "rows.parquet")
    entry, _ = _completed(tmp_path, path="rows.parquet")

    assert entry["shards"] == 3


def test_a_folder_is_read_as_its_first_file_and_all_its_rows_count(tmp_path: Path) -> None:
    for name in ("rows/train-0.jsonl", "rows/train-1.jsonl"):
        _lines(tmp_path, name, PAIR, number=3_000)
    entry, faults = _completed(tmp_path, path="rows")

    assert faults == []
    assert (entry["shape"].kind, entry["shards"]) == ("question_answer", 2)


# The entry, the field that is wrong, and what is said.
WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "no-file": ({"path": "gone.jsonl"}, "path", "there is no file "),
    "no-file-and-no-shards": (
        {"path": "gone.jsonl", "shape": {"kind": "messages", "column": "messages"}},
        "path",
        "there is no file ",
    ),
    "a-name-that-is-too-long": ({"path": "a" * 5_000}, "path", ""),
    "an-empty-folder": ({"path": "empty"}, "path", "holds no file that is one of"),
    "a-format-that-is-not-read": ({"path": "rows.txt"}, "path", "is none of .parquet"),
    "no-json": ({"path": "bad.jsonl"}, "path", "cannot be read as jsonl"),
    "no-rows": ({"path": "none.jsonl"}, "path", "it has no rows"),
    "columns-of-which-nobody-can-tell": (
        {"path": "odd.jsonl"},
        "shape",
        "here as `shape: {kind: question_answer, question: COLUMN, answer: COLUMN}`",
    ),
    "on-the-hub": ({"hub": {"repo": "a/b"}}, "shape", "is taken from a file of this machine alone"),
}


@pytest.mark.parametrize(("entry", "field", "what"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_taken_from_a_file_is_said_of_the_field_to_correct(
    tmp_path: Path, entry: dict[str, Any], field: str, what: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "rows.txt").write_text("text")
    (tmp_path / "bad.jsonl").write_text("text\n")
    (tmp_path / "none.jsonl").write_text("")
    _lines(tmp_path, "odd.jsonl", {"x": 1, "y": 2})
    [fault] = _completed(tmp_path, **entry)[1]

    assert fault.path == ("sources", "mine", field)
    assert what in fault.what
    assert not fault.what.startswith("mine: ")


ODD = [None, [], "text", 3, {}, {"sources": None}, {"sources": ["a"]}, {"sources": {"a": None}}]


@pytest.mark.parametrize("values", [*ODD, {"sources": {"a": {"path": 3}}}], ids=repr)
def test_a_document_that_is_no_catalogue_is_left_to_those_who_say_so(
    tmp_path: Path, values: Any
) -> None:
    assert complete_sources(values, tmp_path) == []


def test_a_large_file_costs_hundredths_of_a_second(tmp_path: Path) -> None:
    long = {"messages": [{**turn, "content": "word " * 200} for turn in CHAT["messages"]]}
    _lines(tmp_path, "rows.jsonl", long, number=50_000)
    _completed(tmp_path, path="rows.jsonl")  # the first time imports what is needed
    began = time.monotonic()
    entry, _ = _completed(tmp_path, path="rows.jsonl")

    assert time.monotonic() - began < 0.5
    assert entry["shards"] == 13
