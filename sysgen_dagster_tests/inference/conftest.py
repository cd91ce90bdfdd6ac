"""Fixtures: where servers keep their files, and that none of them outlives its test."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sysgen_dagster.inference import server_process
from sysgen_dagster_tests.inference.processes import MARK, Descendants, kill, wait_until


@pytest.fixture
def descendants(monkeypatch: pytest.MonkeyPatch) -> Iterator[Descendants]:
    """The processes that the test starts; all of them must have ended when it has."""
    mark = uuid.uuid4().hex
    monkeypatch.setenv(MARK, mark)
    found = Descendants(mark)
    yield found
    with suppress(AssertionError):
        wait_until(lambda: not found(), within_s=5)
    left = found.describe()
    kill(*found())
    assert left == []


@pytest.fixture
def folder(tmp_path: Path, descendants: Descendants) -> Iterator[Path]:
    """The folder of a deployment's servers, which are ended after the test."""
    folder = tmp_path / "engines"
    yield folder
    for name in server_process.running(folder):
        server_process.stop(folder, name)
