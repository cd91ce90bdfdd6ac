"""The machine goes down in the middle of a partition and comes up: the real daemon goes on."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import dagster as dg
import pytest
import yaml

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.operations import Filling
from sysgen_dagster.commands.dagster_home import SHIPPED_WORKSPACE
from sysgen_dagster.commands.trial_catalog import (
    EXAMPLE_ROWS,
    local_catalog,
    one_shard_each,
    real_model,
    with_models,
)
from sysgen_dagster.defs.sysgen_lane import aligned_responses
from sysgen_dagster.inference.local.servers import _free_port
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster_tests.inference.processes import MARK, Descendants, kill, wait_until
from sysgen_dagster_tests.simulated.running_server import MODULE

pytestmark = pytest.mark.slow

T = TypeVar("T")
SHARD, WITHIN_S = "airoboros-000", 300.0
SYSGEN = [str(Path(sys.executable).with_name("sysgen"))]
DEV = [sys.executable, "-m", "dagster", "dev", "-w", str(SHIPPED_WORKSPACE)]
CONVERSATIONS = f"""
from sysgen_dagster.definitions import defs
import dagster as dg
job = defs.resolve_implicit_global_asset_job_def()
for key in (dg.AssetKey(["source", "airoboros"]), dg.AssetKey("conversations")):
    job.execute_in_process(
        instance=dg.DagsterInstance.get(), partition_key={SHARD!r}, asset_selection=[key]
    )
"""


@contextmanager
def model_at(port: int, latency_ms: int) -> Iterator[None]:
    """A simulated model on another machine: it does not go down with ours."""
    command = [sys.executable, "-m", MODULE, "--model", "phi=phi-4", "--port", str(port)]
    command += ["--latency-ms", str(latency_ms), "--capacity", "4"]
    elsewhere = {name: value for name, value in os.environ.items() if name != MARK}
    server = subprocess.Popen(command, env=elsewhere, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        server.kill()
        server.wait()


class Machine:
    """A deployment, and what runs for it."""

    def __init__(self, data: Path, model_port: int, descendants: Descendants) -> None:
        catalog = one_shard_each(local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS))
        at = f"http://127.0.0.1:{model_port}/v1"
        catalog = with_models(catalog, real_model("phi", at, None))
        catalog = catalog.model_copy(update={"filling": Filling(cron="* * * * *")})
        [self.model] = catalog.models
        data.mkdir()
        file, self.home = data / "catalog.yaml", data / "dagster_home"
        file.write_text(yaml.safe_dump(catalog.model_dump(mode="json"), sort_keys=False))
        ours = ("SYSGEN_", "DAGSTER_")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours) or k == MARK}
        places = {"SYSGEN_DATA": data, "SYSGEN_CATALOG": file, "DAGSTER_HOME": self.home}
        self.environment = inherited | {name: str(at) for name, at in places.items()}
        self.data, self.descendants = data, descendants
        self.started: list[subprocess.Popen[bytes]] = []

    def do(self, command: Sequence[str]) -> None:
        subprocess.run(command, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    def up(self, command: Sequence[str]) -> None:
        command = [*command, "-p", str(_free_port())]
        with (self.data / "ui.log").open("a") as log:
            ui = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        self.started.append(ui)

    def down(self) -> None:
        """Kills every process at once, the run's and the daemon's too."""
        while pids := self.descendants():
            kill(*pids)
        for each in self.started:
            each.wait()

    def see(self, fact: Callable[[dg.DagsterInstance], T]) -> T:
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            return fact(instance)


def _runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    phases = dg.RunsFilter(job_name="sysgen")
    return sorted(instance.get_runs(phases), key=lambda run: run.run_id)


def _ended_well(instance: dg.DagsterInstance) -> bool:
    return dg.DagsterRunStatus.SUCCESS in {run.status for run in _runs(instance)}


def _made(instance: dg.DagsterInstance) -> set[str]:
    return instance.get_materialized_partitions(aligned_responses.key)


@pytest.mark.parametrize("again", [[*SYSGEN, "ui"], DEV], ids=["at_start", "by_the_sensor"])
def test_a_partition_is_finished_by_itself_after_everything_was_killed(
    tmp_path: Path, descendants: Descendants, again: list[str]
) -> None:
    port = _free_port()
    machine = Machine(tmp_path / "data", port, descendants)
    try:
        machine.do([*SYSGEN, "ui", "--print-settings"])
        machine.do([sys.executable, "-c", CONVERSATIONS])
        schedule = ["schedule", "start", "fill_gaps", "-w", str(SHIPPED_WORKSPACE)]
        machine.do([sys.executable, "-m", "dagster", *schedule])
        with model_at(port, latency_ms=2_000):
            machine.up([*SYSGEN, "ui"])
            answered = (machine.data / "ledger").rglob
            wait_until(lambda: [f for f in answered("*.jsonl") if f.stat().st_size], WITHIN_S)
            machine.down()
        [killed] = machine.see(_runs)
        assert killed.status is dg.DagsterRunStatus.STARTED  # nobody was left to say otherwise
        with model_at(port, latency_ms=0):
            machine.up(again)
            wait_until(lambda: machine.see(_ended_well), WITHIN_S)
        assert machine.see(_made) == {f"{machine.model}|{SHARD}"}
        statuses = {run.run_id: run.status for run in machine.see(_runs)}
        assert statuses[killed.run_id] is dg.DagsterRunStatus.FAILURE
    finally:
        machine.down()
