"""The asset checks of trained students."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import dagster as dg
import polars as pl

from sysgen_dagster.catalog.students import Objective
from sysgen_dagster.defs.plumbing.asset_checks import check_result
from sysgen_dagster.defs.plumbing.partitions import CATALOG, TRAININGS, asset_key
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.storage.store import Store
from sysgen_dagster.students.checkpoints import read_checkpoints, used_epoch
from sysgen_dagster.students.checks import ANSWER, CHECKS, StudentCheck, TrainedStudent
from sysgen_dagster.students.folders import DATA, training_folder
from sysgen_dagster.students.launching import find_trainer
from sysgen_dagster.students.metrics import Status, read_status
from sysgen_dagster.students.tables import TRAINED_STUDENTS
from sysgen_dagster.tables.checks import Check, Evidence, Finding
from sysgen_dagster.tables.rates import Rate
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.splits import Split
from sysgen_dagster.training_sets.tables import SPLITS

_KEY = asset_key(TRAINED_STUDENTS)


@dg.multi_asset_check(
    name="trained_students_checks",
    specs=[
        dg.AssetCheckSpec(
            check.name,
            asset=_KEY,
            description=check.statement,
            blocking=check.blocking,
            partitions_def=TRAININGS,
        )
        for check in CHECKS
    ],
    can_subset=True,
    compute_kind="polars",
)
def trained_students_checks(
    context: dg.AssetCheckExecutionContext, tables: TablesResource
) -> Iterator[dg.AssetCheckResult]:
    """Looks at the stored steps, and at the folder of the training."""
    store, at = tables.store(), TRAINED_STUDENTS.partition_of(context.partition_key)
    trained = _read(store, at, training_folder(tables.working_folder(), context.partition_key))
    for each in CHECKS:
        if dg.AssetCheckKey(_KEY, each.name) in context.selected_asset_check_keys:
            evaluate = partial(_evaluate, each, trained)
            check = Check(each.name, TRAINED_STUDENTS, each.statement, each.blocking, evaluate)
            yield check_result(check, StoredEvidence(store, ()), _KEY)


def _evaluate(check: StudentCheck, trained: TrainedStudent, _rows: Evidence) -> Finding:
    return check.evaluate(trained)


def _read(store: Store, at: Partition, folder: Path) -> TrainedStudent:
    """What the checks look at."""
    made, answer = read_checkpoints(folder), folder / ANSWER
    training = CATALOG.trainings[str(at.training)]
    epoch = used_epoch(training, made)
    used = next((each for each in made if each.epoch == epoch), None)
    scored = used.compared if used else Rate(0, 0)
    return TrainedStudent(
        rows=store.read(TRAINED_STUDENTS, at),
        status=read_status(folder) or Status("missing"),
        train_ids=_exported(folder, Split.TRAIN),
        test_ids=_exported(folder, Split.TEST) | _in_test_split(store),
        checkpoint=folder / used.path if used else None,
        python=find_trainer(),
        answer=answer.read_text(encoding="utf-8").strip() if answer.is_file() else None,
        compared=scored if training.objective is Objective.REWARD else None,
    )


def _exported(folder: Path, split: Split) -> frozenset[str]:
    files = sorted((folder / DATA / "data").rglob(f"{split.value}-*.parquet"))
    parts = [pl.read_parquet(file, columns=["conversation_id"]) for file in files]
    return frozenset(pl.concat(parts)["conversation_id"]) if parts else frozenset()


def _in_test_split(store: Store) -> frozenset[str]:
    splits = store.read(SPLITS, Partition(), "conversation_id", "split")
    return frozenset(splits.filter(split=Split.TEST.value)["conversation_id"])
