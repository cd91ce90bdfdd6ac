"""Files that are not what their name says."""

import bz2
import gzip
import io
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.sources.files import SourceError, read_shard
from sysgen_dagster.sources.recognition import (
    UnreadableError,
    recognise,
    recognise_no_parquet,
    snippet,
)
from sysgen_dagster_tests.lanes.sysgen.frames import source

LINES = b'{"question": "Why?", "answer": "So."}\n'


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("rows.jsonl", LINES)
    return content.getvalue()


def tarred() -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        member = tarfile.TarInfo("rows.jsonl")
        member.size = len(LINES)
        archive.addfile(member, io.BytesIO(LINES))
    return content.getvalue()


def database() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table rows (question)")
        return connection.serialize()


def arrow(stream: bool) -> bytes:
    content = io.BytesIO()
    rows = pl.DataFrame({"question": ["Why?"]})
    _ = rows.write_ipc_stream(content) if stream else rows.write_ipc(content)
    return content.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
S3_ERROR = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>'
# Content, what it is called, and what helps.
KINDS: dict[str, tuple[bytes, str, str]] = {
    "Git LFS": (LFS, "a Git LFS pointer", "git lfs pull"),
    "git-annex": (b"/annex/objects/SHA256E-s1--ab\n", "a git-annex pointer", "git annex get"),
    "git-annex link": (b"../.git/annex/objects/Kj/0P/x", "a git-annex pointer", "git annex get"),
    "html": (
        b"<!DOCTYPE html><html><body>Sign in</body></html>",
        "an HTML page",
        "the file itself",
    ),
    "html after blanks": (b"\n\n  <HTML>\n", "an HTML page", "the file itself"),
    "html after a mark": (b"\xef\xbb\xbf<html>", "an HTML page", "the file itself"),
    "s3 error": (S3_ERROR, "an error of object storage", "a new link"),
    "bare s3 error": (b"<Error><Code>NoSuchKey</Code></Error>", "an error of object", "a new link"),
    "xml": (b'<?xml version="1.0"?><rows/>', "XML", "convert it"),
    "gzip": (gzip.compress(LINES), "a gzip archive", "gunzip"),
    "zstd": (b"\x28\xb5\x2f\xfd\x24\x00", "a Zstandard archive", "zstd -d"),
    "bzip2": (bz2.compress(LINES), "a bzip2 archive", "bunzip2"),
    "xz": (lzma.compress(LINES), "an xz archive", "unxz"),
    "zip": (zipped(), "a zip archive", "unzip"),
    "tar": (tarred(), "a tar archive", "tar -x"),
    "pickle": (pickle.dumps([{"question": "Why?"}]), "a pickle", "convert it"),
    "sqlite": (database(), "an SQLite database", "convert it"),
    "arrow": (arrow(stream=False), "an Arrow file", "convert it"),
    "arrow stream": (arrow(stream=True), "a stream of Arrow", "convert it"),
    "pdf": (b"%PDF-1.7\n", "a PDF", "Parquet or JSON"),
}


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_file_is_instead_is_named_with_what_to_do(
    tmp_path: Path, kind: str, suffix: str
) -> None:
    content, what, fix = KINDS[kind]
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(content)
    with pytest.raises(SourceError) as error:
        read_shard(source(path=path), 0, tmp_path / "cache")
    message = str(error.value)
    assert message.startswith(f"mine: {path} cannot be read as {suffix[1:]} (it is {what}")
    assert fix in message.rpartition("); ")[2]


def test_a_parquet_file_under_another_name_and_another_file_under_its_name(tmp_path: Path) -> None:
    rows = pl.DataFrame({"question": ["Why?"], "answer": ["So."]})
    rows.write_parquet(tmp_path / "rows.parquet")
    parquet = (tmp_path / "rows.parquet").read_bytes()
    known = recognise(parquet)
    assert known is not None
    assert (known.what, known.fix) == ("it is a Parquet file", "end its name in .parquet")
    assert recognise_no_parquet(parquet, parquet[-4:]) is None
    for content, what, fix in [
        (parquet[:-9], "its end is missing", "fetch it again"),
        (LINES, "it is JSON", "end its name in .jsonl"),
        (b"\n[" + LINES + b"]", "it is JSON", "end its name in .jsonl"),
        (b"", "it is empty", "replace the file"),
        (b"question,answer\n", "it is no Parquet file; it begins with 'question,", "replace"),
    ]:
        found = recognise_no_parquet(content, content[-4:])
        assert found is not None
        assert found.what.startswith(what)
        assert found.fix.startswith(fix)


@pytest.mark.parametrize("text", [LINES, b"", b"[]", b"plain text", b"<p>", b"PAR", b"\xff\xfe{\0"])
def test_json_and_other_text_is_not_taken_for_anything(text: bytes) -> None:
    assert recognise(text) is None


def test_what_is_shown_of_a_file_is_short_and_cannot_move_a_cursor() -> None:
    assert snippet(b"\x1b]52;c;aGk=\x07\r\xff") == r"'\x1b]52;c;aGk=\x07\r\ufffd'"
    assert snippet("x" * 100) == f"'{'x' * 60}'..."


def test_a_long_or_odd_reason_is_cut_and_cannot_move_a_cursor_either() -> None:
    assert UnreadableError("no column \x1b[2J\0é").what == r"no column \x1b[2J\x00é"
    assert len(UnreadableError("x" * 10**6).what) == 1_003
