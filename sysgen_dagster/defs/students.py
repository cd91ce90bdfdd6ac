"""The asset that trains students: it starts the program, follows it, and ends with checkpoints."""

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from sysgen_dagster.catalog.students import StudentTraining, Trainer
from sysgen_dagster.defs.exports import exports
from sysgen_dagster.defs.plumbing.failures import errors_as_failures
from sysgen_dagster.defs.plumbing.metadata import column_metadata, markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG, TRAININGS
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.table_io import AssetRun, store_result
from sysgen_dagster.defs.plumbing.training_pods import Pods, find_pods
from sysgen_dagster.inference.local.environment import environment_of_servers
from sysgen_dagster.inference.local.gpus import devices, has_gpu, visible
from sysgen_dagster.inference.local.servers import LocalServer, ServerUse
from sysgen_dagster.inference.quoting import end_of_log
from sysgen_dagster.processes import supervised
from sysgen_dagster.processes.supervisor import Ending
from sysgen_dagster.report import drawing
from sysgen_dagster.report.training_charts import draw_losses
from sysgen_dagster.storage.exports import reading_export
from sysgen_dagster.students.arguments import Devices, TrainingError, build_arguments, find_rows
from sysgen_dagster.students.card import CARD, render_student_card
from sysgen_dagster.students.checkpoints import (
    Checkpoint,
    find_start,
    find_used,
    write_checkpoints,
)
from sysgen_dagster.students.checks import ANSWER, PROMPT
from sysgen_dagster.students.folders import DATA, training_folder
from sysgen_dagster.students.launching import (
    GRACE_S,
    IDLE_S,
    LOG,
    Running,
    find_running,
    following,
    program_command,
    require_trainer,
    start_or_attach,
)
from sysgen_dagster.students.metrics import (
    MetricsFile,
    Status,
    build_rows,
    read_status,
    seconds_left,
)
from sysgen_dagster.students.tables import TRAINED_STUDENTS
from sysgen_dagster.training_sets.export.manifest import read_manifest

_MOST_OBSERVATIONS = 200  # of a run: each is a row of Dagster's database
_LOOK_EVERY_S = 1.0


def _mixtures() -> dg.StaticPartitionMapping:
    """Which trainings learn which mixture."""
    learn: dict[str, set[str]] = {}
    for name, training in CATALOG.trainings.items():
        learn.setdefault(training.mixture, set()).add(name)
    return dg.StaticPartitionMapping(learn)


@dg.asset(
    key=TRAINED_STUDENTS.name,
    deps=[dg.AssetDep(exports, partition_mapping=_mixtures())],
    partitions_def=TRAININGS,
    group_name=TRAINED_STUDENTS.group.value,
    kinds={"pytorch", "huggingface"},
    metadata=column_metadata(TRAINED_STUDENTS.columns),
    pool="gpu",
)
@errors_as_failures
def trained_students(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """A student that is fine-tuned on an export, by a program that outlives this run.

    A run that is cancelled ends it with a checkpoint. The next run goes on from there, or follows
    it where it still runs.
    """
    training, working = CATALOG.trainings[context.partition_key], tables.working_folder()
    if training.trainer is not Trainer.TRL:
        raise TrainingError(
            f"{training.name} is trained by {training.trainer}, which is not started from here: "
            f"`sysgen train {training.name}` writes its command line and its file"
        )
    folder = training_folder(working, training.name)
    pods = find_pods(context, folder, len(training.gpus))
    if pods is None:
        require_trainer()
    is_on_gpu = pods is not None or has_gpu()
    with (
        following(folder, f"run {context.run.run_id}"),
        _own_gpus(training, working, context) if is_on_gpu and not pods else nullcontext(),
    ):
        running = _begin(context, tables, training, folder, pods, is_on_gpu=is_on_gpu)
        lines = _follow(context, running, training)
        status = running.require_done(end_of_log(folder / LOG))
        made = write_checkpoints(folder, lines)
        _write_card(folder, training, made)
        used = find_used(folder, training)
        if pods is not None:
            pods.ask(folder / used.path, PROMPT, folder / ANSWER)
        run = AssetRun(
            TRAINED_STUDENTS,
            TRAINED_STUDENTS.partition_of(training.name),
            context,
            tables,
            settings=used.sha256,
        )
        rows = build_rows(lines)
        run.note(**_described(folder, training, status, made, used, is_on_gpu), **_chart(rows))
        return store_result(run, rows)


def _begin(
    context: dg.AssetExecutionContext,
    tables: TablesResource,
    training: StudentTraining,
    folder: Path,
    pods: Pods | None,
    *,
    is_on_gpu: bool,
) -> Running:
    """The training, which is started unless it runs.

    It learns a copy of the export: it may be made again while the training runs, and in object
    storage it is no folder.
    """
    copy = folder / DATA
    with reading_export(tables.store(), training.mixture, tables.working_folder()) as export:
        rows = find_rows(export, training)
        if find_running(folder, pods or supervised) is None:
            (folder / ANSWER).unlink(missing_ok=True)
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(export, copy)
    arguments = build_arguments(
        training,
        CATALOG.students[training.student],
        replace(rows, folder=copy),
        folder,
        devices=Devices.CUDA if is_on_gpu else Devices.CPU,
        start=find_start(tables.working_folder(), training, CATALOG.trainings),
    )
    processes = arguments["processes"]
    environment = {} if pods else environment_of_servers(os.environ, downloads=True)
    if is_on_gpu and not pods:
        environment["CUDA_VISIBLE_DEVICES"] = visible(training.gpus)
    command = pods.command if pods else partial(program_command, require_trainer())
    running = start_or_attach(
        folder,
        arguments,
        command("program", processes=processes, sharding=training.sharding),
        environment,
        Ending(IDLE_S, GRACE_S, keeps_state=True, spares_launcher=processes > 1),
        pods or supervised,
    )
    said = "goes on, which an earlier run has started" if running.is_attached else "is started"
    context.log.info(f"The training {training.name} {said}; its log is {folder / LOG}")
    return running


@contextmanager
def _own_gpus(
    training: StudentTraining, working: Path, context: dg.AssetExecutionContext
) -> Iterator[None]:
    """Ends idle model servers on the GPUs of a training, and lets none be started there."""
    server = LocalServer(
        f"training-{training.name}", (), ready_within_s=0, idle_s=0, devices=devices(training.gpus)
    )
    with ExitStack() as stack:
        use = ServerUse(server, working / "engines", context.log.info)
        stack.callback(use.release)
        use.claim()
        yield


def _follow(
    context: dg.AssetExecutionContext, running: Running, training: StudentTraining
) -> list[dict[str, Any]]:
    """The metrics of a training when it has ended; meanwhile some are observations of the asset.

    A run that is cancelled ends the training, which writes a checkpoint.
    """
    metrics, lines = MetricsFile(running.folder), list[dict[str, Any]]()
    seen = _Observer(context, running.folder)
    try:
        while True:
            is_alive = running.is_alive  # before the last look at what it has written
            lines += metrics.read_new()
            seen.observe(lines)
            if not is_alive:
                running.stop()  # a pod that has ended is still there
                return lines
            time.sleep(_LOOK_EVERY_S)
    except (dg.DagsterExecutionInterruptedError, KeyboardInterrupt):
        context.log.info(f"The run is cancelled: {training.name} writes a checkpoint and ends")
        running.stop()
        raise


@dataclass(slots=True)
class _Observer:
    """Observes the asset so that a whole training makes as many observations as a run may."""

    context: dg.AssetExecutionContext
    folder: Path
    observed: int | None = None  # the step of the last one
    _began: float = field(default_factory=time.monotonic)

    def observe(self, lines: list[dict[str, Any]]) -> None:
        """Observe the last step, if it is time to."""
        made = [line for line in lines if "loss" in line]
        status = read_status(self.folder)
        if not made or status is None or not status.steps:
            return
        last, every = made[-1], -(-status.steps // _MOST_OBSERVATIONS)
        if self.observed is not None and last["step"] < self.observed + every:
            return
        self.observed = last["step"]
        left = seconds_left(made, status.steps)
        shown = ("step", "epoch", "loss", "learning_rate", "tokens", "tokens_per_s", "memory_mib")
        self.context.log_event(
            dg.AssetObservation(
                asset_key=self.context.asset_key,
                partition=self.context.partition_key,
                description=f"step {last['step']:,} of {status.steps:,}, loss {last['loss']:.4g}",
                metadata={
                    **{name: last[name] for name in shown if last.get(name) is not None},
                    "steps": status.steps,
                    **({} if left is None else {"minutes_left": round(left / 60, 1)}),
                },
            )
        )


def _write_card(folder: Path, training: StudentTraining, made: list[Checkpoint]) -> None:
    student, manifest = CATALOG.students[training.student], read_manifest(folder / DATA)
    text = render_student_card(training, student, manifest, made)
    (folder / CARD).write_text(text, encoding="utf-8")


def _described(
    folder: Path,
    training: StudentTraining,
    status: Status,
    made: list[Checkpoint],
    used: Checkpoint,
    is_on_gpu: bool,
) -> dict[str, Any]:
    """What the UI shows of a trained student besides its loss."""
    processes = len(training.gpus) if is_on_gpu else 1
    hours = round(status.seconds * processes / 3600, 4)
    return {
        "folder": dg.MetadataValue.path(str(folder)),
        "used_checkpoint": dg.MetadataValue.path(str(folder / used.path)),
        "used_epoch": used.epoch,
        "used_checkpoint_sha256": used.sha256,
        "checkpoints": markdown(pl.DataFrame([asdict(each) for each in made])),
        "tokens": status.tokens_seen,
        "gpu_hours" if is_on_gpu else "cpu_hours": hours,
        "rows_trained_on": status.rows_after or 0,
        "changed_weights": status.changed_weights or 0.0,
        "template_sha256": status.template_sha256 or "",
        "versions": dg.MetadataValue.json(dict(status.versions)),
    }


def _chart(rows: pl.DataFrame) -> Mapping[str, Any]:
    if rows["loss"].is_null().all():
        return {}
    if not drawing.available():
        return {"loss": "not drawn: pip install 'sysgen-dagster[report]'"}
    picture = drawing.data_uri(drawing.svg(draw_losses(rows), "Loss", alone=True))
    return {"loss": dg.MetadataValue.md(f"![Loss]({picture})")}
