"""TRL trains on an export as it is: a step of SFT, DPO, a reward model, of a tiny random Llama.

The model learns nothing. What is real is the way there: the files of an export, `datasets`, TRL's
own preparation with a chat template, the loss and the optimizer.
"""

import math
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.catalog.recipes import Layout, Recipe, Rejected, Training
from sysgen_dagster.training_sets.export.card import CardFacts
from sysgen_dagster.training_sets.export.folder import write_folder
from sysgen_dagster.training_sets.exported_rows import to_exported
from sysgen_dagster.training_sets.pairs import build_preference_pairs
from sysgen_dagster.training_sets.rows import build_training_rows
from sysgen_dagster_tests.training_sets.frames import aligned

pytest.importorskip("trl", reason="run by `make test-train`")
pytestmark = [
    pytest.mark.trl,
    # Of other people's code, in the versions that are there.
    pytest.mark.filterwarnings("ignore"),
]

Chat = Sequence[Mapping[str, str]]
STEP = {
    "max_steps": 1,
    "per_device_train_batch_size": 4,
    "learning_rate": 1e-2,
    "max_length": 4096,  # TRL cuts chats at 1,024 tokens by default
    "use_cpu": True,
    "bf16": False,
    "report_to": "none",
    "save_strategy": "no",
    "seed": 0,
}
HISTORY = [
    {"role": "user", "content": "Which tower leans?"},
    {"role": "assistant", "content": "The one of Pisa: 4\u00b0."},
]
# Long enough that what comes after the system message would be cut at TRL's usual length.
LONG = "Explain each step of the answer and check every number twice. " * 150


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(host: object, *_: object, **__: object) -> None:
        raise OSError(f"a test asked for {host!r}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama, a byte-level tokenizer and a chat template."""
    from sysgen_dagster_tests.vllm.tiny_model import write_model, write_tokenizer

    folder = tmp_path_factory.mktemp("tiny")
    size = write_tokenizer(folder, system_role=True, max_positions=4096)
    write_model(folder, vocabulary=size, max_positions=4096)
    return folder


@pytest.fixture(scope="module")
def conversations() -> pl.DataFrame:
    """Twelve to train on: every third with a history, one with a long system message."""
    return aligned(
        *(
            {
                "question": f"How high is tower {n}? \u8a9e",
                "answer": f"It is {n} m high.",
                "history": HISTORY if n % 3 == 0 else [],
                "system_message": f"You are guide {n}. {LONG if n == 4 else 'Be brief.'}",
                "new_answer": f"Tower {n}: {n} m.",
            }
            for n in range(12)
        )
    )


def export(folder: Path, rows: pl.DataFrame, recipe: Recipe) -> Path:
    rows = to_exported(rows.with_columns(reviewed=pl.lit(None, pl.String)), recipe)
    facts = CardFacts(recipe, Training(), {"mine": "Mine"}, {"annotation": "0000"}, "0")
    write_folder(folder, "towers", [rows], facts)
    return folder


@pytest.fixture(scope="module")
def sft_export(conversations: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rows of the paper's own variant."""
    rows = build_training_rows(conversations, conversations.clear(), Training())
    recipe = Recipe()
    of_variant = rows.filter(pl.col("variant") == recipe.variant.value)
    return export(tmp_path_factory.mktemp("sft") / "export", of_variant, recipe)


@pytest.fixture(scope="module")
def preferences(conversations: pl.DataFrame) -> pl.DataFrame:
    """Preference pairs of both kinds."""
    foreign = conversations.select(
        "conversation_id",
        model=pl.lit("qwen"),
        system_message=pl.lit("Sing."),
        new_answer=pl.format("La, {}!", "answer"),
    )
    return build_preference_pairs(conversations, foreign)


@pytest.fixture(scope="module")
def dpo_export(preferences: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of answers, beside the turns before them."""
    recipe = Recipe(rejected=tuple(Rejected))
    return export(tmp_path_factory.mktemp("dpo") / "export", preferences, recipe)


@pytest.fixture(scope="module")
def reward_export(preferences: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of whole chats."""
    recipe = Recipe(rejected=tuple(Rejected), layout=Layout.REWARD)
    return export(tmp_path_factory.mktemp("reward") / "export", preferences, recipe)


def load(folder: Path, cache: Path) -> Any:
    """The ``train`` split as its reader loads it."""
    from datasets import load_dataset

    return load_dataset(str(folder), split="train", cache_dir=str(cache))


@pytest.fixture
def chats(sft_export: Path, tmp_path: Path) -> Any:
    """The rows to fine-tune on."""
    return load(sft_export, tmp_path / "cache")


@pytest.fixture
def pairs(dpo_export: Path, tmp_path: Path) -> Any:
    """The rows to prefer by."""
    return load(dpo_export, tmp_path / "cache")


def model_and_tokenizer(folder: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def sft(tiny: Path, chats: Any, tmp_path: Path) -> Any:
    from trl import SFTConfig, SFTTrainer

    model, tokenizer = model_and_tokenizer(tiny)
    arguments = SFTConfig(output_dir=str(tmp_path / "sft"), **STEP)
    return SFTTrainer(model, args=arguments, train_dataset=chats, processing_class=tokenizer)


def dpo(tiny: Path, pairs: Any, tmp_path: Path) -> Any:
    from trl import DPOConfig, DPOTrainer

    model, tokenizer = model_and_tokenizer(tiny)
    arguments = DPOConfig(output_dir=str(tmp_path / "dpo"), **STEP)
    return DPOTrainer(model, args=arguments, train_dataset=pairs, processing_class=tokenizer)


def assert_learns(trainer: Any) -> None:
    """One step has a finite loss and moves every weight that it reaches to a finite value."""
    before = {name: weight.clone() for name, weight in trainer.model.named_parameters()}
    assert math.isfinite(trainer.train().training_loss)
    after = dict(trainer.model.named_parameters())
    assert after.keys() == before.keys()
    assert all(bool(weight.isfinite().all()) for weight in after.values())
    still = [name for name, weight in after.items() if bool(weight.equal(before[name]))]
    assert still == []


def rendered(chat: Chat) -> str:
    """What the template of the tiny model makes of a chat, which TRL must arrive at too."""
    return "".join(f"<|im_start|>{turn['role']}\n{turn['content']}<|im_end|>\n" for turn in chat)


def test_sft_learns_from_the_messages_of_an_export(tiny: Path, chats: Any, tmp_path: Path) -> None:
    assert len(chats) == 12
    assert_learns(sft(tiny, chats, tmp_path))


def test_sft_sees_every_turn_and_nothing_else(tiny: Path, chats: Any, tmp_path: Path) -> None:
    trainer = sft(tiny, chats, tmp_path)
    seen = [trainer.processing_class.decode(row["input_ids"]) for row in trainer.train_dataset]
    assert sorted(seen) == sorted(rendered(chat) for chat in chats["messages"])
    first = next(text for text in seen if "You are guide 0. Be brief." in text)
    turns = ["system", "Which tower leans?", "4\u00b0.", "How high is tower 0?", "Tower 0: 0 m."]
    places = [first.index(turn) for turn in turns]
    assert places == sorted(places)


@pytest.mark.parametrize("method", ["sft", "dpo", "reward"])
def test_the_script_of_an_export_trains(
    request: pytest.FixtureRequest, tiny: Path, tmp_path: Path, method: str
) -> None:
    """As a user runs it, to its end; on a CPU with `use_cpu`, as TRL's bf16 needs a GPU."""
    folder = shutil.copytree(request.getfixturevalue(f"{method}_export"), tmp_path / "export")
    script = folder / "trainers" / f"trl_{method}.py"
    script.write_text(script.read_text().replace("Config(\n", "Config(use_cpu=True,\n"))
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [sys.executable, str(script), str(tiny)],
        cwd=tmp_path,
        env=os.environ | offline,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    before, after = (
        model_and_tokenizer(folder)[0].state_dict() for folder in (tiny, tmp_path / method)
    )
    assert after.keys() == before.keys()
    assert not any(bool(after[name].equal(before[name])) for name in after)


def test_dpo_learns_from_the_pairs_of_an_export(tiny: Path, pairs: Any, tmp_path: Path) -> None:
    assert len(pairs) == 24
    assert_learns(dpo(tiny, pairs, tmp_path))


def test_dpo_sees_the_prompt_of_all_turns_and_both_answers(
    tiny: Path, pairs: Any, tmp_path: Path
) -> None:
    trainer = dpo(tiny, pairs, tmp_path)
    decode = trainer.processing_class.decode
    columns = ("prompt_ids", "chosen_ids", "rejected_ids")
    seen = [tuple(decode(row[column]) for column in columns) for row in trainer.train_dataset]
    expected = []
    for row in pairs:
        prompt = rendered(row["prompt"])
        answers = (f"{row[kind][0]['content']}<|im_end|>\n" for kind in ("chosen", "rejected"))
        expected.append((f"{prompt}<|im_start|>assistant\n", *answers))
    assert sorted(seen) == sorted(expected)
    assert any("Which tower leans?" in prompt for prompt, _, _ in seen)
    assert all("<|im_start|>system\nYou are guide" in prompt for prompt, _, _ in seen)


def test_a_reward_model_sees_both_whole_chats_of_an_export_and_learns(
    tiny: Path, pairs: Any, reward_export: Path, tmp_path: Path
) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from trl import RewardConfig, RewardTrainer

    trainer = RewardTrainer(
        AutoModelForSequenceClassification.from_pretrained(tiny, num_labels=1),
        args=RewardConfig(output_dir=str(tmp_path / "reward"), **STEP),
        train_dataset=load(reward_export, tmp_path / "cache"),
        processing_class=AutoTokenizer.from_pretrained(tiny),
    )
    decode = trainer.processing_class.decode
    seen = [
        tuple(decode(row[f"{kind}_ids"]) for kind in ("chosen", "rejected"))
        for row in trainer.train_dataset
    ]
    whole = [
        tuple(rendered(row["prompt"] + row[kind]) for kind in ("chosen", "rejected"))
        for row in pairs
    ]
    assert sorted(seen) == sorted(whole)
    assert_learns(trainer)
