"""Sources and benchmarks: one place each, and a shape that fits the columns."""

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from sysgen_dagster.catalog.sources import Exchanges, Shape
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.sources.tables import SOURCE_ROW
from sysgen_dagster_tests.catalog.small import (
    BENCHMARK,
    HUB,
    Change,
    Wrong,
    assert_wrong,
    fault_of,
    write,
)

WRONG_ENTRIES: dict[str, Wrong] = {
    "hub-and-path": (
        [("sources.mine.hub", HUB)],
        "sources.mine.hub",
        "give one of `hub`, `github`, `path`",
    ),
    "neither-hub-nor-path": (
        [("sources.mine.path", None)],
        "sources.mine",
        "give one of `hub`, `github`, `path`",
    ),
    "shape-names-a-missing-column": (
        [("sources.mine.shape.answer", "response")],
        "sources.mine.columns",
        "`shape` uses ['response'], which `columns` does not list",
    ),
    "unknown-shape": (
        [("sources.mine.shape.kind", "alpaca")],
        "sources.mine.shape.kind",
        "'sharegpt', 'messages', 'input_output', "
        "'alternating', 'transcript', 'prompt_completion', 'question_answer'",
    ),
    "unknown-exchanges": (
        [("sources.mine.exchanges", "all")],
        "sources.mine.exchanges",
        "'each', 'first', 'last' or 'whole' (found: all)",
    ),
    "no-shards": ([("sources.mine.shards", 0)], "sources.mine.shards", "greater than 0 (found: 0)"),
    "same-question-of-a-missing-column": (
        [("sources.mine.same_question", "topic")],
        "sources.mine.same_question",
        "`same_question` is 'topic', which `columns` lacks",
    ),
    **{
        f"column-called-{name}": (
            [("sources.mine.columns", {"q": "string", "a": "string", name: "string"})],
            f"sources.mine.columns.{name}",
            "the name of a column, and no pattern such as * or ^a$",
        )
        for name in ("*", "^a$", "^.*$", "^$")
    },
    "file-and-split": (
        [("sources.mine.path", None), ("sources.mine.hub", {**HUB, "split": "test"})],
        "sources.mine.hub.file",
        "give either `file`, or `config` and `split`",
    ),
    "checksum-of-a-split": (
        [
            ("sources.mine.path", None),
            ("sources.mine.hub", {"repo": "a/b", "config": "c", "sha256": "0" * 64}),
        ],
        "sources.mine.hub.sha256",
        "`sha256` is that of a file",
    ),
    "benchmark-on-the-hub-and-here": (
        [("benchmarks.sums", {**BENCHMARK, "hub": HUB})],
        "benchmarks.sums.hub",
        "give one of `hub`, `github`, `path`",
    ),
    "benchmark-without-text": (
        [("benchmarks.sums", {**BENCHMARK, "text": []})],
        "benchmarks.sums.text",
        "needs at least 1",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_ENTRIES.values(), ids=WRONG_ENTRIES.keys())
def test_a_wrong_entry_is_one_error_that_names_the_file_the_entry_and_the_field(
    tmp_path: Path, wrong: Wrong
) -> None:
    assert_wrong(tmp_path, wrong)


def test_records_have_fields(tmp_path: Path) -> None:
    assert "needs at least 1" in fault_of(write(tmp_path, ("sources.mine.columns.turns", [])))[-1]


CHAT = ("sources.mine.columns.turns", ["who", "what"])
ODD_CHAT = {
    "kind": "messages",
    "column": "turns",
    "role": "who",
    "content": "what",
    "roles": {"customer": "user", "agent": "assistant"},
    "system": "a",
}
MARKS = {"Q:": "user", "A:": "assistant"}


@pytest.mark.parametrize("name", SOURCE_ROW)
def test_a_column_is_not_called_as_one_that_the_pipeline_adds(tmp_path: Path, name: str) -> None:
    columns = {"q": "string", "a": "string", name: "string"}
    fault = f"{name} is a column that the pipeline adds to each row: leave it out"
    change = ("sources.mine.columns", columns)
    assert_wrong(tmp_path, ([change], f"sources.mine.columns.{name}", fault))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([("sources.mine.path", None), ("sources.mine.hub", HUB)], id="hub"),
        pytest.param(
            [("sources.mine.shape", {"kind": "messages", "column": "turns"})], id="messages"
        ),
        pytest.param([CHAT, ("sources.mine.shape", ODD_CHAT)], id="fields-and-roles-of-its-own"),
        pytest.param(
            [("sources.mine.shape", {"kind": "alternating", "column": "turns", "content": "role"})],
            id="texts-by-turns",
        ),
        pytest.param(
            [("sources.mine.shape", {"kind": "transcript", "column": "q", "roles": MARKS})],
            id="a-chat-as-text",
        ),
        pytest.param(
            [
                (
                    "sources.mine.shape",
                    {"kind": "prompt_completion", "prompt": "turns", "completion": "a"},
                )
            ],
            id="a-chat-and-its-answer",
        ),
        pytest.param([("sources.mine.shape.system", "a")], id="system-messages-beside"),
        pytest.param([("sources.mine.shape.input", "a")], id="what-a-question-is-about"),
    ],
)
def test_a_right_change_is_accepted(tmp_path: Path, changes: list[Change]) -> None:
    assert load_catalog(write(tmp_path, *changes))


def test_a_source_is_read_with_the_usual_settings(tmp_path: Path) -> None:
    source = load_catalog(write(tmp_path)).sources["mine"]

    assert source.exchanges is Exchanges.LAST
    assert (source.rows, source.conversations, source.hub) == (None, None, None)
    assert source.shape_columns == ["q", "a"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            [("sources.mine.shape", {"kind": "messages", "column": "q"})],
            id="shape-of-turns-over-a-text-column",
        ),
        pytest.param(
            [("sources.mine.shape", {"kind": "sharegpt", "column": "turns"})],
            id="shape-over-records-without-its-fields",
        ),
        pytest.param(
            [("sources.mine.shape.answer", "turns")], id="shape-of-text-over-a-column-of-records"
        ),
        pytest.param(
            [("sources.mine.shape.system", "turns")], id="system-messages-in-a-column-of-records"
        ),
        pytest.param([("sources.mine.shape", ODD_CHAT)], id="fields-that-the-records-lack"),
        pytest.param(
            [CHAT, ("sources.mine.shape", {**ODD_CHAT, "roles": {"agent": "bot"}})],
            id="a-role-that-is-none",
        ),
        pytest.param(
            [("sources.mine.shape", {"kind": "transcript", "column": "q", "roles": {}})],
            id="a-chat-as-text-without-marks",
        ),
    ],
)
def test_a_wrong_entry_that_would_only_fail_in_a_run_is_found_here(
    tmp_path: Path, changes: list[Change]
) -> None:
    assert fault_of(write(tmp_path, *changes))[1].startswith("  sources.mine.shape")


READ_BEFORE = {
    "capybara": {"kind": "input_output", "column": "conversation"},
    "airoboros": {"kind": "sharegpt", "column": "conversations"},
    "chat": {"kind": "messages", "column": "messages"},
    "pair": {"kind": "question_answer", "question": "q", "answer": "a", "reasoning": None},
}


@pytest.mark.parametrize("shape", READ_BEFORE.values(), ids=READ_BEFORE)
def test_shapes_of_older_releases_are_dumped_as_ever_so_that_nothing_seems_changed(
    shape: dict[str, str | None],
) -> None:
    dumped = TypeAdapter(Shape).validate_python(shape).model_dump_json()
    assert dumped == json.dumps(shape, separators=(",", ":"))


def test_a_shape_is_dumped_as_people_write_it() -> None:
    shape = TypeAdapter(Shape).validate_python(ODD_CHAT)
    assert list(shape.model_dump())[:2] == ["kind", "column"]
    assert shape.model_dump(exclude_defaults=True) == ODD_CHAT
