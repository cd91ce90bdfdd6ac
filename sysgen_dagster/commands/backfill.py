"""A backfill without the daemon: one run for each partition, in this process."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.commands.work import (
    Work,
    work_at_the_end,
    work_of_lane,
    work_on_rows,
)
from sysgen_dagster.inference.stopping import STOP
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.multifaceted.tables import LANE, PREFERENCE_SETS
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED

_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)
# A tag of the runs; its value is the id of the process that executes them.
_PROCESS = "sysgen/process"
# Each lane's first table that a model is asked for: a pilot takes so many rows of a shard there.
_LIMITED = (ANNOTATED, PREFERENCE_SETS)
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(slots=True)
class Runs:
    """Counts of runs and checks, and the errors of failed steps.

    Attributes:
        partitions: Runs so far, one for each partition.
        passed: Checks that passed.
        warned: Partitions in which a check warns, by check.
        broken: Partitions in which a contract is broken, by check.
        errors: One message for each failed step.
        explained: What was found where a contract was broken first, by check.
    """

    partitions: int = 0
    passed: int = 0
    warned: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    explained: dict[str, str] = field(default_factory=dict)

    def take(self, partition: str, result: dg.ExecuteInProcessResult) -> None:
        """Count the run of one partition."""
        from sysgen_dagster.defs.plumbing.failures import is_broken_contract, root_cause

        self.partitions += 1
        stopped_by = []
        for check in result.get_asset_check_evaluations():
            if check.passed:
                self.passed += 1
                continue
            name = f"{check.asset_key.to_user_string()}: {check.check_name}"
            if check.severity is dg.AssetCheckSeverity.ERROR:
                self.broken[name] += 1
                self.explained.setdefault(name, f"{partition}: {check.description}")
                stopped_by.append(name)
            else:
                self.warned[name] += 1
        for event in result.get_step_failure_events():
            why = root_cause(event)
            if is_broken_contract(event):
                why = f"contract broken: {', '.join(stopped_by)}"
            self.errors.append(f"{partition}, {event.step_key}: {why}")

    def summary(self) -> str:
        """The runs, the checks, those that did not pass, for Rich: one line for each."""
        lines = [
            f"{self.partitions} runs, {len(self.errors)} failed",
            # What comes later fails for want of it, and stands between it and the summary.
            *(f"  the first: {escape(error)}" for error in self.errors[:1]),
            f"{self.passed} checks passed, {self.warned.total()} warn, "
            f"{self.broken.total()} broken contracts",
        ]
        for word, checks in (("warns", self.warned), ("broken", self.broken)):
            for name, n in checks.most_common():
                lines.append(f"  {word}: {name}, {n} partitions")
                lines += [f"    {escape(self.explained[name])}"] if checks is self.broken else []
        return "\n".join(lines)


Execute = Callable[[Work, int | None], dg.ExecuteInProcessResult]


class _Lines(logging.Handler):
    """Prints the log lines of engines above the progress bar, but for what was said before."""

    def __init__(self, console: Console, said: Collection[str]) -> None:
        super().__init__()
        self._console, self._said = console, said

    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if line not in self._said:
            self._console.print(Text(line, style="dim"), soft_wrap=True)


def run_everything(console: Console, catalog: Catalog, limit: int | None = None) -> Runs:
    """The outcome of one run for each partition of the deployment that this process works on.

    Args:
        console: Where the progress is shown.
        catalog: Of the deployment.
        limit: How many conversations and instructions of each shard are taken; None: all.
    """
    is_simulated = any(model.engine is Engine.SIMULATED for model in catalog.models.values())
    work = [
        *work_on_rows(catalog, catalog.partition_values["shard"]),
        *work_of_lane(catalog, catalog.lane_shards[LANE]),
        *work_at_the_end(catalog),
    ]
    return run_partitions(console, work, limit, show_engines=not is_simulated)


def run_partitions(
    console: Console, work: Sequence[Work], limit: int | None = None, show_engines: bool = False
) -> Runs:
    """The outcome of these runs, which are executed one after the other in this process.

    Progress is shown as a bar; where no bar can be drawn, as one line for each run.

    Raises:
        StoppedError: The user has ended the command.
    """
    runs = Runs()
    with executing(console) as (_, execute), Progress(*_COLUMNS, console=console) as progress:
        task = progress.add_task("starting", total=len(work))
        if show_engines:
            show_engine_log(progress.console, logging.DEBUG)
        for each in work:
            name, _, _ = each
            progress.update(task, description=f"{name:<32}")
            result = execute(each, limit)
            runs.take(name, result)
            progress.advance(task)
            if not console.is_terminal:
                console.print(f"{runs.partitions:>4}/{len(work)}  {name}", highlight=False)
            if not result.success:
                progress.console.print(Text(f"failed: {runs.errors[-1]}", style="red"))
    return runs


@contextmanager
def executing(console: Console) -> Iterator[tuple[dg.DagsterInstance, Execute]]:
    """Dagster's records, and what makes one partition after the other in this process.

    It takes a piece of work, and how many rows of a shard each lane takes (None: all), and raises
    `StoppedError` when the user has ended the command.
    """
    from sysgen_dagster.definitions import defs
    from sysgen_dagster.defs.operations.dead_runs import end_dead_runs
    from sysgen_dagster.defs.plumbing.event_log import connected
    from sysgen_dagster.defs.plumbing.partitions import asset_key

    job, begins = defs.resolve_implicit_global_asset_job_def(), [*map(asset_key, _LIMITED)]
    with dg.DagsterInstance.get() as instance, connected(Path(instance.root_directory)):
        for ended in end_dead_runs(instance):  # those of a command that was killed
            console.print(f"The process of a run is gone: {ended}", highlight=False)

        def execute(work: Work, limit: int | None) -> dg.ExecuteInProcessResult:
            _, assets, partition = work
            limited = [key.to_python_identifier() for key in begins if key in assets]
            pilot = {"ops": {name: {"config": {"limit": limit}} for name in limited}}
            STOP.check()
            result = job.execute_in_process(
                run_config=_QUIET | pilot,
                instance=instance,
                partition_key=partition,
                asset_selection=assets,
                raise_on_error=False,
                tags={_PROCESS: str(os.getpid())},
            )
            STOP.check()
            return result

        yield instance, execute


def show_engine_log(
    console: Console, level: int = logging.INFO, said: Collection[str] = ()
) -> None:
    """Print what happens to engines from now on, there alone: a line is never printed twice.

    Args:
        console: Where it is printed.
        level: DEBUG for lines that say how far the requests are, too.
        said: Lines that need not be said again.
    """
    from sysgen_dagster.defs.plumbing.resources import ENGINE_LOG

    for earlier in [each for each in ENGINE_LOG.handlers if isinstance(each, _Lines)]:
        ENGINE_LOG.removeHandler(earlier)
    ENGINE_LOG.addHandler(_Lines(console, said))
    ENGINE_LOG.setLevel(level)


def abandon_runs() -> None:
    """Tell Dagster that the runs of this process have ended: nobody else will."""
    started = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTED], tags={_PROCESS: str(os.getpid())}
    )
    with dg.DagsterInstance.get() as instance:
        for run in instance.get_runs(started):
            instance.report_run_canceled(run)
