"""A deployment in which `make proof` finds its trainings made, and what stands for torch there."""

import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.storage.store import Store
from sysgen_dagster.students.checkpoints import write_checkpoints
from sysgen_dagster.students.folders import DATA
from sysgen_dagster.students.tables import TRAINED_STUDENTS
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.inference.local.gguf_files import write_gguf

ROOT = Path(__file__).parents[1]
FOLDER, ROWS = ROOT / "train_small", ROOT / "real_rows"
TRAININGS = ("sysgen", "original_answer", "no_system_message")
SUBJECTS = ("base", "base_without_persona", "no_system_message", "original_answer", "sysgen")

# Says of each chat a likelihood that follows from its length, and ends early where it is told to.
_IN_PLACE_OF_TORCH = f"""#!{sys.executable}
import json, os, pathlib, sys
assert sys.argv[1:3] == ["-m", "program.likelihood"], sys.argv
weights, chats, written = map(pathlib.Path, sys.argv[3:6])
there = written.read_text().count("\\n") if written.is_file() else 0
left = [json.loads(line) for line in chats.read_text().splitlines()][there:]
most = int(os.environ.get("ENDS_AFTER", len(left)))
with written.open("a") as file:
    for chat in left[:most]:
        value = -float(sum(len(message["content"]) for message in chat["messages"]))
        file.write(json.dumps({{"id": chat["id"], "tokens": 10, "log_likelihood": value}}) + "\\n")
pathlib.Path(__file__).with_suffix(".log").open("a").write(f"{{written.name}} {{len(left)}}\\n")
sys.exit(most < len(left))
"""


class SmallProof:
    """The deployment, its weights and its commands."""

    def __init__(self, folder: Path) -> None:
        """Write weights, checkpoints and trainings that are made."""
        self.data, self.weights = folder / "work", folder / "smollm2"
        self.trainer = folder / "python"
        self.judge = write_gguf(folder / "qwen.gguf")
        self.trainer.write_text(_IN_PLACE_OF_TORCH, encoding="utf-8")
        self.trainer.chmod(0o755)
        _write_weights(self.weights)
        store = Store(self.data)
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(FOLDER))
            import_module("train").write_exports(store, load_catalog(FOLDER / "catalog.yaml"))
        for name in TRAININGS:
            self._make_training(name)
            shutil.copytree(str(store.export(name)), self.data / "students" / name / DATA)
        text = (FOLDER / "catalog.yaml").read_text().replace("path: rows", f"path: {ROWS}/rows")
        (self.data / "catalog.yaml").write_text(text.partition("subjects:")[0])

    def _make_training(self, name: str) -> None:
        training = self.data / "students" / name
        _write_weights(training / "checkpoints" / "epoch-1")
        (training / "checkpoints" / "epoch-1" / "of.txt").write_text(name)
        write_checkpoints(training, [])
        status = {"state": "done", "step": 42, "seconds": 60.0, "versions": {"torch": "1.2.3"}}
        (training / "status.json").write_text(json.dumps(status))
        empty = TRAINED_STUDENTS.empty()
        Store(self.data).write(TRAINED_STUDENTS, Partition(training=name), empty)

    @property
    def asked(self) -> list[tuple[str, int]]:
        """The subject, and how many chats it was asked about, of each run of the program."""
        lines = self.trainer.with_suffix(".log").read_text().split()
        names = (name.rpartition("-")[0] for name in lines[::2])
        return list(zip(names, map(int, lines[1::2]), strict=True))

    def command(self) -> list[str]:
        """`make proof`'s own."""
        prove = str(FOLDER / "prove.py")
        return [sys.executable, prove, "--weights", str(self.weights), "--data", str(self.data)]

    def environment(self, **more: str) -> dict[str, str]:
        """In which simulated models answer for all subjects."""
        aside = {"SYSGEN_DATA", "SYSGEN_CATALOG", "SYSGEN_WORK", "DAGSTER_HOME"}
        kept = {name: value for name, value in os.environ.items() if name not in aside}
        own = {
            "PYTHONPATH": str(ROOT),
            "SYSGEN_TRAIN": str(self.trainer),
            "SYSGEN_ENGINE": "simulated",
            # So that no benchmark is fetched, wherever the tests run.
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy"), "http://127.0.0.1:9"),
        }
        return {**kept, **own, **more}

    def run(self, *options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run it to its end."""
        return subprocess.run(
            [*self.command(), *options],
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            check=False,
        )


def _write_weights(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "chat_template.jinja").write_text("{{ messages }}")
