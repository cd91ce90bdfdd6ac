"""Loads an export as its users will: with the library `datasets`, in a process of its own.

The process is offline and keeps what it converts in a folder that is given and deleted: nothing
stays in the home of the user, whose settings and caches do not matter either.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from sysgen_dagster.chat.quoting import on_one_line
from sysgen_dagster.storage.files import locked
from sysgen_dagster.training_sets.export.layout import ExportError

_LONGEST = 600  # characters of what the library says


class Loaded(NamedTuple):
    """A split as it was loaded.

    Attributes:
        rows: How many there are.
        conversations: How many conversations of each model: a mixture has one row for each, an
            export of preference pairs one or more.
        columns: Their names and types, as Polars has them.
    """

    rows: int
    conversations: int
    columns: Mapping[str, str]


def load_export(folder: Path, cache: Path) -> dict[str, Loaded]:
    """Every split of an export by its name, each loaded by ``load_dataset(folder, split=...)``.

    It costs about two seconds, and two more for a million short rows or a GB; as long as it works
    it needs as much of the disk as the rows take in memory.

    Args:
        folder: The export.
        cache: A folder for what is converted; it is deleted, and was none of anybody's.

    Raises:
        ExportError: The library does not load it; with what it says.
    """
    cache.parent.mkdir(parents=True, exist_ok=True)
    with locked(cache.with_name(f".{cache.name}.lock")):
        try:
            done = subprocess.run(
                [sys.executable, "-P", "-c", _PROGRAM, str(folder), str(cache)],
                env=_environment(cache),
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            shutil.rmtree(cache, ignore_errors=True)
    if done.returncode != 0:
        *_, said = done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"]
        raise ExportError(f"`datasets` does not load it: {on_one_line(said)[:_LONGEST]}")
    return {split: Loaded(**found) for split, found in json.loads(done.stdout).items()}


# One line an instruction, since it is shown to nobody but the interpreter.
_PROGRAM = """
import json, sys
import datasets, polars as pl
folder, cache = sys.argv[1:]
found = {}
for split in datasets.get_dataset_split_names(folder):
    rows = datasets.load_dataset(folder, split=split, cache_dir=cache)
    columns = pl.DataFrame(rows.features.arrow_schema.empty_table()).schema
    of_whom = rows.select_columns(["conversation_id", "model"]).with_format("arrow")
    found[split] = {
        "rows": rows.num_rows,
        "conversations": pl.DataFrame(of_whom[:]).n_unique(),
        "columns": {name: str(dtype) for name, dtype in columns.items()},
    }
sys.stdout.write(json.dumps(found))
"""


def _environment(cache: Path) -> dict[str, str]:
    """That of this process without what would change what the library does, and without secrets."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    return {
        **kept,
        "HF_HOME": str(cache),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }
