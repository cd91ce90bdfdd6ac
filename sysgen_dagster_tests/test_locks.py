"""What `make` installs: all of it locked and hashed, and an audit that says what it is."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = {path.stem: path for path in (ROOT / "locks").glob("*.txt")}
# The extras of each, as the Makefile locks them; `audit` is for tools alone.
RUN = ("report", "postgres", "s3", "evaluate")
EXTRAS = {
    "run": RUN,
    "image": (*RUN, "kubernetes"),
    "test": (*RUN, "kubernetes", "test", "lint"),
    "train": (*RUN, "kubernetes", "test", "lint", "train"),
}
ENTRY = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]+\])?==(?P<version>[^\s;]+)(?: ; [^\\]+)? \\\n"
    r"(?:    --hash=sha256:[0-9a-f]{64} \\\n)*    --hash=sha256:[0-9a-f]{64}\n",
    re.MULTILINE,
)


def locked(name: str) -> dict[str, set[str]]:
    """The versions of each package; several where they differ by platform or Python."""
    versions: dict[str, set[str]] = {}
    for entry in ENTRY.finditer(LOCKS[name].read_text()):
        versions.setdefault(canonicalize_name(entry["name"]), set()).add(entry["version"])
    return versions


def wanted(name: str) -> Iterator[Requirement]:
    """What pyproject.toml wants of a lock, without the package itself."""
    groups = PROJECT["dependency-groups"]
    if name == "audit":
        yield from map(Requirement, groups["audit"])
        return
    optional = PROJECT["project"]["optional-dependencies"]
    named = [*PROJECT["project"]["dependencies"], *groups["build"]]
    named += [each for extra in EXTRAS[name] for each in optional[extra]]
    yield from (each for each in map(Requirement, named) if each.name != "sysgen-dagster")


def test_there_is_a_lock_for_each_thing_that_is_installed() -> None:
    assert LOCKS.keys() == {*EXTRAS, "audit"}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_pinned_and_hashed_entries_and_no_registry(name: str) -> None:
    assert ENTRY.sub("", LOCKS[name].read_text()) == ""


@pytest.mark.parametrize("name", LOCKS)
def test_all_that_pyproject_wants_is_locked_in_a_version_that_it_takes(name: str) -> None:
    versions = locked(name)
    wrong = [
        str(each)
        for each in wanted(name)
        if not all(map(each.specifier.contains, versions.get(canonicalize_name(each.name), [""])))
    ]

    assert wrong == [], "run `make lock`"


@pytest.mark.parametrize("extra", ["test", "kubernetes"])
def test_an_extra_names_no_other_that_is_not_locked_with_it(extra: str) -> None:
    """An extra of our own within another is one more list to lock."""
    optional = PROJECT["project"]["optional-dependencies"][extra]
    named = {inner for each in map(Requirement, optional) for inner in each.extras}

    assert named <= set(EXTRAS["test"])


def test_what_is_installed_together_is_the_same_everywhere() -> None:
    widest = locked("train")
    differ = {
        (name, package)
        for name in EXTRAS
        for package, versions in locked(name).items()
        if widest.get(package) != versions
    }

    assert differ == set(), "run `make lock`"


def test_an_entry_without_a_hash_is_seen() -> None:
    assert ENTRY.sub("", "polars==2.1.0\n") != ""
    assert ENTRY.sub("", "polars>=2.1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n") != ""
    assert ENTRY.sub("", "--index-url https://example.org/simple\n") != ""


def test_make_installs_nothing_that_is_not_locked() -> None:
    makefile = (ROOT / "Makefile").read_text()
    installs = re.findall(r"^\t.*\b(?:pip install|INSTALL\)).*$", makefile, re.MULTILINE)

    assert installs
    assert [
        line
        for line in installs
        if "--require-hashes -r locks/" not in line
        and not line.endswith("--no-deps --no-build-isolation -e .")
    ] == []


# The audit

FOUND = {"id": "CVE-2019-10906", "fix_versions": ["2.10.1"], "aliases": [], "description": ""}
CLEAN = {"name": "polars", "version": "2.1.0", "vulns": []}
VULNERABLE = {"name": "jinja2", "version": "2.4.1", "vulns": [FOUND]}
SKIPPED = {"name": "polars", "skip_reason": "Dependency not found on PyPI"}


def audit(tmp_path: Path, said: Any, *options: str) -> tuple[int, str]:
    """Exit status and output of the audit where pip-audit says this."""
    scripts = tmp_path / "bin"
    scripts.mkdir()
    (scripts / "python").symlink_to(sys.executable)
    text = "ConnectionError: pypi.org" if said is None else json.dumps({"dependencies": said})
    stub = scripts / "pip-audit"
    stub.write_text(
        f"#!/bin/sh\ncat <<'END'\n{text}\nEND\necho No known vulnerabilities found >&2\n"
    )
    stub.chmod(0o755)
    lock = tmp_path / "run.txt"
    lock.write_text("")
    asked = subprocess.run(
        [scripts / "python", ROOT / ".ci" / "audit.py", lock, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.returncode, asked.stdout


@pytest.mark.parametrize(
    ("said", "status", "line"),
    [
        pytest.param([CLEAN], 0, "AUDITED: 1 packages of 1 lock files, no known", id="clean"),
        pytest.param([CLEAN, VULNERABLE], 1, "VULNERABLE: jinja2 2.4.1: CVE-2019", id="one"),
        pytest.param([SKIPPED, VULNERABLE], 1, "VULNERABLE: jinja2 2.4.1: CVE-2019", id="both"),
        pytest.param([CLEAN, SKIPPED], 2, "NOT AUDITED: 1 of 2 packages were not", id="unknown"),
        pytest.param([], 2, "NOT AUDITED: 0 of 0 packages were not", id="nothing"),
        pytest.param(None, 2, "NOT AUDITED: pip-audit gave no result for", id="no-network"),
    ],
)
def test_only_a_whole_look_at_the_advisories_passes(
    tmp_path: Path, said: Any, status: int, line: str
) -> None:
    ended, out = audit(tmp_path, said)

    assert ended == status
    assert any(each.startswith(line) for each in out.splitlines())


def test_where_the_advisories_cannot_be_read_ci_goes_on_and_its_last_line_says_so(
    tmp_path: Path,
) -> None:
    ended, out = audit(tmp_path, [SKIPPED], "--may-be-offline")

    assert ended == 0
    assert out.splitlines()[-1].startswith("NOT AUDITED: 1 of 1 packages")


def test_a_known_vulnerability_is_never_passed_over(tmp_path: Path) -> None:
    assert audit(tmp_path, [VULNERABLE], "--may-be-offline")[0] == 1
