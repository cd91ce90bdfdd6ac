"""The example of a catalogue: short, shipped, and all that a run needs."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.inference.local.state import running
from sysgen_dagster.lanes.catalog import load_catalog

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "catalog.example.yaml"
ROWS = [
    {
        "messages": [
            {"role": "user", "content": f"What is {at} plus {at}?"},
            {"role": "assistant", "content": f"{at} plus {at} is {2 * at}."},
        ]
    }
    for at in range(8)
]
RUN = """
import sys
from pathlib import Path
from sysgen_dagster.commands.backfill import run_everything
from sysgen_dagster.commands.deployment import use_dagster_home, use_deployment
from sysgen_dagster.commands.printing import open_plain_console

use_dagster_home(use_deployment(sys.argv[1]))
from sysgen_dagster.lanes.catalog import load_catalog

runs = run_everything(open_plain_console(), load_catalog())
sys.exit(1 if runs.errors or runs.broken else 0)
"""


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The example as the catalogue of a deployment, beside the rows that it names."""
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    file = tmp_path / "catalog.yaml"
    file.write_bytes(EXAMPLE.read_bytes())
    return file


def test_the_example_is_a_catalogue_of_at_most_15_lines(copied: Path) -> None:
    catalog = load_catalog(copied)

    assert len(EXAMPLE.read_text().splitlines()) <= 15
    assert list(catalog.mixtures) == ["sysgen"]
    assert {model.engine for model in catalog.models.values()} == {Engine.ENDPOINT}


def test_every_field_that_stands_in_a_comment_of_the_example_can_be_given(copied: Path) -> None:
    lines = [
        line.replace("# ", "", 1) if line.strip().startswith("# license:") else line
        for line in EXAMPLE.read_text().splitlines()
    ]
    copied.write_text("\n".join(lines))
    catalog = load_catalog(copied)

    licenses = [entry.license for entry in (*catalog.sources.values(), *catalog.models.values())]
    assert licenses
    assert "unknown" not in licenses


def test_the_example_is_in_the_wheel_beside_the_full_catalogue() -> None:
    with (ROOT / "pyproject.toml").open("rb") as opened:
        wheel = tomllib.load(opened)["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert wheel["force-include"][EXAMPLE.name] == f"sysgen_dagster/catalog/{EXAMPLE.name}"


@pytest.mark.slow
def test_everything_is_made_by_the_example_and_simulated_models(copied: Path) -> None:
    data = copied.parent
    ours = ("SYSGEN_", "DAGSTER_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    environment["SYSGEN_ENGINE"] = "simulated"
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(data)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    for name in running(data / "engines"):
        stop(data / "engines", name)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    exported = pl.concat(map(pl.read_parquet, (data / "exports" / "sysgen").rglob("*.parquet")))
    assert 0 < len(exported) <= len(ROWS)
    judged = pl.read_parquet([*(data / "judged_alignment").rglob("*.parquet")])
    assert judged.is_empty()
