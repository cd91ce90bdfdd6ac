"""A deployment with an export and trainings, whose runs are real processes and train nothing."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.dagster_home import write_settings
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.tables import SPLITS
from sysgen_dagster_tests.inference.processes import Run, wait_until
from sysgen_dagster_tests.students.simulated_trainer import Behaviour
from sysgen_dagster_tests.students.trainings import write_trainer
from sysgen_dagster_tests.training_sets.export.exports import export

MIXTURE = "sysgen"
_MAIN = "import sys; from sysgen_dagster_tests.defs.train_students import main; main(sys.argv[1])"
_TRAINING = {"student": "pupil", "mixture": MIXTURE, "epochs": 1, "most_steps": 10, "batch": 4}


@dataclass
class Deployment:
    """A deployment with an export, two trainings on it, and a trainer that trains nothing."""

    data: Path
    monkeypatch: pytest.MonkeyPatch
    runs: list[Run] = field(default_factory=list)

    def build(self) -> None:
        """Write catalogue, export, splits and the Dagster home."""
        full = local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS).model_dump(mode="json")
        changes = {
            "students": {"pupil": {"weights": "org/pupil"}},
            "trainings": {
                "first": _TRAINING,
                "second": _TRAINING | {"starts_from": "first", "objective": "sft"},
                "elsewhere": _TRAINING | {"trainer": "axolotl"},
            },
            "models": {name: each | {"training": None} for name, each in full["models"].items()},
        }
        self.data.mkdir()
        (self.data / "catalog.yaml").write_text(yaml.safe_dump(full | changes))
        write_settings(self.data / "dagster_home")
        export(self.data / "exports" / MIXTURE, name=MIXTURE)
        self.split("nobody")
        for name, value in {
            "SYSGEN_DATA": self.data,
            "SYSGEN_CATALOG": self.data / "catalog.yaml",
            "DAGSTER_HOME": self.data / "dagster_home",
            "SYSGEN_TRAIN": self.data / "python",
        }.items():
            self.monkeypatch.setenv(name, str(value))
        self.behave()

    def behave(self, **how: Any) -> None:
        """How the trainer behaves from now on."""
        write_trainer(self.data / "python", Behaviour(**how))

    def split(self, *test_ids: str) -> None:
        """Which conversations are in the test split."""
        rows = [
            {"conversation_id": each, "source": "capybara", "group": each, "split": "test"}
            for each in test_ids
        ]
        frame = pl.DataFrame([{**dict.fromkeys(SPLITS.names), **row} for row in rows])
        Store(self.data).write(SPLITS, Partition(), frame.cast(dict(SPLITS.schema)))

    def folder(self, training: str = "first") -> Path:
        """Of a training."""
        return self.data / "students" / training

    def begin(self, training: str = "first") -> Run:
        """A run of a training."""
        out = self.data / f"run-{len(self.runs)}.txt"
        self.runs.append(Run.of(out, _MAIN, training))
        return self.runs[-1]

    def make(self, training: str = "first") -> dict[str, Any]:
        """What came of a whole run."""
        run = self.begin(training)
        said: dict[str, Any] = json.loads(run.url)
        run.end()
        return said

    def wait_for_step(self, step: int, training: str = "first") -> None:
        """Return when the training has made so many steps."""
        file = self.folder(training) / "metrics.jsonl"
        wait_until(lambda: file.is_file() and file.read_bytes().count(b"\n") >= step)
