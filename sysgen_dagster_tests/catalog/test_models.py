"""Models: how each is served, and no secret on a command line."""

from pathlib import Path

import pytest

from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster_tests.catalog.small import Change, Wrong, assert_wrong, write

STUDENT: list[Change] = [
    ("students.base", {"weights": "org/base"}),
    ("mixtures.sysgen", {}),
    ("trainings.made", {"student": "base", "mixture": "sysgen"}),
    ("models.small.training", "made"),
]
WRONG_ENTRIES: dict[str, Wrong] = {
    "epoch-of-no-training": (
        [("models.small.epoch", 2)],
        "models.small.epoch",
        "`epoch` 2 is one of a training: name it in `training`",
    ),
    "epoch-that-is-not-trained": (
        [*STUDENT, ("models.small.epoch", 6)],
        "trainings",
        "the model small is the student after epoch 6 of the training made, which has 5",
    ),
    "epoch-of-a-judge-that-is-not-trained": (
        [*STUDENT, ("judges.big", {"training": "made", "epoch": 6})],
        "trainings",
        "the model big is the student after epoch 6 of the training made, which has 5",
    ),
    **{
        f"{field}-beside-a-training": (
            [*STUDENT, (f"models.small.{field}", value)],
            "models.small.training",
            f"`training` made says which weights are served: leave `{field}` out",
        )
        for field, value in {"weights": "/models/small", "revision": "a" * 40}.items()
    },
    **{
        f"{flag}-beside-a-training": (
            [*STUDENT, (f"models.small.{engine}", {flag: "own.jinja"})],
            "models.small.training",
            f"`{flag.replace('_', '-')}` would show the student other prompts",
        )
        for engine, flag in (
            ("vllm", "chat-template"),
            ("vllm", "chat_template"),
            ("llama_cpp", "chat-template"),
            ("llama_cpp", "chat-template-file"),
        )
    },
    "endpoint-without-base-urls": (
        [("models.small.engine", "endpoint")],
        "models.small.engine",
        "engine `endpoint` needs `base_urls`",
    ),
    "unknown-engine": (
        [("models.small.engine", "tgi")],
        "models.small.engine",
        "'vllm', 'llama_cpp', 'endpoint' or 'simulated' (found: tgi)",
    ),
    "no-gpus": ([("models.small.gpus", [])], "models.small.gpus", "needs at least 1"),
    "negative-gpu": (
        [("models.small.gpus", [0, -1])],
        "models.small.gpus.1",
        "greater than or equal to 0 (found: -1)",
    ),
    "no-gpu-but-a-negative-one": (
        [("models.small.gpus", [-1])],
        "models.small.gpus.0",
        "greater than or equal to 0 (found: -1)",
    ),
    "gpu-by-name": (
        [("models.small.gpus", [0, "cuda:1"])],
        "models.small.gpus.1",
        "must be a whole number",
    ),
    "no-time-for-an-attempt": (
        [("models.small.attempt_s", 0)],
        "models.small.attempt_s",
        "greater than 0 (found: 0)",
    ),
    "vllm-flags-as-one-line": (
        [("models.small.vllm", "--max-model-len 4096")],
        "models.small.vllm",
        "must be fields with values",
    ),
    "field-of-ours-in-the-extra-body": (
        [("models.small.request.extra_body", {"stream": True})],
        "models.small.request.extra_body",
        "must not hold ['stream']",
    ),
    "secret-in-the-extra-body": (
        [("models.small.request.extra_body", {"api_key": "sk-1"})],
        "models.small.request.extra_body",
        "must not hold ['api_key']",
    ),
    "field-that-cannot-be-left-out": (
        [("models.small.request.leave_out", ["messages"])],
        "models.small.request.leave_out.0",
        "'seed', 'temperature', 'top_p', 'top_k', 'min_p' or 'repetition_penalty'",
    ),
    "system-role-that-is-neither": (
        [("models.small.has_system_role", "sometimes")],
        "models.small.has_system_role",
        "must be true or false",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_ENTRIES.values(), ids=WRONG_ENTRIES.keys())
def test_a_wrong_entry_is_one_error_that_names_the_file_the_entry_and_the_field(
    tmp_path: Path, wrong: Wrong
) -> None:
    assert_wrong(tmp_path, wrong)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            [
                ("models.small.engine", "endpoint"),
                ("models.small.base_urls", ["http://127.0.0.1:8000/v1"]),
                ("models.small.api_key_env", "OPENAI_API_KEY"),
            ],
            id="endpoint",
        ),
        pytest.param([("models.small.engine", "simulated")], id="simulated"),
        pytest.param(
            [
                ("models.small.engine", "endpoint"),
                ("models.small.base_urls", ["http://10.0.0.1:8000/v1", "https://host/api/v1/"]),
            ],
            id="several-endpoints",
        ),
        pytest.param([("models.small.weights", "/models/small")], id="weights"),
        pytest.param([("models.small.gpus", [0, 1, 7])], id="gpus"),
        pytest.param([("models.small.has_system_role", False)], id="no-system-role"),
        pytest.param([("models.small.attempt_s", 1800)], id="slow-model"),
        pytest.param(STUDENT, id="student"),
        pytest.param([*STUDENT, ("models.small.epoch", 5)], id="student-of-an-epoch"),
        pytest.param([*STUDENT, ("models.small.engine", "llama_cpp")], id="student-in-llama-cpp"),
    ],
)
def test_a_right_change_is_accepted(tmp_path: Path, changes: list[Change]) -> None:
    assert load_catalog(write(tmp_path, *changes))


def test_a_model_is_read_with_the_usual_settings(tmp_path: Path) -> None:
    model = load_catalog(write(tmp_path)).models["small"]

    assert model.base_urls == ()
    assert (model.api_key_env, model.revision) == (None, None)
    assert (model.weights, model.vllm, model.gpus) == (None, {}, (0,))
    assert model.has_system_role is None
    assert model.attempt_s == 600


def test_flags_of_vllm_keep_the_kind_they_are_written_in(tmp_path: Path) -> None:
    """Booleans, numbers and text that looks like them are kept apart."""
    flags = {"a": True, "b": False, "c": 1, "d": 0.5, "e": "true", "f": '{"g": 1}', "h": 0}
    read = load_catalog(write(tmp_path, ("models.small.vllm", flags))).models["small"].vllm

    assert read == flags
    assert [type(value) for value in read.values()] == [type(value) for value in flags.values()]
