"""Recognises files that are not what their name says, and says what to do with them.

The errors of sources are here, too.
"""

from typing import Final

from sysgen_dagster.errors import SysgenError

SEEN = 1_024  # bytes from the beginning of a file that tell what it is
_SNIPPET = 60  # characters of a file that are shown
_LONGEST = 1_000  # characters of what is wrong, which may name all columns of a file

_PICKLES: Final = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_ZIP: Final = b"PK\x03\x04"
_OF_WORKBOOKS: Final = (b"[Content_Types].xml", b"xl/")
_WORKBOOK: Final = ("an Excel workbook", "save it as CSV, in UTF-8")
# First bytes, what such a file is, and what to do.
_MAGIC: Final = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file", "fetch it with `git lfs pull`"),
    (b"\x1f\x8b", "a gzip archive", "unpack it with `gunzip`"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it with `zstd -d`"),
    (b"BZh", "a bzip2 archive", "unpack it with `bunzip2`"),
    (b"\xfd7zXZ\0", "an xz archive", "unpack it with `unxz`"),
    (b"\x04\x22\x4d\x18", "an LZ4 archive", "unpack it with `unlz4`"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (_ZIP, "a zip archive", "unpack it with `unzip`"),
    (b"\xd0\xcf\x11\xe0", *_WORKBOOK),
    (b"PAR1", "a Parquet file", "end its name in .parquet"),
    (b"PARE", "an encrypted Parquet file", "give it without encryption"),
    (b"ARROW1", "an Arrow file", "convert it to Parquet"),
    (
        b"\xff\xff\xff\xff",
        "a stream of Arrow",
        "convert it to Parquet, such as by `datasets.load_from_disk(FOLDER).to_parquet(FILE)`",
    ),
    (b"Obj\x01", "an Avro file", "convert it to Parquet"),
    (b"ORC", "an ORC file", "convert it to Parquet"),
    (b"SQLite format 3", "an SQLite database", "convert it to Parquet"),
    (b"\x89HDF", "an HDF5 file", "convert it to Parquet"),
    (b"%PDF", "a PDF", "give the rows as Parquet or JSON lines"),
    (_PICKLES, "a pickle", "convert it to Parquet; pickles are not read"),
)
_ANNEX = (b"/annex/objects/", b".git/annex/objects/", b"../.git/annex/objects/")
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<!-- ")
_BYTE_ORDER_MARKS = ("\ufeff".encode("utf-8"), b"\xff\xfe", b"\xfe\xff")


class SourceError(SysgenError):
    """A source cannot be read, and trying again will not help; the message names file and fix."""


class SourceUnavailableError(SourceError):
    """The Hub did not answer; trying again later may help."""

    may_come_back = True


class UnreadableError(Exception):
    """A file cannot be read as what it should be.

    Attributes:
        what: What is wrong.
        fix: What the user can do.
    """

    def __init__(self, what: str, fix: str = "replace the file") -> None:
        """With `what` is wrong, as a clause, and what helps, as another."""
        self.what = "".join(map(_inert, what[:_LONGEST])) + ("..." if what[_LONGEST:] else "")
        self.fix = fix
        super().__init__(self.what)


def _inert(sign: str) -> str:
    """A character; one that is not printed, such as an escape, spelled."""
    return sign if sign.isprintable() else ascii(sign)[1:-1]


def recognise(head: bytes) -> UnreadableError | None:
    """What a file is, from its first `SEEN` bytes, that is neither JSON nor other text."""
    if known := _by_magic(head):
        return known
    if head[257:262] == b"ustar":
        return UnreadableError("it is a tar archive", "unpack it with `tar -x`")
    for mark in _BYTE_ORDER_MARKS:
        head = head.removeprefix(mark)
    text = head.lstrip().lower()
    if text.startswith(_ANNEX):
        return UnreadableError("it is a git-annex pointer", "fetch it with `git annex get`")
    if text.startswith(_HTML):
        what = "it is an HTML page, as of a login or an error"
        return UnreadableError(what, "download the file itself")
    if text.startswith((b"<?xml", b"<error")):
        is_error = b"<error" in text
        what = "an error of object storage, as XML" if is_error else "XML"
        fix = "download the file again, with a new link" if is_error else "convert it to Parquet"
        return UnreadableError(f"it is {what}: {snippet(head)}", fix)
    return None


def _by_magic(head: bytes) -> UnreadableError | None:
    for magic, what, fix in _MAGIC:
        if head.startswith(magic):
            if magic == _ZIP and any(part in head for part in _OF_WORKBOOKS):
                what, fix = _WORKBOOK
            return UnreadableError(f"it is {what}", fix)
    return None


def recognise_no_parquet(head: bytes, tail: bytes) -> UnreadableError | None:
    """Why a file whose name ends in .parquet is none; None where it begins and ends like one."""
    if not head:
        return UnreadableError("it is empty")
    if head.startswith(b"PAR1"):
        is_whole = tail == b"PAR1"
        return None if is_whole else UnreadableError("its end is missing", "fetch it again")
    if known := recognise(head):
        return known
    if head.lstrip()[:1] in (b"{", b"["):
        return UnreadableError("it is JSON", "end its name in .jsonl")
    return UnreadableError(f"it is no Parquet file; it begins with {snippet(head)}")


def snippet(content: bytes | str) -> str:
    """The beginning of a content as it can be shown: quoted, control characters spelled."""
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else content
    return ascii(text[:_SNIPPET]) + ("..." if len(text) > _SNIPPET else "")
