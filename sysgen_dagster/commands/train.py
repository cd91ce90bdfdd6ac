"""`sysgen train`: one training of the catalogue, in this terminal; or all of them, as a list."""

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import dagster as dg
from rich.console import Console

from sysgen_dagster.catalog.students import Objective, StudentTraining, Trainer
from sysgen_dagster.commands.backfill import run_partitions
from sysgen_dagster.commands.deployment import use_dagster_home, use_deployment, work_of
from sysgen_dagster.commands.printing import add_lines, new_table, say
from sysgen_dagster.commands.trial_training import try_training
from sysgen_dagster.commands.work import Work
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.storage.exports import reading_export, stored_exports
from sysgen_dagster.storage.store import Store
from sysgen_dagster.students.adapters.axolotl import plan_axolotl
from sysgen_dagster.students.adapters.llama_factory import plan_llama_factory
from sysgen_dagster.students.adapters.plan import Plan
from sysgen_dagster.students.arguments import (
    Devices,
    TrainingError,
    build_arguments,
    find_rows,
)
from sysgen_dagster.students.card import CARD
from sysgen_dagster.students.checkpoints import find_start, find_used
from sysgen_dagster.students.folders import training_folder
from sysgen_dagster.students.launching import find_running
from sysgen_dagster.students.metrics import METRICS, MetricsFile, read_status, seconds_left
from sysgen_dagster.students.tables import TRAINED_STUDENTS
from sysgen_dagster.tables.table import Partition

_SAY_EVERY_S = 30.0


def list_trainings(console: Console, data: str) -> int:
    """0 when every training of the catalogue is printed, with how far it is."""
    store = use_deployment(data)
    catalog, exported = load_catalog(), stored_exports(store)
    place = shlex.quote(data)
    words = ("training", "student", "mixture", "objective", "trainer", "epoch", "state")
    table = new_table("Trainings", words=words, numbers=())
    add_lines(
        table,
        [
            (
                name,
                each.student,
                f"{each.mixture}, {each.configuration or 'all rows'}",
                each.objective.value,
                each.trainer.value,
                f"{each.used_epoch} of {each.epochs}",
                _state(store, each, is_exported=each.mixture in exported),
            )
            for name, each in catalog.trainings.items()
        ],
    )
    console.print(table)
    if catalog.trainings:
        say(console, f"Make one of them: sysgen train TRAINING -o {place}")
    else:
        say(console, "The catalogue names none: docs/training.md says how to.")
    return 0


def _state(store: Store, training: StudentTraining, *, is_exported: bool) -> str:
    if store.holds(TRAINED_STUDENTS, Partition(training=training.name)):
        return "trained"
    status = read_status(folder_of(store, training.name))
    if status is None:
        return "to do" if is_exported else "to do, and to export"
    return f"{status.state}, step {status.step} of {status.steps or '?'}"


def folder_of(store: Store, training: str) -> Path:
    """The folder of a training."""
    return training_folder(work_of(store), training)


def train(console: Console, data: str, name: str, steps: int | None = None) -> int:
    """0 when a training is made, or written for the trainer that it names; 1 if it has failed.

    The export of its mixture is made first where there is none.

    Args:
        console: Where it is shown how far it is.
        data: The place of the deployment.
        name: Of the training.
        steps: Only so many are made, and nothing of them is kept.

    Raises:
        StoreError: There is no such deployment.
        TrainingError: There is no such training, or it cannot be written.
    """
    store = use_deployment(data)
    use_dagster_home(store)
    catalog = load_catalog()
    training = _find(catalog, name)
    work = list(_export_first(store, training))
    if training.trainer is Trainer.TRL and steps is None:
        work.append((name, [dg.AssetKey(TRAINED_STUDENTS.name)], name))
    if work:
        with _following(console, folder_of(store, name)):
            runs = run_partitions(console, work)
        if runs.errors:
            say(console, "\n".join(runs.errors))
            _say_how_to_go_on(console, store, name)
            return 1
    if training.trainer is not Trainer.TRL:
        return _write_plan(console, store, catalog, training)
    if steps is not None:
        return _try(console, store, catalog, training, steps)
    return _say_what_is_made(console, store, training)


def _say_how_to_go_on(console: Console, store: Store, name: str) -> None:
    status = read_status(folder_of(store, name))
    if status and status.state == "stopped":
        say(
            console,
            f"{name} has ended at step {status.step} of {status.steps or '?'}, and its state is "
            "saved: the same command goes on from there",
        )


def _try(
    console: Console, store: Store, catalog: Catalog, training: StudentTraining, steps: int
) -> int:
    with reading_export(store, training.mixture, work_of(store)) as export:
        return try_training(
            console,
            training,
            catalog.students[training.student],
            export,
            folder_of(store, f".trial-{training.name}"),
            steps=steps,
            start=find_start(work_of(store), training, catalog.trainings),
        )


def _find(catalog: Catalog, name: str) -> StudentTraining:
    if name not in catalog.trainings:
        there = ", ".join(catalog.trainings) or "none"
        raise TrainingError(f"{name} is no training of the catalogue, which has {there}")
    return catalog.trainings[name]


def _export_first(store: Store, training: StudentTraining) -> Iterator[Work]:
    if training.mixture in stored_exports(store):
        return
    from sysgen_dagster.defs.exports import exports
    from sysgen_dagster.defs.training_sets import mixtures

    yield f"export {training.mixture}", [mixtures.key, exports.key], training.mixture


def _write_plan(console: Console, store: Store, catalog: Catalog, training: StudentTraining) -> int:
    """The files of another trainer, and the commands that are to be run."""
    with reading_export(store, training.mixture, work_of(store)) as export:
        arguments = build_arguments(
            training,
            catalog.students[training.student],
            find_rows(export, training),
            folder_of(store, training.name),
            devices=Devices.CUDA,
            start=find_start(work_of(store), training, catalog.trainings),
        )
        plan = _plan(arguments, training, catalog)
        plan.write()
    say(console, f"Written for {training.trainer}: {', '.join(plan.files)} in {plan.folder}")
    say(console, "Run it in that trainer's environment:")
    for line in plan.as_shell.splitlines():
        say(console, f"  {line}")
    return 0


def _plan(arguments: dict[str, Any], training: StudentTraining, catalog: Catalog) -> Plan:
    if training.trainer is Trainer.AXOLOTL:
        return plan_axolotl(arguments, training)
    return plan_llama_factory(arguments, training, catalog.students[training.student])


def _say_what_is_made(console: Console, store: Store, training: StudentTraining) -> int:
    """Say where the weights are and how they are served."""
    folder = folder_of(store, training.name)
    used = find_used(folder, training)
    say(console, f"Trained: {folder / used.path} (epoch {used.epoch}, sha256 {used.sha256[:12]})")
    say(console, f"Its card: {folder / CARD}")
    if training.objective is Objective.REWARD:
        say(console, "It scores answers: transformers' AutoModelForSequenceClassification loads it")
    else:
        say(console, f"To serve it, a model of the catalogue names it: `training: {training.name}`")
    return 0


def end_training(data: str, name: str) -> None:
    """End a training that runs, with a checkpoint, and return when it has ended."""
    store = use_deployment(data)
    for folder in (folder_of(store, name), folder_of(store, f".trial-{name}")):
        if (running := find_running(folder)) is not None:
            running.stop()


@contextmanager
def _following(console: Console, folder: Path) -> Iterator[None]:
    """Says now and then how far a training is, while it is made."""
    is_over = Event()
    thread = Thread(target=_follow, args=(console, folder, is_over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _follow(console: Console, folder: Path, is_over: Event) -> None:
    metrics, lines = MetricsFile(folder), list[dict[str, Any]]()
    began, said = time.time(), -1
    while not is_over.wait(_SAY_EVERY_S):
        lines += [line for line in metrics.read_new() if "loss" in line]
        status = read_status(folder)
        if not lines or status is None or lines[-1]["step"] == said:
            continue
        if (folder / METRICS).stat().st_mtime < began:
            continue  # of an earlier training
        last, said = lines[-1], lines[-1]["step"]
        left = seconds_left(lines, status.steps)
        ends = "" if left is None else f", {left / 60:,.0f} minutes left"
        say(
            console,
            f"step {last['step']:,} of {status.steps or '?'}, loss {last['loss']:.4g}, "
            f"{last.get('tokens_per_s') or 0:,.0f} tokens/s{ends}",
        )
