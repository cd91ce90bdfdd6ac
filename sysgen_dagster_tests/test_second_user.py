"""A second user in a folder whose files the first one made with umask 022: what he is told.

The actions run in a process that has really become another user.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from sysgen_dagster.cli import sysgen
from sysgen_dagster.commands.dagster_home import limit_pools, write_settings
from sysgen_dagster.defs.plumbing.failures import errors_as_failures
from sysgen_dagster.inference.ledger import Ledger, Outcome
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.inference.other_ledgers import OtherLedgers
from sysgen_dagster.inference.request_keys import Asked
from sysgen_dagster.processes.state import running
from sysgen_dagster.storage.store import Store
from sysgen_dagster_tests.inference.local_servers import healthy, in_use
from sysgen_dagster_tests.storage.test_store import FIRST, NOTES, TWO_ROWS

NOBODY = 65534
CLOSED = replace(NOTES, name="closed")  # its folder may not be listed
OF_A_DEPLOYMENT = ("SYSGEN_DATA", "SYSGEN_CATALOG", "SYSGEN_WORK", "DAGSTER_HOME")
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
Action = Callable[[Path], None]


def make_deployment(data: Path) -> None:
    """A deployment that everybody can read."""
    write_settings(data / "dagster_home")
    limit_pools(data / "dagster_home")
    for make in (ledger, write_table, write_exclusion, engine):
        make(data)
    for path in (data, *data.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for folder in (data / CLOSED.name, data / "ledger" / "closed"):
        folder.mkdir(mode=0o700)


def ledger(data: Path) -> None:
    (data / "ledger").mkdir(exist_ok=True)
    with Ledger(data / "ledger" / "m|s-0.jsonl") as answers:
        answers.append(Asked("key"), Outcome(text="Yes.", attempts=1))


def engine(data: Path) -> None:
    with in_use(healthy("a", devices=("cpu",), idle_s=0.1), data / "engines"):
        pass


def write_table(data: Path) -> None:
    Store(data).write(NOTES, FIRST, TWO_ROWS)


def write_exclusion(data: Path) -> None:
    Store(data).exclude(["c-1"])


def list_shards(data: Path) -> None:
    Store(data).shards(CLOSED)


def other_ledgers(data: Path) -> None:
    OtherLedgers(data / "ledger", data / "ledger" / "mine.jsonl", print)


def write_report(data: Path) -> None:
    Store(data).write_text(Store(data).report, "<html>")


def command(*words: str) -> Action:
    """A command of `sysgen`, in the words in which it ends."""

    def run(data: Path) -> None:
        for name in OF_A_DEPLOYMENT:  # which a command sets for its process
            os.environ.pop(name, None)
        result = CliRunner().invoke(sysgen, [*words, "--data", str(data)])
        if isinstance(result.exception, SystemExit):
            raise CommandEndedError(result.output)
        assert result.exception is not None
        raise result.exception

    return run


class CommandEndedError(Exception):
    """With its output."""


# What each does, and the file or folder that bars the way.
ACTIONS: dict[str, tuple[Action, str]] = {
    "a ledger": (errors_as_failures(ledger), "m|s-0.jsonl"),
    "ledgers of others": (errors_as_failures(other_ledgers), "ledger/closed"),
    "stored shards": (errors_as_failures(list_shards), "closed"),
    "an engine": (errors_as_failures(engine), "engines"),
    "an engine in use": (command("engines", "--stop"), "used"),
    "the report": (errors_as_failures(write_report), "{data}"),
    "an exclusion": (errors_as_failures(write_exclusion), "excluded"),
    "the Dagster home": (command("ui", "--print-settings"), "dagster_home"),
    "a record": (command("inventory", "--record"), "dagster_home"),
}


def main(data: Path, scratch: Path) -> None:
    """Print as JSON how each action ends for another user.

    Each is done before as root, elsewhere: what it imports then is not imported by somebody who may
    not read this Python.
    """
    for folder in (data, scratch):
        make_deployment(folder)
    with in_use(healthy("used", devices=("cpu",)), data / "engines"):
        for action, _ in ACTIONS.values():
            with suppress(BaseException):
                action(scratch)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        print(
            json.dumps({what: how_it_ends(action, data) for what, (action, _) in ACTIONS.items()})
        )
        sys.stdout.flush()
        os._exit(0)


def how_it_ends(action: Action, data: Path) -> str:
    try:
        action(data)
    except BaseException as error:
        return f"{type(error).__name__}: {getattr(error, 'description', error)}"
    return "nothing was wrong"


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sysgen-shared-", dir="/tmp") as folder:
        yield Path(folder)
        for name in running(Path(folder) / "engines"):
            stop(Path(folder) / "engines", name)


@pytest.fixture(scope="module")
def ends(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """How each action ends for a second user."""
    scratch = tmp_path_factory.mktemp("scratch")
    script = f"from pathlib import Path; from {__name__} import main; "
    script += f"main(Path({str(data)!r}), Path({str(scratch)!r}))"
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SYSGEN_", "DAGSTER_"))}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=inherited, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ends: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return ends


@pytest.mark.parametrize("what", ACTIONS)
def test_who_may_not_is_told_whose_file_it_is_and_how_to_share_it(
    data: Path, ends: dict[str, str], what: str
) -> None:
    said, barred = ends[what], ACTIONS[what][1]
    assert said.startswith(("Failure: ", "CommandEndedError: Error: ")), said
    words = ["nobody may not", "belongs to root", "chmod", "umask 002"]
    if what == "an engine in use":
        words = ["is process", "of another user", "sysgen engines --stop"]
    for each in (barred.format(data=data), *words):
        assert each in " ".join(said.split())
