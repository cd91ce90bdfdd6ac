"""The program as it is started: another process, with nothing of this package on its path."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster_tests.students.program.trainings import (
    build,
    chat,
    losses,
    read_metrics,
    read_status,
    run,
    start,
    write_chats,
)


@pytest.mark.parametrize("text", ["no JSON", "{}", '{"version": 1}'])
def test_arguments_that_are_wrong_are_refused_before_anything_slow(
    tmp_path: Path, text: str
) -> None:
    """Also without torch: in the environment of these tests there may be none."""
    (tmp_path / "arguments.json").write_text(text)
    assert run(tmp_path) == 2
    status = read_status(tmp_path)
    assert (status["state"], status["error"]["kind"]) == ("failed", "arguments")
    assert status["error"]["message"] in (tmp_path / "log.txt").read_text()


def test_a_refusal_is_said_in_the_folder_of_the_training(tmp_path: Path) -> None:
    arguments = {"output": str(tmp_path / "training"), "epochs": 0}
    (tmp_path / "arguments.json").write_text(json.dumps(arguments))
    assert run(tmp_path) == 2
    assert read_status(tmp_path / "training")["error"]["kind"] == "arguments"


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chats = [chat(number, turns=1 + number % 3) for number in range(20)]
    return write_chats(tmp_path_factory.mktemp("main") / "export", chats)


def wait_for(output: Path, step: int, process: Any) -> None:
    """Until the line of a step is there."""
    until = time.monotonic() + 300
    while time.monotonic() < until and process.poll() is None:
        if (output / "metrics.jsonl").exists() and max(losses(output), default=0) >= step:
            return
        time.sleep(0.02)
    raise AssertionError(f"no step {step}: {process.communicate()[1][-2000:]}")


@pytest.mark.trl
@pytest.mark.parametrize(("sent", "ends"), [(signal.SIGTERM, 3), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_process_that_was_ended_is_gone_on_with_by_another(
    export: Path, tiny: Path, tmp_path: Path, sent: signal.Signals, ends: int
) -> None:
    pytest.importorskip("trl", reason="run by `make test-train`")
    for name in ("whole", "ended"):
        build(export, tiny, tmp_path / name, 20, save_every_steps=2)
    process = start(tmp_path / "ended")
    wait_for(tmp_path / "ended", 3, process)
    os.killpg(process.pid, sent)
    process.communicate()
    assert process.returncode == ends
    if sent == signal.SIGTERM:
        assert read_status(tmp_path / "ended")["state"] == "stopped"
    assert run(tmp_path / "ended") == 0
    assert read_status(tmp_path / "ended")["resumed_from"] >= 2
    assert run(tmp_path / "whole") == 0
    assert losses(tmp_path / "ended") == losses(tmp_path / "whole")
    assert [line["step"] for line in read_metrics(tmp_path / "ended")] == list(range(1, 11))


@pytest.mark.trl
@pytest.mark.slow
def test_several_processes_stop_together_and_see_as_many_rows(
    export: Path, tiny: Path, tmp_path: Path
) -> None:
    """20 rows, six at once: the last four of an epoch are filled up with its first two."""
    pytest.importorskip("trl", reason="run by `make test-train`")
    build(export, tiny, tmp_path, 20, processes=2, batch_per_device=3, accumulation=1)
    process = start(tmp_path, processes=2)
    wait_for(tmp_path, 2, process)
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate()
    assert read_status(tmp_path)["state"] == "stopped"
    assert run(tmp_path, processes=2) == 0
    status = read_status(tmp_path)
    assert (status["state"], status["step"]) == ("done", 8)
    assert status["resumed_from"] >= 2
    assert status["tokens_seen"] == status["trained_tokens_expected"]
    assert status["learned_tokens_seen"] == status["learned_tokens_expected"]


@pytest.mark.trl
def test_a_signal_while_it_prepares_ends_it_at_once(
    export: Path, tiny: Path, tmp_path: Path
) -> None:
    pytest.importorskip("trl", reason="run by `make test-train`")
    build(export, tiny, tmp_path, 20)
    process = start(tmp_path)
    until = time.monotonic() + 120
    while not (tmp_path / "status.json").exists() and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 3
    status = read_status(tmp_path)
    assert (status["state"], status["step"]) == ("stopped", 0)
