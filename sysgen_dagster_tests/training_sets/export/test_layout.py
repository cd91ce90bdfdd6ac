from dataclasses import replace
from pathlib import Path

import datasets
import polars as pl
import pytest

from sysgen_dagster.tables.table import Table
from sysgen_dagster.training_sets.export.layout import (
    Cell,
    Contents,
    DataFile,
    ExportError,
    configs,
    dataset_info,
    features_schema,
)
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS, TRAINING_ROWS

_FILE = DataFile("x.parquet", 3, 100, 1000, "0" * 64)


def _contents(*cells: Cell) -> Contents:
    return Contents("m", False, dict.fromkeys(cells, (_FILE,)), pl.DataFrame(), pl.DataFrame())


@pytest.mark.parametrize("table", [TRAINING_ROWS, PREFERENCE_PAIRS], ids=lambda table: table.name)
def test_the_schema_is_the_one_that_datasets_would_write(table: Table) -> None:
    ours = features_schema(table.columns)
    theirs = datasets.Features.from_arrow_schema(ours).arrow_schema
    assert ours.equals(theirs, check_metadata=True)
    assert "large" not in str(ours)


@pytest.mark.parametrize("preferences", [False, True])
def test_the_features_of_the_card_are_the_ones_of_the_files(preferences: bool) -> None:
    contents = replace(_contents(Cell("a", "m", "train")), preferences=preferences)
    (info, *_) = dataset_info(contents)
    of_card = datasets.DatasetInfo._from_yaml_dict(info)
    of_files = datasets.Features.from_arrow_schema(features_schema(contents.columns))
    assert of_card.features == of_files


def test_a_configuration_for_everything_for_a_model_and_for_a_source_of_it() -> None:
    cells = [Cell("a", "m", "test"), Cell("a", "m", "train"), Cell("b", "n", "train")]
    found = {config["config_name"]: config["data_files"] for config in configs(_contents(*cells))}
    assert list(found) == ["default", "m", "n", "a--m", "b--n"]
    assert found["default"] == [
        {"split": "train", "path": ["data/a--m/train-*.parquet", "data/b--n/train-*.parquet"]},
        {"split": "test", "path": ["data/a--m/test-*.parquet"]},
    ]
    assert [each["split"] for each in found["n"]] == ["train"]


def test_sizes_are_summed_over_the_cells_of_a_configuration() -> None:
    contents = _contents(Cell("a", "m", "train"), Cell("b", "m", "train"))
    info = {each["config_name"]: each for each in dataset_info(contents)}
    assert info["m"]["splits"] == [{"name": "train", "num_bytes": 2000, "num_examples": 6}]
    assert info["m"]["download_size"] == 200
    assert info["a--m"]["dataset_size"] == 1000
    assert contents.rows == 6


@pytest.mark.parametrize("model", ["default", "a--m"])
def test_two_configurations_of_one_name_are_refused(model: str) -> None:
    contents = _contents(Cell("a", "m", "train"), Cell("b", model, "train"))
    with pytest.raises(ExportError, match="rename the model"):
        contents.configurations()


def test_a_cell_matches_its_own_files_only() -> None:
    cell = Cell("a", "m.5", "train")
    assert Path("data/a--m.5/train-00000-of-00002.parquet").match(cell.pattern)
    assert not Path("data/a--m.5/validation-00000-of-00001.parquet").match(cell.pattern)
