"""`make real-second-lane`: the command on a simulated model, and the sets of a real one."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.lanes.multifaceted.message_faults import find_fault, label_pattern
from sysgen_dagster.lanes.multifaceted.preference_messages import read_message
from sysgen_dagster.lanes.multifaceted.preference_sets import find_fault as find_fault_of_set
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster_tests.inference.processes import CEILING_S
from sysgen_dagster_tests.simulated.running_server import running

FOLDER = Path(__file__).parents[1] / "real_rows"
INSTRUCTIONS = 4
SETS = 3
CATALOG = """
sources:
  none:
    path: asked.parquet
    shards: 1
    shape: {{kind: question_answer, question: prompt, answer: prompt}}
models:
  phi: {{engine: endpoint, base_urls: ["{url}"]}}
multifaceted:
  sources:
    asked: {{path: asked.parquet, instruction: prompt}}
  instructions: {instructions}
  shards: 1
"""


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the command writes."""
    folder = tmp_path_factory.mktemp("second_lane")
    questions = [f"How do I keep {each} fresh in a small kitchen?" for each in ("bread", "basil")]
    questions += [f"Explain to me how {each} are made." for each in ("candles", "pencils")]
    pl.DataFrame({"prompt": questions}).write_parquet(folder / "asked.parquet")
    with running() as server:
        text = CATALOG.format(url=f"{server.url}/v1", instructions=INSTRUCTIONS)
        (folder / "catalog.yaml").write_text(text)
        options = {
            "--sources": folder,
            "--data": folder / "data",
            "--to": folder / "rows.jsonl",
            "--catalog": folder / "catalog.yaml",
        }
        words = [str(word) for pair in options.items() for word in pair]
        own = ("SYSGEN_", "DAGSTER_")
        done = subprocess.run(
            [sys.executable, str(FOLDER / "second_lane.py"), *words],
            env={name: value for name, value in os.environ.items() if not name.startswith(own)},
            capture_output=True,
            text=True,
            timeout=CEILING_S,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]


def test_every_set_that_was_asked_for_is_a_row(rows: list[dict[str, Any]]) -> None:
    assert len(rows) == INSTRUCTIONS * SETS
    assert len({row["conversation_id"] for row in rows}) == len(rows)


def test_a_step_is_there_where_the_one_before_it_kept_the_set(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        for before, step in (("set", "message"), ("message", "answer"), ("answer", "pair")):
            kept = row[before] is not None and row[before]["drop_reason"] is None
            assert (row[step] is not None) == kept


def test_what_was_kept_has_its_texts_and_a_pair_its_two_verdicts(
    rows: list[dict[str, Any]],
) -> None:
    judged = [row for row in rows if row["verdicts"]]
    assert judged
    assert all(len(row["verdicts"]) == 2 for row in judged)
    paired = [row for row in rows if row["pair"] and row["pair"]["drop_reason"] is None]
    assert all(row["answer"]["answer"] and row["message"]["system_message"] for row in paired)


# The sets that a real model wrote


MADE = FOLDER / "second_lane.jsonl"
DOCUMENT = (FOLDER.parent / "docs" / "multifaceted.md").read_text()
SETTINGS = Multifaceted.model_validate(
    {"sources": {"asked": {"path": "asked.parquet", "instruction": "prompt"}}}
)
COMPARED = "too_alike"  # with the other sets of an instruction


@pytest.fixture(scope="module")
def real() -> list[dict[str, Any]]:
    return [json.loads(line) for line in MADE.read_text().splitlines()]


def test_the_gates_find_of_each_reply_what_stands_beside_it(real: list[dict[str, Any]]) -> None:
    labels = label_pattern(SETTINGS.taxonomy)
    for row in real:
        preferences, reason = row["set"]["preference_set"], row["set"]["drop_reason"]
        assert find_fault_of_set(preferences, SETTINGS) == (None if reason == COMPARED else reason)
        if (message := row["message"]) is None:
            continue
        assert read_message(message["reply"]) == message["system_message"]
        descriptions = [each["description"] for each in preferences]
        fault = find_fault(
            message["system_message"], descriptions, labels, SETTINGS.message_characters
        )
        assert fault == message["drop_reason"]


@pytest.mark.parametrize(
    ("title", "step"),
    [
        ("preference sets", "set"),
        ("messages", "message"),
        ("answers", "answer"),
        ("pairs", "pair"),
    ],
)
def test_the_document_tells_of_each_step_what_the_file_has(
    real: list[dict[str, Any]], title: str, step: str
) -> None:
    reasons = [row[step]["drop_reason"] for row in real if row[step]]
    dropped = Counter(reason for reason in reasons if reason)
    told = ", ".join(f"`{reason}` {number}" for reason, number in dropped.most_common())
    line = f"| {title} | {len(reasons)} | {len(reasons) - dropped.total()} | {told} |"
    assert line in DOCUMENT
