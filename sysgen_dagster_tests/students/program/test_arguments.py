import json
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.students.program.arguments import compute_identity, read_arguments
from sysgen_dagster.students.program.endings import RefusedError
from sysgen_dagster_tests.students.program.trainings import build


@pytest.fixture
def output(tmp_path: Path) -> Path:
    export = tmp_path / "export"
    export.mkdir()
    (export / "manifest.json").write_text('{"files": []}')
    build(export, tmp_path / "model", tmp_path / "out", 20)
    return tmp_path / "out"


def change(folder: Path, /, **changes: Any) -> Path:
    """The file with fields changed; a name with two underscores is one inside another."""
    path = folder / "arguments.json"
    content = json.loads(path.read_text())
    for name, value in changes.items():
        outer, _, inner = name.rpartition("__")
        place = content[outer] if outer else content
        if value is KeyError:
            del place[inner]
        else:
            place[inner] = value
    path.write_text(json.dumps(content))
    return path


def test_arguments_are_read_as_they_are_written(output: Path) -> None:
    arguments = read_arguments(output / "arguments.json")
    assert arguments.folder == output
    assert arguments.model.dtype == "float32"
    assert arguments.data.train_rows == 20
    assert arguments.lora is None


def test_whole_numbers_stand_for_fractions_and_adapters_are_read(output: Path) -> None:
    lora = {"rank": 8, "alpha": 16, "dropout": 0}
    arguments = read_arguments(change(output, weight_decay=0, lora=lora))
    assert arguments.weight_decay == 0.0
    assert arguments.lora is not None
    assert arguments.lora.dropout == 0.0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"epochs": KeyError}, "`epochs` is missing"),
        ({"model__dtype": KeyError}, "`model.dtype` is missing"),
        ({"packing": True}, "`packing` is unknown"),
        ({"epochs": "5"}, "`epochs` must be int, not '5'"),
        ({"epochs": True}, "`epochs` must be int"),
        ({"epochs": 0}, "`epochs` is 0; it must be at least 1"),
        ({"most_steps": 0}, "`most_steps` is 0"),
        ({"learning_rate": "1e-6"}, "`learning_rate` must be float"),
        ({"objective": "ppo"}, "must be one of sft, dpo, orpo"),
        ({"schedule": "step"}, "must be one of cosine, linear"),
        ({"devices": "tpu"}, "must be one of cpu, cuda"),
        ({"model__dtype": "float16"}, "must be one of float32, bfloat16"),
        ({"version": 2}, "must be one of 1"),
        ({"used_epoch": 3}, "`used_epoch` 3 is none of the 2"),
        ({"model": "phi-4"}, "`model` must be an object"),
        ({"seed": {"of": 1}}, "`seed` must be int"),
        ({"lora": {"rank": 8}}, "`lora.alpha` is missing"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(
    output: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        read_arguments(change(output, **changes))
    assert said in str(refused.value)
    assert refused.value.kind == "arguments"


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', "null"])
def test_a_file_that_holds_no_arguments_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "arguments.json").write_text(text)
    with pytest.raises(RefusedError):
        read_arguments(tmp_path / "arguments.json")
    with pytest.raises(RefusedError, match=r"nothing\.json"):
        read_arguments(tmp_path / "nothing.json")


@pytest.mark.parametrize(
    "changes",
    [
        {"output": "/elsewhere"},
        {"data__folder": "/moved"},
        {"save_every_steps": 7},
        {"used_epoch": 1},
    ],
)
def test_what_does_not_change_a_training_is_no_part_of_it(
    output: Path, changes: dict[str, Any]
) -> None:
    before = compute_identity(read_arguments(output / "arguments.json"), "t")
    assert compute_identity(read_arguments(change(output, **changes)), "t") == before


@pytest.mark.parametrize(
    "changes",
    [
        {"data__checksum": "0" * 64},
        {"data__configuration": "phi-4"},
        {"learning_rate": 1e-6},
        {"batch_per_device": 1},
        {"most_steps": 5},
        {"model__revision": "a" * 40},
        {"lora": {"rank": 8, "alpha": 16, "dropout": 0.0}},
        {"seed": 2},
    ],
)
def test_what_changes_a_training_makes_another(output: Path, changes: dict[str, Any]) -> None:
    before = compute_identity(read_arguments(output / "arguments.json"), "t")
    assert compute_identity(read_arguments(change(output, **changes)), "t") != before


def test_another_template_makes_another_training(output: Path) -> None:
    arguments = read_arguments(output / "arguments.json")
    assert compute_identity(arguments, "t") != compute_identity(arguments, "u")
