"""What the command lines of all engines share."""

import sys
from pathlib import Path

import pytest

from sysgen_dagster.inference.local.command_lines import as_arguments, find_command, with_changes


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv("SYSGEN_ENGINE_HERE", raising=False)


def write_command(path: Path) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


def find() -> str | None:
    return find_command("SYSGEN_ENGINE_HERE", "serve", "serve-old")


def test_where_there_is_none_none_is_found() -> None:
    assert find() is None


def test_beside_this_python_goes_before_the_path(tmp_path: Path) -> None:
    on_path = write_command(tmp_path / "path" / "serve")
    assert find() == on_path
    beside = write_command(tmp_path / "venv" / "serve")
    assert find() == beside


def test_the_first_of_several_names_that_is_found_counts(tmp_path: Path) -> None:
    old = write_command(tmp_path / "path" / "serve-old")
    assert find() == old
    new = write_command(tmp_path / "path" / "serve")
    assert find() == new


def test_a_variable_goes_before_all_and_what_it_names_wrongly_is_replaced_by_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_command(tmp_path / "venv" / "serve")
    named = write_command(tmp_path / "path" / "mine")
    monkeypatch.setenv("SYSGEN_ENGINE_HERE", "mine")
    assert find() == named
    monkeypatch.setenv("SYSGEN_ENGINE_HERE", "not-there")
    assert find() is None


def test_changes_may_spell_a_flag_with_underscores() -> None:
    assert with_changes({"max-len": 1, "seed": 0}, {"max_len": 2}) == {"max-len": 2, "seed": 0}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"fast": True}, ["--fast"]),
        ({"size": 0}, ["--size", "0"]),
        ({"name": "a b"}, ["--name", "a b"]),
        ({"fast": False}, ["--no-fast"]),
        ({"ours": False}, ["--no-ours"]),
        ({"length": False}, []),
    ],
    ids=["switch", "zero", "text", "switch_off", "switch_of_ours_off", "value_left_out"],
)
def test_a_flag_is_written_as_its_value_says(
    flags: dict[str, str | int | bool], words: list[str]
) -> None:
    assert as_arguments(flags, {"ours": True, "length": 8}) == words
