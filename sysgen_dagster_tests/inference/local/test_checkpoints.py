"""What of a checkpoint stands in the entry of the model that serves it."""

from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.catalog.models import Engine, Model
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.local.checkpoints import Students
from sysgen_dagster_tests.inference.local.trained import write_checkpoint


def student(**fields: Any) -> Model:
    required = {"name": "student", "training": "made", "engine": Engine.VLLM}
    return Model.model_validate(required | fields)


def test_its_folder_are_the_weights_and_its_template_is_the_template(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "epoch-3")
    served = checkpoint.served(student(), checkpoint.folder)
    assert served.weights == str(tmp_path / "epoch-3")
    assert served.vllm == {"chat-template": str(tmp_path / "epoch-3" / "chat_template.jinja")}
    assert [*served.llama_cpp] == ["chat-template-file"]
    assert served.served_name == "student"


def test_flags_of_the_entry_stay(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "epoch-3")
    served = checkpoint.served(student(vllm={"dtype": "float32"}), checkpoint.folder)
    assert served.vllm["dtype"] == "float32"
    assert "chat-template" in served.vllm


def test_a_template_within_the_tokenizer_is_left_to_the_engine(tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "epoch-3", template=None)
    served = checkpoint.served(student(), checkpoint.folder)
    assert (served.vllm, served.llama_cpp) == ({}, {})


def test_where_no_deployment_knows_trainings_a_student_is_refused() -> None:
    with pytest.raises(EngineError, match="student is the student of the training made"):
        Students().checkpoint_of(student())
    assert Students().find_trainer() is None
