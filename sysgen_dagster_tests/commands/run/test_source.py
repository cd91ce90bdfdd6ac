"""Which source a word means, how its columns are read, and when that is not asked again."""

import json
import time
from pathlib import Path

import pytest

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.commands.run.source import SourceWish, find_source_entry
from sysgen_dagster.commands.run.written_catalog import build_catalog
from sysgen_dagster.commands.trial_catalog import generator
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster_tests.commands.run.run_command import write_rows


def found(tmp_path: Path, wish: SourceWish, stored: Catalog | None = None) -> tuple[Source, str]:
    source, lines = find_source_entry(wish, tmp_path / "data", stored)
    return source, "\n".join(lines)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "My Rows-2.jsonl", 5)


def test_a_file_is_an_entry_with_a_name_for_dagster_and_its_columns(
    tmp_path: Path, rows: Path
) -> None:
    source, said = found(tmp_path, SourceWish(str(rows)))
    assert (source.name, source.title, source.path) == ("my_rows_2", rows.name, rows)
    assert (source.shape.columns, source.shards) == (["prompt", "response"], 1)
    assert "prompt" in said
    assert "response" in said


def test_a_folder_of_files_is_read_as_one_source(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    for number in range(3):
        write_rows(folder / f"{number}.jsonl", 5)
    source, _ = found(tmp_path, SourceWish(str(folder)))
    assert (source.name, source.path) == ("parts", folder)
    assert source.shape.columns == ["prompt", "response"]


def test_a_folder_is_cut_into_shards_as_a_file_of_its_rows_is(tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / "parts").mkdir(exist_ok=True)
        write_rows(tmp_path / "parts" / f"{number}.jsonl", 10_000)
    whole = write_rows(tmp_path / "whole.jsonl", 20_000)
    of_file, of_folder = (
        found(tmp_path, SourceWish(str(each)))[0] for each in (whole, tmp_path / "parts")
    )
    assert of_folder.shards == of_file.shards > 1


def test_a_large_file_is_looked_at_soon(tmp_path: Path, rows: Path) -> None:
    write_rows(rows, 2_000)
    with rows.open("ab") as opened:
        opened.truncate(4 << 30)  # nulls that take no room
    began = time.monotonic()
    found(tmp_path, SourceWish(str(rows)))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "columns",
    [["question=response answer=prompt"], ["question=response", "answer=prompt"]],
    ids=["in-one", "apart"],
)
def test_what_the_user_says_of_the_columns_counts(
    tmp_path: Path, rows: Path, columns: list[str]
) -> None:
    source, _ = found(tmp_path, SourceWish(str(rows), columns=columns))
    assert source.shape.columns == ["response", "prompt"]


@pytest.mark.parametrize("columns", ["question", "question=", "=prompt", "'question=prompt"])
def test_columns_in_another_form_are_refused(tmp_path: Path, rows: Path, columns: str) -> None:
    with pytest.raises(SysgenError, match="--columns"):
        found(tmp_path, SourceWish(str(rows), columns=[columns]))


def test_an_unknown_licence_is_said_and_a_given_one_is_taken(tmp_path: Path, rows: Path) -> None:
    source, said = found(tmp_path, SourceWish(str(rows)))
    assert source.license == "unknown"
    assert "licence unknown" in said
    source, said = found(tmp_path, SourceWish(str(rows), license="mit"))
    assert source.license == "mit"
    assert "licence mit" in said


def test_a_large_file_is_cut_into_shards(tmp_path: Path) -> None:
    rows = write_rows(tmp_path / "many.jsonl", 20_000)
    source, _ = found(tmp_path, SourceWish(str(rows)))
    assert source.shards > 1


def test_columns_that_a_catalogue_names_are_not_guessed_again(tmp_path: Path, rows: Path) -> None:
    source, _ = found(tmp_path, SourceWish(str(rows), columns=["question=response answer=prompt"]))
    stored = build_catalog(source, *generator("m", "m", license="mit", engine="simulated").values())
    again, _ = found(tmp_path, SourceWish(str(rows)), stored)
    assert again == source
    rows.write_text(json.dumps({"x": 1}) + "\n")  # what the rows are now is the assets' matter
    assert found(tmp_path, SourceWish(str(rows)), stored)[0] == source


def test_whatever_a_file_is_called_the_line_about_it_is_inert(tmp_path: Path) -> None:
    _, said = found(tmp_path, SourceWish(str(write_rows(tmp_path / "a\n\x1b[31mb.jsonl", 2))))
    assert said.startswith(r"a \x1b[31mb.jsonl, ")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SysgenError, match=r"no file or folder .*none\.jsonl"):
        found(tmp_path, SourceWish(str(tmp_path / "none.jsonl")))
