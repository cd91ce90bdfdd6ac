"""The manifest of an export: the file that names every other file of the folder with its sha256.

It ends with a sha256 of its own, of what it would be without that.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl
from upath import UPath

from sysgen_dagster.training_sets.export.layout import DEFAULT, ExportError
from sysgen_dagster.training_sets.splits import Split

MANIFEST = "manifest.json"
_OWN = "sha256"


def compute_checksums(folder: Path) -> dict[str, str]:
    """Path in the folder to sha256, for every file in it except the manifest; sorted by path."""
    checksums = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST:
            with path.open("rb") as file:
                checksums[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return dict(sorted(checksums.items()))


def compute_data_checksum(manifest: Mapping[str, Any]) -> str:
    """The sha256 of what `sha256sum` prints of an export's data files, in the order of their paths.

    Exports of equal rows have equal ones, whatever their cards say, which change from version to
    version of the pipeline. `students.program.data` computes the same.
    """
    lines = [f"{file['sha256']}  {file['path']}\n" for file in manifest["files"] if "rows" in file]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def render_manifest(content: Mapping[str, Any]) -> str:
    """The text of a manifest; equal contents have equal texts."""
    return _render({**content, _OWN: _digest(content)})


def _render(content: Mapping[str, Any]) -> str:
    return f"{json.dumps(content, ensure_ascii=False, indent=2)}\n"


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(_render(content).encode("utf-8", "surrogatepass")).hexdigest()


def count_rows(manifest: Mapping[str, Any], configuration: str = DEFAULT) -> dict[Split, int]:
    """Rows of each split of an export, as its manifest states them; only splits that have some.

    Args:
        manifest: As `read_manifest` gives it.
        configuration: The one whose rows are counted; none are there of one that does not exist.
    """
    counts = Counter[str]()
    for file in manifest["files"]:
        path = PurePosixPath(file["path"])
        _, _, model = path.parent.name.partition("--")
        if configuration in (DEFAULT, model, path.parent.name):
            split, _, _ = path.name.partition("-")
            counts[split] += file.get("rows", 0)
    return {split: counts[split] for split in Split if counts[split]}


def read_checksums(folder: Path) -> dict[str, str]:
    """Path in the folder to sha256, as the manifest of the export states them.

    Raises:
        ExportError: The folder has no manifest, or the file is not as it was written.
    """
    return {file["path"]: file["sha256"] for file in read_manifest(folder)["files"]}


def read_manifest(folder: Path | UPath) -> dict[str, Any]:
    """The manifest of the export in a folder, as `read_checksums` raises."""
    manifest = folder / MANIFEST
    try:
        text = manifest.read_text(encoding="utf-8")
        content: dict[str, Any] = json.loads(text)
        _ = [(file["path"], file["sha256"]) for file in content["files"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ExportError(
            f"{manifest} is not the manifest of an export ({error!r}); make the export first"
        ) from error
    # Earlier versions wrote no digest, and ended with the files.
    *_, last = content
    if last != "files" and text != render_manifest(
        {name: content[name] for name in [*content][:-1]}
    ):
        raise ExportError(f"{manifest} does not have the digest it was written with; export again")
    return content


def read_decisions_followed(folder: Path) -> str:
    """The digest of the reviewers' decisions that an export follows; ``none`` of none.

    Raises:
        ExportError: The folder has no manifest, or the file is not as it was written.
    """
    return str(read_manifest(folder).get("decisions", "none"))


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
