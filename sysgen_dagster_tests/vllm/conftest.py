"""Fixtures: tiny random models, and the folder of the servers that serve them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.inference.local.vllm import find_vllm
from sysgen_dagster.processes.state import running

TINY_MODEL = Path(__file__).with_name("tiny_model.py")


def make_tiny_model(folder: Path, *options: str) -> Path:
    """A folder of weights, made by the Python of vLLM's environment."""
    vllm = find_vllm()
    assert vllm is not None, "these tests need vLLM: run them by `make test-vllm`"
    python = Path(vllm).with_name("python")
    subprocess.run([python, TINY_MODEL, folder, *options], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a system role."""
    return make_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def roleless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose chat template refuses system messages."""
    folder = tmp_path_factory.mktemp("models") / "roleless"
    return make_tiny_model(folder, "--without-system-role")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The servers' folder; those that run are ended with the session."""
    folder = tmp_path_factory.mktemp("engines")
    yield folder
    for name in running(folder):
        stop(folder, name)
