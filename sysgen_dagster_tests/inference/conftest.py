"""Fixtures: where servers and ledgers keep their files."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.local.servers import LocalServer, stop
from sysgen_dagster.processes.state import running
from sysgen_dagster_tests.inference.processes import Descendants, Run
from sysgen_dagster_tests.simulated import running_server


@pytest.fixture
def folder(tmp_path: Path, descendants: Descendants) -> Iterator[Path]:
    """The folder of a deployment's servers, which are ended after the test."""
    folder = tmp_path / "engines"
    yield folder
    for name in running(folder):
        stop(folder, name)


@pytest.fixture
def begin(folder: Path, tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Begins runs that use a server, each in a process of its own; all end with the test."""
    runs: list[Run] = []

    def begin(server: LocalServer, **waits: float) -> Run:
        runs.append(Run.begin(server, folder, tmp_path / f"run-{len(runs)}.txt", **waits))
        return runs[-1]

    yield begin
    for run in runs:
        run.kill()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger."""
    return Ledger(tmp_path / "ledger.jsonl")


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A file: servers that wait while it exists go on when the test removes it."""
    gate = tmp_path / "gate"
    gate.touch()
    return gate


@pytest.fixture(scope="module")
def server() -> Iterator[running_server.Server]:
    """A server that runs already and serves the model `phi`."""
    with running_server.running() as it:
        yield it
