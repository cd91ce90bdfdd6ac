from dataclasses import replace
from pathlib import Path

import datasets
import polars as pl
import pyarrow.parquet as pq
import pytest

from sysgen_dagster.training_sets.export.layout import (
    FILE_COLUMNS,
    Contents,
    ExportError,
    build_configs,
    build_dataset_info,
)
from sysgen_dagster.training_sets.tables import TRAINING_ROWS
from sysgen_dagster_tests.training_sets.export.exports import export


def _contents(*cells: tuple[str, str, str]) -> Contents:
    """A file of 3 rows, 100 bytes and 1,000 bytes in memory for each source, model and split."""
    rows = [
        (*cell, f"data/{cell[0]}--{cell[1]}/{cell[2]}-00000-of-00001.parquet", 3, 100, 1000)
        for cell in cells
    ]
    files = pl.DataFrame(rows, FILE_COLUMNS, orient="row")
    return Contents("m", TRAINING_ROWS, files, pl.DataFrame(), pl.DataFrame())


@pytest.mark.parametrize("pairs", [False, True], ids=["rows", "pairs"])
def test_the_features_of_the_card_are_the_ones_of_the_files(tmp_path: Path, pairs: bool) -> None:
    contents = export(tmp_path / "small", pairs=pairs)
    schema = pq.read_schema(tmp_path / "small" / contents.files["path"][0])
    (info, *_) = build_dataset_info(contents)
    of_card = datasets.DatasetInfo._from_yaml_dict(info)
    assert of_card.features == datasets.Features.from_arrow_schema(schema)
    assert "large" not in str(schema)


def test_a_configuration_for_everything_for_a_model_and_for_a_source_of_it() -> None:
    contents = _contents(("a", "m", "test"), ("a", "m", "train"), ("b", "n", "train"))
    found = {config["config_name"]: config["data_files"] for config in build_configs(contents)}
    assert list(found) == ["default", "m", "n", "a--m", "b--n"]
    assert found["default"] == [
        {"split": "train", "path": ["data/a--m/train-*.parquet", "data/b--n/train-*.parquet"]},
        {"split": "test", "path": ["data/a--m/test-*.parquet"]},
    ]
    assert [each["split"] for each in found["n"]] == ["train"]


def test_several_files_of_one_source_model_and_split_are_one_pattern() -> None:
    one = _contents(("a-1-of-2", "m.5", "train"))
    several = replace(one, files=pl.concat([one.files, one.files]))
    assert build_configs(several) == build_configs(one)
    [data_files] = build_configs(one)[0]["data_files"]
    assert data_files["path"] == ["data/a-1-of-2--m.5/train-*.parquet"]


def test_sizes_are_summed_over_the_files_of_a_configuration() -> None:
    contents = _contents(("a", "m", "train"), ("b", "m", "train"))
    info = {each["config_name"]: each for each in build_dataset_info(contents)}
    assert info["m"]["splits"] == [{"name": "train", "num_bytes": 2000, "num_examples": 6}]
    assert info["m"]["download_size"] == 200
    assert info["a--m"]["dataset_size"] == 1000
    assert contents.rows == 6


@pytest.mark.parametrize("model", ["default", "a--m"])
def test_two_configurations_of_one_name_are_refused(model: str) -> None:
    contents = _contents(("a", "m", "train"), ("b", model, "train"))
    with pytest.raises(ExportError, match="rename the model"):
        contents.configurations()
