"""Small models on disk."""

from pathlib import Path

import pytest

from sysgen_dagster_tests.analysis.small_models import save_bert, save_bleurt


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the weights of a BERT; skips where transformers is not installed."""
    folder = tmp_path_factory.mktemp("weights") / "bert"
    save_bert(folder)
    return folder


@pytest.fixture(scope="session")
def bleurt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the weights of a BLEURT; skips where bleurt-pytorch does not import."""
    folder = tmp_path_factory.mktemp("weights") / "bleurt"
    save_bleurt(folder)
    return folder
