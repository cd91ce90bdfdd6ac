"""What killed writers leave behind, wherever they wrote."""

from pathlib import Path

import pytest

from sysgen_dagster.commands.left_over import left_over, remove, size_of
from sysgen_dagster.storage import files, folders
from sysgen_dagster.storage.store import Store


class KilledError(Exception):
    pass


def _write_file(path: Path) -> None:
    with files.replacing(path) as temporary:
        temporary.write_text("a text")
        raise KilledError


def _write_folder(path: Path) -> None:
    with folders.replacing(path, "manifest.json") as new:
        (new / "data").mkdir()
        (new / "data" / ".part.1.tmp").write_text("a text")
        raise KilledError


def _killed_at(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer of this file that is killed before it can clean up."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(KilledError):
            _write_file(path)


PLACES = [
    *("report.html", "excluded.txt", "conversations/capybara-000.parquet"),
    *("source/capybara/capybara-000.parquet", "downloads/rows/abc-def.parquet"),
    *("engines/phi-4.json", "ledger/aligned_responses/x.parquet"),
    "review/decisions.jsonl",
    "multifaceted/bench/bench.jsonl",
]


@pytest.mark.parametrize("place", PLACES)
def test_an_unfinished_file_is_found_and_goes(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    _killed_at(tmp_path / place, monkeypatch)
    [left] = left_over(store, tmp_path)

    assert left.read_text() == "a text"
    assert size_of(left) == 6
    remove(left)
    assert list(left_over(store, tmp_path)) == []


def test_an_unfinished_export_is_one_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "exports" / "sysgen"
    target.parent.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(folders.shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(KilledError):
            _write_folder(target)
    [left] = left_over(Store(tmp_path), tmp_path)

    assert left.name == ".sysgen.new"
    assert size_of(left) == 6
    remove(left)
    assert not left.exists()


def test_exports_that_a_killed_process_fetched_from_object_storage_are_left_over(
    tmp_path: Path,
) -> None:
    work = tmp_path / "work"
    (work / "exports" / "sysgen").mkdir(parents=True)
    (work / "exports" / "sysgen" / "part.parquet").write_text("a text")

    assert list(left_over(Store(tmp_path / "data"), work)) == [work / "exports" / "sysgen"]


def test_what_is_finished_or_not_ours_is_not_left_over(tmp_path: Path) -> None:
    for name in ("report.html", "notes.tmp", "exports/sysgen/manifest.json", "mine/.x.1.tmp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "conversations").mkdir()
    (tmp_path / "conversations" / ".a.1.tmp").symlink_to(tmp_path / "notes.tmp")

    assert list(left_over(Store(tmp_path), tmp_path)) == []
