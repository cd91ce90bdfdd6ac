"""The first steps of a training, to see that it fits and what it will take; nothing is kept."""

import os
import shutil
import time
from pathlib import Path

from rich.console import Console

from sysgen_dagster.catalog.students import Student, StudentTraining
from sysgen_dagster.commands.printing import say
from sysgen_dagster.inference.local.environment import environment_of_servers
from sysgen_dagster.inference.local.gpus import has_gpu, visible
from sysgen_dagster.inference.quoting import end_of_log
from sysgen_dagster.inference.stopping import STOP
from sysgen_dagster.students.arguments import Devices, build_arguments, find_rows
from sysgen_dagster.students.launching import (
    LOG,
    Running,
    following,
    program_command,
    require_trainer,
    start_or_attach,
)
from sysgen_dagster.students.metrics import MetricsFile, read_status

_LOOK_EVERY_S = 0.2


def try_training(
    console: Console,
    training: StudentTraining,
    student: Student,
    export: Path,
    folder: Path,
    *,
    steps: int,
    start: Path | None,
) -> int:
    """0 when so many steps of a training were made and printed; their folder is deleted.

    Args:
        console: Where they are printed.
        training: Its entry in the catalogue.
        student: The entry of its student.
        export: What it learns.
        folder: A folder of the trial alone.
        steps: How many optimiser steps are made.
        start: The checkpoint that it starts from.

    Raises:
        StoppedError: The user has ended the command.
        TrainingError: It cannot be made.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    is_on_gpu = has_gpu()
    environment = environment_of_servers(os.environ, downloads=True)
    if is_on_gpu:
        environment["CUDA_VISIBLE_DEVICES"] = visible(training.gpus)
    arguments = build_arguments(
        training,
        student,
        find_rows(export, training),
        folder,
        devices=Devices.CUDA if is_on_gpu else Devices.CPU,
        start=start,
        most_steps=steps,
    )
    command = program_command(
        require_trainer(),
        "program",
        processes=arguments["processes"],
        sharding=training.sharding,
    )
    with following(folder, "sysgen train"):
        running = start_or_attach(folder, arguments, command, environment)
        try:
            _show_steps(console, running)
            running.require_done(end_of_log(folder / LOG))
        finally:
            running.stop()
    _forget(console, folder)
    return 0


def _forget(console: Console, folder: Path) -> None:
    """Say what has come of a trial, and delete its folder."""
    status = read_status(folder)
    if status and status.changed_weights is not None:
        say(console, f"{status.changed_weights:.1%} of the weights have changed.")
    shutil.rmtree(folder)
    say(console, "It was a trial: nothing of it is kept.")


def _show_steps(console: Console, running: Running) -> None:
    metrics = MetricsFile(running.folder)
    while True:
        STOP.check()
        is_alive = running.is_alive  # before the last look at what it has written
        for line in metrics.read_new():
            if "loss" in line:
                say(
                    console,
                    f"step {line['step']}: loss {line['loss']:.4g}, "
                    f"{line.get('tokens_per_s') or 0:,.0f} tokens/s, "
                    f"{line.get('memory_mib') or 0:,.0f} MiB",
                )
        if not is_alive:
            return
        time.sleep(_LOOK_EVERY_S)
