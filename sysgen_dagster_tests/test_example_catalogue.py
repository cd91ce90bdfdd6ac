"""The example of a catalogue: short, shipped, and all that a run needs."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.processes.state import running
from sysgen_dagster_tests.catalog.small import fault_of

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
from sysgen_dagster_tests.catalog.small import fault_of

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


def _edited(text: str, **changes: str) -> str:
    """The example as after an editor's search and replace: field by field, whatever it had."""
    for field, value in changes.items():
        text, number = re.subn(rf"(?m)^( *){field}:.*$", rf"\g<1>{value}", text)
        assert number == 1, field
    return text


def test_the_example_is_a_catalogue_of_ones_own_with_another_source_and_model(
    copied: Path,
) -> None:
    (copied.parent / "ours.csv").write_text("prompt,response\nWhy?,So.\n")
    changes = {
        "support": "tickets:",
        "path": "path: ours.csv",
        "qwen": "small:",
        "base_urls": "weights: small.gguf",
        "served_name": "license: mit",
    }
    copied.write_text(_edited(EXAMPLE.read_text(), **changes))
    catalog = load_catalog(copied)

    assert catalog.sources["tickets"].shape.kind == "question_answer"
    assert catalog.models["small"].engine is Engine.LLAMA_CPP


def test_three_mistakes_in_a_copy_of_the_example_are_one_message(copied: Path) -> None:
    changes = {"path": "path: row.jsonl", "base_urls": "base_url: [http://127.0.0.1:8000/v1]"}
    text = _edited(EXAMPLE.read_text(), **changes)
    copied.write_text(f"{text}judging: {{judge: phi-4}}\n")
    lines = copied.read_text().splitlines()
    places = [
        next(number for number, line in enumerate(lines, 1) if line.strip().startswith(beginning))
        for beginning in ("path:", "base_url:", "judging:")
    ]
    _, *faults = fault_of(copied)

    assert [fault.split(": ")[0].strip() for fault in faults] == [
        f"sources.support.path (line {places[0]})",
        f"models.qwen.base_url (line {places[1]})",
        f"judging.judge (line {places[2]})",
    ]
    assert f"there is no file {copied.with_name('row.jsonl')}" in faults[0]
    assert "did you mean `base_urls`?" in faults[1]


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
