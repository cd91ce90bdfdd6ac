"""What the system refuses is said as it is: whose fault it is, and what to do."""

import errno
import os
import re
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.tables.file_errors import as_os_error, explain

# Number: words of the message, and whether waiting may help.
SAID = {
    errno.EMFILE: ("too many files open, .*`ulimit -n 65536`", True),
    errno.ENFILE: ("too many files open", True),
    errno.ENOSPC: (r"disk is full, [\d,.]+ MB are left .* `sysgen prune`", True),
    errno.EDQUOT: ("quota of .* is used up", True),
    errno.EACCES: (r"may not\. .* belongs to .*, group .* `umask 002`", False),
    errno.EPERM: ("may not.* belongs to", False),
    errno.EROFS: ("mounted for reading only", False),
    errno.EIO: ("disk gave an error. `dmesg`", False),
    errno.ESTALE: (r"network drive does not answer \(Stale file handle\)", True),
    errno.ETIMEDOUT: ("network drive does not answer", True),
    errno.ENOMEM: ("short of memory or processes", True),
    errno.EAGAIN: ("short of memory or processes", True),
    errno.EISDIR: ("something else is in its place", False),
    errno.ENOTDIR: ("something else is in its place", False),
    errno.ELOOP: ("something else is in its place", False),
    errno.ENAMETOOLONG: ("the system says 'File name too long'", False),
}


@pytest.mark.parametrize("number", SAID, ids=errno.errorcode.get)
def test_each_refusal_names_the_file_and_says_what_to_do(tmp_path: Path, number: int) -> None:
    words, may_pass = SAID[number]
    path = tmp_path / "conversations" / "chats-000.parquet"
    fault = explain(OSError(number, os.strerror(number)), path)
    assert fault.message.startswith(f"{path} cannot be used: ")
    assert re.search(words, fault.message)
    assert fault.may_pass is may_pass


def test_the_folder_that_bars_the_way_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data" / "conversations" / "chats-000.parquet"
    path.parent.mkdir(parents=True)
    barred = tmp_path / "data"
    monkeypatch.setattr(os, "access", lambda each, _: each != barred)
    message = explain(PermissionError(errno.EACCES, "Permission denied"), path).message
    assert f"The folder {barred} belongs to" in message


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (OSError(errno.EMFILE, "Too many open files"), errno.EMFILE),
        (OSError("Too many open files (os error 24): /x.parquet"), errno.EMFILE),
        (PermissionError("Permission denied"), errno.EACCES),
        (pl.exceptions.ComputeError("underlying IO error: No space left (os error 28)"), 28),
        (pl.exceptions.PanicException("cannot start a thread (os error 11)"), errno.EAGAIN),
    ],
)
def test_polars_names_the_error_of_the_system_in_its_text(
    error: BaseException, number: int
) -> None:
    found = as_os_error(error)
    assert found is not None
    assert found.errno == number


def test_what_polars_says_of_the_content_is_no_error_of_the_system() -> None:
    assert as_os_error(pl.exceptions.ComputeError("parquet: File out of specification")) is None
