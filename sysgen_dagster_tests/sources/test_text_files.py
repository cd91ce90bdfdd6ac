"""Text of upstream files: in the encoding it has, unpacked if it is packed, or an error."""

import gzip
from pathlib import Path

import pytest

from sysgen_dagster.sources.recognition import UnreadableError
from sysgen_dagster.sources.text_files import open_text

TEXT = "Où?\nLà.\n"


def read(file: Path) -> str:
    with open_text(file) as text:
        return text.read()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.JSONL.GZ"])
def test_text_is_read_packed_or_not(tmp_path: Path, encoding: str, name: str) -> None:
    content = TEXT.encode(encoding)
    file = tmp_path / name
    file.write_bytes(gzip.compress(content) if name.lower().endswith(".gz") else content)
    assert read(file) == TEXT


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("rows.jsonl.gz", gzip.compress(TEXT.encode() * 999)[:-9], "its gzip archive is not whole"),
        ("rows.jsonl.gz", b"\x1f\x8b\x08\0" + b"\xff" * 99, "its gzip archive is not whole"),
        ("rows.jsonl.gz", b"version https://git-lfs.github.com/spec/v1", "a Git LFS pointer"),
        ("rows.jsonl.gz", gzip.compress(b"<html></html>"), "an HTML page"),
        (
            "rows.jsonl.gz",
            gzip.compress(TEXT.encode("latin-1")),
            "line 1, byte 2: 0xf9 is not UTF-8",
        ),
        ("rows.jsonl", gzip.compress(TEXT.encode()), "it is a gzip archive"),
        ("rows.jsonl", TEXT.encode("utf-16-le"), "UTF-16LE without a byte order mark"),
    ],
    # Not the bytes: those of an archive hold the time.
    ids=lambda value: "" if isinstance(value, bytes) else value,
)
def test_what_is_no_text_is_said(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UnreadableError) as error:
        read(file)
    assert what in error.value.what
