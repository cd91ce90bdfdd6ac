"""The items of a benchmark, from the file that the catalogue names."""

import json
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.sources import Benchmark
from sysgen_dagster.sources.benchmark_items import ITEMS, read_items
from sysgen_dagster.sources.files import SourceError

ROWS = pl.DataFrame({"question": ["How many?", None], "choices": [["one", "two"], ["three"]]})


def benchmark(path: Path, *text: str) -> Benchmark:
    return Benchmark(name="mine", title="Mine", license="mit", path=path, text=list(text))


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".json"])
def test_items_are_read_from_each_kind_of_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    if suffix == ".parquet":
        ROWS.write_parquet(path)
    elif suffix == ".jsonl":
        ROWS.write_ndjson(path)
    else:
        path.write_text(json.dumps(ROWS.to_dicts()))
    items = read_items(benchmark(path, "question"), tmp_path)
    assert items.schema == ITEMS
    assert items.rows() == [("mine", 0, "How many?"), ("mine", 1, "")]


def test_several_columns_are_joined_and_lists_of_choices_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    ROWS.write_parquet(path)
    items = read_items(benchmark(path, "question", "choices"), tmp_path)
    assert items["text"].to_list() == ["How many? one two", "three"]


def test_a_column_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    ROWS.with_columns(number=1).write_parquet(path)
    for column in ("number", "prompt"):
        with pytest.raises(SourceError, match=f"mine: .* has no text in a column '{column}', only"):
            read_items(benchmark(path, column), tmp_path)


def test_a_file_that_is_missing_or_damaged_or_of_another_kind_is_named(tmp_path: Path) -> None:
    damaged, other = tmp_path / "mine.parquet", tmp_path / "mine.txt"
    with pytest.raises(SourceError, match=r"mine: there is no file .*mine\.parquet; correct"):
        read_items(benchmark(damaged, "question"), tmp_path)
    damaged.write_bytes(b"no parquet")
    with pytest.raises(
        SourceError, match=r"mine: .* cannot be read as parquet \(.*no parquet.*\); replace"
    ):
        read_items(benchmark(damaged, "question"), tmp_path)
    other.write_text("question\n")
    with pytest.raises(SourceError, match=r"mine: .*mine\.txt is none of \.parquet, \.jsonl, "):
        read_items(benchmark(other, "question"), tmp_path)


CHAT = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Why?"}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (CHAT, "Be kind. Why?"),
        (json.dumps(CHAT), "Be kind. Why?"),
        ([{"from": "human", "value": "Why?"}], "Why?"),
        ([{"role": "user", "content": [{"type": "text", "text": "Why?"}]}], "Why?"),
        ({"question": "Why?", "choices": ["So.", "No."]}, "Why? So. No."),
        ([{"messages": CHAT, "turn": 1}, {"messages": CHAT[1:], "turn": 2}], "Be kind. Why? Why?"),
        ('[{"a": "a list of JSON that is no chat"}]', '[{"a": "a list of JSON that is no chat"}]'),
        ("[{not JSON", "[{not JSON"),
    ],
)
@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_of_records_within_an_item_only_what_is_said_counts(
    tmp_path: Path, value: object, text: str, suffix: str
) -> None:
    path = tmp_path / f"mine{suffix}"
    if suffix == ".parquet":
        pl.DataFrame({"messages": [value]}).write_parquet(path)
    else:
        path.write_text(json.dumps({"messages": value, "score": float("nan")}) + "\n")
    assert read_items(benchmark(path, "messages"), tmp_path)["text"].to_list() == [text]
