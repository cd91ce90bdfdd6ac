"""The files of a ledger: cut off, damaged, and written by other versions."""

import errno
import io
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.inference.ledger import Ledger, Outcome
from sysgen_dagster.inference.ledger_files import (
    Entry,
    LedgerError,
    format_line,
    read_keys_of_lines,
    read_lines,
    read_sealed,
    read_sealed_keys,
    write_sealed,
)
from sysgen_dagster.inference.request_keys import Asked

ODD = 'Salt stays behind: 塩 \u2028 \x85 \x00 \\ "\n\r\n'
OUTCOMES = {
    f"{number:032x}": Outcome(f"{ODD} {number} " * (number % 7 + 1), "stop", 12, 5, 40, 1)
    for number in range(60)
}
FLIPS = 300


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "phi-4|chats-000.jsonl"


def write(path: Path, outcomes: dict[str, Outcome]) -> None:
    with Ledger(path) as ledger:
        for key, outcome in outcomes.items():
            ledger.append(Asked(key, f"chats-{key[-6:]}-1", 7), outcome)


def seal(path: Path) -> Path:
    Ledger(path).seal()
    return path.with_suffix(".parquet")


def read(path: Path, *keys: str) -> list[Outcome | None]:
    with Ledger(path, report=lambda _: None) as ledger:
        return ledger.find([Asked(key) for key in keys])


def said(path: Path, *keys: str) -> list[str]:
    lines: list[str] = []
    with Ledger(path, report=lines.append) as ledger:
        ledger.find([Asked(key) for key in keys])
    return lines


# Lines


def test_every_outcome_is_one_line_of_json_that_begins_with_its_checksum(path: Path) -> None:
    write(path, {"a": Outcome(ODD, "stop", attempts=2), "b": Outcome(None, failed_because="late")})
    lines = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    assert [(line["key"], line.get("text")) for line in lines] == [("a", ODD), ("b", None)]
    assert [list(line)[:4] for line in lines] == [["crc32", "key", "request_id", "seed"]] * 2


NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)


@given(
    key=NAMES,
    request_id=st.none() | NAMES,
    seed=st.none() | st.integers(0, 2**31 - 1),
    text=NAMES,
)
def test_a_line_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    key: str,
    request_id: str | None,
    seed: int | None,
    text: str,
) -> None:
    outcome = json.dumps({"text": text})
    line = format_line(key, request_id, seed, outcome)
    assert line.count(b"\n") == 2
    path = tmp_path_factory.getbasetemp() / "one-line.jsonl"
    path.write_bytes(line)
    [entry], damaged = read_lines(path)
    assert entry[:4] == (key, request_id, seed, outcome)
    assert (entry.is_whole, entry.signed(), damaged) == (True, entry, 0)


@pytest.mark.parametrize("kept", [1, 20, 45, -2], ids=["one_byte", "some", "more", "no_brace"])
def test_a_line_that_was_cut_off_is_left_out_and_the_next_one_is_whole(
    path: Path, kept: int
) -> None:
    write(path, {"a": Outcome("A")})
    whole = path.read_bytes()
    write(path, {"b": Outcome("B")})
    path.write_bytes(whole + path.read_bytes()[len(whole) :].lstrip(b"\n")[:kept])
    write(path, {"c": Outcome("C")})
    assert read(path, "a", "b", "c") == [Outcome("A"), None, Outcome("C")]
    [line] = said(path)
    assert line.startswith(f"1 entries of {path} or {path.stem}.parquet were cut off or damaged")


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage",
        b"\x00" * 5000,
        b"\xff\xfe\xfa",
        b"[]",
        b"7",
        b"null",
        b'{"key": 7}',
        b'{"mood": "fine"}',
        b'{"crc32": 7}',
        b'{"crc32": x, "key": "a"}',
        b'{"key": ' + b"[" * 100_000,
        b'{"text": "B", "key": "a"}',
    ],
    ids=lambda garbage: garbage[:16].decode("latin-1"),
)
def test_garbage_in_the_middle_is_left_out(path: Path, garbage: bytes) -> None:
    write(path, {"a": Outcome("A")})
    with path.open("ab") as file:
        file.write(garbage)
    write(path, {"c": Outcome("C")})
    assert read(path, "a", "b", "c") == [Outcome("A"), None, Outcome("C")]
    assert len(said(path)) == 1


# Damage


def flipped(whole: bytes, random: Random, flips: int, begin: int = 0) -> bytes:
    damaged = bytearray(whole)
    for _ in range(flips):
        damaged[random.randrange(begin, len(damaged))] ^= 1 << random.randrange(8)
    return bytes(damaged)


def only_as_sent(known: list[Outcome | None]) -> bool:
    """Whether each of `OUTCOMES` is known as it is, or not at all."""
    pairs = zip(known, OUTCOMES.values(), strict=True)
    return all(found in (None, sent) for found, sent in pairs)


@pytest.mark.parametrize("flips", [1, 3, 300], ids=lambda count: f"{count}_at_once")
def test_no_flipped_bits_in_lines_are_read_as_another_answer(path: Path, flips: int) -> None:
    write(path, OUTCOMES)
    whole, random, lost = path.read_bytes(), Random(flips), 0
    for _ in range(max(1, FLIPS // flips)):
        path.write_bytes(flipped(whole, random, flips))
        known = read(path, *OUTCOMES)
        lost += known.count(None)
        assert all(
            found in (None, sent) for found, sent in zip(known, OUTCOMES.values(), strict=True)
        )
    assert lost


@pytest.mark.parametrize("begin", [0, -1_500], ids=["anywhere", "in_the_footer"])
@pytest.mark.parametrize("flips", [1, 3, 300], ids=lambda count: f"{count}_at_once")
def test_no_flipped_bits_in_a_sealed_file_are_read_as_another_answer(
    path: Path, flips: int, begin: int
) -> None:
    write(path, OUTCOMES)
    sealed = seal(path)
    whole, random, lost, refused = sealed.read_bytes(), Random(flips), 0, 0
    for _ in range(max(3, FLIPS // flips)):
        sealed.write_bytes(flipped(whole, random, flips, begin % len(whole)))
        try:
            known = read(path, *OUTCOMES)
        except LedgerError as error:
            refused += str(sealed) in str(error)
        else:
            lost += known.count(None)
            assert all(
                found in (None, sent) for found, sent in zip(known, OUTCOMES.values(), strict=True)
            )
    assert refused + lost


def test_an_entry_that_is_damaged_costs_itself_only_and_is_written_anew(path: Path) -> None:
    write(path, OUTCOMES)
    sealed = seal(path)
    entries = read_sealed(sealed)
    damaged = entries[7]._replace(outcome=entries[7].outcome.replace("Salt", "Sand"))
    write_sealed(sealed, [*entries[:7], damaged, *entries[8:]])
    known = read(path, *OUTCOMES)
    assert [number for number, outcome in enumerate(known) if outcome is None] == [7]
    assert len(said(path, *OUTCOMES)) == 1
    write(path, {damaged.key: OUTCOMES[damaged.key]})
    seal(path)
    assert read(path, *OUTCOMES) == list(OUTCOMES.values())


@pytest.mark.parametrize("field", ["key", "request_id", "seed", "outcome", "checksum"])
def test_the_checksum_is_of_everything(field: str) -> None:
    entry = Entry("a", "chats-1-1", 7, '{"text": "A"}', None).signed()
    other: dict[str, Any] = {
        "key": "b",
        "request_id": None,
        "seed": 8,
        "outcome": '{"text": "B"}',
        "checksum": 1,
    }
    assert entry.is_whole
    assert not entry._replace(**{field: other[field]}).is_whole


SEALED = {"key": "a", "outcome": '{"text": "A"}', "largest_run": 1}


def parquet(row: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    pl.DataFrame([row]).write_parquet(file)
    return file.getvalue()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda whole: b"", id="empty"),
        pytest.param(lambda whole: b"garbage", id="garbage"),
        pytest.param(lambda whole: whole[: len(whole) // 2], id="cut_off"),
        pytest.param(lambda whole: whole[:4] + bytes(300) + whole[304:], id="zeros_in_it"),
        pytest.param(lambda whole: parquet({"key": "a"}), id="other_columns"),
        pytest.param(lambda whole: parquet(SEALED | {"outcome": 5}), id="number"),
        pytest.param(lambda whole: parquet(SEALED | {"outcome": ["A"]}), id="list"),
        pytest.param(lambda whole: parquet(SEALED | {"key": 5}), id="number_as_key"),
    ],
)
def test_a_damaged_sealed_file_is_named_with_what_to_do_and_not_written_over(
    path: Path, damage: Callable[[bytes], bytes]
) -> None:
    write(path, OUTCOMES)
    sealed = seal(path)
    damaged = damage(sealed.read_bytes())
    sealed.write_bytes(damaged)
    for act in (lambda: read(path, "a"), lambda: seal(path)):
        with pytest.raises(LedgerError) as error:
            act()
        assert str(error.value).startswith(f"{sealed}, the ledger of a stored partition, cannot be")
        assert "remove it, and" in str(error.value)
    assert sealed.read_bytes() == damaged
    sealed.unlink()
    assert read(path, "a") == [None]


def test_a_panic_of_the_reader_is_an_error_that_names_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def panic(*_: object, **__: object) -> None:
        raise pl.exceptions.PanicException("index out of bounds")

    write(path, OUTCOMES)
    sealed = seal(path)
    monkeypatch.setattr(pl, "scan_parquet", panic)
    with pytest.raises(LedgerError, match=r"out of bounds.*remove it") as raised:
        read(path, "a")
    assert str(sealed) in str(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, "said by the system"),
        PermissionError(errno.EACCES, "said by the system"),
        OSError("said by the system (os error 5): a.parquet"),
        pl.exceptions.ComputeError("said by the system (os error 24)"),
    ],
    ids=repr,
)
def test_what_the_system_says_is_no_reason_to_remove_a_ledger(
    path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    write(path, OUTCOMES)
    sealed = seal(path)
    monkeypatch.setattr(pl, "scan_parquet", fail)
    with pytest.raises(LedgerError, match=r"said by the system.*: mend that") as raised:
        read(path, "a")
    assert "remove" not in str(raised.value)
    assert str(sealed) in str(raised.value)


# Versions


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=3), st.lists(st.integers())
)
KNOWN: dict[str, Any] = {
    "text": "Because.",
    "finish_reason": "stop",
    "prompt_tokens": 12,
    "attempts": 2,
    "system_message_folded": True,
    "choices": [[3, "Good", 0.9]],
    "reasoning": "Hm.",
}
READ: dict[str, Any] = KNOWN | {"choices": ((3, "Good", 0.9),)}
STRANGE = st.dictionaries(st.sampled_from(["mood", "crc", "text2", "a b"]), VALUES)


def known_in_lines(path: Path, record: dict[str, Any]) -> Outcome | None:
    path.write_text(json.dumps({"key": "a", **record}) + "\n")
    path.with_suffix(".parquet").unlink(missing_ok=True)
    return read(path, "a")[0]


def known_when_sealed(path: Path, record: dict[str, Any]) -> Outcome | None:
    path.write_text("")
    row = SEALED | {"outcome": json.dumps(record)}
    path.with_suffix(".parquet").write_bytes(parquet(row))
    return read(path, "a")[0]


def known_with_checksum(path: Path, record: dict[str, Any]) -> Outcome | None:
    path.write_bytes(format_line("a", "chats-1-1", 7, json.dumps(record)))
    return read(seal(path).with_suffix(".jsonl"), "a")[0]


WAYS = [known_in_lines, known_when_sealed, known_with_checksum]


@pytest.mark.parametrize("way", WAYS)
@given(missing=st.sets(st.sampled_from(sorted(KNOWN.keys() - {"text"}))), strange=STRANGE)
def test_fields_that_another_version_lacked_or_added_cost_no_answer(
    tmp_path_factory: pytest.TempPathFactory,
    way: Callable[[Path, dict[str, Any]], Outcome | None],
    missing: set[str],
    strange: dict[str, Any],
) -> None:
    path = tmp_path_factory.getbasetemp() / "of-another-version.jsonl"
    left = {name: value for name, value in KNOWN.items() if name not in missing}
    of_ours = {name: value for name, value in READ.items() if name not in missing}
    assert way(path, {**left, **strange}) == Outcome(**of_ours)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("finish_reason", 7),
        ("finish_reason", ["stop"]),
        ("prompt_tokens", "12"),
        ("prompt_tokens", 1.5),
        ("attempts", None),
        ("attempts", "two"),
        ("system_message_folded", "yes"),
        ("reasoning", {"text": "Hm."}),
        ("choices", 5),
        ("choices", {"Good": 0.9}),
        ("choices", [5]),
        ("choices", [[3, "Good"]]),
        ("choices", [[3, "Good", "0.9"]]),
        ("choices", [{"start": 3}]),
    ],
)
def test_a_field_of_another_type_counts_as_missing(
    path: Path, way: Callable[[Path, dict[str, Any]], Outcome | None], field: str, value: Any
) -> None:
    left = {name: each for name, each in READ.items() if name != field}
    assert way(path, {**KNOWN, field: value}) == Outcome(**left)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "record",
    [
        {},
        {"mood": "fine"},
        {"text": None},
        {"text": 7, "attempts": 1},
        {"text": ["Because."]},
        {"failed_because": 400, "failure": "no"},
    ],
    ids=str,
)
def test_an_entry_with_neither_a_text_nor_a_reason_is_no_answer(
    path: Path, way: Callable[[Path, dict[str, Any]], Outcome | None], record: dict[str, Any]
) -> None:
    assert way(path, record) is None


@pytest.mark.parametrize(
    "columns",
    [
        {},
        {"largest_run": 1},
        {"mood": "fine", "largest_run": 1},
        {"request_id": "chats-1-1"},
        {"request_id": "chats-1-1", "checksum": 5},
        {"seed": 7, "checksum": 5, "largest_run": 1},
    ],
    ids=lambda columns: "+".join(columns) or "none",
)
def test_columns_that_another_version_lacked_or_added_cost_no_answer(
    path: Path, columns: dict[str, Any]
) -> None:
    sealed = path.with_suffix(".parquet")
    sealed.write_bytes(parquet({"key": "a", "outcome": '{"text": "A"}', **columns}))
    assert read_sealed_keys(sealed).to_list() == ["a"]
    assert read(path, "a") == [Outcome("A")]
    seal(path)
    assert read_sealed(sealed)[0].checksum is not None
    assert read(path, "a") == [Outcome("A")]


def test_an_old_entry_gets_its_name_when_it_is_asked_for(path: Path) -> None:
    path.write_text('{"key": "a", "text": "A"}\n{"key": "b", "text": "B"}\n')
    ledger = Ledger(path)
    with ledger:
        ledger.find([Asked("a", "chats-1-1", 7)])
    ledger.seal()
    named = {entry.key: (entry.request_id, entry.seed) for entry in read_sealed(ledger.sealed)}
    assert named == {"a": ("chats-1-1", 7), "b": (None, None)}
    assert read(path, "a", "b") == [Outcome("A"), Outcome("B")]


def test_the_keys_of_lines_are_read_whichever_version_wrote_them(path: Path) -> None:
    path.write_bytes(b'{"key": "a", "text": "A"}\ngarbage\n' + format_line("b", None, None, "{}"))
    assert list(read_keys_of_lines(path)) == ["a", "b"]
    path.unlink()
    assert list(read_keys_of_lines(path)) == []
