"""Where files are, and the checksum of what they hold; `test_hub.py` has those of the Hub."""

import hashlib
from pathlib import Path

import pytest

from sysgen_dagster.catalog.sources import UpstreamFile
from sysgen_dagster.sources.places import locate
from sysgen_dagster.sources.recognition import SourceError


def entry(path: Path) -> UpstreamFile:
    return UpstreamFile(name="mine", title="Mine", license="mit", path=path)


def test_a_file_has_the_checksum_of_its_content(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"{}\n")
    found = locate(entry(file), tmp_path / "cache")
    assert found.checksum == hashlib.sha256(b"{}\n").hexdigest()
    assert found.revision == f"local:{found.checksum}"
    assert (found.place, found.files.paths) == (file, (file,))


def test_a_folder_has_the_checksum_of_the_list_that_sha256sum_writes(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "README.md"):
        (tmp_path / name).write_text(name)
    listed = [
        f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n" for name in ("a.jsonl", "b.jsonl")
    ]
    found = locate(entry(tmp_path), tmp_path / "cache")
    assert found.checksum == hashlib.sha256("".join(listed).encode()).hexdigest()
    assert found.revision == f"local:{found.checksum}"


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"mine: there is no file .*none\.csv; correct `path`"):
        locate(entry(tmp_path / "none.csv"), tmp_path / "cache")
