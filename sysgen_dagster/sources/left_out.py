"""What a catalogue may leave out of a source on this machine, taken from its file.

Done whenever a catalogue is loaded, which every run does: it looks at the head of a file, and only
where the catalogue does not say.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from sysgen_dagster.catalog.references import Misnamed
from sysgen_dagster.catalog.sources import QuestionAnswer, shards_for
from sysgen_dagster.sources.files import SourceError
from sysgen_dagster.sources.guessing import guess_shape

_HEAD = 1 << 18  # bytes from which the length of a row is estimated
_USUAL_ROW = 2_000  # bytes, where the head has no whole row that can be told from others
# What a source has whose shape could not be told, so that its other faults are found as well.
_SOME_SHAPE = QuestionAnswer(kind="question_answer", question="question", answer="answer")


def complete_sources(values: Any, folder: Path) -> list[Misnamed]:
    """Fill in what the document of a catalogue leaves out, and say where that cannot be done.

    A relative `path` becomes that of a file beside the catalogue, also of a benchmark. A source
    with a `path` gets ``shape``, ``columns`` and ``exchanges`` as its rows suggest, and ``shards``
    by its size.

    Args:
        values: Of the document; they are changed.
        folder: That of the catalogue.
    """
    for section in ("sources", "benchmarks"):
        for _, entry in _entries(values, section):
            if isinstance(entry.get("path"), str):
                entry["path"] = str(folder / entry["path"])
    faults = []
    for name, entry in _entries(values, "sources"):
        field = "path" if isinstance(entry.get("path"), str) else "shape"
        try:
            _complete(str(name), entry)
        except SourceError as error:
            faults.append(Misnamed(("sources", name, field), "", str(error)))
            if "columns" not in entry:
                entry.setdefault("shape", _SOME_SHAPE)
    return faults


def _entries(values: Any, section: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    entries = values.get(section) if isinstance(values, Mapping) else None
    for name, entry in entries.items() if isinstance(entries, Mapping) else ():
        if isinstance(entry, dict):
            yield name, entry


def _complete(name: str, entry: dict[str, Any]) -> None:
    """Fill in one source.

    Raises:
        SourceError: Its shape cannot be told, or its file is needed and is not there.
    """
    wants_shape = "shape" not in entry
    wants_shards = "shards" not in entry and entry.get("rows") is None
    if not (wants_shape or wants_shards):
        return
    if not isinstance(entry.get("path"), str):
        if wants_shape:
            raise SourceError(
                "is not given, and is taken from the rows only where `path` names a file of this "
                "machine: give it, such as {kind: messages, column: messages}"
            )
        return
    file = Path(entry["path"])
    if not _is_there(file):
        raise SourceError(
            f"there is no file {file}: correct `path`, which begins at the catalogue's folder"
        )
    if wants_shape:
        guess = guess_shape(name, file)
        entry["shape"] = guess.shape
        entry.setdefault("columns", dict(guess.columns))
        entry.setdefault("exchanges", guess.exchanges.value)
    if wants_shards:
        entry["shards"] = shards_for(estimate_rows(file))


def _is_there(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:  # such as of a name that is too long
        return False


def estimate_rows(file: Path) -> int:
    """About how many rows a file has, or a folder of files: always the same of the same bytes.

    A Parquet file says it; of others a few rows are measured.
    """
    if file.is_dir():
        return sum(estimate_rows(each) for each in sorted(file.iterdir()) if each.is_file())
    if file.suffix == ".parquet":
        try:
            return int(pl.scan_parquet(file, glob=False).select(pl.len()).collect().item())
        except (pl.exceptions.PolarsError, OSError):
            return 0  # the asset of the source says what is wrong with the file
    with file.open("rb") as opened:
        head = opened.read(_HEAD)
    size = file.stat().st_size
    return round(size / _bytes_per_row(head)) if size else 0


def _bytes_per_row(head: bytes) -> float:
    text = head.decode("utf-8", "replace").lstrip("\ufeff")
    read = json.JSONDecoder()
    rows, at, end = 0, 0, 0
    while True:
        while at < len(text) and text[at] in " \t\r\n,[":
            at += 1
        try:
            _, at = read.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        rows, end = rows + 1, at
    if rows:
        return len(text[:end].encode()) / rows
    lines = head.count(b"\n")
    return head.rfind(b"\n") / lines if lines > 1 else _USUAL_ROW
