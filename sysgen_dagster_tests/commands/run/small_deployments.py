"""A deployment of one small file and one simulated model, looked at here and made by Dagster."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import yaml
from rich.console import Console

from sysgen_dagster.inference.ledger_files import read_lines, read_sealed
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Table

ROOT = Path(__file__).parents[3]
MODEL, SOURCE = "phi", "mine"
SHARD, KEY = "mine-000", "phi|mine-000"
ASKED = ("annotated_system_messages", "verified_system_messages", "aligned_responses")
PHASES = (ASKED[0], "filtered_system_messages", *ASKED[1:])
MAKE_ALL: Sequence[tuple[str, list[str]]] = (
    (SHARD, [f"source/{SOURCE}"]),
    (SHARD, ["conversations"]),
    (KEY, list(PHASES)),
)
LOOK: tuple[None, list[str]] = (None, ["out_of_date"])


def turns_row(*texts: str) -> dict[str, Any]:
    """A row of a chat, by user and assistant in turn."""
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[n % 2], "content": t} for n, t in enumerate(texts)]}


@dataclass
class SmallDeployment:
    """It lies in a folder, which is what ``--data`` would name."""

    folder: Path
    rows: Sequence[Mapping[str, Any]]
    method: Mapping[str, Any] = field(default_factory=lambda: {"preset": "best"})
    model: Mapping[str, Any] = field(default_factory=dict)
    exchanges: str = "each"

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        file = self.folder / "rows.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in self.rows))
        source = {
            "title": "Mine",
            "license": "mit",
            "path": str(file),
            "shards": 1,
            "columns": {"messages": ["role", "content"]},
            "shape": {"kind": "messages", "column": "messages"},
            "exchanges": self.exchanges,
        }
        model = {
            "served_name": "somebody/phi",
            "license": "mit",
            "engine": "simulated",
            "bounds": {"filtered": [0, 1], "aligned": [0, 1], "tag_share_within": 1},
            **self.model,
        }
        catalog = {
            "method": dict(self.method),
            "judging": {"judge": MODEL, "preference_rows": 10, "alignment_rows": 10, "seed": 0},
            "sources": {SOURCE: source},
            "models": {MODEL: model},
        }
        (self.folder / "catalog.yaml").write_text(yaml.safe_dump(catalog, sort_keys=False))

    @property
    def environment(self) -> dict[str, str]:
        """What points a process at it."""
        return {
            "SYSGEN_DATA": str(self.folder),
            "SYSGEN_CATALOG": str(self.folder / "catalog.yaml"),
            "DAGSTER_HOME": str(self.folder / "home"),
        }

    @property
    def store(self) -> Store:
        return Store(self.folder)

    @contextmanager
    def entered(self) -> Iterator[Catalog]:
        """Its catalogue, while this process is pointed at it."""
        with patch.dict(os.environ, self.environment):
            yield load_catalog()

    def make(self, *runs: tuple[str | None, list[str]]) -> list[str]:
        """What went wrong or was found in each run of Dagster's assets, in another process."""
        (self.folder / "home").mkdir(exist_ok=True)
        ours = ("SYSGEN_", "DAGSTER_")
        kept = {name: of for name, of in os.environ.items() if not name.startswith(ours)}
        done = subprocess.run(
            [sys.executable, "-m", "sysgen_dagster_tests.defs.make_partitions", json.dumps(runs)],
            env=kept | self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        said = [json.loads(line) for line in done.stdout.splitlines()[: len(runs)]]
        assert not any(errors for errors, _ in said), said
        return ["\n".join(checks) for _, checks in said]

    def read(self, table: Table, key: str = KEY) -> pl.DataFrame:
        """A stored table."""
        return self.store.read(table, table.partition_of(key))

    def asked(self, table: str, ledger: str) -> dict[str, str | None]:
        """The names of the requests in one ledger of a table, by their keys."""
        path = self.folder / "ledger" / table / f"{ledger}.jsonl"
        entries = [*read_sealed(path.with_suffix(".parquet")), *read_lines(path)[0]]
        return {entry.key: entry.request_id for entry in entries}


def plain_console(width: int = 100) -> Console:
    """A console that is no terminal; what it prints is recorded."""
    return Console(record=True, width=width, file=io.StringIO(), color_system=None)
