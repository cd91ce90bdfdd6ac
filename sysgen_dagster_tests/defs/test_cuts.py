"""A source is cut into another number of shards, or its file changes: no row twice or missing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.inventory import inventory
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.tables import SPLITS

ROWS = 60
SPLIT = (None, ["splits"])
LOOK = (None, ["out_of_date"])
FORECAST = ("phi", ["forecast"])


class Deployment:
    """One source, whose catalogue and file change from process to process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(folder / "data")
        for each in ("data", "home"):
            (folder / each).mkdir()
        (folder / "home" / "dagster.yaml").touch()
        self.write_file(ROWS)

    def write_file(self, rows: int) -> None:
        lines = (json.dumps({"q": f"How much is {n}?", "a": f"It is {n}."}) for n in range(rows))
        (self.folder / "sums.jsonl").write_text("\n".join(lines))

    def catalog(self, shards: int) -> dict[str, object]:
        return {
            "method": {"drop_rule": "malformed_boundary", "unreadable_verdict": "remove"},
            "sources": {
                "sums": {
                    "title": "Sums",
                    "license": "mit",
                    "columns": {"q": "string", "a": "string"},
                    "shape": {"kind": "question_answer", "question": "q", "answer": "a"},
                    "path": str(self.folder / "sums.jsonl"),
                    "shards": shards,
                }
            },
            "models": {
                "phi": {
                    "served_name": "somebody/phi",
                    "license": "mit",
                    "engine": "simulated",
                    "bounds": {"filtered": [0, 1], "aligned": [0, 1], "tag_share_within": 1},
                }
            },
        }

    def run(self, shards: int, *runs: tuple[str | None, list[str]]) -> list[str]:
        """What went wrong or was found in each run, then what `fill_gaps` says."""
        file = self.folder / "catalog.yaml"
        file.write_text(yaml.safe_dump(self.catalog(shards)))
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("SYSGEN_", "DAGS"))}
        environment |= {
            "SYSGEN_DATA": str(self.store.root),
            "SYSGEN_CATALOG": str(file),
            "DAGSTER_HOME": str(self.folder / "home"),
        }
        program = "sysgen_dagster_tests.defs.make_partitions"
        done = subprocess.run(
            [sys.executable, "-m", program, json.dumps(runs)],
            env=environment,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        *said, filled = map(json.loads, done.stdout.splitlines())
        return [*("\n".join(errors or checks) for errors, checks in said), "\n".join(filled)]

    def ids(self) -> list[str]:
        return self.store.read(SPLITS, Partition(), "conversation_id")["conversation_id"].to_list()


def shard(*indices: int) -> Iterable[tuple[str, list[str]]]:
    for asset in ("source/sums", "conversations"):
        yield from ((f"sums-{index:03d}", [asset]) for index in indices)


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """It has been cut into two shards, all of them made."""
    made = Deployment(tmp_path_factory.mktemp("cuts"))
    *_, splits, _ = made.run(2, *shard(0, 1), SPLIT)
    assert "True" in splits
    assert len(made.ids()) == ROWS
    return made


def test_shards_of_another_number_are_refused_by_name_until_all_are_made_again(
    deployment: Deployment,
) -> None:
    two, three = shard(2), shard(0, 1)
    *_, stale, splits, forecast, phase, filled = deployment.run(
        3, *two, LOOK, SPLIT, FORECAST, ("sums-000", ["conversations"])
    )
    assert "source/sums: 2 (sums-000, sums-001)" in stale
    for refusal in (splits, forecast):
        assert "conversations has sums-000, -001 cut into 2, the catalogue says 3" in refusal
        assert "Answered requests are not sent again" in refusal
    assert "source/sums has sums-000, -001 cut into 2" in phase
    assert "phi|sums-002" in filled
    assert "phi|sums-000" not in filled
    *_, splits, forecast, filled = deployment.run(3, *three, SPLIT, FORECAST)
    assert "True" in splits
    assert "cut" not in forecast
    assert len(set(deployment.ids())) == len(deployment.ids()) == ROWS
    assert all(f"phi|sums-00{index}" in filled for index in range(3))


def test_fewer_shards_are_refused_until_all_are_made_again_and_the_rest_is_left_over(
    deployment: Deployment,
) -> None:
    deployment.run(3, *shard(0, 1, 2), SPLIT)
    splits, *_, again, filled = deployment.run(2, SPLIT, *shard(0, 1), SPLIT)
    assert "conversations has sums-000, -001 cut into 3, the catalogue says 2" in splits
    assert "True" in again
    assert len(set(deployment.ids())) == len(deployment.ids()) == ROWS
    assert "sums-002" not in filled
    found = inventory(
        deployment.store, Catalog.model_validate(deployment.catalog(2)), [CONVERSATIONS]
    )
    left = found.filter(table="conversations", state="not_in_catalog")
    assert left["shard"].to_list() == ["sums-002"]


def test_shards_of_another_file_are_refused_until_all_are_made_again(
    deployment: Deployment,
) -> None:
    deployment.run(2, *shard(0, 1), SPLIT)
    deployment.write_file(ROWS + 20)
    *_, splits, _ = deployment.run(2, *shard(1), SPLIT)
    assert "conversations for sums comes from different files: sums-000 from local:" in splits
    *_, splits, _ = deployment.run(2, *shard(0), SPLIT)
    assert len(deployment.ids()) == ROWS + 20
    deployment.write_file(ROWS)
