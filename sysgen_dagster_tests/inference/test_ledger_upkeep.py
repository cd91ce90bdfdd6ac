"""Answers that must go are gone from every ledger, and ledgers that are in use stay."""

from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.inference.ledger import Ledger, Outcome
from sysgen_dagster.inference.ledger_files import LedgerError, read_sealed, write_sealed
from sysgen_dagster.inference.ledger_upkeep import discard, forget
from sysgen_dagster.inference.request_keys import Asked

GONE, STAYS = "chats-0011-1", "chats-0011-11"
SECRET = "the text of somebody who wants it gone"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def put(path: Path, *names: str | None, sealed: bool = True) -> Path:
    """A ledger with an outcome for each of these names."""
    ledger = Ledger(path)
    with ledger:
        for number, name in enumerate(names):
            text = SECRET if name is None or name.startswith(GONE + "#") or name == GONE else "mine"
            asked = Asked(f"{name}-{number}", name, None if name is None else number)
            ledger.append(asked, Outcome(text))
    if sealed:
        ledger.seal()
    return path


def known(path: Path, *keys: str) -> list[bool]:
    with Ledger(path) as ledger:
        return [outcome is not None for outcome in ledger.find([Asked(key) for key in keys])]


def texts(folder: Path) -> bytes:
    """Every byte under a folder, with Parquet files as their rows."""
    return b"".join(
        repr(pl.read_parquet(path, hive_partitioning=False).rows()).encode()
        if path.suffix == ".parquet"
        else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    )


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "lines"])
@pytest.mark.parametrize(
    "place", ["phase/phi-4|chats-000", "phase/phi-4|gone-009", "judged/judge/phi-4", "faults/phi-4"]
)
def test_the_answers_of_a_conversation_go_from_every_ledger_and_no_other_does(
    folder: Path, place: str, sealed: bool
) -> None:
    names = (GONE, STAYS, f"{GONE}#original", f"{GONE}#new", f"{STAYS}#new", GONE, "chats-0011")
    path = put(folder / f"{place}.jsonl", *names, sealed=sealed)
    result = forget(folder, [GONE], [])
    assert (result.removed, result.in_use) == (4, ())
    assert SECRET.encode() not in texts(folder)
    keys = [f"{name}-{number}" for number, name in enumerate(names)]
    assert known(path, *keys) == [False, True, False, False, True, False, True]
    assert forget(folder, [GONE], []).removed == 0


@pytest.mark.parametrize(
    ("place", "goes"),
    [
        ("phase/phi-4|chats-000", True),
        ("phase/phi-4|chats-001", False),
        ("judged/judge/phi-4", True),
    ],
)
def test_what_an_older_version_kept_goes_where_it_may_be_of_the_conversation(
    folder: Path, place: str, goes: bool
) -> None:
    path = put(folder / f"{place}.jsonl", None, STAYS)
    forget(folder, [GONE], ["chats-000"])
    assert known(path, "None-0", f"{STAYS}-1") == [not goes, True]


def test_what_killed_runs_left_goes_too(folder: Path) -> None:
    path = put(folder / "phase" / "phi-4|chats-000.jsonl", STAYS, sealed=False)
    with path.open("ab") as lines:
        lines.write(f'\n{{"crc32": 5, "key": "a", "text": "{SECRET}'.encode())
    path.with_suffix(".tmp").write_text(SECRET)
    put(folder / "phase" / "phi-4|chats-001.jsonl", STAYS).with_suffix(".tmp").write_text(SECRET)
    forget(folder, [GONE], [])
    assert SECRET.encode() not in texts(folder)
    assert known(path, f"{STAYS}-0") == [True]


def test_a_damaged_entry_goes_since_nobody_can_tell_whose_it_is(folder: Path) -> None:
    path = put(folder / "phase" / "phi-4|chats-000.jsonl", GONE, STAYS)
    sealed = path.with_suffix(".parquet")
    renamed, other = read_sealed(sealed)
    write_sealed(sealed, [renamed._replace(request_id=f"{GONE}7"), other])
    assert forget(folder, [GONE], []).removed == 1
    assert SECRET.encode() not in texts(folder)


def test_a_ledger_without_such_answers_stays_as_it_is(folder: Path) -> None:
    sealed = put(folder / "phase" / "phi-4|chats-000.jsonl", STAYS).with_suffix(".parquet")
    lines = put(folder / "phase" / "phi-4|chats-001.jsonl", STAYS, sealed=False)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (sealed, lines)}
    forget(folder, [GONE], [])
    after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (sealed, lines)}
    assert after == before
    assert sorted(folder.rglob("*.*")) == [sealed, lines]


def test_a_ledger_that_a_run_has_is_named_and_the_others_are_done(folder: Path) -> None:
    busy = put(folder / "phase" / "phi-4|chats-000.jsonl", GONE)
    put(folder / "phase" / "phi-4|chats-001.jsonl", GONE)
    with Ledger(busy):
        result = forget(folder, [GONE], [])
    assert (result.removed, result.in_use) == (1, (busy,))
    assert forget(folder, [GONE], []).removed == 1


def test_a_ledger_that_cannot_be_read_is_named(folder: Path) -> None:
    sealed = put(folder / "phase" / "phi-4|chats-000.jsonl", GONE).with_suffix(".parquet")
    sealed.write_bytes(b"garbage")
    with pytest.raises(LedgerError, match=r"chats-000\.parquet"):
        forget(folder, [GONE], [])


def test_a_deployment_without_ledgers_has_nothing_to_forget(folder: Path) -> None:
    assert forget(folder, [GONE], []).removed == 0


@pytest.mark.parametrize(
    ("sealed", "lines", "goes"), [(True, False, True), (False, False, False), (False, True, True)]
)
def test_a_ledger_is_discarded_unless_it_has_lines_that_are_to_stay(
    folder: Path, sealed: bool, lines: bool, goes: bool
) -> None:
    path = put(folder / "phi-4|chats-000.jsonl", STAYS, sealed=sealed)
    assert discard(path, lines) is goes
    assert (list(folder.iterdir()) == []) is goes


def test_a_ledger_that_a_run_has_is_not_discarded(folder: Path) -> None:
    path = put(folder / "phi-4|chats-000.jsonl", STAYS)
    with Ledger(path):
        assert not discard(path)
    assert discard(path)
