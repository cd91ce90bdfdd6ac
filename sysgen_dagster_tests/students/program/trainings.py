"""Small trainings: an export, a tiny random model, arguments, and the program as it is started."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sysgen_dagster.catalog.recipes import Layout
from sysgen_dagster.students.program import records
from sysgen_dagster.training_sets.export.folder import write_folder
from sysgen_dagster.training_sets.export.manifest import compute_data_checksum, read_manifest
from sysgen_dagster.training_sets.layouts import lay_out
from sysgen_dagster_tests.training_sets.export.exports import FACTS, PAIR_FACTS, frame, row

PROGRAM = Path(records.__file__).parent
WORDS = "the answer of each step is a number that the teacher checks twice"


def said(role: str, content: str, *, train: bool = False) -> dict[str, Any]:
    return {"role": role, "content": content, "train": train}


def chat(number: int, *, system: bool = True, turns: int = 1) -> list[dict[str, Any]]:
    """A chat whose last answer is marked, of a length of its own."""
    messages = [said("system", f"You are tutor {number}. Be brief.")] if system else []
    for turn in range(turns):
        text = WORDS[: 10 + (number * 37 + turn) % 50]
        messages.append(said("user", f"What is {number} + {turn}?"))
        messages.append(said("assistant", f"{text}: {number + turn}", train=turn == turns - 1))
    return messages


def write_chats(folder: Path, chats: Sequence[list[dict[str, Any]]], held_out: int = 0) -> Path:
    """An export of chats, with the last ones in the split ``validation``."""
    rows = [
        row(
            "metamath",
            "phi-4",
            "validation" if n >= len(chats) - held_out else "train",
            n,
            messages=messages,
        )
        for n, messages in enumerate(chats)
    ]
    write_folder(folder, folder.name, [frame(rows)], FACTS)
    return folder


def write_pairs(folder: Path, count: int, layout: Layout = Layout.CHATS, held_out: int = 0) -> Path:
    """An export of preference pairs, and so many more in the split ``validation``."""
    splits = ["train"] * count + ["validation"] * held_out
    rows = [row("metamath", "phi-4", split, number) for number, split in enumerate(splits)]
    recipe = PAIR_FACTS.recipe.model_copy(update={"layout": layout})
    pairs = lay_out(frame(rows, pairs=True), recipe)
    write_folder(folder, folder.name, [pairs], replace(PAIR_FACTS, recipe=recipe))
    return folder


def build(export: Path, model: Path, output: Path, rows: int, **changes: Any) -> dict[str, Any]:
    """Arguments of a short training; a name with a dot changes a field inside another."""
    arguments: dict[str, Any] = {
        "version": 1,
        "objective": "sft",
        "model": {
            "weights": str(model),
            "revision": None,
            "chat_template": None,
            "dtype": "float32",
        },
        "data": {
            "folder": str(export),
            "configuration": "default",
            "checksum": compute_data_checksum(read_manifest(export)),
            "train_rows": rows,
        },
        "output": str(output),
        "learning_rate": 1e-3,
        "warmup_steps": 2,
        "schedule": "cosine",
        "weight_decay": 0.0,
        "batch_per_device": 2,
        "accumulation": 2,
        "max_length": 512,
        "epochs": 2,
        "used_epoch": 2,
        "most_steps": None,
        "beta": 0.1,
        "lora": None,
        "persona": False,
        "seed": 1,
        "devices": "cpu",
        "processes": 1,
        "save_every_steps": None,
    }
    for name, value in changes.items():
        outer, _, inner = name.rpartition("__")
        (arguments[outer] if outer else arguments)[inner] = value
    output.mkdir(parents=True, exist_ok=True)
    (output / "arguments.json").write_text(json.dumps(arguments))
    return arguments


def start(output: Path, processes: int = 1) -> "subprocess.Popen[str]":
    """The program as the pipeline starts it, in a group of its own.

    Several processes need no GPUs here: torch's launcher starts them, as `accelerate launch` does.
    """
    several = ["torch.distributed.run", "--standalone", f"--nproc_per_node={processes}", "-m"]
    launcher = several if processes > 1 else []
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.Popen(
        [sys.executable, "-m", *launcher, "program", str(output / "arguments.json")],
        env=environment | {"PYTHONPATH": str(PROGRAM.parent), "HF_HUB_OFFLINE": "1"},
        cwd=output,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(output: Path, processes: int = 1) -> int:
    """The exit status of the program, run to its end."""
    process = start(output, processes)
    _, said = process.communicate()
    (output / "log.txt").write_text(said)
    return process.returncode


def read_status(output: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((output / "status.json").read_text())
    return content


def read_metrics(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]


def losses(output: Path) -> dict[int, float]:
    return {line["step"]: line["loss"] for line in read_metrics(output) if "loss" in line}
