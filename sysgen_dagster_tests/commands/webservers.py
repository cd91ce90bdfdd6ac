"""Webservers of a small deployment, as `sysgen ui` starts them and as Dagster does."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

_START_S = 60.0
_HOME = """
telemetry: {enabled: false}
run_coordinator: {module: dagster, class: QueuedRunCoordinator}
"""
_CODE = """
import dagster as dg
defs = dg.Definitions([
    dg.AssetSpec(name) if name.startswith("by_") else dg.asset(name=name)(lambda: None)
    for name in {names}
])
"""


@dataclass(frozen=True)
class Deployment:
    """A Dagster home, and assets that anybody may write who gets through."""

    folder: Path

    @classmethod
    def of(cls, folder: Path, names: Sequence[str]) -> "Deployment":
        """One whose assets have these names; `by_...` are made elsewhere and only reported."""
        (folder / "home").mkdir()
        (folder / "home" / "dagster.yaml").write_text(_HOME)
        (folder / "code.py").write_text(_CODE.format(names=list(names)))
        return cls(folder)

    @contextmanager
    def served(self, port: int, *, guarded: bool) -> Iterator[str]:
        """The address of its webserver, which ends with the block."""
        ours = ["sysgen_dagster.commands.service", str(os.getpid())] if guarded else []
        command = [sys.executable, "-m", *ours, "dagster_webserver", "-p", str(port)]
        with subprocess.Popen(
            [*command, "-f", str(self.folder / "code.py")],
            env=os.environ | {"DAGSTER_HOME": str(self.folder / "home")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                url = f"http://127.0.0.1:{port}"
                wait_for(url, process)
                yield url
            finally:
                process.send_signal(signal.SIGINT)

    def written(self) -> set[str]:
        """Assets that were reported as materialized."""
        with dg.DagsterInstance.from_config(str(self.folder / "home")) as instance:
            return {
                key.path[-1]
                for key in instance.all_asset_keys()
                if instance.fetch_materializations(key, limit=1).records
            }

    def runs(self) -> int:
        """How many runs were started or stand in the queue."""
        with dg.DagsterInstance.from_config(str(self.folder / "home")) as instance:
            return instance.get_runs_count()


def free_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for(url: str, process: "subprocess.Popen[Any]") -> None:
    """Wait until the webserver answers."""
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/server_info", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"no webserver at {url}")


def ask(url: str, query: str, **headers: str) -> tuple[int, Any]:
    """Status and answer of a GraphQL question that is asked by POST, from no browser."""
    request = urllib.request.Request(
        f"{url}/graphql",
        json.dumps({"query": query}).encode(),
        {"Content-Type": "application/json", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
