"""An export is loaded as its users load it, and nothing of that stays anywhere."""

from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.training_sets.export.layout import ExportError
from sysgen_dagster.training_sets.export.loading import load_export
from sysgen_dagster.training_sets.exported_rows import exported_table
from sysgen_dagster_tests.training_sets.export.exports import FACTS, PAIR_FACTS, SPLITS, export


@pytest.mark.parametrize("pairs", [False, True], ids=["rows", "pairs"])
def test_every_split_is_loaded_with_its_rows_and_the_columns_of_its_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pairs: bool
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "HF_HOME", "HF_DATASETS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home))
    # A module of the user's that is called like the library is not taken for it.
    (tmp_path / "datasets.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    contents = export(tmp_path / "small", pairs=pairs)
    found = load_export(tmp_path / "small", tmp_path / "work")
    table = exported_table((PAIR_FACTS if pairs else FACTS).recipe)
    columns = {name: str(dtype) for name, dtype in table.schema.items()}
    assert list(found) == list(SPLITS)
    assert sum(each.rows for each in found.values()) == contents.rows
    assert [each.conversations for each in found.values()] == [each.rows for each in found.values()]
    assert [each.columns for each in found.values()] == [columns] * len(SPLITS)
    assert [*home.iterdir()] == []
    assert not any(path.is_dir() for path in (tmp_path / "work/downloads/loading").iterdir())


def _cut_off(folder: Path) -> None:
    file = next(folder.rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-20])


def _other_rows(folder: Path) -> None:
    file = next(folder.rglob("*.parquet"))
    pl.read_parquet(file).head(1).write_parquet(file)


@pytest.mark.parametrize("damage", [_cut_off, _other_rows])
def test_what_the_library_does_not_load_is_said_in_its_words(
    tmp_path: Path, damage: object
) -> None:
    export(tmp_path / "small")
    assert callable(damage)
    damage(tmp_path / "small")
    with pytest.raises(
        ExportError, match=r"export small: `datasets` does not load it \(\S+.*\); export"
    ):
        load_export(tmp_path / "small", tmp_path / "work")
    assert not any(path.is_dir() for path in (tmp_path / "work/downloads/loading").iterdir())
