"""Rows of a conversation are found in every training that has a copy of them."""

from pathlib import Path

import pytest

from sysgen_dagster.students.folders import find_holders, training_folder
from sysgen_dagster.training_sets.export.layout import ExportError
from sysgen_dagster_tests.training_sets.export.exports import export


def test_the_folders_of_rows_are_found_and_no_others(tmp_path: Path) -> None:
    for name in ("a", "b"):
        export(training_folder(tmp_path, name) / "data")
    (training_folder(tmp_path, "b") / "prepared").mkdir()
    (training_folder(tmp_path, "b") / "checkpoints").mkdir()
    training_folder(tmp_path, "never-begun").mkdir()
    a, b = (training_folder(tmp_path, name) for name in ("a", "b"))

    assert list(find_holders(tmp_path, {"capybara-train-0", "elsewhere"})) == [
        (a, [a / "data"]),
        (b, [b / "data", b / "prepared"]),
    ]
    assert list(find_holders(tmp_path, {"elsewhere"})) == []
    assert list(find_holders(tmp_path / "nothing", {"capybara-train-0"})) == []


def test_rows_that_cannot_be_read_are_an_error_and_not_taken_for_others(tmp_path: Path) -> None:
    data = training_folder(tmp_path, "a") / "data"
    export(data)
    next((data / "data").rglob("*.parquet")).write_text("damaged")
    with pytest.raises(ExportError, match="cannot be read"):
        list(find_holders(tmp_path, {"elsewhere"}))
