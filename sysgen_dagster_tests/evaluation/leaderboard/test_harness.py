"""The environment of the harness: found, asked what it has, refused where it cannot be used."""

import os
import re
from pathlib import Path

import pytest

from sysgen_dagster.evaluation.leaderboard.harness import (
    HARNESS,
    HarnessError,
    find_python,
    require_harness,
)
from sysgen_dagster_tests.evaluation.leaderboard.fake_harness import VERSIONS, write_harness


def test_a_folder_of_an_environment_is_as_good_as_its_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = write_harness(tmp_path / "bin")
    for named in (tmp_path, python):
        monkeypatch.setenv(HARNESS, str(named))
        assert find_python() == python


def test_it_says_what_it_has_and_what_its_scoring_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = {"ifeval": "LookupError: punkt_tab"}
    monkeypatch.setenv(HARNESS, str(write_harness(tmp_path, faults=faults)))
    harness = require_harness(os.environ)
    assert harness.tasks == tmp_path / "tasks"
    assert harness.versions == VERSIONS
    assert harness.faults == faults


def test_where_there_is_none_the_error_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HARNESS, str(tmp_path / "nothing"))
    with pytest.raises(HarnessError, match=r"is none: make it with `deploy/install-lm-eval"):
        require_harness(os.environ)
    monkeypatch.delenv(HARNESS)
    monkeypatch.setattr("sys.prefix", str(tmp_path / "venv"))
    with pytest.raises(HarnessError, match="SYSGEN_LM_EVAL is not set"):
        require_harness(os.environ)


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ({"broken": "ModuleNotFoundError: No module named 'lm_eval'"}, "No module named 'lm_eval'"),
        ({"versions": VERSIONS | {"lm_eval": "0.4.12"}}, "needed are lm_eval 0.4.13 or newer"),
        ({"versions": {"lm_eval": "0.5.0"}}, "and transformers"),
        ({"versions": {"transformers": "5"}}, "lm_eval"),
    ],
)
def test_one_that_cannot_be_used_is_refused(
    behaviour: dict[str, object],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(HARNESS, str(write_harness(tmp_path, **behaviour)))
    with pytest.raises(HarnessError, match=re.escape(said)):
        require_harness(os.environ)
