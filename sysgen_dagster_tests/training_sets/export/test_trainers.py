import ast
import json
import runpy
import subprocess
import zlib
from pathlib import Path
from typing import Any

import datasets
import polars as pl
import pytest
import yaml

from sysgen_dagster.catalog.recipes import Recipe, Variant
from sysgen_dagster.training_sets.export.folder import write_folder
from sysgen_dagster.training_sets.export.layout import Trained
from sysgen_dagster.training_sets.export.trainers import (
    MAX_LENGTH,
    describe_snippets,
    render_snippets,
)
from sysgen_dagster_tests.training_sets.export.exports import FACTS, export, frame, row, said


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
        "llamafactory.yaml",
        "llamafactory_dataset_info.json",
        "open_instruct.sh",
        "torchtune.yaml",
        "torchtune_chats.py",
        "trl_sft.py",
    ]
    assert sorted(path.name for path in (folder / "pairs/trainers").iterdir()) == [
        "axolotl_dpo.yaml",
        "trl_dpo.py",
    ]


def test_snippets_and_their_descriptions_are_of_the_same_files(tmp_path: Path) -> None:
    contents = export(tmp_path / "small")
    described = describe_snippets(contents, FACTS.recipe)
    assert render_snippets(contents, FACTS.recipe).keys() == described.keys()


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


TURNS = [("system", "S"), ("user", "Q1"), ("assistant", "A1"), ("user", "Q2"), ("assistant", "A2")]
MARKS = {
    Trained.LAST: [[False, True], [True]],
    Trained.EVERY: [[True, True], [True]],
    Trained.SOME: [[True, True], [False, True]],
}


def _marked(trained: Trained, folder: Path) -> Path:
    """An export of chats whose answers are marked in one of the three ways."""
    rows = []
    for number, marks in enumerate(MARKS[trained]):
        messages = [said(*turn) for turn in (TURNS if len(marks) == 2 else TURNS[:3])]
        for message, mark in zip(messages[2::2], marks, strict=True):
            message["train"] = mark
        rows.append(row("metamath", "phi-4", "train", number, messages=messages))
    assert write_folder(folder / "marked", "marked", [frame(rows)], FACTS).trained is trained
    return folder / "marked/trainers"


@pytest.mark.parametrize(
    ("trained", "masks_history", "learns"),
    [
        (Trained.LAST, True, "last_turn"),
        (Trained.EVERY, False, "sft"),
        (Trained.SOME, True, "last_turn"),
    ],
)
def test_trainers_that_mask_by_row_are_set_by_what_the_rows_mark(
    tmp_path: Path, trained: Trained, masks_history: bool, learns: str
) -> None:
    trainers = _marked(trained, tmp_path)
    assert _yaml(trainers / "llamafactory.yaml")["mask_history"] is masks_history
    script = (trainers / "open_instruct.sh").read_text()
    assert f"--dataset_transform_fn {learns}_tulu_tokenize_and_truncate_v1 " in script
    needs_prefixes = trained is Trained.SOME
    entries = json.loads((trainers / "llamafactory_dataset_info.json").read_text())
    assert [each["hf_hub_url"] for each in entries.values()] == [
        "marked-prefixes" if needs_prefixes else "marked"
    ]
    assert ("$EXPORT-prefixes/" in script) is needs_prefixes
    assert (trainers / "prefix_rows.py").exists() is needs_prefixes


def test_where_marks_are_mixed_each_marked_message_ends_a_row_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainers = _marked(Trained.SOME, tmp_path)
    monkeypatch.setattr("sys.argv", ["prefix_rows.py"])
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    runpy.run_path(str(trainers / "prefix_rows.py"))
    written = pl.read_parquet(tmp_path / "marked-prefixes/train.parquet")["messages"].to_list()
    assert sorted(chat[-1]["content"] for chat in written) == ["A1", "A2", "A2"]
    assert all(
        [turn["train"] for turn in chat] == [False] * (len(chat) - 1) + [True] for chat in written
    )
    assert {len(chat) for chat in written} == {3, 5}


def test_llama_factory_gets_no_persona_where_the_system_message_is_to_be_empty(
    tmp_path: Path,
) -> None:
    contents = export(tmp_path / "small")
    (with_persona, without) = (
        yaml.safe_load(
            render_snippets(contents, Recipe(variant=variant))["trainers/llamafactory.yaml"]
        )
        for variant in (Variant.NO_SYSTEM_MESSAGE, Variant.EMPTY_SYSTEM_MESSAGE)
    )
    assert "default_system" not in with_persona
    assert without["default_system"] == ""


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


def _one_token(text: str) -> int:
    """A tokenizer of whole messages, without headers and marks of their ends."""
    return zlib.crc32(text.encode())


def test_torchtune_builds_its_data_set(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = pytest.importorskip("torchtune.config")
    omegaconf = pytest.importorskip("omegaconf")

    class Words:
        max_seq_len = MAX_LENGTH

        def tokenize_messages(self, messages: Any) -> Any:
            tokens = [_one_token(message.text_content) for message in messages]
            return tokens, [message.masked for message in messages]

        def __call__(self, sample: Any, inference: bool = False) -> Any:
            roles = [message.role for message in sample["messages"]]
            tokens, mask = self.tokenize_messages(sample.pop("messages"))
            return {"tokens": tokens, "mask": mask, "roles": roles}

    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder / "small/trainers"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path))
    described_ = omegaconf.OmegaConf.create(_yaml(folder / "small/trainers/torchtune.yaml"))
    first = config.instantiate(described_.dataset, Words())[0]
    assert first["roles"] == ["system", "user", "assistant"]
    assert first["mask"] == [True, True, False]
    assert first["labels"] == [-100, -100, _one_token("It is 1.")]


EPOCHS = {
    "trl_sft.py": "num_train_epochs=5,",
    "axolotl.yaml": "num_epochs: 5 ",
    "llamafactory.yaml": "num_train_epochs: 5 ",
    "open_instruct.sh": "--num_train_epochs 5 ",
}
SAVES = {
    "trl_sft.py": 'save_strategy="epoch"',
    "axolotl.yaml": "save_strategy: epoch",
    "llamafactory.yaml": "save_strategy: epoch",
    "open_instruct.sh": "--checkpointing_steps epoch",
}


@pytest.mark.parametrize("name", EPOCHS)
def test_five_epochs_are_trained_and_saved_of_which_the_paper_used_the_third(
    folder: Path, name: str
) -> None:
    text = (folder / "small/trainers" / name).read_text(encoding="utf-8")

    assert EPOCHS[name] in text
    assert SAVES[name] in text
    assert "third of" in text


def test_weights_have_32_bits_where_steps_are_of_a_millionth(folder: Path) -> None:
    axolotl = _yaml(folder / "small/trainers/axolotl.yaml")
    llama_factory = _yaml(folder / "small/trainers/llamafactory.yaml")

    assert axolotl["bf16"] is False  # it loads weights in the numbers that it computes in
    assert "pure_bf16" not in llama_factory  # else it keeps those it learns in float32


def test_a_trainer_that_is_no_longer_developed_is_said_to_be_frozen(folder: Path) -> None:
    card = (folder / "small/README.md").read_text(encoding="utf-8")

    assert "frozen" in card
    assert "critical fixes only" in (folder / "small/trainers/torchtune.yaml").read_text()
