"""Whatever a file holds: its rows are all accounted for, or one error names it and the fix."""

import csv
import gzip
import json
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.drop_reasons import Unusable
from sysgen_dagster.sources.files import SourceError, read_shard
from sysgen_dagster_tests.fuzzing import EXAMPLES
from sysgen_dagster_tests.lanes.sysgen.frames import (
    input_output_source,
    messages_source,
    sharegpt_source,
    source,
)

ENTRIES: dict[str, Callable[..., Source]] = {
    "question_answer": source,
    "input_output": input_output_source,
    "sharegpt": sharegpt_source,
    "messages": messages_source,
}
SHARDS = 2

TEXTS = st.text(max_size=6) | st.sampled_from(
    ["Why?", "\u200b", "\ud83d", "<think>a</think>b", "<think>", "9" * 4_501, "\x00", "\n"]
)
HUGE = "a number of 4,501 digits"
NUMBERS = st.integers() | st.floats() | st.just(HUGE)
ROLES = st.sampled_from(
    ["user", "human", "assistant", "gpt", "GPT-4", "system", "developer", "tool", "me", "", None]
)


def wild(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Any JSON, mostly shallow."""
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=6,
    )


KEYS = st.sampled_from(
    [
        *("question", "answer", "conversation", "conversations", "messages", "from", "value"),
        *("role", "content", "input", "output", "type", "text", "id", "category", "source"),
    ]
)
VALUES = wild(st.none() | st.booleans() | TEXTS | NUMBERS)
PARTS = st.lists(
    TEXTS
    | st.fixed_dictionaries(
        {"type": st.sampled_from(["text", "image_url"]), "text": TEXTS | VALUES}
    )
    | st.just({"type": "thinking", "thinking": "Hm."}),
    max_size=3,
)
SAID = TEXTS | TEXTS | TEXTS | PARTS | VALUES


def records(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The turns of a row: mostly records with these fields."""
    record = st.fixed_dictionaries(dict(fields))
    partial = st.fixed_dictionaries({}, optional=dict(fields))
    return st.lists(record | record | record | partial | VALUES, max_size=7) | VALUES


ROWS: dict[str, st.SearchStrategy[Any]] = {
    "question_answer": st.fixed_dictionaries({"question": SAID, "answer": SAID}),
    "input_output": st.fixed_dictionaries(
        {"source": TEXTS, "conversation": records(input=SAID, output=SAID)}
    ),
    "sharegpt": st.fixed_dictionaries(
        {
            "id": VALUES,
            "category": TEXTS,
            "conversations": records(**{"from": ROLES, "value": SAID}),
        }
    ),
    "messages": st.fixed_dictionaries({"messages": records(role=ROLES, content=SAID)}),
}
EXCHANGES = st.sampled_from(["each", "first", "last"])


def assert_all_is_accounted_for(entry: Source, rows: int | None) -> None:
    """Read every shard of a file; `rows` is None where nobody knows how many it has."""
    with tempfile.TemporaryDirectory() as cache:
        try:
            shards = [read_shard(entry, index, Path(cache)) for index in range(SHARDS)]
        except SourceError as error:
            named = str(error)
        else:
            named = ""
    if named:
        assert named.startswith(f"{entry.name}: {entry.path}")
        assert "); " in named
        assert named.isprintable()
        return
    table = pl.concat(build_conversations(shard, entry) for shard in shards)
    count = sum(shard.height for shard in shards)
    assert rows in (None, count)
    assert sorted(set(table["source_row"])) == list(range(count))
    assert table["conversation_id"].is_unique().all()
    assert set(table["drop_reason"]) <= {None, *Unusable}
    for row in table.filter(pl.col("drop_reason").is_null()).iter_rows(named=True):
        said = [turn["content"] for turn in row["history"]] + [row["question"], row["answer"]]
        assert all(text.strip() for text in said)
        roles = [turn["role"] for turn in row["history"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)


@st.composite
def json_files(draw: st.DrawFn) -> tuple[str, str, bytes, str, int | None]:
    """Kind of shape, suffix, content, exchanges; and the number of rows where it is known."""
    kind = draw(st.sampled_from(sorted(ENTRIES)))
    rows = draw(st.lists(ROWS[kind] | ROWS[kind] | ROWS[kind] | VALUES, min_size=1, max_size=6))
    in_ascii = draw(st.booleans())
    texts = [
        json.dumps(row, ensure_ascii=in_ascii).replace(f'"{HUGE}"', "7" * 4_501) for row in rows
    ]
    as_array = draw(st.booleans())
    ends = draw(st.sampled_from(["\n", "\r\n", "\n\n"]))
    whole = f"[{(',' + ends).join(texts)}]" if as_array else ends.join(texts) + ends
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))
    try:
        content = whole.encode(encoding)
    except UnicodeEncodeError:  # half a character, as no writer stores it
        content = whole.encode("utf-8", "replace")
    # An array in the first line is the file, whatever follows.
    known = as_array or not whole.startswith("[")
    if draw(st.booleans()):
        at = draw(st.integers(0, len(content)))
        junk = draw(
            st.binary(max_size=3) | st.sampled_from([b"\x00", b"\xe9", b"{", b"NaN", b"\n"])
        )
        content = content[:at] + junk + content[draw(st.integers(at, min(at + 40, len(content)))) :]
        known = False
    suffix = draw(st.sampled_from([".jsonl", ".json"]))
    return kind, suffix, content, draw(EXCHANGES), len(rows) if known else None


def read_json(file: tuple[str, str, bytes, str, int | None]) -> None:
    kind, suffix, content, exchanges, rows = file
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows{suffix}"
        path.write_bytes(content)
        entry = ENTRIES[kind](path=path, shards=SHARDS, exchanges=exchanges)
        assert_all_is_accounted_for(entry, rows)


# CSV: texts, and what damages the file


@st.composite
def csv_files(draw: st.DrawFn) -> tuple[str, bytes, int | None]:
    """The ending of the name, the content, and the number of rows where it is known."""
    rows = draw(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6))
    text = StringIO()
    delimiter = draw(st.sampled_from([",", ",", ";", "\t"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    ends = draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=ends)
    writer.writerows([("question", "answer"), *rows])
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))
    # Half a character, as no writer stores it, is replaced.
    content = text.getvalue().encode("utf-8", "replace").decode().encode(encoding)
    known = True
    if draw(st.booleans()):
        at = draw(st.integers(0, len(content)))
        junk = draw(st.binary(max_size=3) | st.sampled_from([b'"', b",", b"\n", b"\x00", b"\xe9"]))
        content = content[:at] + junk + content[draw(st.integers(at, min(at + 40, len(content)))) :]
        known = False
    packed = draw(st.sampled_from(["", "", ".gz"]))
    if packed:
        content = gzip.compress(content)
        if draw(st.booleans()):
            content, known = content[: draw(st.integers(0, len(content) - 1))], False
    ending = ".tsv" if delimiter == "\t" else ".csv"
    return ending + packed, content, len(rows) if known else None


def read_csv(file: tuple[str, bytes, int | None]) -> None:
    ending, content, rows = file
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows{ending}"
        path.write_bytes(content)
        assert_all_is_accounted_for(source(path=path, shards=SHARDS), rows)


# Parquet: a type, and values of it

TEXT_TYPES: Sequence[pa.DataType] = (
    *(pa.string(), pa.string(), pa.string(), pa.large_string(), pa.binary()),
    *(pa.dictionary(pa.int32(), pa.string()), pa.dictionary(pa.int8(), pa.large_string())),
    *(pa.int8(), pa.int64(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.bool_()),
    *(pa.decimal128(9, 2), pa.date32(), pa.timestamp("ns"), pa.timestamp("us", "UTC")),
    *(pa.time64("us"), pa.duration("ms"), pa.null(), pa.binary(2), pa.list_(pa.string())),
    pa.struct([("type", pa.string()), ("text", pa.string())]),
    pa.list_(pa.struct([("type", pa.string()), ("text", pa.string()), ("image", pa.binary())])),
    pa.map_(pa.string(), pa.int32()),
)


def values_of(kind: pa.DataType) -> st.SearchStrategy[Any]:
    """Values of a type of Arrow, sometimes null."""
    if pa.types.is_dictionary(kind):
        return values_of(kind.value_type)
    if pa.types.is_struct(kind):
        return st.none() | st.fixed_dictionaries({each.name: values_of(each.type) for each in kind})
    if pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        return st.none() | st.lists(values_of(kind.value_type), min_size=size, max_size=size)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return st.none() | st.lists(values_of(kind.value_type), max_size=5)
    if pa.types.is_map(kind):
        return st.none() | st.lists(st.tuples(st.just("a"), st.integers(0, 9)), max_size=1)
    return st.none() | _plain_values(kind)


def _plain_values(kind: pa.DataType) -> st.SearchStrategy[Any]:
    moments = st.sampled_from([datetime(2020, 1, 2, 3, 4, 5, 678, UTC)])
    plain: list[tuple[bool, st.SearchStrategy[Any]]] = [
        (pa.types.is_boolean(kind), st.booleans()),
        (pa.types.is_integer(kind), st.integers(0, 100)),
        (pa.types.is_floating(kind), st.sampled_from([0.5, 4.0, float("nan"), float("inf")])),
        (pa.types.is_decimal(kind), st.sampled_from([Decimal("4.50"), Decimal("-0.01")])),
        (pa.types.is_date(kind), st.just(date(2020, 1, 2))),
        (pa.types.is_timestamp(kind), moments if kind == pa.timestamp("us", "UTC") else naive()),
        (pa.types.is_time(kind), st.just(time(1, 2, 3))),
        (pa.types.is_duration(kind), st.just(timedelta(milliseconds=5))),
        (pa.types.is_null(kind), st.none()),
        (pa.types.is_fixed_size_binary(kind), st.sampled_from([b"ok", b"\xff\xfe"])),
        (pa.types.is_binary(kind), st.sampled_from([b"ok", b"\xff\xfe"])),
    ]
    texts = st.sampled_from(["Why?", "user", "assistant", "tool", "", "\u200b", "Because."])
    return next((values for applies, values in plain if applies), texts)


def naive() -> st.SearchStrategy[datetime]:
    return st.just(datetime(2020, 1, 2, 3, 4, 5, 678))


def record_types(*fields: str) -> st.SearchStrategy[pa.DataType]:
    """Lists of records, in the ways that writers store them."""
    kinds = st.sampled_from(TEXT_TYPES)
    extra = st.sampled_from([[], ["weight"]])
    names = extra.flatmap(lambda more: st.permutations([*fields, *more]))
    rows = names.flatmap(
        lambda each: st.tuples(*(kinds for _ in each)).map(
            lambda chosen: pa.struct(list(zip(each, chosen, strict=True)))
        )
    )
    listed = rows.flatmap(
        lambda row: st.sampled_from(
            [
                pa.list_(row),
                pa.list_(row),
                pa.large_list(row),
                pa.list_(row, 2),
                pa.struct([(each.name, pa.list_(each.type)) for each in row]),
                row,
            ]
        )
    )
    return listed | kinds


RECORDS = {"input_output": ("input", "output"), "sharegpt": ("from", "value")} | {
    "messages": ("role", "content")
}


@st.composite
def parquet_files(
    draw: st.DrawFn, *, damaged: bool = False
) -> tuple[str, pa.Table, bytes | None, str]:
    """Kind of shape, its rows, what damages the file (some damage ends Polars), the exchanges."""
    kind = draw(st.sampled_from(sorted(ENTRIES)))
    entry = ENTRIES[kind]()
    height = draw(st.integers(1, 5))
    columns = {}
    for name, fields in entry.columns.items():
        types = st.sampled_from(TEXT_TYPES) if fields == "string" else record_types(*RECORDS[kind])
        chosen = draw(types)
        values = draw(st.lists(values_of(chosen), min_size=height, max_size=height))
        columns[name] = pa.array(values, chosen)
    if draw(st.integers(0, 9)) == 0:
        columns.pop(draw(st.sampled_from(sorted(columns))))
        assume(columns)
    damage = draw(st.none() | st.binary(min_size=1, max_size=3)) if damaged else None
    return kind, pa.table(columns), damage, draw(EXCHANGES)


def read_parquet(file: tuple[str, pa.Table, bytes | None, str]) -> None:
    kind, table, damage, exchanges = file
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        pq.write_table(table, path)
        if damage:
            content = path.read_bytes()
            at = len(content) * damage[0] // 256
            path.write_bytes(content[:at] + damage + content[at + len(damage) :])
        entry = ENTRIES[kind](path=path, shards=SHARDS, exchanges=exchanges)
        assert_all_is_accounted_for(entry, None if damage else table.num_rows)


quickly = settings(
    max_examples=200,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)
thoroughly = settings(quickly, max_examples=EXAMPLES, derandomize=False)


@quickly
@given(json_files())
def test_every_row_of_a_json_file_is_accounted_for_or_the_file_is_named(
    file: tuple[str, str, bytes, str, int | None],
) -> None:
    read_json(file)


@quickly
@given(csv_files())
def test_every_row_of_a_csv_file_is_accounted_for_or_the_file_is_named(
    file: tuple[str, bytes, int | None],
) -> None:
    read_csv(file)


@quickly
@given(parquet_files(damaged=True))
def test_every_row_of_a_parquet_file_is_accounted_for_or_the_file_is_named(
    file: tuple[str, pa.Table, bytes | None, str],
) -> None:
    read_parquet(file)


@pytest.mark.slow
@thoroughly
@given(json_files())
def test_many_json_files_are_accounted_for(
    file: tuple[str, str, bytes, str, int | None],
) -> None:
    read_json(file)


@pytest.mark.slow
@thoroughly
@given(parquet_files())
def test_many_parquet_files_are_accounted_for(
    file: tuple[str, pa.Table, bytes | None, str],
) -> None:
    read_parquet(file)
