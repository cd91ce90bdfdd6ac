"""The card of a trained student: base, data, their terms, and what Llama's licence asks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from sysgen_dagster.catalog.recipes import Recipe, Variant
from sysgen_dagster.catalog.students import Lora, Objective, Student, StudentTraining
from sysgen_dagster.students.card import published_name, render_student_card
from sysgen_dagster.students.checkpoints import Checkpoint
from sysgen_dagster.training_sets.export.folder import write_folder
from sysgen_dagster.training_sets.export.manifest import read_manifest
from sysgen_dagster_tests.training_sets.export.exports import FACTS, export, frame, row

PHI = Student(name="phi-4", weights="microsoft/phi-4", revision="d" * 40, license="mit")
LLAMA = Student(weights="meta-llama/Llama-3.1-8B-Instruct", license="llama3.1")
CHECKPOINTS = [Checkpoint(n, f"checkpoints/epoch-{n}", f"{n}" * 64, 10, 7 * n) for n in (1, 2, 3)]


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    export(folder / "small")
    export(folder / "pairs", name="pairs", pairs=True)
    rows = frame([row("metamath", "llama-3.1-8b", "train", 0)])
    facts = replace(FACTS, recipe=Recipe(variant=Variant.NO_SYSTEM_MESSAGE))
    write_folder(folder / "originals", "originals", [rows], facts)
    made_up = frame([row("metamath", "phi-4", "train", 0, engine="simulated")])
    write_folder(folder / "made-up", "made-up", [made_up], FACTS)
    odd = row("metamath", "phi-4", "train", 0, source_repo="a|b\n# c", source_license="<b>mine</b>")
    write_folder(folder / "odd", "odd", [frame([odd])], FACTS)
    return folder


def card(exports: Path, student: Student = PHI, mixture: str = "small", **fields: Any) -> str:
    names = {"name": "phi-4-sysgen", "student": "phi-4", "mixture": mixture}
    training = StudentTraining(**names | fields)
    return render_student_card(training, student, read_manifest(exports / mixture), CHECKPOINTS)


def front(text: str) -> dict[str, Any]:
    return dict(yaml.safe_load(text.split("---\n")[1]))


def test_it_names_the_base_the_models_and_the_data_with_revisions_and_licences(
    exports: Path,
) -> None:
    text = card(exports)

    assert f"| `microsoft/phi-4` | the base | {'d' * 40} | mit |" in text
    assert f"| `meta-llama/Llama-3.1-8B-Instruct` | wrote answers | {'c' * 40} | llama3.1 |" in text
    assert f"| `LDJnr/Capybara` | data | {'a' * 40} | apache-2.0 |" in text
    assert f"| `meta-math/MetaMathQA` | data | {'b' * 40} | mit |" in text


def test_the_front_matter_says_what_the_hub_wants(exports: Path) -> None:
    said = front(card(exports))

    assert said["base_model"] == "microsoft/phi-4"
    assert (said["license"], said["license_link"]) == ("other", "README.md")
    assert said["datasets"] == ["LDJnr/Capybara", "meta-math/MetaMathQA"]
    assert (said["library_name"], said["pipeline_tag"]) == ("transformers", "text-generation")


def test_one_licence_of_all_is_that_of_the_student(exports: Path) -> None:
    assert front(card(exports, configuration="metamath--phi-4"))["license"] == "mit"


@pytest.mark.parametrize(
    ("student", "fields", "title"),
    [
        pytest.param(PHI, {}, "# Llama-phi-4-sysgen", id="learned-from-llama-too"),
        pytest.param(PHI, {"configuration": "phi-4"}, "# phi-4-sysgen", id="not-from-llama"),
        pytest.param(LLAMA, {"configuration": "phi-4"}, "# Llama-phi-4-sysgen", id="is-llama"),
        pytest.param(
            PHI, {"mixture": "originals"}, "# phi-4-sysgen", id="no-text-of-llama-in-its-rows"
        ),
        pytest.param(PHI, {"configuration": "metamath--llama-3.1-8b"}, "# Llama-", id="one-source"),
    ],
)
def test_what_llama_had_a_part_in_has_its_name_and_says_so(
    exports: Path, student: Student, fields: dict[str, Any], title: str
) -> None:
    text = card(exports, student, **fields)

    assert f"\n{title}" in text
    assert ("**Built with Llama.**" in text) is title.startswith("# Llama-")


@pytest.mark.parametrize(
    ("name", "licence", "published"),
    [
        ("llama-3.1-8b-sysgen", "llama3.1", "Llama-3.1-8b-sysgen"),
        ("solar-distillation", "llama3.3", "Llama-solar-distillation"),
        ("solar-distillation", "mit", "solar-distillation"),
        ("solar-distillation", None, "solar-distillation"),
    ],
)
def test_a_published_name_begins_as_the_licence_wants(
    name: str, licence: str | None, published: str
) -> None:
    assert published_name(name, {licence, "apache-2.0"}) == published


@pytest.mark.parametrize(
    ("licence", "words"),
    [
        ("gemma", "Gemma Terms of Use found at"),
        ("cc-by-nc-4.0", "Not for commercial use"),
        ("llama3.1", "wants the model's name to begin with"),
        ("unknown", "find out before you pass the model on"),
    ],
)
def test_a_licence_that_asks_for_something_says_what(
    exports: Path, licence: str, words: str
) -> None:
    student = PHI.model_copy(update={"license": licence})

    assert words in card(exports, student)
    assert ("Not for commercial" in card(exports)) is False


def test_a_pair_s_rejected_answers_leave_the_licence_open(exports: Path) -> None:
    recipe = {"rejected": ["other_system_message"], "variant": "sysgen"}
    manifest = read_manifest(exports / "pairs") | {"recipe": recipe}
    training = StudentTraining(
        name="x",
        student="phi-4",
        mixture="pairs",
        objective=Objective.DPO,
        configuration="metamath--phi-4",
    )

    assert front(render_student_card(training, PHI, manifest, []))["license"] == "other"


def test_what_learned_made_up_text_is_not_to_be_used(exports: Path) -> None:
    assert "Not a model to use" in card(exports, mixture="made-up")
    assert "Not a model to use" not in card(exports)


def test_the_epochs_are_named_and_the_one_that_is_used(exports: Path) -> None:
    text = card(exports, epochs=3, epoch=2)

    assert "| epochs | `3` |" in text
    assert "| epoch | `2` |" in text
    assert f"| 2 | 14 | 10 | `{'2' * 64}` |" in text
    assert "The model is the one of epoch 2." in text


def test_settings_that_make_the_training_what_it_is_are_shown(exports: Path) -> None:
    text = card(exports, learning_rate=1e-4, lora=Lora(rank=8), configuration="phi-4")

    assert "`0.0001`" in text
    assert "`adapters of rank 8`" in text
    assert "| beta |" not in text
    assert "| beta |" in card(exports, mixture="pairs", objective=Objective.DPO)


def test_a_reward_model_says_that_it_writes_nothing_and_how_it_scores(exports: Path) -> None:
    training = StudentTraining(
        name="x", student="phi-4", mixture="pairs", objective=Objective.REWARD, epochs=1
    )
    manifest = read_manifest(exports / "pairs")
    compared = [replace(CHECKPOINTS[0], pairs=200, chosen_higher=150)]
    text = render_student_card(training, PHI, manifest, compared)

    assert "It writes nothing" in text
    assert "scores the chosen answer higher in 75.0% (99 % interval 66.4% to 82.0%)" in text
    assert "| beta |" not in text
    assert front(text)["pipeline_tag"] == "text-classification"
    assert "that were held out" not in render_student_card(training, PHI, manifest, CHECKPOINTS)


def test_a_folder_of_weights_is_named_without_its_place(exports: Path, tmp_path: Path) -> None:
    (tmp_path / "my-weights").mkdir()
    text = card(exports, PHI.model_copy(update={"weights": str(tmp_path / "my-weights")}))

    assert str(tmp_path) not in text
    assert "`my-weights`" in text
    assert "base_model" not in front(text)


def test_what_a_catalogue_says_cannot_break_the_card(exports: Path) -> None:
    text = card(exports, mixture="odd")

    assert r"\<b\>mine\</b\>" in text
    assert "\n# c" not in text
    assert "<b>" not in text.replace(r"\<b\>", "")
