"""The bundled rows load with `datasets`, as the upstream sets do, in the catalogue's columns."""

from pathlib import Path

import datasets
import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS
from sysgen_dagster.lanes.catalog import load_catalog

SOURCES = load_catalog(FULL_CATALOG).sources


@pytest.mark.parametrize("name", SOURCES)
def test_the_bundled_rows_have_the_upstream_schema(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_UPDATE_DOWNLOAD_COUNTS", False)  # asks a third host
    file = str(EXAMPLE_ROWS / f"{name}.jsonl")
    rows = datasets.load_dataset("json", data_files=file, split="train", cache_dir=str(tmp_path))
    text = datasets.Value("string")
    assert len(rows) >= 24
    assert rows.features == {
        column: text if fields == "string" else datasets.List(dict.fromkeys(fields, text))
        for column, fields in SOURCES[name].columns.items()
    }
