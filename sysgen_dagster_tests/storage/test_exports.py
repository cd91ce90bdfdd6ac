"""Exports in a folder and in a bucket: made whole, read as they are, gone when removed."""

import hashlib
import json
from pathlib import Path

import pytest

from sysgen_dagster.storage import objects
from sysgen_dagster.storage.exports import making_export, reading_export, remove_export
from sysgen_dagster.storage.store import (
    Store,
    StoreError,
    StoreUnavailableError,
    open_store,
)
from sysgen_dagster.training_sets.export.manifest import compute_checksums, read_checksums
from sysgen_dagster_tests.storage.s3_server import objects_under


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_store(
        str(tmp_path / "data") if request.param == "folder" else request.getfixturevalue("bucket")
    )


def make(store: Store, working: Path, **files: str) -> None:
    with making_export(store, "sysgen", working) as folder:
        folder.mkdir(parents=True, exist_ok=True)
        fill(folder, files)


def fill(folder: Path, files: dict[str, str]) -> None:
    (folder / "data").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "data" / name).write_text(text, encoding="utf-8")
    declared = [
        {"path": f"data/{name}", "sha256": hashlib.sha256(text.encode()).hexdigest()}
        for name, text in files.items()
    ]
    (folder / "manifest.json").write_text(json.dumps({"files": declared}))


def test_an_export_is_read_as_it_was_made(store: Store, tmp_path: Path) -> None:
    make(store, tmp_path / "work", a="one", b="two")
    with reading_export(store, "sysgen", tmp_path / "work") as folder:
        assert (folder / "data" / "b").read_text() == "two"
        assert read_checksums(folder) == compute_checksums(folder) != {}


def test_a_removed_export_is_gone_and_may_be_removed_again(store: Store, tmp_path: Path) -> None:
    make(store, tmp_path / "work", a="one")
    for _ in range(2):
        remove_export(store, "sysgen")
        with reading_export(store, "sysgen", tmp_path / "work") as folder:
            assert not (folder / "manifest.json").exists()


def test_a_folder_without_a_manifest_is_not_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    theirs = tmp_path / "exports" / "sysgen" / "thesis.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    remove_export(store, "sysgen")
    assert theirs.read_text() == "mine"


def test_objects_without_a_manifest_are_neither_removed_nor_overwritten(
    bucket: str, tmp_path: Path
) -> None:
    store = open_store(bucket)
    objects.replace(store.export("sysgen") / "thesis.txt", b"mine")  # type: ignore[arg-type]
    with pytest.raises(StoreError, match=r"no export .*thesis.txt\): empty it"):
        make(store, tmp_path, a="one")
    remove_export(store, "sysgen")
    assert list(objects_under(bucket)) == ["exports/sysgen/thesis.txt"]


def test_an_older_export_is_replaced_and_its_files_are_gone(bucket: str, tmp_path: Path) -> None:
    store = open_store(bucket)
    make(store, tmp_path, a="one", b="two")
    objects.replace(store.export("sysgen-more") / "other", b"stays")  # type: ignore[arg-type]
    make(store, tmp_path, b="three")
    assert list(objects_under(bucket)) == [
        "exports/sysgen-more/other",
        "exports/sysgen/data/b",
        "exports/sysgen/manifest.json",
    ]
    with reading_export(store, "sysgen", tmp_path) as folder:
        assert read_checksums(folder) == compute_checksums(folder)
    assert [each for each in tmp_path.rglob("*") if each.is_file() and each.suffix != ".lock"] == []


def test_an_export_that_fails_to_be_made_leaves_the_one_before(bucket: str, tmp_path: Path) -> None:
    store = open_store(bucket)
    make(store, tmp_path, a="one")
    before = objects_under(bucket)
    with pytest.raises(UnicodeEncodeError):
        make(store, tmp_path, a="half \ud800")
    assert objects_under(bucket) == before


def test_an_export_that_is_published_in_part_does_not_fit_its_manifest(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(bucket)
    make(store, tmp_path, a="one", z="two")
    really = objects.replace

    def until_the_manifest(path: objects.UPath, content: bytes | Path) -> None:
        if path.name == "manifest.json":
            raise OSError("the network is gone")
        really(path, content)

    monkeypatch.setattr(objects, "replace", until_the_manifest)
    with pytest.raises(StoreUnavailableError, match="the network is gone"):
        make(store, tmp_path, a="new", z="two")
    with reading_export(store, "sysgen", tmp_path) as folder:
        declared, found = read_checksums(folder), compute_checksums(folder)
    assert declared.keys() == found.keys()
    assert declared["data/a"] != found["data/a"]
    assert declared["data/z"] == found["data/z"]
