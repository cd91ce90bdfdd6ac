"""A file of records: appended to, whole after a kill at any byte, cut only where it must be."""

import errno
import fcntl
import multiprocessing
import os
import resource
import threading
import time
import zlib
from pathlib import Path

import pytest

from sysgen_dagster.storage.journal import Journal, Journaled, format_line, read_lines
from sysgen_dagster.storage.store import StoreError, open_store

RECORDS = [{"n": number, "text": f"line\nbreak \u2028 {number} \ud800"} for number in range(3)]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "review" / "decisions.jsonl")


def numbers(journal: Journal) -> list[int]:
    return [record["n"] for record in journal.read().records]


def test_what_was_written_is_read_in_its_order(journal: Journal) -> None:
    assert journal.read() == Journaled()
    for record in RECORDS:
        journal.append(record)
    assert journal.read() == Journaled(tuple(RECORDS))


def test_after_a_kill_at_any_byte_the_records_before_it_are_whole(journal: Journal) -> None:
    journal.append(RECORDS[0])
    whole = Path(journal.path).read_bytes()
    line = format_line(RECORDS[1])
    for cut in range(len(line)):
        Path(journal.path).write_bytes(whole + line[:cut])
        journal.append(RECORDS[2])
        held = journal.read()
        is_cut = 1 < cut < len(line) - 1
        assert held.damaged == 0
        assert held.cut_off == is_cut, cut
        assert numbers(journal) == ([0, 2] if is_cut or cut < 2 else [0, 1, 2])


def test_a_record_of_which_a_bit_was_flipped_is_damaged_and_no_other(journal: Journal) -> None:
    for record in RECORDS:
        journal.append(record)
    written = Path(journal.path).read_bytes()
    at = written.index(b'"n": 1') + 5
    Path(journal.path).write_bytes(written[:at] + b"7" + written[at + 1 :])
    assert numbers(journal) == [0, 2]
    assert journal.read().damaged == 1


@pytest.mark.parametrize(
    "line", [b"{}", b'{"crc32": , }', b'{"crc32": x, "n": 1}', b"[1, 2]}", b'{"n": 1}']
)
def test_what_is_no_line_of_ours_is_damaged(line: bytes) -> None:
    assert read_lines([line]) == Journaled(damaged=1)


def append_many(path: Path, writer: int) -> None:
    for number in range(50):
        Journal(path).append({"n": writer * 1000 + number, "text": "x" * 3000})


def test_two_writers_lose_nothing_of_each_other(journal: Journal) -> None:
    path = Path(journal.path)
    writers = [multiprocessing.Process(target=append_many, args=(path, n)) for n in range(2)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    found = numbers(journal)
    assert sorted(found) == [n * 1000 + number for n in range(2) for number in range(50)]
    assert [each for each in found if each < 1000] == list(range(50))


def test_a_change_by_somebody_else_is_seen(journal: Journal) -> None:
    before = journal.mark()
    journal.append(RECORDS[0])
    assert journal.mark() != before


def test_what_has_to_go_goes_with_what_cannot_be_read(journal: Journal) -> None:
    for record in RECORDS:
        journal.append(record)
    with Path(journal.path).open("ab") as file:
        file.write(format_line(RECORDS[1])[:-9])
    assert journal.remove(lambda record: record["n"] == 1) == 1
    assert journal.read() == Journaled((RECORDS[0], RECORDS[2]))
    assert journal.remove(lambda record: record["n"] == 1) == 0


def test_a_writer_that_waits_for_a_deletion_writes_into_the_new_file(journal: Journal) -> None:
    journal.append(RECORDS[0])
    path = Path(journal.path)
    writer = threading.Thread(target=journal.append, args=(RECORDS[1],))
    with path.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        writer.start()
        time.sleep(0.2)  # it has opened the old file by now, and waits
        assert writer.is_alive()
        beside = path.with_suffix(".new")
        beside.write_bytes(format_line(RECORDS[2]))
        beside.replace(path)
    writer.join()
    assert numbers(journal) == [2, 1]


def test_a_disk_that_is_full_is_an_error_and_no_decision(journal: Journal) -> None:
    def fill(path: Path) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
        try:
            Journal(path).append(RECORDS[0])
        except StoreError:
            os._exit(0)
        os._exit(1)

    process = multiprocessing.get_context("fork").Process(target=fill, args=(journal.path,))
    process.start()
    process.join()
    assert process.exitcode == 0
    journal.append(RECORDS[1])
    assert numbers(journal) == [1]


def test_who_may_not_write_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES), "decisions.jsonl")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreError, match="decisions"):
        Journal(tmp_path / "decisions.jsonl").append(RECORDS[0])


def test_in_object_storage_each_record_is_an_object(bucket: str) -> None:
    journal = Journal(open_store(f"{bucket}/data").root / "review" / "decisions.jsonl")
    assert journal.read() == Journaled()
    for record in RECORDS:
        journal.append(record)
    assert journal.read() == Journaled(tuple(RECORDS))
    assert journal.remove(lambda record: record["n"] == 1) == 1
    assert journal.read() == Journaled((RECORDS[0], RECORDS[2]))


def test_a_file_that_was_copied_to_object_storage_comes_before_what_is_written_there(
    bucket: str, journal: Journal
) -> None:
    for record in RECORDS[:2]:
        journal.append(record)
    there = Journal(open_store(f"{bucket}/data").root / "review" / "decisions.jsonl")
    there.path.write_bytes(Path(journal.path).read_bytes())
    there.append(RECORDS[2])
    assert there.read() == Journaled(tuple(RECORDS))
    assert there.remove(lambda record: record["n"] == 0) == 1
    assert there.read() == Journaled(tuple(RECORDS[1:]))


@pytest.mark.parametrize("covered", [b"", b"x", b"}{", b"\xff}", b'"n": 1'])
def test_a_line_of_somebody_else_is_no_record_even_with_a_right_checksum(covered: bytes) -> None:
    line = b'{"crc32": %d, %b' % (zlib.crc32(covered), covered)
    held = read_lines([line, b'{"crc32": ' + b"9" * 5_000 + b", }", format_line(RECORDS[0])])
    assert held.records == (RECORDS[0],)
    assert held.damaged + held.cut_off == 2
