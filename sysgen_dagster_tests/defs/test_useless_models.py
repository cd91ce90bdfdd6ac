"""What a run says of models that are of no use: loud, with what they wrote, and never green."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.processes.state import running

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the runs of each model came to, and what the terminal printed."""
    data = tmp_path_factory.mktemp("useless") / "data"
    data.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SYSGEN_", "DAGSTER_"))}
    done = subprocess.run(
        [sys.executable, "-m", "sysgen_dagster_tests.defs.useless_models", str(data)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    for name in running(data / "engines"):
        stop(data / "engines", name)
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def printed(said: dict[str, Any], model: str) -> list[str]:
    """The lines about a model, blanks squeezed."""
    lines = (" ".join(line.split()) for line in said["printed"].splitlines())
    return [line for line in lines if model in line]


def test_a_model_that_writes_no_tag_fails_its_shard_and_its_text_is_quoted(
    said: dict[str, Any],
) -> None:
    runs = said["models"]["writes-prose"]
    broken = "contract broken: filtered_system_messages: keeps_most"
    assert runs["errors"][0] == f"writes-prose, filtered_system_messages_checks: {broken}"
    assert runs["broken"] == {"filtered_system_messages: keeps_most": 1}
    summary = runs["summary"]
    assert f"\n  the first: {runs['errors'][0]}\n" in summary
    assert "kept 0 of 33 rows." in summary
    assert "no_phrase_left (33): the model wrote `Sure! The assistant should be" in summary
    assert "step by step.\\n\\nI hope this helps.`" in summary
    assert "`repair: true`, or another model" in summary


def test_a_judge_without_a_readable_verdict_fails_phase_3(said: dict[str, Any]) -> None:
    runs = said["models"]["gives-no-verdict"]
    assert runs["broken"] == {"verified_system_messages: keeps_most": 1}
    assert "nothing_verified" in runs["summary"]


def test_the_phases_that_no_row_reached_are_in_the_table(said: dict[str, Any]) -> None:
    lines = printed(said, "writes-prose │")
    assert "│ writes-prose │ 2 filtered │ 33 │ 0 │ 0.0% │ │ no_phrase_left 33 │" in lines
    assert "│ writes-prose │ 4 aligned │ 0 │ 0 │ 0.0% │ │ no row reached this phase │" in lines


def test_one_row_that_is_lost_warns_of_its_shard_and_fails_a_model_that_has_no_other(
    said: dict[str, Any],
) -> None:
    runs = said["models"]["writes-prose-once"]
    assert runs["warned"]["filtered_system_messages: keeps_most"] == 1
    assert runs["broken"] == {"retention: every_phase_keeps_some": 1}
    assert runs["errors"] == [
        "writes-prose-once, retention_checks: contract broken: retention: every_phase_keeps_some"
    ]
    assert "kept 0 of 1 rows" in runs["summary"]


def test_copied_messages_are_counted_and_said(said: dict[str, Any]) -> None:
    runs = said["models"]["copies-a-demonstration"]
    assert runs["errors"] == []
    assert runs["warned"]["quality_counts: few_copied_from_prompt"] == 1
    text = " ".join(said["printed"].split())
    assert "33 of 33 system messages by copies-a-demonstration are copied from the prompt" in text
    assert "by calls-all-good are copied" not in text


def test_a_judge_that_calls_everything_good_is_named(said: dict[str, Any]) -> None:
    runs = said["models"]["calls-all-good"]
    # It is a simulated one: nobody is to look for another.
    assert "planted_faults: judge_finds_planted_faults" not in runs["warned"]
    [line] = [each for each in printed(said, "calls-all-good") if "judge of Phase 3" in each]
    assert "found 0 of 47 (0% to 8%) planted faults" in line
    assert "called 208 of 208" in line
    assert "no better than chance" in line


def test_every_model_is_asked_about_planted_faults_whatever_its_shards_came_to(
    said: dict[str, Any],
) -> None:
    for model in said["models"]:
        assert [each for each in printed(said, model) if "as judge of Phase 3" in each]
