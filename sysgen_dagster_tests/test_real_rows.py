"""`make real-rows`: the command on the simulated server, and the rows that a real model made."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS
from sysgen_dagster.lanes.sysgen.tables import PHRASES
from sysgen_dagster.obedience.by_rules import decide_by_rules
from sysgen_dagster.obedience.contradictions import compare_results

FOLDER = Path(__file__).parents[1] / "real_rows"
MADE = FOLDER / "rows.jsonl"
MOST_BYTES = 2_000_000
WANTED = 8
CATALOG = f"""
method: {{preset: best, answers: 3}}
sources:
  orca_math:
    path: orca_math.parquet
    shards: 3
    shape: {{kind: question_answer, question: question, answer: answer}}
  magicoder:
    path: magicoder.parquet
    shards: 3
    shape: {{kind: question_answer, question: instruction, answer: response}}
models:
  phi-4: {{engine: simulated}}
training: {{validation: 0, test: 0}}
mixtures:
  obeying: {{rows: {WANTED}, obeyed: none_broken}}
"""


def command(folder: Path, data: str = "data") -> list[str]:
    """What makes the rows of a folder that `prepared` has prepared."""
    options = {
        "--sources": folder / "upstream",
        "--data": folder / data,
        "--to": folder / f"{data}.jsonl",
        "--catalog": folder / "catalog.yaml",
    }
    words = [str(word) for pair in options.items() for word in pair]
    return [sys.executable, str(FOLDER / "make_rows.py"), *words]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("SYSGEN_", "DAGSTER_"))}


def run(words: list[str]) -> str:
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def lines_of(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of upstream rows and a catalogue of a simulated model."""
    folder = tmp_path_factory.mktemp("real_rows")
    (folder / "upstream").mkdir()
    for source in ("orca_math", "magicoder"):
        rows = pl.read_ndjson(EXAMPLE_ROWS / f"{source}.jsonl").head(12)
        rows.write_parquet(folder / "upstream" / f"{source}.parquet")
    (folder / "catalog.yaml").write_text(CATALOG)
    return folder


@pytest.fixture(scope="module")
def printed(prepared: Path) -> str:
    """What the command printed."""
    return run(command(prepared))


def test_it_makes_shards_in_turn_until_the_mixture_has_its_rows(prepared: Path, printed: str) -> None:
    print(printed)
    rows = lines_of(prepared / "data.jsonl")
    assert len(rows) == WANTED
    print(json.dumps(rows[0], indent=1))
    assert False
