"""The manifest of an export: what it declares, and what is in the folder."""

import hashlib
import json
from pathlib import Path

import pytest

from sysgen_dagster.training_sets.export.layout import ExportError
from sysgen_dagster.training_sets.export.manifest import (
    MANIFEST,
    compute_checksums,
    read_checksums,
)
from sysgen_dagster_tests.training_sets.export.exports import export


def test_the_manifest_of_an_untouched_folder_is_true(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    export(folder)
    assert read_checksums(folder) == compute_checksums(folder) != {}
    with (folder / "README.md").open("a") as card:
        card.write("more\n")
    actual = compute_checksums(folder)
    differs = {path for path, sha256 in read_checksums(folder).items() if actual[path] != sha256}
    assert differs == {"README.md"}


def test_checksums_are_of_all_files_but_the_manifest_in_the_order_of_their_paths(
    tmp_path: Path,
) -> None:
    for path in ("data/b--m/x", "data/b/x", "a", MANIFEST):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    assert list(compute_checksums(tmp_path).items()) == [
        (path, hashlib.sha256(path.encode()).hexdigest())
        for path in ("a", "data/b--m/x", "data/b/x")
    ]


@pytest.mark.parametrize(
    "manifest", [None, "", "[]", "{}", '{"files": [{"path": "data"}]}', '{"files": 3}']
)
def test_a_folder_without_a_manifest_is_not_an_export(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / MANIFEST).write_text(manifest)
    with pytest.raises(ExportError, match="make the export first"):
        read_checksums(tmp_path)


def test_no_flipped_bit_of_a_manifest_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    export(folder)
    manifest = folder / MANIFEST
    whole = manifest.read_bytes()
    for place in range(0, len(whole) * 8, 61):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        manifest.write_bytes(flipped)
        with pytest.raises(ExportError, match=r"it was written with|not the manifest"):
            read_checksums(folder)


def test_a_manifest_of_an_earlier_version_has_no_digest_and_is_read(tmp_path: Path) -> None:
    file = {"path": "README.md", "sha256": "00"}
    (tmp_path / MANIFEST).write_text(json.dumps({"mixture": "small", "files": [file]}))
    assert read_checksums(tmp_path) == {"README.md": "00"}
