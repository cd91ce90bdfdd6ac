"""Subjects in a catalogue: models, students, and where the message stands."""

from pathlib import Path

import pytest

from sysgen_dagster.catalog.subjects import MessageIn
from sysgen_dagster_tests.catalog.test_evaluation import fault, load


@pytest.mark.parametrize("name", ["owl", "hawk"])
def test_a_subject_may_be_what_a_model_of_the_catalogue_answers(tmp_path: Path, name: str) -> None:
    catalog = load(tmp_path, f"subjects: {{mine: {{model: {name}}}}}")

    assert catalog.model_of_subject("mine") is catalog.served[name]
    assert "mine" not in catalog.served
    assert catalog.subjects["mine"].message_in is MessageIn.SYSTEM


def test_a_subject_may_have_the_name_of_the_model_that_answers(tmp_path: Path) -> None:
    catalog = load(tmp_path, "subjects: {owl: {model: owl}}")

    assert catalog.model_of_subject("owl") is catalog.models["owl"]


def test_a_subject_may_be_a_student_that_is_served_for_it_alone(tmp_path: Path) -> None:
    catalog = load(tmp_path, "subjects: {mine: {training: taught, epoch: 2, engine: llama_cpp}}")

    model = catalog.model_of_subject("mine")
    assert (model.name, model.training, model.epoch) == ("mine", "taught", 2)
    assert catalog.served["mine"] is model


def test_the_message_may_stand_in_the_user_turn(tmp_path: Path) -> None:
    catalog = load(tmp_path, "subjects: {mine: {model: owl, message_in: user}}")

    assert catalog.subjects["mine"].message_in is MessageIn.USER


@pytest.mark.parametrize(
    ("subjects", "words"),
    [
        pytest.param("{mine: {model: crow}}", ["mine", "crow", "is no entry"], id="unknown-model"),
        pytest.param(
            "{mine: {training: untaught}}", ["untaught", "is no entry"], id="unknown-training"
        ),
        pytest.param(
            "{mine: {training: taught, epoch: 9}}", ["mine", "9"], id="epoch-that-is-not-trained"
        ),
        pytest.param(
            "{mine: {model: owl, gpus: [1]}}", ["model", "owl", "leave `gpus` out"], id="twice"
        ),
        pytest.param("{owl: {engine: simulated}}", ["owl", "another"], id="name-of-a-model"),
        pytest.param("{hawk: {engine: simulated}}", ["hawk", "another"], id="name-of-a-judge"),
        pytest.param("{mine: {model: owl, message_in: turn}}", ["message_in"], id="place"),
        pytest.param("{mine: {model: owl, name: x}}", ["name"], id="name-said-twice"),
    ],
)
def test_a_wrong_subject_is_named_with_what_to_do(
    tmp_path: Path, subjects: str, words: list[str]
) -> None:
    said = fault(tmp_path, f"subjects: {subjects}")

    assert all(word in said for word in words), said
