"""Fixtures: where supervised processes have their state files."""

from pathlib import Path

import pytest

from sysgen_dagster_tests.inference.processes import Descendants


@pytest.fixture
def folder(tmp_path: Path, descendants: Descendants) -> Path:
    """A folder of state files, which is not there yet; no process outlives the test."""
    return tmp_path / "state"
