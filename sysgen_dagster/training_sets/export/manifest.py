"""The manifest of an export: the file that names every other file of the folder with its sha256."""

import hashlib
import json
from pathlib import Path

import polars as pl

from sysgen_dagster.training_sets.export.layout import ExportError

MANIFEST = "manifest.json"


def compute_checksums(folder: Path) -> dict[str, str]:
    """Path in the folder to sha256, for every file in it except the manifest; sorted by path."""
    checksums = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST:
            with path.open("rb") as file:
                checksums[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return dict(sorted(checksums.items()))


def read_checksums(folder: Path) -> dict[str, str]:
    """Path in the folder to sha256, as the manifest of the export states them.

    Raises:
        ExportError: The folder has no manifest, or the file is not one.
    """
    manifest = folder / MANIFEST
    try:
        files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        return {file["path"]: file["sha256"] for file in files}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ExportError(
            f"{manifest} is not the manifest of an export ({error!r}); make the export first"
        ) from error


def read_ids(folder: Path) -> frozenset[str]:
    """The ids of all conversations that the files of an export hold.

    Raises:
        ExportError: A file cannot be read.
    """
    found: set[str] = set()
    for path in sorted((folder / "data").rglob("*.parquet")):
        try:
            found.update(pl.read_parquet(path, columns=["conversation_id"]).to_series())
        except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise ExportError(f"{path} cannot be read ({error}); make the export again") from error
    return frozenset(found)
