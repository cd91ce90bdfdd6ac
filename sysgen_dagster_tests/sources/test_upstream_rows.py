"""Rows of upstream files as a table of the declared columns."""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.lanes.multifaceted.settings import InstructionSource
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import SourceError, read_shard
from sysgen_dagster.sources.recognition import UnreadableError
from sysgen_dagster.sources.upstream_rows import tabulate
from sysgen_dagster_tests.lanes.sysgen.frames import (
    input_output_source,
    messages_source,
    sharegpt_source,
    source,
)

USER, ASSISTANT = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}


def unusable(entry: Source, *rows: Any) -> list[str | None]:
    return tabulate([*rows, {"messages": [USER, ASSISTANT]}], entry)["unusable"].to_list()[:-1]


def messages(*turns: Any) -> dict[str, Any]:
    return {"messages": list(turns)}


IMAGE = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (messages(USER, ASSISTANT), None),
        (messages(), None),
        ({"messages": None}, None),
        ({}, None),
        (messages(USER, None), None),  # `conversations` sees it itself
        (messages({"role": "user", "content": IMAGE}, ASSISTANT), "not_text"),
        (messages({"role": {"name": "user"}, "content": "x"}, ASSISTANT), "not_text"),
        (messages(USER, {"role": "assistant", "content": float("nan")}), "not_text"),
        (messages(USER, {"role": "tool", "content": {"result": [4]}}), None),
        (messages(USER, "So."), "malformed_row"),
        (messages(USER, [ASSISTANT]), "malformed_row"),
        ({"messages": "Why? So."}, "malformed_row"),
        ({"messages": USER}, None),  # one turn, without a list around it
        ({"messages": json.dumps([USER, ASSISTANT])}, None),
        ({"messages": json.dumps({"role": ["user"], "content": "Why?"})}, "malformed_row"),
        ("Why? So.", "malformed_row"),
        ([USER], "malformed_row"),
        (None, "malformed_row"),
        (7, "malformed_row"),
    ],
)
def test_one_odd_row_has_a_reason_and_costs_no_other(row: Any, reason: str | None) -> None:
    assert unusable(messages_source(), row) == [reason]


def test_a_column_that_nobody_uses_makes_no_row_unusable() -> None:
    entry = sharegpt_source()
    talk = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    rows = [{"id": value, "category": "c", "conversations": talk} for value in ([1], 7, "x")]
    table = tabulate(rows, entry)
    assert table["id"].to_list() == [None, "7", "x"]
    assert table["unusable"].null_count() == 3


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([{"question": "Why?"}], "it has no column 'answer', only question"),
        ([7, None], "it has no column 'question', its rows are no objects"),
        ([{"question": "Why?", "answer": ["So."]}] * 2, "it has 'answer' as a list, not as text"),
        ([{"question": "Why?", "answer": {"a": 1}}], "it has 'answer' as an object of a, not"),
        ([{"question": "Why?", "answer": float("nan")}], "it has 'answer' as no number, not as"),
    ],
)
def test_what_no_row_has_is_a_fault_of_the_file_or_of_the_catalogue(
    rows: Sequence[Any], fault: str
) -> None:
    with pytest.raises(UnreadableError) as error:
        tabulate(rows, source())
    assert error.value.what.startswith(fault)


@pytest.mark.parametrize(
    ("turns", "fault"),
    [
        ("Hi", "it has 'conversations' as text, not as records of from, value"),
        ([USER], "it has 'conversations' as records of role, content, not as records of from, "),
        ([{"from": "human"}], "it has 'conversations' as records of from, not as records of from,"),
    ],
)
def test_records_of_other_fields_are_a_fault_too(turns: Any, fault: str) -> None:
    with pytest.raises(UnreadableError) as error:
        tabulate([{"id": "a", "category": "c", "conversations": turns}] * 3, sharegpt_source())
    assert error.value.what.startswith(fault)


def test_many_rows_are_as_few(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"question": str(number), "answer": number} for number in range(7)]
    whole = tabulate(rows, source())
    monkeypatch.setattr("sysgen_dagster.sources.upstream_rows._ROWS_AT_ONCE", 3)
    assert tabulate(rows, source()).equals(whole)
    assert whole["answer"].to_list() == list("0123456")


# Parquet


def read(tmp_path: Path, entry: Source, columns: dict[str, pa.Array]) -> pl.DataFrame:
    """The conversations of a Parquet file with these columns, which lies at `rows.parquet`."""
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    entry = entry.model_copy(update={"path": path})
    return build_conversations(read_shard(entry, 0, tmp_path / "cache"), entry)


DICTIONARY = pa.dictionary(pa.int32(), pa.string())
ANSWERS = {
    "dictionary": (pa.array(["a", None, "a"], DICTIONARY), ["a", "", "a"]),
    "large text": (pa.array(["a"], pa.large_string()), ["a"]),
    "integer": (pa.array([4, -5]), ["4", "-5"]),
    "large integer": (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
    "decimal": (pa.array([Decimal("4.50")], pa.decimal128(5, 2)), ["4.50"]),
    "fine decimal": (pa.array([Decimal("0.0000000100")], pa.decimal128(20, 10)), ["0.0000000100"]),
    "float": (pa.array([4.0, 0.1]), ["4.0", "0.1"]),
    "short float": (pa.array([0.1, 2.5], pa.float32()), ["0.1", "2.5"]),
    "truth": (pa.array([True, False]), ["true", "false"]),
    "date": (pa.array([date(2020, 1, 2)]), ["2020-01-02"]),
    "nanoseconds": (pa.array([1], pa.timestamp("ns")), ["1970-01-01 00:00:00.000000001"]),
    "year 12,000": (pa.array([3_663_529], pa.date32()), ["+12000-05-27"]),
    "bytes": (pa.array([b"So."]), ["So."]),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_column_of_another_type_becomes_text_without_loss(tmp_path: Path, kind: str) -> None:
    answers, texts = ANSWERS[kind]
    table = read(
        tmp_path, source(), {"question": pa.array(["Q"] * len(answers)), "answer": answers}
    )
    assert table["answer"].to_list() == texts
    assert table["drop_reason"].to_list() == [None if text else "empty_answer" for text in texts]


def test_short_floats_in_records_stay_as_short(tmp_path: Path) -> None:
    exchange = pa.struct([("input", pa.string()), ("output", pa.float32())])
    talks = pa.array([[{"input": "Q", "output": 0.1}]], pa.list_(exchange))
    table = read(tmp_path, input_output_source(), {"conversation": talks, "source": ["a"]})
    assert table["answer"].to_list() == ["0.1"]


def test_values_without_a_text_are_dropped_one_by_one(tmp_path: Path) -> None:
    for odd in (pa.array([b"So.", b"\xff\xfe"]), pa.array([4.0, float("nan")])):
        table = read(tmp_path, source(), {"question": pa.array(["Q", "Q"]), "answer": odd})
        assert table["drop_reason"].to_list() == [None, "not_text"]


TALK = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
TURN = pa.struct([("from", pa.string()), ("value", pa.string())])
TALKS = {
    "as declared": pa.array([TALK], pa.list_(TURN)),
    "large list": pa.array([TALK], pa.large_list(TURN)),
    "fixed list": pa.array([TALK], pa.list_(TURN, 2)),
    "other order and more": pa.array(
        [[{**turn, "weight": 1, "value": turn["value"]} for turn in TALK]],
        pa.list_(pa.struct([("weight", pa.int8()), ("value", pa.string()), ("from", pa.string())])),
    ),
    "roles of a dictionary": pa.array(
        [TALK], pa.list_(pa.struct([("from", DICTIONARY), ("value", pa.large_string())]))
    ),
    "lists of a record": pa.array(
        [{"from": ["human", "gpt"], "value": ["Hi", "Hello"]}],
        pa.struct([("from", pa.list_(pa.string())), ("value", pa.list_(pa.string()))]),
    ),
    "times beside": pa.array(
        [[{**turn, "at": 3_663_529, "took": 5} for turn in TALK]],
        pa.list_(pa.struct([*TURN, ("at", pa.date32()), ("took", pa.duration("ms"))])),
    ),
    "parts": pa.array(
        [
            [
                {"from": turn["from"], "value": [{"type": "text", "text": turn["value"]}]}
                for turn in TALK
            ]
        ],
        pa.list_(
            pa.struct(
                [
                    ("from", pa.string()),
                    (
                        "value",
                        pa.list_(
                            pa.struct(
                                [
                                    ("type", pa.string()),
                                    ("text", pa.string()),
                                    ("image", pa.binary()),
                                ]
                            )
                        ),
                    ),
                ]
            )
        ),
    ),
}


@pytest.mark.parametrize("kind", TALKS)
def test_the_turns_are_read_however_a_writer_stores_them(tmp_path: Path, kind: str) -> None:
    other = {"id": pa.array([7]), "category": pa.array(["c"])}
    table = read(tmp_path, sharegpt_source(), {"conversations": TALKS[kind], **other})
    assert table.select("question", "answer", "drop_reason").rows() == [("Hi", "Hello", None)]
    assert (
        table["conversation_id"].item()
        == (read(tmp_path, sharegpt_source(), {"conversations": TALKS["as declared"], **other}))[
            "conversation_id"
        ].item()
    )


def test_a_null_turn_in_parquet_drops_its_row(tmp_path: Path) -> None:
    talks = pa.array([[*TALK, None], TALK, None], pa.list_(TURN))
    other = {"id": pa.array(["a"] * 3), "category": pa.array(["c"] * 3)}
    table = read(tmp_path, sharegpt_source(), {"conversations": talks, **other})
    assert table["drop_reason"].to_list() == ["malformed_row", None, "empty_question"]


@pytest.mark.parametrize(
    ("entry", "columns", "fault"),
    [
        (source(), {"question": pa.array(["Q"])}, "it has no column 'answer', only question"),
        (source(), {"prompt": pa.array(["Q"])}, "it has no column 'question', only prompt"),
        (
            source(),
            {"question": pa.array(["Q"]), "answer": pa.array([["A"]])},
            "it has 'answer' as List(String), not as text",
        ),
        (
            source(),
            {"question": pa.array(["Q"]), "answer": pa.array([{"a": 1}])},
            "it has 'answer' as Struct({'a': Int64}), not as text",
        ),
        (
            input_output_source(),
            {"source": pa.array(["s"]), "conversation": pa.array(["text"])},
            "it has 'conversation' as String, not as records of input, output",
        ),
    ],
)
def test_a_type_without_a_text_is_named_with_what_is_wanted(
    tmp_path: Path, entry: Source, columns: dict[str, pa.Array], fault: str
) -> None:
    with pytest.raises(SourceError) as error:
        read(tmp_path, entry, columns)
    assert str(error.value) == (
        f"mine: {tmp_path / 'rows.parquet'} cannot be read as parquet ({fault}); give the file in "
        "the upstream schema, or correct `shape` and `columns` in the catalogue"
    )


OF_THE_SHAPE = {"kind": "question_answer", "question": "question", "answer": "answer"}
# The fields of an entry that names a column which the file lacks, and those to be corrected.
NAMED_IN: dict[str, tuple[dict[str, Any], str]] = {
    "shape": ({"shape": OF_THE_SHAPE}, "`shape`"),
    "shape and columns": (
        {"shape": OF_THE_SHAPE, "columns": {"question": "string", "answer": "string"}},
        "`shape` and `columns`",
    ),
    "columns": (
        {
            "shape": {**OF_THE_SHAPE, "question": "prompt", "answer": "prompt"},
            "columns": {"prompt": "string", "answer": "string"},
        },
        "`columns`",
    ),
}


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
@pytest.mark.parametrize(("fields", "wrong"), NAMED_IN.values(), ids=NAMED_IN)
def test_a_missing_column_is_told_with_the_fields_that_name_it(
    tmp_path: Path, fields: dict[str, Any], wrong: str, ending: str
) -> None:
    path = tmp_path / f"rows.{ending}"
    rows = pl.DataFrame({"prompt": ["Why?"], "question": ["Why?"]})
    rows.write_ndjson(path) if ending == "jsonl" else rows.write_parquet(path)
    entry = Source.model_validate({"name": "mine", "path": path, **fields})

    with pytest.raises(SourceError, match=f"no column 'answer'.* or correct {wrong} in the"):
        read_shard(entry, 0, tmp_path / "cache")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [({"instruction": "answer"}, "`instruction`"), ({"shape": OF_THE_SHAPE}, "`shape`")],
)
def test_a_missing_column_of_the_second_lane_is_told_with_the_field_that_names_it(
    tmp_path: Path, fields: dict[str, Any], wrong: str
) -> None:
    path = tmp_path / "rows.jsonl"
    pl.DataFrame({"question": ["Why?"]}).write_ndjson(path)
    entry = InstructionSource.model_validate({"name": "mine", "path": path, **fields})

    with pytest.raises(SourceError, match=f"no column 'answer'.* or correct {wrong} in the"):
        read_shard(entry.as_source, 0, tmp_path / "cache")


def test_json_and_parquet_give_the_same_texts(tmp_path: Path) -> None:
    rows = [{"question": "How many?", "answer": answer} for answer in (4, 5)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    entry = source(path=path)
    of_json = build_conversations(read_shard(entry, 0, tmp_path / "cache"), entry)
    columns = {"question": pa.array(["How many?"] * 2), "answer": pa.array([4, 5])}
    of_parquet = read(tmp_path, source(), columns)
    assert of_json.drop("source_revision").equals(of_parquet.drop("source_revision"))
