"""A file of records that is appended to and never rewritten, but for what has to be deleted.

A record is one line, ``{"crc32": 907060870, ...}``, whose checksum is of all that follows it. It is
on the disk when `Journal.append` returns; a process that is killed at any byte leaves at most a
line that is cut off. In object storage each record is an object of its own, beside where the file
would be; they are ordered by the clocks of those who wrote them.
"""

import fcntl
import json
import os
import secrets
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from upath import UPath

from sysgen_dagster.storage.files import replacing, sync
from sysgen_dagster.storage.store import answering

_REQUESTS = 16  # to object storage at once
_CHECKED = b'{"crc32": '
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Journaled:
    """What a journal holds.

    Attributes:
        records: As they were written, the first one first.
        cut_off: Lines of writers that were killed; nobody was told that these count.
        damaged: Whole lines that are not what was written.
    """

    records: tuple[Record, ...] = ()
    cut_off: int = 0
    damaged: int = 0


@dataclass(frozen=True, slots=True)
class Journal:
    """The records at a path.

    Attributes:
        path: The file, or in object storage the place whose folder holds the records.
    """

    path: Path | UPath

    def append(self, record: Record) -> tuple[object, object]:
        """Write a record down; it survives a kill and a loss of power from here on.

        Returns:
            Its `mark` before and after, between which nobody else has written.

        Raises:
            StoreUnavailableError: The disk is full, or object storage did not accept it.
            StoreError: The system does not allow it.
        """
        line = format_line(record)
        with answering(self.path):
            if not isinstance(self.path, Path):
                from sysgen_dagster.storage import objects

                name = f"{self.path.stem}-{time.time_ns():020d}-{secrets.token_hex(4)}.jsonl"
                objects.replace(self.path.with_name(name), line)
                return None, None
            is_new = not self.path.exists()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _opened(self.path) as file:
                before = _mark_of(os.fstat(file.fileno()))
                # A write that was cut short is an error here and a line that is cut off for others.
                if file.write(line) != len(line):
                    raise OSError(28, os.strerror(28), str(self.path))
                os.fsync(file.fileno())
                after = _mark_of(os.fstat(file.fileno()))
            if is_new:
                sync(self.path.parent)
            return before, after

    def read(self) -> Journaled:
        """Everything that was written; nothing where nobody has written yet.

        Raises:
            StoreUnavailableError: Storage did not answer.
            StoreError: The system does not allow it.
        """
        with answering(self.path):
            return read_lines(self._lines())

    def mark(self) -> object:
        """Something that is another one after a change of a file; None in object storage."""
        if not isinstance(self.path, Path):
            return None
        try:
            return _mark_of(self.path.stat())
        except FileNotFoundError:
            return (0, 0)

    def remove(self, goes: Callable[[Record], bool]) -> int:
        """How many records are removed, for whoever must not be spoken of any more.

        Lines that cannot be read may hold anything: they go too.

        Raises:
            StoreUnavailableError: Storage did not answer.
            StoreError: The system does not allow it.
        """
        with answering(self.path):
            if not isinstance(self.path, Path):
                return sum(_remove(path, goes) for path in self._objects())
            if not self.path.exists():
                return 0
            with _opened(self.path):
                return _remove(self.path, goes)

    def _objects(self) -> list[UPath]:
        """First the file of a folder that was copied there, then one for each record since."""
        found = self.path.parent.glob(f"{self.path.stem}*.jsonl")
        paths = (path for path in found if isinstance(path, UPath))
        return sorted(paths, key=lambda path: (path.name != self.path.name, path.name))

    def _lines(self) -> Iterator[bytes]:
        if not isinstance(self.path, Path):
            with ThreadPoolExecutor(_REQUESTS) as pool:
                for content in pool.map(UPath.read_bytes, self._objects()):
                    yield from content.splitlines()
        elif self.path.exists():
            with self.path.open("rb") as file:
                yield from file


def _mark_of(stat: os.stat_result) -> object:
    return (stat.st_ino, stat.st_size)


def format_line(record: Record) -> bytes:
    """A record as a line, with a line break on either side; the one before ends a line cut off."""
    covered = json.dumps(dict(record))[1:].encode()
    return b"\n%b%d, %b\n" % (_CHECKED, zlib.crc32(covered), covered)


def read_lines(lines: Iterable[bytes]) -> Journaled:
    """The records of these lines."""
    records: list[Record] = []
    cut_off = damaged = 0
    for line in (each.strip() for each in lines):
        record = _parse(line)
        if record is not None:
            records.append(record)
        elif line.endswith(b"}"):
            damaged += 1
        elif line:
            cut_off += 1
    return Journaled(tuple(records), cut_off, damaged)


def _parse(line: bytes) -> Record | None:
    checksum, _, covered = line.removeprefix(_CHECKED).partition(b", ")
    if not line.startswith(_CHECKED) or checksum != b"%d" % zlib.crc32(covered):
        return None
    try:
        record: Record = json.loads(b"{" + covered)
    except ValueError:  # somebody else's line, whose checksum is right all the same
        return None
    return record


def _remove(path: Path | UPath, goes: Callable[[Record], bool]) -> int:
    """How many records of a file or object are removed, with the lines that cannot be read."""
    held = read_lines(path.read_bytes().splitlines())
    staying = [record for record in held.records if not goes(record)]
    removed = len(held.records) - len(staying)
    if not (removed or held.damaged or held.cut_off):
        return 0
    content = b"".join(map(format_line, staying))
    if isinstance(path, Path):
        with replacing(path) as temporary:
            temporary.write_bytes(content)
    elif content:
        from sysgen_dagster.storage import objects

        objects.replace(path, content)
    else:
        path.unlink()
    return removed


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file to append to, which nobody else has and which was not replaced meanwhile."""
    while True:
        with path.open("ab", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_nlink:
                yield file
                return
