"""Data, ledgers and the catalogue that release 0.1 left behind are used as they are."""

import base64
import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.processes.state import running
from sysgen_dagster_tests.compatibility.old_data import unpack

# What 0.1 had and later releases do not, by the decision that removed it.
REMOVED = {"forecast_against_actual": "docs/decisions/0015-forecasts-come-from-a-pilot.md"}
# What has other columns now: made again from what is stored, without asking a model.
OTHER_COLUMNS = {"forecast"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of 0.1, in a place of its own."""
    return unpack(tmp_path_factory.mktemp("data-0.1"))


@pytest.fixture(scope="module")
def used(data: Path) -> dict[str, Any]:
    """What came of using it: the phases, the judgements and the report were made again."""
    ours = ("SYSGEN_", "DAGSTER_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    environment |= {"SYSGEN_DATA": str(data), "SYSGEN_CATALOG": str(data / "catalog.yaml")}
    command = [sys.executable, "-m", "sysgen_dagster_tests.compatibility.use_old_data", str(data)]
    done = subprocess.run(
        command,
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    for name in running(data / "engines"):
        stop(data / "engines", name)
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_the_catalogue_of_0_1_loads_with_its_bounds_and_models(data: Path) -> None:
    catalog = load_catalog(data / "catalog.yaml")
    assert list(catalog.models) == ["llama-3.1-8b", "phi-4"]
    assert list(catalog.mixtures) == ["sysgen", "preferences", "clean"]
    assert catalog.models["phi-4"].published is not None
    assert catalog.method.label == "paper"


def test_every_table_of_0_1_is_read(used: dict[str, Any]) -> None:
    states: dict[str, set[str]] = {}
    for file in used["files"]:
        states.setdefault(file["table"], set()).add(file["state"])
    others = {table: each for table, each in states.items() if each != {"whole"}}
    assert {table for table, each in others.items() if each == {"other_columns"}} == OTHER_COLUMNS
    assert others.keys() - OTHER_COLUMNS <= REMOVED.keys()
    assert len(states) > 25


NEW_REQUESTS = {"judge_calibration"}  # version 0.1 did not ask for these


def test_its_ledgers_answer_every_request_so_that_nothing_is_sent(used: dict[str, Any]) -> None:
    phases = {"annotated_system_messages", "verified_system_messages", "aligned_responses"}
    sent = {table: times for table, times in used["sent"].items() if table not in NEW_REQUESTS}
    assert sent.keys() == phases | {"judged_preferences", "judged_alignment"}
    assert set(sent.values()) == {0}


def test_the_phases_the_judgements_and_the_report_are_made(
    used: dict[str, Any], data: Path
) -> None:
    assert used["succeeded"] == {"phases": True, "judgements": True, "report": True}
    page = (data / "report.html").read_text(encoding="utf-8")
    [packed] = re.findall(r'id="stories"[^>]*>([^<]+)<', page)
    stories = gzip.decompress(base64.b64decode(packed)).decode()
    kept = pl.read_parquet(data / "aligned_responses" / "model=phi-4" / "capybara-000.parquet")
    answer = kept["new_answer"].drop_nulls()[0]
    assert json.dumps(answer[:60], ensure_ascii=False)[1:-1] in stories


def test_every_removed_table_has_its_decision() -> None:
    root = Path(__file__).parents[2]
    assert all((root / decision).is_file() for decision in REMOVED.values())
