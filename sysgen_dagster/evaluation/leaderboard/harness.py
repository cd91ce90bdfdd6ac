"""Finds lm-evaluation-harness, which has an environment of its own, and what it can do there."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sysgen_dagster.errors import SysgenError

HARNESS: Final = "SYSGEN_LM_EVAL"  # the Python that has it, or the folder of its environment
OLDEST: Final = (0, 4, 13)  # earlier ones need an old `datasets`, and read other task files
_WITHIN_S = 300.0  # nltk's data may be fetched meanwhile
# Runs in the harness' Python. Counting sentences loads what scoring needs, which is else missed
# only after all requests.
_ASK = """
import contextlib, importlib, importlib.metadata, json, pathlib, sys
import lm_eval
said = {"tasks": str(pathlib.Path(lm_eval.__file__).parent / "tasks"), "versions": {}, "faults": {}}
for name in ("lm_eval", "datasets", "transformers", "nltk"):
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        said["versions"][name] = importlib.metadata.version(name)
for task, module in (("ifeval", "ifeval"), ("leaderboard_ifeval", "leaderboard.ifeval")):
    try:
        with contextlib.redirect_stdout(sys.stderr):
            verifiers = importlib.import_module(f"lm_eval.tasks.{module}.instructions_util")
            verifiers.count_sentences("One. Two.")
    except (Exception, SystemExit) as error:
        said["faults"][task] = " ".join(str(error).replace("*", "").split())[:120] or repr(error)
print(json.dumps(said))
"""


class HarnessError(SysgenError):
    """Leaderboard tasks cannot be run; the message says what is missing, or how they ended."""


@dataclass(frozen=True, slots=True)
class Harness:
    """An lm-evaluation-harness on this machine.

    Attributes:
        python: The Python that runs it.
        tasks: Its folder of task files.
        versions: Of it and of the libraries that its results depend on.
        faults: By task, what its scoring lacks.
    """

    python: Path
    tasks: Path
    versions: Mapping[str, str]
    faults: Mapping[str, str]


def find_python() -> Path | None:
    """The Python that has the harness; None where there is none.

    ``SYSGEN_LM_EVAL`` names it, or the folder of its environment; else it is that of
    ``.venv-lm-eval`` beside the environment of this Python.
    """
    named = os.environ.get(HARNESS)
    place = Path(named).expanduser() if named else Path(sys.prefix).with_name(".venv-lm-eval")
    python = place / "bin" / "python" if place.is_dir() else place
    return python.absolute() if os.access(python, os.X_OK) else None


def require_harness(environment: Mapping[str, str]) -> Harness:
    """The harness, and what it says of itself.

    Args:
        environment: All that it gets of an environment.

    Raises:
        HarnessError: There is none, or none that can be used.
    """
    python = find_python()
    if python is None:
        named = os.environ.get(HARNESS)
        there = f"{HARNESS}={named} is none" if named else f"{HARNESS} is not set"
        raise HarnessError(
            f"leaderboard tasks are run by a Python of its own, and {there}: make it with "
            f"`deploy/install-lm-eval .venv-lm-eval`, and set {HARNESS} to that folder"
        )
    done = subprocess.run(
        [str(python), "-c", _ASK],
        capture_output=True,
        text=True,
        timeout=_WITHIN_S,
        env=dict(environment),
        check=False,
    )
    again = f"make it anew with `deploy/install-lm-eval`, and set {HARNESS} to that folder"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise HarnessError(f"{python} does not run lm-evaluation-harness ({last}): {again}")
    said = json.loads(done.stdout.strip().splitlines()[-1])
    versions = said["versions"]
    if _numbers(versions.get("lm_eval", "")) < OLDEST or "transformers" not in versions:
        raise HarnessError(
            f"{python} has {versions}, and needed are lm_eval {'.'.join(map(str, OLDEST))} or "
            f"newer and transformers: {again}"
        )
    return Harness(python, Path(said["tasks"]), versions, said["faults"])


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in version.split(".")[:3] if each.isdecimal())
