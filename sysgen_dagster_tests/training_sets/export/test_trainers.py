import ast
import json
import subprocess
from pathlib import Path
from typing import Any

import datasets
import pytest
import yaml

from sysgen_dagster.training_sets.export.trainers import (
    MAX_LENGTH,
    describe_snippets,
    render_snippets,
)
from sysgen_dagster_tests.training_sets.export.exports import export


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the exports ``small`` (rows) and ``pairs``."""
    folder = tmp_path_factory.mktemp("trainers")
    export(folder / "small")
    export(folder / "pairs", name="pairs", pairs=True)
    return folder


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_each_kind_of_rows_has_the_snippets_that_fit_it(folder: Path) -> None:
    assert sorted(path.name for path in (folder / "small/trainers").iterdir()) == [
        "axolotl.yaml",
        "llamafactory_dataset_info.json",
        "open_instruct.sh",
        "torchtune.yaml",
        "trl_sft.py",
    ]
    assert sorted(path.name for path in (folder / "pairs/trainers").iterdir()) == [
        "axolotl_dpo.yaml",
        "trl_dpo.py",
    ]


def test_snippets_and_their_descriptions_are_of_the_same_files(tmp_path: Path) -> None:
    contents = export(tmp_path / "small")
    assert render_snippets(contents).keys() == describe_snippets(contents).keys()


def _loads(where: dict[str, Any], folder: Path, tmp_path: Path) -> int:
    rows = datasets.load_dataset(
        str(folder / where["path"]), where["name"], split=where["split"], cache_dir=str(tmp_path)
    )
    return int(rows.num_rows)


@pytest.mark.parametrize(
    "export_", ["small/trainers/axolotl.yaml", "pairs/trainers/axolotl_dpo.yaml"]
)
def test_axolotl_finds_the_rows_of_its_file(folder: Path, tmp_path: Path, export_: str) -> None:
    config = _yaml(folder / export_)
    assert _loads(config["datasets"][0], folder, tmp_path) == 20
    assert _loads(config["test_datasets"][0], folder, tmp_path) == 8
    assert config["sequence_len"] == MAX_LENGTH


def test_llama_factory_and_torchtune_find_the_rows_of_their_files(
    folder: Path, tmp_path: Path
) -> None:
    entries = json.loads((folder / "small/trainers/llamafactory_dataset_info.json").read_text())
    assert list(entries) == ["small_train", "small_validation", "small_test"]
    for entry, rows in zip(entries.values(), (20, 8, 4), strict=True):
        where = {"path": entry["hf_hub_url"], "name": entry["subset"], "split": entry["split"]}
        assert _loads(where, folder, tmp_path) == rows
    tuned = _yaml(folder / "small/trainers/torchtune.yaml")["dataset"]
    assert _loads({**tuned, "path": tuned["source"]}, folder, tmp_path) == 20


def test_open_instruct_gets_every_file_of_the_train_split(folder: Path) -> None:
    path = folder / "small/trainers/open_instruct.sh"
    subprocess.run(["sh", "-n", str(path)], check=True)
    lines = [line.strip() for line in path.read_text().splitlines()]
    named = [line.split('"')[1] for line in lines if line.startswith('"$EXPORT/')]
    there = (folder / "small").glob("data/*/train-*.parquet")
    assert named == sorted(f"$EXPORT/{file.relative_to(folder / 'small')}" for file in there)


def _keywords(path: Path, call: str) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (found,) = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == call
    )
    return {str(keyword.arg) for keyword in found.keywords}


@pytest.mark.parametrize(
    ("path", "config", "trainer"),
    [
        ("small/trainers/trl_sft.py", "SFTConfig", "SFTTrainer"),
        ("pairs/trainers/trl_dpo.py", "DPOConfig", "DPOTrainer"),
    ],
)
def test_trl_has_every_setting(folder: Path, path: str, config: str, trainer: str) -> None:
    assert "max_length" in _keywords(folder / path, config)
    trl = pytest.importorskip("trl")
    assert _keywords(folder / path, config) <= getattr(trl, config).__dataclass_fields__.keys()
    taken = getattr(trl, trainer).__init__.__annotations__
    assert _keywords(folder / path, trainer) <= taken.keys()


@pytest.mark.parametrize("path", ["small/trainers/axolotl.yaml", "pairs/trainers/axolotl_dpo.yaml"])
def test_axolotl_reads_its_configuration(folder: Path, path: str) -> None:
    schemas = pytest.importorskip("axolotl.utils.schemas.config")
    config = _yaml(folder / path)
    read = schemas.AxolotlInputConfig.model_validate(config).model_dump(exclude_unset=True)
    assert config.keys() <= read.keys()
    assert config["datasets"][0].keys() <= read["datasets"][0].keys()


def test_axolotl_makes_pairs_of_the_rows(folder: Path, tmp_path: Path) -> None:
    strategy = pytest.importorskip("axolotl.prompt_strategies.dpo.chat_template")
    config = _yaml(folder / "pairs/trainers/axolotl_dpo.yaml")

    class Tokenizer:
        chat_template = "any"

        def apply_chat_template(self, messages: Any, **_: Any) -> str:
            return "".join(f"<{each['role']}>{each['content']}\n" for each in messages)

    make, _ = strategy.default(config)
    rows = datasets.load_dataset(str(folder / "pairs"), split="train", cache_dir=str(tmp_path))
    assert make(rows[0], tokenizer=Tokenizer()) == {
        "prompt": "<system>You are tutor 0.\n<user>What is 0 + 1?\n",
        "chosen": "It is 1.",
        "rejected": "No.",
    }


def test_llama_factory_reads_its_entries_and_converts_the_rows(
    folder: Path, tmp_path: Path
) -> None:
    parser = pytest.importorskip("llamafactory.data.parser")
    converter = pytest.importorskip("llamafactory.data.converter")
    entries = json.loads((folder / "small/trainers/llamafactory_dataset_info.json").read_text())
    (attributes,) = parser.get_dataset_list(["small_train"], entries)
    assert (attributes.load_from, attributes.subset) == ("hf_hub", "default")
    where = {"path": attributes.dataset_name, "name": attributes.subset, "split": attributes.split}
    rows = datasets.load_dataset(
        str(folder / where["path"]), where["name"], split=where["split"], cache_dir=str(tmp_path)
    )
    converted = converter.SharegptDatasetConverter(attributes, None)(rows[0])
    assert converted["_system"] == "You are tutor 0."
    assert converted["_prompt"] == [{"role": "user", "content": "What is 0 + 1?"}]
    assert converted["_response"] == [{"role": "assistant", "content": "It is 1."}]


def test_torchtune_builds_its_data_set(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = pytest.importorskip("torchtune.config")
    omegaconf = pytest.importorskip("omegaconf")

    class Words:
        max_seq_len = MAX_LENGTH

        def __call__(self, sample: Any, inference: bool = False) -> Any:
            messages = sample["messages"]
            return {
                "tokens": [len(message.text_content) for message in messages],
                "mask": [message.masked for message in messages],
                "roles": [message.role for message in messages],
            }

    monkeypatch.chdir(folder)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path))
    described_ = omegaconf.OmegaConf.create(_yaml(folder / "small/trainers/torchtune.yaml"))
    first = config.instantiate(described_.dataset, Words())[0]
    assert first["roles"] == ["system", "user", "assistant"]
    assert first["mask"] == [True, True, False]
    assert first["labels"] == [-100, -100, len("It is 1.")]
