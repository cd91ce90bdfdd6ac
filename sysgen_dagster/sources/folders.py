"""Which files a source on this machine is: one file, or a folder of files of one format.

The files of a folder are read in the order of their names, as one file. Of splits that the names
show, such as ``train-00000.parquet`` beside ``test-00000.parquet``, only the rows to train on are.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from sysgen_dagster.sources.recognition import SEEN, SourceError, recognise
from sysgen_dagster.sources.text_files import PACKED


class Format(StrEnum):
    """What a file holds, as messages say it."""

    PARQUET = "parquet"
    JSON_LINES = "jsonl"
    JSON = "json"
    CSV = "csv"
    TSV = "tsv"


FORMATS = {
    ".parquet": Format.PARQUET,
    ".jsonl": Format.JSON_LINES,
    ".ndjson": Format.JSON_LINES,
    ".json": Format.JSON,
    ".csv": Format.CSV,
    ".tsv": Format.TSV,
}
ENDINGS = f"{', '.join(FORMATS)} (all but .parquet also with {PACKED})"
TRAIN = "train"
# Names of splits as the library `datasets` finds them in the names of files and folders.
_SPLITS = {
    TRAIN: TRAIN,
    "training": TRAIN,
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
}
_WORDS = re.compile(r"[a-z]+")
# What the Hub and its libraries write beside the rows.
_ABOUT_ROWS = {
    *("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"),
    *("manifest.json", "metadata.json", "package.json", "config.json"),
}
_SHOWN = 5  # names in a message
_MOST_OTHERS = 100  # files without rows that are looked at


class Files(NamedTuple):
    """The files that are read as one.

    Attributes:
        paths: In the order in which they are read.
        format: That of all of them.
        said: What they are, for people.
    """

    paths: tuple[Path, ...]
    format: Format
    said: str


def format_of(file: Path | str) -> Format | None:
    """The format that a file's name says; None for a name of no format that is read."""
    path = Path(str(file).lower())
    if path.suffix == PACKED:
        found = FORMATS.get(Path(path.stem).suffix)
        return None if found is Format.PARQUET else found
    return FORMATS.get(path.suffix)


def split_of(name: str) -> str | None:
    """The split that the path of a file inside its folder names; None if it names none."""
    words = _WORDS.findall(name.lower())
    return next((_SPLITS[word] for word in words if word in _SPLITS), None)


def is_data(name: str) -> bool:
    """Whether a file inside a folder, by its path there, holds rows."""
    return format_of(name) is not None and not _is_beside_rows(name)


def _is_beside_rows(name: str) -> bool:
    """Whether a file is hidden, or one that is written about rows."""
    parts = name.split("/")
    return any(part.startswith((".", "_")) for part in parts) or parts[-1].lower() in _ABOUT_ROWS


def data_files(folder: Path) -> list[Path]:
    """The files in a folder, and in folders inside it, that hold rows, in the order of names."""
    return [folder / name for name in _names(folder) if is_data(name)]


def _names(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def files_of(name: str, path: Path, split: str | None = None) -> Files:
    """The files of a source whose `path` is a file or a folder.

    Args:
        name: That of the source, for messages.
        path: A file, or a folder whose files lie in it or in folders inside it.
        split: Of a folder: the one to take; None: `TRAIN` where names show splits.

    Raises:
        SourceError: There is no such file, or no folder of files of one format.
    """
    if path.is_dir():
        return _files_in(name, path, split)
    if not path.is_file():
        raise SourceError(f"{name}: there is no file {path}; correct `path` in the catalogue")
    found = format_of(path)
    if found is None:
        raise SourceError(f"{name}: {path} is none of {ENDINGS}; {_what_to_do(path)}")
    return Files((path,), found, f"{path.name}, {_size([path])}")


def listed_files(name: str, paths: Sequence[Path]) -> Files:
    """The files of a source that names each of them.

    Raises:
        SourceError: There is no such file, or they are not of one format.
    """
    first, *others = [files_of(name, path) for path in paths]
    if odd := [each for each in others if each.format != first.format]:
        raise SourceError(
            f"{name}: of the files that it names {first.said} is {first.format} and {odd[0].said} "
            f"is {odd[0].format}; give those of one format"
        )
    said = ", ".join(each.said for each in (first, *others))
    return first._replace(paths=tuple(paths), said=said)


def _what_to_do(file: Path) -> str:
    """With a file whose name says no format, by its first bytes."""
    with file.open("rb") as opened:
        head = opened.read(SEEN)
    if known := recognise(head):
        return f"{known.what}, {known.fix}"
    is_json = head.lstrip()[:1] in (b"{", b"[")
    return "it is JSON, end its name in .jsonl" if is_json else "convert it first"


def _files_in(name: str, folder: Path, split: str | None) -> Files:
    rows = [each for each in _names(folder) if is_data(each)]
    if not rows:
        others = (each for each in _names(folder) if not _is_beside_rows(each))
        fixes = {_what_to_do(folder / each): each for each in islice(others, _MOST_OTHERS)}
        raise SourceError(
            f"{name}: the folder {folder} holds no file that is one of {ENDINGS}; "
            f"{'; '.join(f'{each}: {fix}' for fix, each in fixes.items()) or 'give another folder'}"
        )
    taken, of_splits = _of_split(name, folder, rows, split)
    formats = Counter(str(format_of(each)) for each in taken)
    if len(formats) > 1:
        counted = ", ".join(f"{count} of {each}" for each, count in sorted(formats.items()))
        raise SourceError(
            f"{name}: the folder {folder} holds files of several formats ({counted}), which may be "
            "the same rows twice; give one of the files, or a folder with those of one format"
        )
    paths = tuple(folder / each for each in taken)
    [found] = {format_of(each) for each in taken}
    assert found is not None, "`is_data` takes files of a format"
    return Files(paths, found, _say(folder, taken, found, of_splits))


def _of_split(
    name: str, folder: Path, rows: Sequence[str], split: str | None
) -> tuple[list[str], str]:
    """The files of the split to take, and what to say of the others."""
    splits = {each: split_of(each) for each in rows}
    if any(splits.values()) and TRAIN not in splits.values():
        splits = {each: found or TRAIN for each, found in splits.items()}
    named = sorted({found for found in splits.values() if found})
    wanted = _SPLITS.get(split, split) if split else None
    if wanted is None:
        if not named:
            return list(rows), ""
        # Rows of one split alone, whichever it is, are what the folder was made for.
        wanted = named[0] if len(named) == 1 else TRAIN
    if wanted not in named:
        has = f"only {', '.join(named)}" if named else "no splits in the names of its files"
        raise SourceError(f"{name}: the folder {folder} has no split {wanted}: {has}; give another")
    taken = [each for each in rows if splits[each] == wanted]
    others = f"; its split {wanted}, {len(rows) - len(taken)} other files are left out"
    return taken, others if len(taken) < len(rows) else ""


def _say(folder: Path, taken: Sequence[str], found: Format, of_splits: str) -> str:
    is_short = len(taken) <= _SHOWN
    names = ", ".join(taken if is_short else [*taken[: _SHOWN - 2], "...", taken[-1]])
    files = f"{len(taken)} {found} files" if len(taken) > 1 else f"1 {found} file"
    size = _size([folder / each for each in taken])
    return f"folder {folder.name}: {files} ({names}), {size}{of_splits}"


def _size(paths: Sequence[Path]) -> str:
    size = float(sum(path.stat().st_size for path in paths))
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:,.0f} {unit}" if unit == "bytes" else f"{size:,.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} GB"


def sha256_of(file: Path) -> str:
    """The sha256 of a file, as 64 hex digits."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
