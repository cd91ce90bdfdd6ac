"""The rows of a benchmark, from a copy, a folder of copies, or where it is published."""

import json
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.evaluation import IFEval, SystemIFEval, TensorTrust
from sysgen_dagster.catalog.places import GitHubFiles
from sysgen_dagster.evaluation.rule_based import ifeval
from sysgen_dagster.evaluation.rule_based.files import find_files, read_files
from sysgen_dagster.sources import github
from sysgen_dagster.sources.recognition import SourceError
from sysgen_dagster.storage.store import Store
from sysgen_dagster_tests.evaluation.rule_based.rows import (
    attack_row,
    instruction_rows,
    write_jsonl,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_a_copy_may_be_of_any_format(tmp_path: Path, store: Store) -> None:
    rows = instruction_rows(3)
    lists = ("instruction_id_list", "kwargs", "messages")
    stored = [{**row, **{name: json.dumps(row[name]) for name in lists}} for row in rows]
    pl.DataFrame(stored).write_parquet(tmp_path / "copy.parquet")
    bench = SystemIFEval(path=write_jsonl(tmp_path / "copy.jsonl", rows))
    packed = IFEval(path=tmp_path / "copy.parquet")

    of_lines = [row for _, row in read_files(bench, find_files(bench, tmp_path, store))]
    of_parquet = [row for _, row in read_files(packed, find_files(packed, tmp_path, store))]
    assert of_lines == rows
    assert [*ifeval.read_items("a", of_lines)] == [*ifeval.read_items("a", of_parquet)]


def test_numbers_of_a_json_file_are_numbers(tmp_path: Path, store: Store) -> None:
    arguments = {"num_words": 300, "share": 0.5, "relation": "300", "all": True, "none": None}
    row = {"key": 1, "kwargs": [arguments]}
    bench = IFEval(path=write_jsonl(tmp_path / "copy.jsonl", [row]))

    assert [*read_files(bench, find_files(bench, tmp_path, store))] == [("copy", row)]


def test_rows_of_a_folder_say_which_file_they_are_from(tmp_path: Path, store: Store) -> None:
    for name in ("hijacking", "extraction", "helpful"):
        write_jsonl(tmp_path / "copies" / f"{name}.jsonl", [attack_row("sesame", name)])
    bench = TensorTrust(path=tmp_path / "copies")

    read = [*read_files(bench, find_files(bench, tmp_path, store))]
    assert [name for name, _ in read] == ["extraction", "helpful", "hijacking"]
    assert all(row["messages"][1]["content"] == name for name, row in read)


def test_without_a_copy_the_pinned_files_are_fetched(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[GitHubFiles] = []

    def fetch(name: str, files: GitHubFiles, cache: Path) -> list[Path]:
        asked.append(files)
        return [write_jsonl(cache / f"{name}.jsonl", [])]

    monkeypatch.setattr(github, "fetch_files", fetch)

    assert find_files(SystemIFEval(), tmp_path, store) == [tmp_path / "s_ifeval.jsonl"]
    assert asked == [SystemIFEval().github]


def test_a_copy_that_is_not_there_is_named(tmp_path: Path, store: Store) -> None:
    with pytest.raises(SourceError, match=r"s_ifeval: .*nowhere\.jsonl"):
        find_files(SystemIFEval(path=tmp_path / "nowhere.jsonl"), tmp_path, store)
