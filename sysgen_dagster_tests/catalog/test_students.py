"""Students and trainings: the paper's settings, and entries that do not fit together."""

import math
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.recipes import Lane
from sysgen_dagster.catalog.students import Objective, Student, StudentTraining, Trainer
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster_tests.catalog.small import Change, Wrong, assert_wrong, fault_of, write

STUDENT: Change = ("students.pupil", {"weights": "org/pupil"})
MIXTURES: list[Change] = [
    ("mixtures.chats", {"models": ["small"], "sources": ["mine"]}),
    ("mixtures.pairs", {"rejected": ["original_answer"]}),
    ("mixtures.rewards", {"rejected": ["original_answer"], "layout": "reward"}),
    ("mixtures.without", {"variant": "no_system_message"}),
    ("mixtures.empty", {"variant": "empty_system_message"}),
    ("mixtures.in_user_turn", {"variant": "user_role"}),
]


def training(name: str = "one", **fields: Any) -> Change:
    return f"trainings.{name}", {"student": "pupil", "mixture": "chats"} | fields


def wrong(place: str, fault: str, *trainings: Change, **student: Any) -> Wrong:
    pupil = (STUDENT[0], STUDENT[1] | student)
    return [pupil, *MIXTURES, *trainings], place, fault


WRONG_ENTRIES: dict[str, Wrong] = {
    "student-that-is-no-entry": wrong(
        "trainings.one.student",
        "nobody is no entry of `students`: there are pupil",
        training(student="nobody"),
    ),
    "mixture-that-is-no-entry": wrong(
        "trainings.one.mixture", "chat is no entry of `mixtures`", training(mixture="chat")
    ),
    "start-that-is-no-entry": wrong(
        "trainings.one.starts_from",
        "two is no entry of `trainings`: there are one",
        training(starts_from="two"),
    ),
    "model-that-is-a-training-of-none": (
        [("models.small.training", "one")],
        "models.small.training",
        "one is no entry of `trainings`: there are none",
    ),
    "student-without-weights": (
        [("students.pupil", {"license": "mit"})],
        "students.pupil.weights",
        "is missing",
    ),
    "name-beside-the-key": wrong(
        "trainings.one.name", "is said by the entry's key", training(), ("trainings.one.name", "x")
    ),
    "branch-for-a-revision": (
        [("students.pupil", {"weights": "org/pupil", "revision": "main"})],
        "students.pupil.revision",
        "a commit of 40 hex digits, not a branch",
    ),
    "unknown-objective": wrong(
        "trainings.one.objective", "'sft', 'dpo', 'orpo' or 'reward'", training(objective="ppo")
    ),
    "layout-for-trainers-of-others": wrong(
        "trainings",
        "its mixture rewards has the layout `reward`: name one without `layout`",
        training(mixture="rewards", objective="dpo"),
    ),
    "pairs-of-turns-for-a-reward-model": wrong(
        "trainings",
        "reads whole chats, and its mixture pairs has the layout `chats`: name one with `layout:",
        training(mixture="pairs", objective="reward"),
    ),
    "chats-for-a-reward-model": wrong(
        "trainings", "chats holds chats: name one of preference", training(objective="reward")
    ),
    "answers-from-a-reward-model": wrong(
        "trainings",
        "of the objective dpo, and starts from one, a reward model, which writes no answers",
        training(mixture="rewards", objective="reward"),
        training("two", mixture="pairs", objective="dpo", starts_from="one"),
    ),
    "reward-model-that-is-served": wrong(
        "models.small.training",
        "one is a reward model, which scores answers and writes none: name a training of another",
        training(mixture="rewards", objective="reward"),
        ("models.small.training", "one"),
    ),
    "reward-model-that-judges": wrong(
        "judges.scorer.training",
        "one is a reward model",
        training(mixture="rewards", objective="reward"),
        ("judges.scorer", {"training": "one"}),
    ),
    "reward-model-that-is-evaluated": wrong(
        "subjects.scorer.training",
        "one is a reward model",
        training(mixture="rewards", objective="reward"),
        ("subjects.scorer", {"training": "one"}),
    ),
    "unknown-trainer": wrong(
        "trainings.one.trainer",
        "'trl', 'axolotl' or 'llama_factory'",
        training(trainer="torchtune"),
    ),
    "unknown-schedule": wrong("trainings.one.schedule", "'cosine'", training(schedule="step")),
    "unknown-sharding": wrong("trainings.one.sharding", "'zero2'", training(sharding="zero9")),
    "rate-of-nothing": wrong(
        "trainings.one.learning_rate", "greater than 0", training(learning_rate=0)
    ),
    "no-epochs": wrong("trainings.one.epochs", "greater than 0", training(epochs=0)),
    "no-gpus": wrong("trainings.one.gpus", "needs at least 1", training(gpus=[])),
    "rank-of-nothing": wrong(
        "trainings.one.lora.rank", "greater than 0", training(lora={"rank": 0})
    ),
    "dropout-above-all": wrong(
        "trainings.one.lora.dropout", "less than or equal to 1", training(lora={"dropout": 1.5})
    ),
    "epoch-that-is-not-trained": wrong(
        "trainings.one.epoch",
        "`epoch` 6 is used, and only 5 are trained",
        training(epoch=6),
    ),
    "batch-that-devices-cannot-share": wrong(
        "trainings.one.batch",
        "is no multiple of `batch_per_device` 4 times 3 GPUs: choose 252",
        training(batch=256, gpus=[0, 1, 2]),
    ),
    "batch-below-one-row-a-device": wrong(
        "trainings.one.batch",
        "times 2 GPUs: choose 8",
        training(batch=2, gpus=[0, 1]),
    ),
    "chats-for-dpo": wrong(
        "trainings", "chats holds chats: name one of preference pairs", training(objective="dpo")
    ),
    "chats-for-orpo": wrong(
        "trainings", "chats holds chats: name one of preference pairs", training(objective="orpo")
    ),
    "pairs-for-sft": wrong(
        "trainings", "pairs holds preference pairs: name one of chats", training(mixture="pairs")
    ),
    "rows-of-a-model-that-the-mixture-has-none-of": wrong(
        "trainings",
        "the training one takes the configuration large, and its mixture chats has no rows of",
        training(configuration="large"),
    ),
    "rows-of-a-source-that-the-mixture-has-none-of": wrong(
        "trainings", "has no rows of yours", training(configuration="yours--small")
    ),
    "rows-longer-than-the-student-reads": wrong(
        "trainings",
        "takes rows of 4096 tokens, and its student pupil reads 2048: lower `max_length`",
        training(),
        context_tokens=2048,
    ),
    "system-messages-for-a-template-without": wrong(
        "trainings", "name a mixture of the variant user_role", training(), has_system_role=False
    ),
    "empty-system-messages-for-a-template-without": wrong(
        "trainings",
        "has system messages in its mixture empty",
        training(mixture="empty"),
        has_system_role=False,
    ),
    "pairs-for-a-template-without": wrong(
        "trainings",
        "has system messages in its mixture pairs",
        training(mixture="pairs", objective="dpo"),
        has_system_role=False,
    ),
    "start-from-itself": wrong(
        "trainings", "the training one has no beginning", training(starts_from="one")
    ),
    "starts-in-a-circle": wrong(
        "trainings",
        "the training one has no beginning, since `starts_from` leads back to one",
        training(starts_from="two"),
        training("two", starts_from="three"),
        training("three", starts_from="one"),
    ),
    "start-from-another-student": wrong(
        "trainings",
        "is of the student pupil, and starts from two, which is of other",
        training(starts_from="two"),
        training("two", student="other"),
        ("students.other", {"weights": "org/other"}),
    ),
}


@pytest.mark.parametrize("wrong", WRONG_ENTRIES.values(), ids=WRONG_ENTRIES.keys())
def test_a_wrong_entry_is_one_error_that_names_the_file_the_entry_and_the_field(
    tmp_path: Path, wrong: Wrong
) -> None:
    assert_wrong(tmp_path, wrong)


def test_faults_of_names_and_of_fields_come_in_one_error(tmp_path: Path) -> None:
    changes = [STUDENT, *MIXTURES, training(student="nobody", epochs=0), training("two", epoch=9)]
    head, *faults = fault_of(write(tmp_path, *changes))

    assert head.endswith(" has 3 wrong entries; correct:")
    assert [fault.split(" ")[2] for fault in faults] == [
        "trainings.one.student",
        "trainings.one.epochs",
        "trainings.two.epoch",
    ]


def small(folder: Path, *changes: Change) -> Catalog:
    return load_catalog(write(folder, STUDENT, *MIXTURES, *changes))


def test_a_training_of_which_nothing_is_said_has_the_paper_s_settings(tmp_path: Path) -> None:
    entry = small(tmp_path, training()).trainings["one"]

    assert (entry.learning_rate, entry.warmup_steps, entry.max_length) == (1e-6, 10, 4096)
    assert (entry.epochs, entry.used_epoch, entry.batch) == (5, 3, 4 * 2 * 32)
    assert (entry.objective, entry.trainer, entry.lora) == (Objective.SFT, Trainer.TRL, None)
    assert not entry.persona


@pytest.mark.parametrize(
    ("epochs", "epoch", "used"),
    [(5, None, 3), (3, None, 3), (2, None, 2), (1, None, 1), (5, 5, 5), (5, 1, 1)],
)
def test_the_third_epoch_is_used_or_the_last_of_fewer_or_the_one_that_is_named(
    epochs: int, epoch: int | None, used: int
) -> None:
    entry = StudentTraining(student="pupil", mixture="chats", epochs=epochs, epoch=epoch)

    assert entry.used_epoch == used


@pytest.mark.parametrize(
    ("batch", "at_once", "gpus", "accumulation"),
    [(256, 4, 1, 64), (256, 4, 8, 8), (256, 4, 32, 2), (8, 8, 1, 1), (16, 1, 4, 4)],
)
def test_devices_take_rows_as_often_as_the_batch_needs(
    batch: int, at_once: int, gpus: int, accumulation: int
) -> None:
    entry = StudentTraining(
        student="pupil",
        mixture="chats",
        batch=batch,
        batch_per_device=at_once,
        gpus=tuple(range(gpus)),
    )

    assert entry.accumulation == accumulation
    assert entry.accumulation * at_once * gpus == batch


def test_files_of_a_student_are_found_in_the_folder_of_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    pupil = {"weights": "weights", "chat_template": "chat.jinja"}
    catalog = small(tmp_path, ("students.pupil", pupil), ("students.hub", {"weights": "org/x"}))

    assert catalog.students["pupil"].weights == str(tmp_path / "weights")
    assert catalog.students["pupil"].chat_template == str(tmp_path / "chat.jinja")
    assert catalog.students["hub"].weights == "org/x"


@pytest.mark.parametrize("mixture", ["without", "in_user_turn"])
def test_a_template_without_system_role_takes_chats_without_system_turn(
    tmp_path: Path, mixture: str
) -> None:
    pupil = {"weights": "org/pupil", "has_system_role": False}
    catalog = small(tmp_path, ("students.pupil", pupil), training(mixture=mixture))

    assert catalog.trainings["one"].mixture == mixture


def test_a_training_of_pairs_may_start_from_one_of_chats(tmp_path: Path) -> None:
    later = training("two", mixture="pairs", objective="dpo", starts_from="one")
    catalog = small(tmp_path, training(configuration="mine--small"), later)

    assert catalog.partition_values["training"] == ["one", "two"]
    assert catalog.trainings["two"].name == "two"


def test_a_catalogue_of_which_students_are_no_part_has_no_trainings(tmp_path: Path) -> None:
    catalog = load_catalog(write(tmp_path))

    assert (catalog.students, catalog.trainings) == ({}, {})


def test_a_student_is_taken_to_have_a_system_role_and_an_unknown_licence() -> None:
    student = Student(weights="org/pupil")

    assert student.has_system_role
    assert student.license == "unknown"


def test_a_reward_model_may_start_from_a_student_and_from_a_reward_model(tmp_path: Path) -> None:
    scores = {"mixture": "rewards", "objective": "reward"}
    second = training("two", **scores, starts_from="one")
    catalog = small(tmp_path, training(), second, training("three", **scores, starts_from="two"))

    assert catalog.trainings["three"].objective is Objective.REWARD


# The shipped trainings

SHIPPED = load_catalog(FULL_CATALOG)
GENERATORS = ("llama-3.1-8b", "qwen2.5-14b", "phi-4")
ARMS = ("sysgen", "original_answer", "common_system_message", "no_system_message")


@pytest.mark.parametrize("mixture", ARMS)
@pytest.mark.parametrize("model", GENERATORS)
def test_each_generator_of_the_paper_is_trained_on_its_own_rows_in_every_arm(
    model: str, mixture: str
) -> None:
    [entry] = [
        each
        for each in SHIPPED.trainings.values()
        if (each.student, each.mixture) == (model, mixture)
    ]

    assert entry.configuration == model
    assert SHIPPED.students[model].weights == SHIPPED.models[model].served_name
    assert SHIPPED.students[model].revision == SHIPPED.models[model].revision
    assert SHIPPED.students[model].license == SHIPPED.models[model].license


@pytest.mark.parametrize("student", ["solar-10.7b", "gemma-2-9b"])
def test_the_two_other_students_learn_from_phi_4(student: str) -> None:
    trainings = [each for each in SHIPPED.trainings.values() if each.student == student]
    of_models = {
        each.configuration or SHIPPED.mixtures[each.mixture].models[0] for each in trainings
    }

    assert of_models == {"phi-4"}
    assert len(trainings) == 2  # the new answers, and the original ones to compare with


def test_every_shipped_training_of_chats_has_the_paper_s_settings_on_one_node() -> None:
    of_lane = [each for each in SHIPPED.trainings.values() if each.student != "mistral-7b-v0.2"]
    chats = [each for each in of_lane if each.objective is Objective.SFT]
    paper = StudentTraining(student="pupil", mixture="chats")

    assert len(chats) == 16
    for each in chats:
        assert each.accumulation == 8
        changed = each.model_dump(exclude_unset=True).keys()
        assert changed <= {"student", "mixture", "configuration", "persona", "gpus", "sharding"}
        assert each.used_epoch == paper.used_epoch


def test_a_persona_is_trained_on_only_where_a_template_writes_one() -> None:
    with_persona = [name for name, each in SHIPPED.trainings.items() if each.persona]

    assert with_persona == ["llama-3.1-8b-no-system-message", "qwen2.5-14b-no-system-message"]


def test_pairs_are_trained_on_as_janus_was() -> None:
    dpo, orpo = (SHIPPED.trainings[f"llama-3.1-8b-{name}"] for name in ("dpo", "orpo"))

    assert (dpo.learning_rate, dpo.epochs, dpo.max_length, dpo.batch) == (5e-7, 2, 2048, 16)
    assert (orpo.learning_rate, orpo.epochs, orpo.max_length, orpo.beta) == (5e-6, 2, 4096, 0.1)
    assert (dpo.starts_from, orpo.starts_from) == ("llama-3.1-8b-sysgen", None)


def test_janus_own_trainings_have_its_settings_on_four_gpus() -> None:
    janus = {name: each for name, each in SHIPPED.trainings.items() if name.startswith("janus")}
    shown = {
        name: (each.learning_rate, each.used_epoch, each.max_length, each.accumulation)
        for name, each in janus.items()
    }

    assert shown == {
        "janus-7b": (5e-6, 4, 8192, 4),
        "janus-7b-third": (5e-6, 4, 8192, 4),
        "janus-7b-dpo": (5e-7, 2, 2048, 4),
        "janus-7b-orpo": (5e-6, 2, 4096, 4),
        "janus-7b-one-epoch": (5e-6, 1, 8192, 4),
        "janus-7b-rm": (9e-6, 1, 2048, 4),
    }
    assert janus["janus-7b-dpo"].starts_from == "janus-7b-third"
    assert janus["janus-7b-rm"].starts_from == "janus-7b-one-epoch"
    assert janus["janus-7b-rm"].batch == 128
    assert {SHIPPED.mixtures[each.mixture].lane for each in janus.values()} == {Lane.MULTIFACETED}


def test_janus_trainings_learn_as_many_rows_of_one_model_as_janus_did() -> None:
    """Three rows an instruction; or one, at most as many as the published set has."""
    learned = {}
    for name, each in SHIPPED.trainings.items():
        if name.startswith("janus"):
            recipe = SHIPPED.mixtures[each.mixture]
            of_model = {each.configuration, *recipe.models} - {None}
            learned[name] = (of_model, recipe.one_an_instruction, recipe.rows)

    assert learned == {
        "janus-7b": ({"phi-4"}, False, None),
        "janus-7b-third": ({"phi-4"}, True, None),
        "janus-7b-dpo": ({"phi-4"}, True, 65_142),
        "janus-7b-orpo": ({"phi-4"}, True, 64_641),
        "janus-7b-one-epoch": ({"phi-4"}, False, None),
        "janus-7b-rm": ({"phi-4"}, True, 64_630),
    }
    warmed = SHIPPED.trainings["janus-7b-rm"]
    assert warmed.warmup_steps == math.ceil(0.03 * math.ceil(64_630 / warmed.batch))


def test_janus_template_writes_message_and_instruction_into_one_turn() -> None:
    template = SHIPPED.students["mistral-7b-v0.2"].chat_template
    assert template is not None
    chat = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": "So."},
        {"role": "user", "content": "How?"},
    ]

    said = (
        Environment(autoescape=False)
        .from_string(Path(template).read_text())
        .render(messages=chat, bos_token="<s>", eos_token="</s>")
    )
    assert said == "<s>[INST] Be brief.\nWhy? [/INST]So.</s>[INST] How? [/INST]"
