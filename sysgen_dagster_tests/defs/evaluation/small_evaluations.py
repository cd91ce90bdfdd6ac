"""A deployment with small benchmarks, subjects and a judge, made in processes of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table

ROOT = Path(__file__).parents[3]
Run = tuple[str | None, list[str]]


@dataclass(frozen=True, slots=True)
class Evaluations:
    """A folder with a catalogue; models that are not given are simulated."""

    folder: Path

    def write(self, evaluation: Mapping[str, Any], **sections: Any) -> None:
        """The catalogue: a subject `plain`, one with the message in the user turn, a judge."""
        (self.folder / "rows.jsonl").write_text('{"question": "Why?", "answer": "So."}\n')
        catalog = {
            "sources": {"rows": {"path": "rows.jsonl"}},
            "models": {"owl": {"engine": "simulated"}},
            "judges": {"hawk": {"engine": "simulated"}},
            "subjects": {
                "plain": {"model": "owl"},
                "folded": {"model": "owl", "message_in": "user"},
            },
            "evaluation": {"judge": "hawk", **evaluation},
        }
        (self.folder / "catalog.yaml").write_text(yaml.safe_dump(catalog | sections))
        (self.folder / "home").mkdir(exist_ok=True)

    def start(self, *runs: Run) -> "subprocess.Popen[str]":
        """A process that makes partitions, one run of Dagster after the other."""
        ours = ("SYSGEN_", "DAGSTER_")
        environment = {name: of for name, of in os.environ.items() if not name.startswith(ours)}
        environment |= {
            "SYSGEN_DATA": str(self.folder / "data"),
            "SYSGEN_CATALOG": str(self.folder / "catalog.yaml"),
            "DAGSTER_HOME": str(self.folder / "home"),
        }
        return subprocess.Popen(
            [sys.executable, "-m", "sysgen_dagster_tests.defs.make_partitions", json.dumps(runs)],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def make(self, *runs: Run) -> list[str]:
        """What went wrong in each run; empty where nothing did."""
        process = self.start(*runs)
        out, err = process.communicate()
        assert process.returncode == 0, err[-3000:]
        said = [json.loads(line) for line in out.splitlines()[: len(runs)]]
        return ["\n".join(errors) for errors, _ in said]

    def read(self, table: Table, subject: str | None = None) -> pl.DataFrame:
        """A stored table."""
        return Store(self.folder / "data").read(table, Partition(subject=subject))
