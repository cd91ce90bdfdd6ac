"""The asset that writes the cards of trained students again, with the scores that are stored."""

import dagster as dg
import polars as pl

from sysgen_dagster.defs.evaluation.comparisons import COMPARISONS
from sysgen_dagster.defs.plumbing.failures import errors_as_failures
from sysgen_dagster.defs.plumbing.partitions import CATALOG, TRAININGS, asset_key
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.evaluation.comparisons.subjects import Compared, list_subjects
from sysgen_dagster.evaluation.comparisons.tables import OF_SUITES
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.storage.store import Store
from sysgen_dagster.students.arguments import TrainingError
from sysgen_dagster.students.card import CARD, render_student_card
from sysgen_dagster.students.checkpoints import read_checkpoints, used_epoch
from sysgen_dagster.students.folders import DATA, training_folder
from sysgen_dagster.students.tables import TRAINED_STUDENTS
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster.training_sets.export.manifest import read_manifest


@dg.asset(
    deps=[asset_key(TRAINED_STUDENTS), *(each.key for each in COMPARISONS)],
    partitions_def=TRAININGS,
    group_name=TRAINED_STUDENTS.group.value,
    kinds={"markdown"},
)
@errors_as_failures
def student_cards(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """The card of a trained student (README.md beside its weights) with the scores it has.

    A training writes its card without scores. Scores that are older than the training are of
    another student, and are left out.
    """
    training = CATALOG.trainings[context.partition_key]
    folder = training_folder(tables.working_folder(), training.name)
    checkpoints = read_checkpoints(folder)
    if not checkpoints:
        raise TrainingError(
            f"{training.name} has no checkpoint in {folder}: make it first, with `sysgen train "
            f"{training.name}`"
        )
    epoch = used_epoch(training, checkpoints)
    subjects = [each for each in list_subjects(CATALOG) if _is(each, training.name, epoch)]
    scores, older = _read_scores(context, tables.store(), training.name, subjects)
    student, manifest = CATALOG.students[training.student], read_manifest(folder / DATA)
    text = render_student_card(training, student, manifest, checkpoints, scores)
    (folder / CARD).write_text(text, encoding="utf-8")
    return dg.MaterializeResult(
        metadata={
            "card": dg.MetadataValue.path(str(folder / CARD)),
            "subjects": ", ".join(each.name for each in subjects) or "none",
            "scores": sum(rows.height for rows in scores.values()),
            "older_than_the_training": ", ".join(older) or "none",
        }
    )


def _is(subject: Compared, training: str, epoch: int) -> bool:
    """Whether a subject is the student of a training after the epoch that is used."""
    named = CATALOG.model_of_subject(subject.name).epoch
    return subject.training == training and named in (None, epoch)


def _read_scores(
    context: dg.AssetExecutionContext, store: Store, training: str, subjects: list[Compared]
) -> tuple[dict[Suite, pl.DataFrame], list[str]]:
    """By suite, the rows of its comparison about these subjects; and what is too old for that."""
    trained_at = _made_at(context, TRAINED_STUDENTS, training)
    scores, older = dict[Suite, pl.DataFrame](), list[str]()
    for suite in SUITES:
        compared, names = OF_SUITES[suite.name], []
        if not store.holds(compared, Partition()):
            continue
        for each in subjects:
            scored_at = _made_at(context, suite.scores, each.name)
            if trained_at and scored_at and scored_at < trained_at:
                older.append(suite.scores.label(Partition(subject=each.name)))
            else:
                names.append(each.name)
        rows = store.read(compared, Partition())
        scores[suite] = rows.filter(pl.col("subject").is_in(names), pl.col("score").is_not_null())
    return scores, older


def _made_at(context: dg.AssetExecutionContext, table: Table, partition: str) -> float | None:
    """When a partition was made, in seconds of Unix time; None where Dagster has no record."""
    wanted = dg.AssetRecordsFilter(asset_key=asset_key(table), asset_partitions=[partition])
    records = context.instance.fetch_materializations(wanted, limit=1).records
    return records[0].timestamp if records else None
