"""A backfill without the daemon: one run for each partition, in this process."""

import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import dagster as dg
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.inference.stopping import STOP
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.tables import MIXTURES

_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)
# A tag of the runs; its value is the id of the process that executes them.
_PROCESS = "sysgen/process"
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


Work = tuple[str, list[dg.AssetKey], str | None]  # printed name, assets, partition


def _work(catalog: Catalog) -> Iterator[Work]:
    from sysgen_dagster.defs.exports import exports
    from sysgen_dagster.defs.plumbing.partitions import SOURCE_TABLES, asset_key
    from sysgen_dagster.defs.report import paper_comparison, report
    from sysgen_dagster.defs.training_sets import mixtures, preference_pairs

    shards = catalog.partition_values["shard"]
    for table in SOURCE_TABLES.values():
        for at in table.partitions(catalog):
            yield f"source {at.shard}", [asset_key(table)], at.key
    for shard in shards:
        yield f"conversations {shard}", [asset_key(CONVERSATIONS)], shard
    of_shards, of_models, of_sources = after_conversations()
    yield "sources", of_sources, None
    for model in catalog.models:
        yield from ((f"{model} {shard}", of_shards, f"{model}|{shard}") for shard in shards)
        yield f"{model} statistics", of_models, model
    for model in catalog.models:
        for shard in shards:
            yield f"{model} {shard} pairs", [preference_pairs.key], f"{model}|{shard}"
    for recipe in catalog.mixtures:
        yield f"export {recipe}", [mixtures.key, exports.key], recipe
    yield "report", [paper_comparison.key, report.key], None


def after_conversations() -> tuple[list[dg.AssetKey], list[dg.AssetKey], list[dg.AssetKey]]:
    """Keys of the assets made for each model and shard, for each model, and once."""
    from sysgen_dagster.defs.judgements import JUDGEMENTS
    from sysgen_dagster.defs.measures import CORPUS, QUALITY, STATISTICS
    from sysgen_dagster.defs.operations.forecast import forecast
    from sysgen_dagster.defs.planted_faults import planted_faults
    from sysgen_dagster.defs.plumbing.partitions import MODEL_SHARDS, MODELS
    from sysgen_dagster.defs.sysgen_lane import PHASES
    from sysgen_dagster.defs.training_sets import splits, training_rows

    measured = [*STATISTICS, *QUALITY, *CORPUS, forecast]
    every = [*PHASES, *measured, *JUDGEMENTS, planted_faults, splits, training_rows]
    of_shards, of_models, of_sources = (
        [asset.key for asset in every if asset.partitions_def == partitions]
        for partitions in (MODEL_SHARDS, MODELS, None)
    )
    return of_shards, of_models, of_sources


def stored_recipes(store: Store, catalog: Catalog) -> Iterator[Work]:
    """The mixtures that are stored, to be made again, and their exports."""
    from sysgen_dagster.defs.exports import exports
    from sysgen_dagster.defs.training_sets import mixtures

    for recipe in catalog.mixtures:
        if store.holds(MIXTURES, Partition(recipe=recipe)):
            is_exported = (store.export(recipe) / "manifest.json").is_file()
            assets = [mixtures.key, *([exports.key] if is_exported else [])]
            yield f"again {recipe}", assets, recipe


class _Lines(logging.Handler):
    """Prints the log lines of engines above the progress bar."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(Text(record.getMessage(), style="dim"))


def run_everything(console: Console, catalog: Catalog, limit: int | None = None) -> Runs:
    """The outcome of one run for each partition of the deployment that this process works on.

    Args:
        console: Where the progress is shown.
        catalog: Of the deployment.
        limit: How many conversations of each shard are taken; all when left out.
    """
    is_simulated = any(model.engine is Engine.SIMULATED for model in catalog.models.values())
    return run_partitions(console, list(_work(catalog)), limit, show_engines=not is_simulated)


def run_partitions(
    console: Console, work: Sequence[Work], limit: int | None = None, show_engines: bool = False
) -> Runs:
    """The outcome of these runs, which are executed one after the other in this process.

    Progress is shown as a bar; where no bar can be drawn, as one line for each run.

    Raises:
        StoppedError: The user has ended the command.
    """
    from sysgen_dagster.definitions import defs
    from sysgen_dagster.defs.operations.dead_runs import end_dead_runs
    from sysgen_dagster.defs.plumbing.resources import ENGINE_LOG

    job, runs = defs.resolve_implicit_global_asset_job_def(), Runs()
    pilot = {"ops": {ANNOTATED.name: {"config": {"limit": limit}}}}
    with dg.DagsterInstance.get() as instance, Progress(*_COLUMNS, console=console) as progress:
        for ended in end_dead_runs(instance):  # those of a command that was killed
            console.print(f"The process of a run is gone: {ended}", highlight=False)
        task = progress.add_task("starting", total=len(work))
        if show_engines:
            ENGINE_LOG.addHandler(_Lines(progress.console))
            ENGINE_LOG.setLevel(logging.INFO)
        for name, assets, partition in work:
            STOP.check()
            progress.update(task, description=f"{name:<32}")
            result = job.execute_in_process(
                run_config=_QUIET | (pilot if partition and "|" in partition else {}),
                instance=instance,
                partition_key=partition,
                asset_selection=assets,
                raise_on_error=False,
                tags={_PROCESS: str(os.getpid())},
            )
            STOP.check()
            runs.take(name, result)
            progress.advance(task)
            if not console.is_terminal:
                console.print(f"{runs.partitions:>4}/{len(work)}  {name}", highlight=False)
            if not result.success:
                progress.console.print(Text(f"failed: {runs.errors[-1]}", style="red"))
    return runs


def abandon_runs() -> None:
    """Tell Dagster that the runs of this process have ended: nobody else will."""
    started = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTED], tags={_PROCESS: str(os.getpid())}
    )
    with dg.DagsterInstance.get() as instance:
        for run in instance.get_runs(started):
            instance.report_run_canceled(run)
