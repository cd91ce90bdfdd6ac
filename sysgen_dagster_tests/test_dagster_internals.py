"""Dagster's private modules are named in one file of the package and one of the tests."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRIVATE = re.compile(r"^\s*(?:from|import) dagster\._|[\"']dagster\._", re.MULTILINE)


def test_dagster_s_private_modules_are_named_in_two_files() -> None:
    files = [*ROOT.glob("sysgen_dagster/**/*.py"), *ROOT.glob("sysgen_dagster_tests/**/*.py")]
    using = [file.name for file in files if PRIVATE.search(file.read_text())]
    assert using == ["event_log.py", "dagster_internals.py"]
