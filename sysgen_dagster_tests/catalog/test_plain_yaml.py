"""What YAML readers disagree about is a fault with its line, and no file is too much to read."""

import random
import re
import time
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st

from sysgen_dagster.catalog import plain_yaml
from sysgen_dagster.catalog.load import FULL_CATALOG, CatalogError, read_catalog
from sysgen_dagster.catalog.plain_yaml import read_document, read_plain
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster_tests.catalog.small import SMALL, fault_of
from sysgen_dagster_tests.fuzzing import EXAMPLES

SMALL_TEXT = yaml.safe_dump(SMALL, sort_keys=False)
AMBIGUOUS = [
    *("010", "007", "08", "0o10", "0x1F", "0b11", "-010", "0_1"),
    *("1_000", "1_0.5", "1:30", "1:30:59", "190:20:30.15"),
    *("yes", "no", "on", "off", "Yes", "NO", "On", "OFF"),
    *("2024-01-01", "2024-1-1", "2024-01-01T10:00:00Z", "2024-01-01 10:00:00"),
    *(".inf", "-.inf", "+.Inf", ".nan", ".NaN", "=", "1e400", "1" * 19, "9" * 5_000),
]


def _with(field: str, written: str) -> str:
    """The small catalogue with the value of a field written so."""
    text, changed = re.subn(rf"(?m)^( *{field}:).*$", rf"\1 {written}", SMALL_TEXT, count=1)
    assert changed
    return text


def _line_of(field: str) -> int:
    lines = SMALL_TEXT.splitlines()
    return next(n for n, line in enumerate(lines, 1) if line.strip().startswith(f"{field}:"))


@pytest.mark.parametrize("field", ["shards", "title"])
@pytest.mark.parametrize("written", AMBIGUOUS)
def test_what_readers_disagree_about_is_a_fault_with_its_line(
    tmp_path: Path, field: str, written: str
) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text(_with(field, written))
    (tmp_path / "mine.jsonl").write_text('{"q": "Why?", "a": "So."}\n')
    head, fault = fault_of(file)

    assert head.endswith("has 1 wrong entry; correct:")
    assert fault.startswith(f"  sources.mine.{field} (line {_line_of(field)}): {written[:20]}")


@pytest.mark.parametrize("written", AMBIGUOUS)
def test_in_quotes_it_is_a_text(written: str) -> None:
    assert read_document(f"title: '{written}'".encode()).values == {"title": written}


@pytest.mark.parametrize("written", ["3.0", "3e0", "true", "'3'", "y", "-1", "[3]"])
def test_a_number_of_shards_is_a_whole_number_from_1(tmp_path: Path, written: str) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text(_with("shards", written))
    [_, fault] = fault_of(file)

    assert fault.startswith(f"  sources.mine.shards (line {_line_of('shards')}): must be ")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *(("0", 0), ("-7", -7), ("+7", 7), ("1.5", 1.5), (".5", 0.5), ("1e-2", 0.01), ("0.5", 0.5)),
        *(("true", True), ("False", False), ("null", None), ("~", None), ("", None)),
        *(("y", "y"), ("n", "n"), ("nope", "nope"), ("1.2.3", "1.2.3"), ("3 B", "3 B")),
        *(("tRUE", "tRUE"), ("1,000", "1,000"), ("0" * 39 + "a", "0" * 39 + "a")),
    ],
)
def test_what_readers_agree_about_is_read(written: str, value: object) -> None:
    document = read_document(f"a: {written}".encode())

    assert (document.values, document.faults) == ({"a": value}, [])
    assert type(document.values["a"]) is type(value)
    assert read_plain(written) == value


NAMES = {
    "twice": ("a: 1\nb: 2\na: 3", 3),
    "twice-in-an-entry": ("a:\n  b: 1\n  b: 1", 3),
    "twice-in-braces": ("a: {b: 1, c: 2,\n  b: 1}", 2),
    "twice-in-a-list": ("a:\n- b: 1\n  c: 2\n- b: 1\n  b: 2", 5),
    "twice-quoted-and-not": ("a: 1\n'a': 2", 2),
    "twice-in-what-is-merged": ("a: &a {b: 1,\n  b: 2}\nc: {<<: *a}", 2),
    "twice-by-two-merged": ("a: &a {x: 1}\nb: &b {x: 2}\nc: {<<: [*a, *b]}", 2),
    "two-merges": ("a: &a {x: 1}\nb: &b {y: 2}\nc:\n  <<: *a\n  <<: *b", 5),
    "merged-text": ("a: {<<: text}", 1),
    "number": ("a:\n  1: 2", 2),
    "truth": ("a:\n  true: 2", 2),
    "no": ("a:\n  no: 2", 2),
    "nothing": ("a:\n  ~: 2", 2),
    "date": ("a:\n  2024-01-01: 2", 2),
    "list": ("a:\n  ? [1]\n  : 2", 2),
    "null-byte": ('a:\n  "b\\0": 2', 2),
    "half-a-character": ('a:\n  "\\ud83d": 2', 2),
    "null-byte-in-a-value": ('a:\n  b: "x\\0"', 2),
    "half-a-character-in-a-value": ('a:\n  b: "\\udc00"', 2),
}


@pytest.mark.parametrize(("text", "line"), NAMES.values(), ids=NAMES)
def test_a_name_that_is_no_text_or_stands_twice_is_a_fault_with_its_line(
    text: str, line: int
) -> None:
    assert {fault.line for fault in read_document(text.encode()).faults} == {line}


def test_an_entry_takes_over_the_fields_of_another_and_its_own_win() -> None:
    document = read_document(b"a: &a {x: 1, y: 1}\nb: {<<: *a, y: 2}\nc: *a")

    assert document.faults == []
    assert document.values["b"] == {"x": 1, "y": 2}
    assert document.values["c"] == {"x": 1, "y": 1}


def _laughs(levels: int, form: str) -> str:
    lines = [f"a0: &a0 {form % 'x'}"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]")
    return "\n".join(lines)


def _merged_laughs(levels: int) -> str:
    lines = ["a0: &a0 {x: 1}"]
    for level in range(1, levels):
        merged = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} {{<<: [{merged}]}}")
    return "\n".join(lines)


TOO_MUCH = {
    "billion-laughs": _laughs(30, "[%s]"),
    "billion-merges": _merged_laughs(30),
    "deep-lists": "a: " + "[" * 100_000,
    "deep-lists-that-end": "a: " + "[" * 200 + "]" * 200,
    "deep-entries": "\n".join(" " * n + "a:" for n in range(400)),
    "deep-braces": "{a: " * 5_000,
    "large": "a: " + "x" * plain_yaml.MOST_BYTES,
    "many-documents": "a: 1\n---\na: 2\n",
    "tag-of-python": "a: !!python/object/apply:os.system [ls]",
    "tag-of-a-set": "a: !!set {b, c}",
    "tag-of-a-number": "a: !!int '3'",
    "own-tag": "a: !mine 3",
    "itself-in-an-entry": "a: &a {b: *a}",
    "itself-merged": "a: &a {<<: *a}",
    "unknown-alias": "a: *b",
    "tab": "a:\n\tb: 1",
    "utf-16-cut": "a: é".encode("utf-16")[:-1],
    "latin-1": b"a: caf\xe9",
}


@pytest.mark.parametrize("text", TOO_MUCH.values(), ids=TOO_MUCH)
def test_no_file_is_too_much_to_be_refused(tmp_path: Path, text: str | bytes) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    began = time.monotonic()

    assert len("\n".join(fault_of(file))) < 20_000
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_mark_of_the_byte_order_is_no_part_of_the_text(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text(SMALL_TEXT, encoding=encoding)

    assert list(read_catalog(Catalog, file).models) == ["small"]


def test_a_fault_of_yaml_does_not_repeat_what_may_be_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "catalog.yaml"
    file.write_text(SMALL_TEXT + "    api_key: 1234_5678\n")

    assert "1234_5678" not in "\n".join(fault_of(file))


FULL = plain_yaml.read_document(FULL_CATALOG.read_bytes()).values
_ODD = st.one_of(
    st.sampled_from([*AMBIGUOUS, "", "null", "{}", "[]", "*a", "&a b", "!t x", "- x", "'", "#"]),
    st.text(max_size=20),
    st.floats().map(repr),
    st.integers().map(str),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=5,
    ),
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value)
    found = [] if path == () else [path]
    if isinstance(value, dict | list):
        for key, child in children:
            found += (
                _places(child, (*path, key)) if isinstance(child, dict | list) else [(*path, key)]
            )
    return found


PLACES = _places(FULL)


def _mutate_values(draw: random.Random, values: dict[str, Any], odd: Any) -> None:
    """Drop a value at a random place, replace it, or let it stand under a second name too."""
    *parents, last = draw.choice(PLACES)
    entry: Any = values
    for parent in parents:
        entry = entry[parent]
    change = draw.randrange(3)
    if change == 0:
        del entry[last]
    elif change == 1:
        entry[last] = odd
    else:
        entry[f"{last}{draw.choice('_- A1')}"] = deepcopy(entry[last])


def _mutate_lines(draw: random.Random, lines: list[str], odd: Any) -> None:
    """Double, change or drop a line, as nobody would write it."""
    at = draw.randrange(len(lines))
    change = draw.randrange(4)
    if change == 0:
        lines[at] *= 2
    elif change == 1 and isinstance(odd, str):
        lines[at] = f"{lines[at].partition(':')[0]}: {odd}\n"
    elif change == 2:
        lines[at] = ""


def _mutated(draw: random.Random, odd: list[Any]) -> str:
    """The full catalogue with random changes, of its values or of its lines."""
    values = deepcopy(FULL)
    for each in odd:
        # An earlier change may have taken the place away.
        with suppress(KeyError, IndexError, TypeError):
            _mutate_values(draw, values, each)
    lines = yaml.safe_dump(values, sort_keys=False, allow_unicode=True).splitlines(keepends=True)
    if draw.randrange(2):
        _mutate_lines(draw, lines, draw.choice(odd))
    return "".join(lines)


def _read_mutated(folder: Path, draw: random.Random, odd: list[Any]) -> bool:
    """Whether the changed catalogue is one; a clear error says what is wrong where it is none."""
    file = folder / "catalog.yaml"
    file.write_bytes(_mutated(draw, odd).encode("utf-8", "replace"))
    began = time.monotonic()
    try:
        read = isinstance(load_catalog(file), Catalog)
    except CatalogError:
        read = False
    assert time.monotonic() - began < 5
    return read


_MUTATIONS = given(st.randoms(use_true_random=False), st.lists(_ODD, min_size=1, max_size=3))


@settings(max_examples=200)
@_MUTATIONS
def test_any_change_of_the_catalogue_is_a_catalogue_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, draw: random.Random, odd: list[Any]
) -> None:
    event(f"is a catalogue: {_read_mutated(tmp_path_factory.getbasetemp(), draw, odd)}")


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@_MUTATIONS
def test_many_changes_of_the_catalogue_are_catalogues_or_clear_errors(
    tmp_path_factory: pytest.TempPathFactory, draw: random.Random, odd: list[Any]
) -> None:
    event(f"is a catalogue: {_read_mutated(tmp_path_factory.getbasetemp(), draw, odd)}")
