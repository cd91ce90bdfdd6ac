"""`sysgen run` in a process of its own, as a user starts it, on rows that the tests make up."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.processes.state import running

SYSGEN = Path(sys.executable).with_name("sysgen")
ROOT = Path(__file__).parents[3]
_OURS = ("SYSGEN_", "DAGSTER_")


def write_rows(file: Path, rows: int) -> Path:
    """A file of questions and answers, none like another."""
    verbs = ("sort", "reverse", "merge", "count", "split")
    with file.open("w") as written:
        for row in range(rows):
            question = (
                f"How do I {verbs[row % len(verbs)]} list number {row} of {row * 7 + 3} items?"
            )
            answer = f"Call {verbs[row % len(verbs)]}({row}) once and look at item {row * 7}."
            written.write(json.dumps({"prompt": question, "response": answer}) + "\n")
    return file


def start(*arguments: object) -> subprocess.Popen[str]:
    """The command, begun."""
    environment = {name: of for name, of in os.environ.items() if not name.startswith(_OURS)}
    return subprocess.Popen(
        [sys.executable, SYSGEN, "run", *map(str, arguments)],
        env=environment | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(*arguments: object) -> tuple[int, str]:
    """Exit code and output of the command."""
    process = start(*arguments)
    output, _ = process.communicate(timeout=240)
    return process.returncode, output


@contextmanager
def ending_servers(data: Path) -> Iterator[None]:
    """Has the servers of a deployment ended."""
    try:
        yield
    finally:
        for name in running(data / "engines"):
            stop(data / "engines", name)


def tokens_of_run(output: str) -> int:
    """How many tokens a run says to have paid for."""
    found = re.search(r"This run: ([\d,]+) in, ([\d,]+) out", output)
    assert found, output
    return sum(int(number.replace(",", "")) for number in found.groups())
