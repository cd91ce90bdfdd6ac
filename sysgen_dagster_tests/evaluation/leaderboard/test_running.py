"""A run of the harness: done once, gone on with after a kill, and nothing left of it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sysgen_dagster.evaluation.leaderboard import running
from sysgen_dagster.evaluation.leaderboard.command import RESULTS
from sysgen_dagster.evaluation.leaderboard.harness import HarnessError
from sysgen_dagster.evaluation.leaderboard.results import is_whole
from sysgen_dagster.evaluation.leaderboard.running import LOG, run_until_done
from sysgen_dagster.processes.state import read_state
from sysgen_dagster_tests.evaluation.leaderboard.fake_harness import asked, write_harness
from sysgen_dagster_tests.inference.processes import Descendants, wait_until

ITEMS = [f"mathqa/{number}" for number in range(6)]
_WAITS = """
import json, os, sys
from pathlib import Path
from sysgen_dagster.evaluation.leaderboard.running import run_until_done
run_until_done(Path(sys.argv[1]), ["mathqa"], json.loads(sys.argv[2]), os.environ)
"""


class Place:
    """A folder of a task, and the program that runs it."""

    def __init__(self, root: Path) -> None:
        """Nothing is there yet."""
        self.folder, self.harness, self.said = root / "mathqa-1", root / "harness", list[str]()

    def command(self, **behaviour: Any) -> list[str]:
        """What starts the program, which goes wrong as `behaviour` says."""
        python = write_harness(self.harness, **behaviour)
        rows = self.folder.parent / "rows.jsonl"
        rows.write_text("{}\n" * len(ITEMS))
        tasks = self.folder.parent / "tasks"
        tasks.mkdir(exist_ok=True)
        files = {"dataset_kwargs": {"data_files": {"test": [str(rows)]}}}
        (tasks / "mathqa.yaml").write_text(yaml.safe_dump(files))
        paths = {"include_path": tasks, "use_cache": self.folder / "cache"}
        paths |= {"output_path": self.folder / RESULTS}
        options = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
        return [str(python), "-m", "lm_eval", "run", "--tasks", "mathqa", *options]

    def run(self, **behaviour: Any) -> None:
        """Run it until it is done."""
        command = self.command(**behaviour)
        run_until_done(self.folder, ["mathqa"], command, os.environ, self.said.append)

    @property
    def is_whole(self) -> bool:
        """Whether its results are there."""
        return is_whole(self.folder / RESULTS, ["mathqa"])


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_task_that_was_run_is_not_run_again(place: Place, descendants: Descendants) -> None:
    place.run()
    assert place.is_whole
    assert place.said == [f"mathqa-1 runs; its log is {place.folder / LOG}"]
    place.run()
    assert asked(place.harness) == ITEMS
    assert len(place.said) == 1


def test_one_that_failed_shows_the_end_of_its_log_and_goes_on_where_it_was(
    place: Place, descendants: Descendants
) -> None:
    with pytest.raises(HarnessError, match=r"(?s)status 1\. .* again to go on.*went away"):
        place.run(dies_after=4)
    assert not place.is_whole
    place.run()
    assert asked(place.harness) == ITEMS  # each of them once
    assert place.is_whole


def test_one_that_ends_well_without_results_is_no_success(
    place: Place, descendants: Descendants
) -> None:
    with pytest.raises(HarnessError, match="ended with status 0"):
        run_until_done(place.folder, ["mathqa"], ["true"], os.environ)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_ends_leaves_nothing_and_the_next_one_asks_for_the_rest(
    sent: signal.Signals, place: Place, descendants: Descendants
) -> None:
    words = json.dumps(place.command(hangs_after=3))
    waiting = subprocess.Popen(
        [sys.executable, "-c", _WAITS, str(place.folder), words], stderr=subprocess.DEVNULL
    )
    wait_until(lambda: len(asked(place.harness)) == 3)
    waiting.send_signal(sent)
    waiting.wait()
    wait_until(lambda: read_state(place.folder, "process") is None)
    wait_until(lambda: not descendants("fake_harness"))
    place.run()
    assert asked(place.harness) == ITEMS
    assert place.is_whole


def test_two_runs_never_work_in_one_folder(
    place: Place, descendants: Descendants, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = json.dumps(place.command(hangs_after=1))
    waiting = subprocess.Popen(
        [sys.executable, "-c", _WAITS, str(place.folder), words], stderr=subprocess.DEVNULL
    )
    wait_until(lambda: len(asked(place.harness)) == 1)
    monkeypatch.setattr(running, "_ENDS_WITHIN_S", 0.5)
    with pytest.raises(HarnessError, match=r"another run works in .* wait for it, or cancel it"):
        place.run()
    waiting.send_signal(signal.SIGINT)
    waiting.wait()
