"""What the command lines of all engines share: where the command is, and how flags are written."""

import os
import shutil
import sys
from pathlib import Path

from sysgen_dagster.catalog.models import Flags


def find_command(variable: str, *names: str) -> str | None:
    """The path of an engine's command; None where there is none.

    The environment variable names it; else it is that of this Python environment, or that on the
    PATH. Of several names the first one that is found counts.
    """
    named = os.environ.get(variable)
    if named:
        return shutil.which(named)
    beside_python = [Path(sys.executable).with_name(name) for name in names]
    found = next((str(path) for path in beside_python if path.is_file()), None)
    return found or next(filter(None, map(shutil.which, names)), None)


def with_changes(presets: Flags, changes: Flags) -> Flags:
    """Presets with a catalogue's changes, whose flags may be spelt with underscores."""
    return {**presets, **{flag.replace("_", "-"): value for flag, value in changes.items()}}


def as_arguments(flags: Flags, presets: Flags) -> list[str]:
    """The words of a command line. `presets` tell what `false` means for a flag of ours.

    False turns a switch off, and leaves out a flag that takes a value.
    """
    words: list[str] = []
    for flag, value in flags.items():
        if value is True:
            words.append(f"--{flag}")
        elif value is not False:
            words += [f"--{flag}", str(value)]
        elif flag not in presets or isinstance(presets[flag], bool):
            words.append(f"--no-{flag}")
    return words
