"""Files of GitHub in a catalogue; `test_sources.py` has those of the Hub."""

import pytest
from pydantic import ValidationError

from sysgen_dagster.catalog.places import GitHubFiles

COMMIT, SHA256, BLOB = "0a" * 20, "1b" * 32, "2c" * 20


def _files(**files: str) -> GitHubFiles:
    return GitHubFiles(repo="org/bench", revision=COMMIT, files=files)


@pytest.mark.parametrize("digest", [SHA256, BLOB])
def test_a_file_is_pinned_by_its_sha256_or_its_blob_id(digest: str) -> None:
    assert _files(**{"data/one.jsonl": digest}).files == {"data/one.jsonl": digest}


@pytest.mark.parametrize("digest", ["", "main", "1b" * 31, "1B" * 32])
def test_a_file_without_a_checksum_is_refused(digest: str) -> None:
    with pytest.raises(ValidationError, match="or its blob id in git, 40 hex digits"):
        _files(**{"data/one.jsonl": digest})


@pytest.mark.parametrize(
    "path", ["", "../one", "/etc/one", "data/../../one", "data//one", "./one", r"..\\one"]
)
def test_a_path_that_may_leave_the_repository_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="the path of a file in the repository"):
        _files(**{path: SHA256})


@pytest.mark.parametrize("path", ["one.jsonl", ".data/..one/a b.jsonl"])
def test_other_paths_are_taken(path: str) -> None:
    assert list(_files(**{path: SHA256}).files) == [path]


def test_the_checksum_of_all_follows_from_each_and_from_their_order() -> None:
    one, two = {"one.jsonl": SHA256}, {"two.jsonl": BLOB}
    files = [_files(**one), _files(**two), _files(**one, **two), _files(**two, **one)]

    assert len({each.checksum for each in files}) == len(files)
