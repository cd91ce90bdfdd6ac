"""The card of a student is written again with its scores; its rows are searched for benchmarks."""

from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
import yaml

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.defs import student_cards
from sysgen_dagster.defs.evaluation import contamination
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.evaluation.comparisons.tables import OF_SUITES
from sysgen_dagster.evaluation.multifacet.suite import SUITES
from sysgen_dagster.evaluation.multifacet.tables import MULTIFACET_ITEMS, MULTIFACET_SCORES
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.storage.store import Store
from sysgen_dagster.students.checkpoints import write_checkpoints
from sysgen_dagster.students.tables import TRAINED_STUDENTS
from sysgen_dagster.tables.checks import Finding
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.training_sets.export.exports import export

TRAINING = "phi-4-sysgen"
SUBJECTS = {
    "taught": {"training": TRAINING},
    "early": {"training": TRAINING, "epoch": 1},
    "base": {"model": "phi-4"},
    "preferring": {"training": "llama-3.1-8b-dpo"},
}
SCORE = {
    **{"metric": "multifacet", "of": "total", "score": 4.2, "low": 4.1, "high": 4.3},
    **{"items": 9, "dropped": 0, "judge": "hawk", "worth": "uncalibrated: no labels"},
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment with a trained student that is evaluated after one epoch and after three."""
    full = yaml.safe_load(FULL_CATALOG.read_text())
    file = tmp_path / "catalog.yaml"
    file.write_text(yaml.safe_dump({**full, "subjects": SUBJECTS}))
    for module in (student_cards, contamination):
        monkeypatch.setattr(module, "CATALOG", load_catalog(file))
    compared = OF_SUITES["multifacet"]
    rows = [{"subject": name, **SCORE} for name in SUBJECTS]
    Store(tmp_path).write(compared, Partition(), pl.DataFrame(rows, schema=compared.schema))
    train(tmp_path, TRAINING)
    return tmp_path


def train(data: Path, training: str) -> None:
    """Leave what a training of three epochs leaves."""
    folder = data / "students" / training
    for epoch in (1, 2, 3):
        place = folder / "checkpoints" / f"epoch-{epoch}"
        place.mkdir(parents=True)
        (place / "model.safetensors").write_bytes(b"x")
    write_checkpoints(folder, [{"epoch": epoch, "step": epoch} for epoch in (1, 2, 3)])
    export(folder / "data")


def write_card(data: Path, instance: dg.DagsterInstance, training: str = TRAINING) -> Any:
    context = dg.build_asset_context(partition_key=training, instance=instance)
    return student_cards.student_cards(context, tables=TablesResource(root=str(data)))


def record(instance: dg.DagsterInstance, name: str, partition: str) -> None:
    """Have Dagster know that a partition is made, now."""
    instance.report_runless_asset_event(
        dg.AssetMaterialization(asset_key=name, partition=partition)
    )


def test_a_card_cites_the_scores_of_the_epoch_that_is_used(data: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        made = write_card(data, instance)
    card = (data / "students" / TRAINING / "README.md").read_text()

    assert made.metadata["subjects"] == "taught"
    assert "## Scores" in card
    assert "4.20 (4.10 to 4.30)" in card
    assert "hawk (uncalibrated: no labels)" in card
    assert "`early`" not in card
    assert "`base`" not in card


@pytest.mark.parametrize("is_newer", [True, False])
def test_scores_that_are_older_than_the_training_are_left_out(data: Path, is_newer: bool) -> None:
    made = [(MULTIFACET_SCORES.name, "taught"), (TRAINED_STUDENTS.name, TRAINING)]
    with dg.DagsterInstance.ephemeral() as instance:
        for name, partition in reversed(made) if is_newer else made:
            record(instance, name, partition)
        noted = write_card(data, instance).metadata
    card = (data / "students" / TRAINING / "README.md").read_text()

    assert ("## Scores" in card) is is_newer
    older = "none" if is_newer else "multifacet_scores for taught"
    assert noted["older_than_the_training"] == older


def test_a_training_that_is_not_made_has_no_card(data: Path) -> None:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        pytest.raises(dg.Failure, match="sysgen train phi-4-original-answer"),
    ):
        write_card(data, instance, "phi-4-original-answer")


def look(data: Path, subject: str) -> Finding:
    store = Store(data)
    evidence = StoredEvidence(store, (), subject=subject)
    return contamination._look(SUITES[0], MULTIFACET_ITEMS, subject, data, evidence)


def ask(data: Path, prompt: str) -> None:
    """A bench of one item."""
    row = {"item": "1", "prompt": prompt, "system_message": "Say what you know of it."}
    whole = {**dict.fromkeys(MULTIFACET_ITEMS.names), **row}
    items = pl.DataFrame([whole], schema=MULTIFACET_ITEMS.schema)
    Store(data).write(MULTIFACET_ITEMS, Partition(), items)


def test_training_rows_of_a_student_are_searched_for_what_it_is_asked(data: Path) -> None:
    ask(data, "You are tutor 3.\nWhat is 3 + 1?")
    held = look(data, "taught")
    ask(data, "Which of the seven trees in the garden gives the sweetest pears of all?")
    clean = look(data, "taught")

    assert clean.passed
    assert clean.details["training rows"] == held.details["training rows"] == 20
    assert not held.passed
    assert held.figure == 2  # of two sources


def test_what_was_learned_before_is_searched_too_and_rows_that_are_gone_are_said(
    data: Path,
) -> None:
    ask(data, "Which of the seven trees in the garden gives the sweetest pears of all?")
    gone = look(data, "preferring")
    train(data, "llama-3.1-8b-dpo")
    train(data, "llama-3.1-8b-sysgen")

    assert not gone.passed
    assert "llama-3.1-8b-dpo, llama-3.1-8b-sysgen" in gone.explanation
    assert look(data, "preferring").details == {"training rows": 40}


def test_of_what_was_not_trained_here_nobody_knows_what_it_has_learned(data: Path) -> None:
    found = look(data, "base")

    assert found.passed
    assert "not known" in found.explanation
