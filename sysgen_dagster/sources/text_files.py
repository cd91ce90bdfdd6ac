"""Opens upstream files that hold text: finds their encoding, and what they are if they are no text.

A file whose name ends in ``.gz`` is unpacked while it is read.
"""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, TextIO, cast

from sysgen_dagster.sources.recognition import SEEN, UnreadableError, recognise

PACKED = ".gz"
_GZIP = b"\x1f\x8b"
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@contextmanager
def open_text(file: Path, newline: str | None = None) -> Iterator[TextIO]:
    """The text of a file; `newline` is that of `open`.

    Raises:
        UnreadableError: The file is no text, or no text in its encoding; it says where.
    """
    try:
        with _open(file) as opened:
            head = opened.read(SEEN)
        if known := recognise(head):
            raise known
        encoding = _encoding(head)
        try:
            with _open(file) as opened, TextIOWrapper(opened, encoding, newline=newline) as text:
                yield text
        except UnicodeDecodeError as error:
            raise _undecodable(file, encoding, error) from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UnreadableError(
            f"its gzip archive is not whole: {error}", "fetch it again"
        ) from error


def _open(file: Path) -> IO[bytes]:
    # What is not packed is recognised by its own first bytes, such as the pointer of Git LFS.
    is_packed = file.suffix.lower() == PACKED and _begins_as_gzip(file)
    return cast(IO[bytes], gzip.open(file)) if is_packed else file.open("rb")


def _begins_as_gzip(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(_GZIP)) == _GZIP


def _encoding(head: bytes) -> str:
    for mark, encoding in _ENCODINGS:
        if head.startswith(mark):
            return encoding
    if head[:2].count(0) == 1 and head[2:4].count(0) == 1:
        name = "UTF-16BE" if head[0] == 0 else "UTF-16LE"
        raise UnreadableError(
            f"it is {name} without a byte order mark", f"convert it with `iconv -f {name} -t UTF-8`"
        )
    return "utf-8"


def _undecodable(file: Path, encoding: str, error: UnicodeDecodeError) -> UnreadableError:
    """Where the bytes of a file are not the text they should be."""
    name = encoding.upper().removesuffix("-SIG")
    if name == "UTF-8":
        with _open(file) as lines:
            for number, line in enumerate(lines, 1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError as first:
                    place = f"line {number:,}, byte {first.start + 1:,}"
                    what = f"{place}: {line[first.start]:#04x} is not {name}"
                    fix = "convert it, such as with `iconv -f WINDOWS-1252 -t UTF-8`"
                    return UnreadableError(what, fix)
    return UnreadableError(f"it is not whole as {name}: {error.reason}", "fetch it again")
