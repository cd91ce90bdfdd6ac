"""Guessing what the columns of a file are for: layouts of the Hub, mappings, what is refused."""

import csv
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing.parametric import column, dataframes

from sysgen_dagster.catalog.sources import Exchanges, Source
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import SourceError, read_shard
from sysgen_dagster.sources.guessing import Guess, ShapeError, guess_shape
from sysgen_dagster_tests.sources.hub_layouts import (
    AGAIN,
    ANSWER,
    ASK,
    LAYOUTS,
    MORE,
    SYSTEM,
    Layout,
    roles,
)

REAL = Path(__file__).parents[2] / "../shared/data"


def write(folder: Path, rows: Sequence[Any], suffix: str = ".jsonl") -> Path:
    """The rows as a file of this format."""
    file = folder / f"rows{suffix}"
    if suffix == ".parquet":
        pl.DataFrame(rows).write_parquet(file)
    elif suffix == ".csv":
        with file.open("w", newline="") as opened:
            writer = csv.DictWriter(opened, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    elif suffix == ".json":
        file.write_text(json.dumps(rows))
    else:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def read(file: Path, guess: Guess) -> list[dict[str, Any]]:
    """The conversations of a file whose entry in the catalogue is as guessed."""
    source = Source.model_validate(
        {
            "name": "mine",
            "title": "Mine",
            "license": "unknown",
            "path": file,
            "shards": 1,
            "columns": guess.columns,
            "shape": guess.shape.model_dump(),
            "exchanges": guess.exchanges,
        }
    )
    rows = read_shard(source, 0, file.parent / "cache")
    return build_conversations(rows, source).rows(named=True)


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_of_the_hub_are_recognised_and_read(
    layout: Layout, suffix: str, tmp_path: Path
) -> None:
    file = write(tmp_path, [layout.row], suffix)
    guess = guess_shape("mine", file)
    assert guess.said.startswith(f"{layout.said}; of 1 row ")
    conversations = read(file, guess)
    assert len(conversations) == layout.conversations
    last = conversations[-1]
    assert (last["question"], last["answer"]) == (layout.question, layout.answer)
    assert last["original_system_message"] == layout.system
    assert last["answer_reasoning"] == layout.thoughts
    assert len(last["history"]) == layout.turns
    assert last["drop_reason"] is None


FLAT = {
    name: layout
    for name, layout in LAYOUTS.items()
    if all(isinstance(value, str) for value in layout.row.values())
}


@pytest.mark.parametrize("layout", FLAT.values(), ids=FLAT)
def test_a_csv_is_recognised_like_any_other_file(layout: Layout, tmp_path: Path) -> None:
    guess = guess_shape("mine", write(tmp_path, [layout.row], ".csv"))
    assert guess.said.startswith(f"{layout.said}; of 1 row ")


REAL_SHAPES = {
    "capybara": ('exchanges in "conversation" (input, output)', Exchanges.EACH),
    "airoboros": ('chats in "conversations" (from, value)', Exchanges.EACH),
    "orca_math": ('question in "question", answer in "answer"', Exchanges.LAST),
    "magicoder": ('question in "instruction", answer in "response"', Exchanges.LAST),
    "metamath": ('question in "query", answer in "response"', Exchanges.LAST),
}


@pytest.mark.parametrize("name", REAL_SHAPES)
def test_real_rows_are_recognised(name: str) -> None:
    file = REAL / f"{name}.parquet"
    if not file.is_file():
        pytest.skip(f"there are no real rows in {file}")
    said, exchanges = REAL_SHAPES[name]
    guess = guess_shape("mine", file)
    assert guess.said.startswith(f"{said}; of ")
    assert "all can be read" in guess.said
    assert guess.exchanges == exchanges


def test_what_the_rows_are_like_is_said_in_one_line(tmp_path: Path) -> None:
    system = {"role": "system", "content": SYSTEM}
    rows = [{"messages": roles(ASK, ANSWER)}] * 995
    rows += [{"messages": [system, *roles(ASK, ANSWER, AGAIN, MORE)]}] * 3
    rows += [{"messages": roles(ASK)}, {"messages": "Name a river."}] * 50
    guess = guess_shape("mine", write(tmp_path, rows))
    assert guess.rows_seen == 1_000
    assert guess.said == (
        'chats in "messages" (role, content); of the first 1,000 rows 3 have several turns, each a '
        "row of its own (1,003 rows in all), 3 begin with a system message, 2 cannot be read "
        "(malformed_row 1, no_answer 1)"
    )


AMBIGUOUS = {
    "two answers": (
        {"problem": ASK, "answer": "Po", "solution": ANSWER},
        'answer in "solution"',
        "--columns 'question=problem answer=answer'",
    ),
    "two questions": (
        {"prompt": f"Please: {ASK}", "instruction": ASK, "output": ANSWER},
        'question in "instruction"',
        "--columns 'question=prompt answer=output'",
    ),
    "two chats": (
        {"conversation_a": roles(ASK, ANSWER), "conversation_b": roles(ASK, MORE)},
        'chats in "conversation_a"',
        "--columns 'messages=conversation_b role=role content=content'",
    ),
    "a chat and a pair": (
        {"problem": ASK, "solution": ANSWER, "messages": roles(ASK, ANSWER)},
        'chats in "messages"',
        "--columns 'question=problem answer=solution'",
    ),
    "what was chosen": (
        {"prompt": ASK, "chosen": ANSWER, "rejected": "No."},
        'answer in "chosen"',
        "left out: 'rejected'",
    ),
    "earlier exchanges": (
        {"instruction": ASK, "output": ANSWER, "history": [[AGAIN, MORE]]},
        'answer in "output"',
        "left out: 'history'",
    ),
}


@pytest.mark.parametrize(("row", "taken", "also"), AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_else_would_do_is_said(
    row: Mapping[str, Any], taken: str, also: str, tmp_path: Path
) -> None:
    said = guess_shape("mine", write(tmp_path, [row])).said
    assert taken in said
    assert also in said


TOLD: dict[str, tuple[list[dict[str, Any]], str]] = {
    "letters of choices": (
        [{"question": f"{ASK} {each}", "choices": ["x", "y"], "answer": each} for each in "ABCDA"],
        'answer in "answer"; of 5 rows all can be read, the answers are mostly single words '
        '("A", "B", "C"); left out: \'choices\'',
    ),
    "labels of classes": (
        [{"instruction": "Which mood?", "input": ASK, "output": each} for each in ("good", "bad")],
        'the answers are mostly single words ("good", "bad")',
    ),
    "a result beside its derivation": (
        [{"question": ASK, "solution": "4", "answer": ANSWER}],
        'question in "question", answer in "answer"; of 1 row all can be read; left out: ',
    ),
    "the name of a task": (
        [{"inputs": ASK, "targets": ANSWER, "task": "cot"}],
        'question in "inputs", answer in "targets"; ',
    ),
    "what an answer is worth": (
        [{"prompt": ASK, "completion": ANSWER, "label": False}],
        "all can be read; left out: 'label'",
    ),
    "a definition that belongs to the question": (
        [{"definition": "Translate it.", "inputs": ASK, "targets": ANSWER}],
        "left out: 'definition'",
    ),
    "many more columns": (
        [{"question": ASK, "answer": ANSWER, **dict.fromkeys(map(str, range(40)), "x")}],
        "left out: '0', '1', '2', '3', '4', '5', and 34 more",
    ),
    "thoughts without blanks": (
        [{"question": "川とは何ですか", "answer": "水の流れです", "reasoning": "考えると水の流れ"}],
        'thoughts in "reasoning"; of 1 row all can be read',
    ),
    "one letter for each": ([{"q": ASK, "a": ANSWER}], 'question in "q", answer in "a"; '),
}


@pytest.mark.parametrize(("rows", "told"), TOLD.values(), ids=TOLD)
def test_what_a_reader_should_doubt_is_said(
    rows: list[dict[str, Any]], told: str, tmp_path: Path
) -> None:
    assert told in guess_shape("mine", write(tmp_path, rows)).said


def test_files_from_all_over_a_folder_are_looked_at(tmp_path: Path) -> None:
    for number in range(45):
        chat = {"messages": roles(ASK, ANSWER)}
        row = {"question": ASK, "answer": ANSWER} if number < 2 else chat
        (tmp_path / f"{number:02}.jsonl").write_text(json.dumps(row) + "\n")
    said = guess_shape("mine", tmp_path).said
    assert said.startswith('chats in "messages" (role, content); of the first 15 rows 1 cannot')


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_columns_that_begin_empty_are_what_the_user_says(suffix: str, tmp_path: Path) -> None:
    rows = [{"question": ASK, "answer": ""}] * 1_000 + [{"question": ASK, "answer": ANSWER}]
    file = write(tmp_path, rows, suffix)
    with pytest.raises(ShapeError, match=r"answer \(empty\)") as error:
        guess_shape("mine", file)
    assert "--columns 'question=question answer=answer'" in str(error.value)
    guess = guess_shape("mine", file, {"question": "question", "answer": "answer"})
    assert "of the first 1,000 rows 1,000 cannot be read (empty_answer 1,000)" in guess.said
    assert read(file, guess)[-1]["answer"] == ANSWER


TEMPLATES = {
    "Llama 2": f"<s>[INST] {ASK} [/INST] {ANSWER} </s><s>[INST] {AGAIN} [/INST] {MORE} </s>",
    "Llama 2 with a system": f"<s>[INST] <<SYS>>\n{SYSTEM}\n<</SYS>>\n\n{ASK} [/INST] {ANSWER} </s>"
    f"<s>[INST] {AGAIN} [/INST] {MORE} </s>",
    "Llama 3": "<|begin_of_text|>"
    + "".join(
        f"<|start_header_id|>{role}<|end_header_id|>\n\n{said}<|eot_id|>"
        for role, said in [
            ("system", SYSTEM),
            *(("user", ASK), ("assistant", ANSWER)),
            *(("user", AGAIN), ("assistant", MORE)),
        ]
    ),
    "Gemma": "<bos>"
    + "".join(
        f"<start_of_turn>{role}\n{said}<end_of_turn>\n"
        for role, said in zip(["user", "model"] * 2, [ASK, ANSWER, AGAIN, MORE], strict=True)
    ),
    "an early chain": f"Human: {ASK}\nAI: {ANSWER}\nHuman: {AGAIN}\nAI: {MORE}",
    "a list of questions": f"Q: {ASK}\nA: {ANSWER}\n\nQ: {AGAIN}\nA: {MORE}",
    "the same in words": f"Question: {ASK}\nAnswer: {ANSWER}\nQuestion: {AGAIN}\nAnswer: {MORE}",
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_texts_in_the_template_of_a_model_are_chats(name: str, tmp_path: Path) -> None:
    file = write(tmp_path, [{"text": TEMPLATES[name]}])
    first, last = read(file, guess_shape("mine", file))
    assert (first["question"], first["answer"]) == (ASK, ANSWER)
    assert (last["question"], last["answer"]) == (AGAIN, MORE)
    assert last["original_system_message"] == (SYSTEM if SYSTEM in TEMPLATES[name] else None)


def test_the_mark_of_a_transcript_is_no_part_of_a_system_message(tmp_path: Path) -> None:
    row = {"system": f"SYSTEM: {SYSTEM}", "chat": f"USER: {ASK}\n\n\nASSISTANT: {ANSWER}"}
    file = write(tmp_path, [row])
    [conversation] = read(file, guess_shape("mine", file))
    assert conversation["original_system_message"] == SYSTEM


def test_names_alone_decide_nothing(tmp_path: Path) -> None:
    row = {"messages": "12 unread", "reasoning": "off", "question": ASK, "answer": ANSWER}
    said = guess_shape("mine", write(tmp_path, [row])).said
    assert said.startswith('question in "question", answer in "answer"; ')


CHAT = [{"who": "A", "what": ASK}, {"who": "B", "what": ANSWER}]
MAPPED: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "texts": ({"a": ASK, "b": ANSWER}, {"question": "a", "answer": "b"}),
    "only the answer": ({"question": ASK, "b": ANSWER}, {"answer": "b"}),
    "other words for the same": ({"a": ASK, "b": ANSWER}, {"prompt": "a", "completion": "b"}),
    "alpaca's words": (
        {"a": "Name a river", "b": "in Italy.", "c": ANSWER},
        {"instruction": "a", "input": "b", "output": "c"},
    ),
    "input and output": ({"a": ASK, "b": ANSWER}, {"input": "a", "output": "b"}),
    "a chat": (
        {"x": CHAT},
        {"messages": "x", "role": "who", "content": "what", "user": "A", "assistant": "B"},
    ),
    "who speaks": (
        {"messages": [{"role": "A", "content": ASK}, {"role": "B2", "content": ANSWER}]},
        {"user": "A", "assistant": "B,B2"},
    ),
    "exchanges": (
        {"x": [{"q": ASK, "a": ANSWER}]},
        {"messages": "x", "question": "q", "answer": "a"},
    ),
    "a text": (
        {"x": f"[me] {ASK}\n[you] {ANSWER}"},
        {"text": "x", "user": "[me]", "assistant": "[you]"},
    ),
    "a list of texts": ({"x": [ASK, ANSWER]}, {"messages": "x"}),
    "a chat and its answer": (
        {"x": [{"role": "user", "content": ASK}], "y": ANSWER},
        {"question": "x", "answer": "y"},
    ),
    "a system message": (
        {"q": ASK, "a": ANSWER, "persona": SYSTEM},
        {"question": "q", "answer": "a", "system": "persona"},
    ),
    "thoughts": (
        {"q": ASK, "a": ANSWER, "trace": "Hm."},
        {"question": "q", "answer": "a", "reasoning": "trace"},
    ),
}


@pytest.mark.parametrize(("row", "mapping"), MAPPED.values(), ids=MAPPED)
def test_what_the_user_says_of_the_columns_is_done(
    row: dict[str, Any], mapping: dict[str, str], tmp_path: Path
) -> None:
    file = write(tmp_path, [row])
    [conversation] = read(file, guess_shape("mine", file, mapping))
    assert conversation["question"].split() == ASK.split()
    assert conversation["answer"] == ANSWER
    assert conversation["original_system_message"] == row.get("persona")
    assert conversation["answer_reasoning"] == row.get("trace")


def test_what_the_user_says_is_done_where_few_rows_fit_too(tmp_path: Path) -> None:
    rows = [{"messages": roles(ASK)}] * 9 + [{"messages": roles(ASK, ANSWER)}]
    file = write(tmp_path, rows)
    with pytest.raises(ShapeError, match=r"1 of 10 rows can be used \(no_answer 9\)") as error:
        guess_shape("mine", file)
    assert "--columns 'messages=messages role=role content=content'" in str(error.value)
    assert "9 cannot be read" in guess_shape("mine", file, {"messages": "messages"}).said


def test_what_the_user_says_of_one_column_leaves_the_others_to_the_rows(tmp_path: Path) -> None:
    greeting = roles("Hi.", first="assistant")
    row = {"question": ASK, "answer": ANSWER, "persona": SYSTEM, "messages": greeting}
    rows = [row] * 9 + [{**row, "messages": roles(ASK, ANSWER)}]
    said = guess_shape("mine", write(tmp_path, rows), {"system": "persona"}).said
    assert said.startswith('question in "question", answer in "answer", system message in "pers')


def test_a_column_that_stands_for_two_things_is_read_once(tmp_path: Path) -> None:
    guess = guess_shape(
        "mine", write(tmp_path, [{"input": ASK, "output": ANSWER}]), {"system": "input"}
    )
    assert guess.shape.columns == ["input", "output"]


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "a word that is none": ({"questions": "a"}, "'questions' is none of the words question, "),
    "a word twice": ({"prompt": "a", "question": "b"}, "'question' is given twice"),
    "a column that is not there": ({"question": "z"}, "has no column 'z', which --columns gives"),
    "a chat that is none": ({"messages": "a"}, "it is no list of turns; lists are 'x'"),
    "a field that is not there": ({"messages": "x", "role": "z"}, "no field of 'x' 'z'"),
}


@pytest.mark.parametrize(("mapping", "fault"), WRONG.values(), ids=WRONG)
def test_what_the_user_says_and_the_file_lacks_is_named(
    mapping: dict[str, str], fault: str, tmp_path: Path
) -> None:
    with pytest.raises(ShapeError) as error:
        guess_shape("mine", write(tmp_path, [{"a": ASK, "b": ANSWER, "x": CHAT}]), mapping)
    assert fault in str(error.value)


UNCLEAR: dict[str, tuple[list[Any], list[str]]] = {
    "two texts": (
        [{"id": 7, "left": ASK, "right": ANSWER}],
        [
            "Columns: id (text), left (text), right (text)",
            "First row: 'id': '7', 'left': 'Name a river in Italy.'",
            "--columns 'question=left answer=right'",
        ],
    ),
    "only questions": (
        [{"prompt": ASK, "topic": "rivers"}],
        ["--columns 'question=prompt answer=COLUMN'"],
    ),
    "unknown speakers": (
        [{"chat": [{"role": "Ann", "content": ASK}, {"role": "Bob 2", "content": ANSWER}]}],
        [
            "by 'Ann', 'Bob 2', and nobody can tell who of them asks and who answers",
            'role=role content=content user=Ann assistant="Bob 2"\'',
        ],
    ),
    "unknown fields": (
        [{"log": [{"a": "x", "b": ASK}, {"a": "y", "b": ANSWER}]}],
        ["log (list of a, b)", "--columns 'messages=log role=a content=b'"],
    ),
    "rows that are lists": ([[ASK, ANSWER]], ["Its rows are no objects"]),
    "texts": ([ASK], ["Its rows are no objects"]),
    "nothing in the rows": ([{}], ["Its rows are no objects"]),
    "a prompt of turns": (
        [{"prompt": roles(ASK), "ground_truth": "34"}],
        ["0 of 1 rows can be used (no_answer 1)", "--columns 'question=prompt answer=COLUMN'"],
    ),
    "two questions of one user": ([{"turns": [ASK, AGAIN]}], ["turns (list of texts)"]),
    "examples of an instruction": (
        [{"instruction": ASK, "instances": [{"input": "x", "output": "y"}]}],
        ["instances (list of input, output)"],
    ),
    "other words in the order of the file": (
        [{"frage": ASK, "antwort": f"{ANSWER} {ANSWER}"}],
        ["--columns 'question=frage answer=antwort'"],
    ),
    "writing without blanks": (
        [{"问题": "什么是河流", "答案": "河流是水。"}],
        ['question="问题" answer="答案"'],
    ),
    "what a question is about": (
        [{"context": f"{ASK} {ANSWER}", "question": ASK, "answers": {"text": ["x"], "at": [0]}}],
        ["--columns 'question=question answer=COLUMN'"],
    ),
    "what would move a cursor": ([{"\x1b[2J": "\x1b]0;x\x07 of"}], [r"\x1b[2J", r"\x1b]0;x\x07"]),
}


@pytest.mark.parametrize(("rows", "shown"), UNCLEAR.values(), ids=UNCLEAR)
def test_what_nobody_can_tell_is_asked_with_what_there_is_and_an_example(
    rows: list[Any], shown: list[str], tmp_path: Path
) -> None:
    with pytest.raises(ShapeError) as error:
        guess_shape("mine", write(tmp_path, rows))
    message = str(error.value)
    assert message.startswith(f"mine: it is not clear what the columns of {tmp_path}")
    assert all(each in message for each in [*shown, "such as with --columns "])
    assert message.replace("\n", "").isprintable()


TALK = roles(ASK, ANSWER)
CALL = {"role": "assistant", "content": None, "tool_calls": [{"type": "function"}]}
ELSEWHERE: dict[str, tuple[Any, str, str]] = {
    "lists of a CSV of pandas": ({"messages": str(TALK)}, ".csv", "holds lists as Python prints"),
    "lists of texts of pandas": ({"turns": str([ASK, ANSWER])}, ".csv", "to_json(FILE, orient="),
    "columns of pandas": (
        {"question": {"0": ASK, "1": AGAIN}, "answer": {"0": ANSWER, "1": MORE}},
        ".json",
        "its only row holds whole columns, it seems: write the rows as lines of JSON",
    ),
    "an object around the rows": (
        {"version": "1", "data": [{"question": ASK, "answer": ANSWER}] * 2},
        ".json",
        "write these: jq -c '.[\"data\"][]' FILE > rows.jsonl",
    ),
    "calls of tools": (
        {"messages": [*roles(ASK), CALL, {"role": "tool", "content": "7"}, *TALK[1:]]},
        ".jsonl",
        "No row has an answer to train on there",
    ),
    "a picture in each question": (
        {"messages": [{"role": "user", "content": [{"type": "image"}]}, *TALK[1:]]},
        ".jsonl",
        "No row has an answer to train on there",
    ),
    "answers without a question": (
        {"messages": TALK[::-1]},
        ".jsonl",
        "No row has an answer to train on there",
    ),
    "thoughts that do not end": (
        {"question": ASK, "answer": "<think>Hm."},
        ".jsonl",
        "No row has an answer to train on there",
    ),
}


@pytest.mark.parametrize(("row", "suffix", "advice"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_what_no_word_about_columns_mends_is_told_from_what_one_does(
    row: dict[str, Any], suffix: str, advice: str, tmp_path: Path
) -> None:
    with pytest.raises(ShapeError) as error:
        guess_shape("mine", write(tmp_path, [row], suffix))
    assert advice in str(error.value)
    assert "--columns" not in str(error.value)


def test_a_list_that_python_printed_is_no_chat_whatever_the_user_says(tmp_path: Path) -> None:
    file = write(tmp_path, [{"messages": str(TALK)}], ".csv")
    with pytest.raises(ShapeError, match="holds lists as Python prints them"):
        guess_shape("mine", file, {"messages": "messages"})


def test_the_head_of_a_file_is_enough_and_little_of_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    row = json.dumps({"messages": roles("x" * 50_000, "y" * 50_000)}) + "\n"
    file.write_text(row * 500 + "no JSON\n")
    began = time.monotonic()
    guess = guess_shape("mine", file)
    assert guess.rows_seen == 84
    assert "; of the first 84 rows " in guess.said
    assert time.monotonic() - began < 5


NAMES = st.sampled_from(
    ["messages", "conversations", "prompt", "chosen", "rejected", "answer", "input", "system", "*"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["user", "assistant", '[{"role": "user"}]', "### Human: x", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "from", "value", "input", "output", ""]), inner
        )
    ),
    max_leaves=12,
)
ROWS = st.lists(st.dictionaries(NAMES, VALUES, max_size=4) | VALUES, min_size=1, max_size=4)
MAPPINGS = st.dictionaries(
    st.sampled_from(["question", "answer", "messages", "text", "user", "role", "system"]),
    NAMES | st.sampled_from(["role", "content", "x", ","]),
    max_size=3,
)


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=ROWS, mapping=MAPPINGS)
def test_whatever_the_rows_hold_there_is_a_guess_or_an_error_for_the_user(
    rows: list[Any], mapping: dict[str, str], tmp_path: Path
) -> None:
    check_guesses(write(tmp_path, rows), mapping)


COLUMNS = [column(name) for name in ("question", "answer", "messages")]


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(frame=dataframes(COLUMNS, min_size=1, max_size=4))
def test_whatever_the_columns_of_a_parquet_file_are_there_is_one_too(
    frame: pl.DataFrame, tmp_path: Path
) -> None:
    frame.write_parquet(tmp_path / "rows.parquet")
    check_guesses(tmp_path / "rows.parquet", {"question": "question", "answer": "answer"})


def check_guesses(file: Path, mapping: Mapping[str, str]) -> None:
    """Assert that what is guessed of the file can be read, and what is not can be shown."""
    for said in ({}, mapping):
        found = guess_or_error(file, said)
        if isinstance(found, Guess):
            assert any(each["drop_reason"] is None for each in read(file, found))
        shown = found.said if isinstance(found, Guess) else found.replace("\n", "")
        assert shown.isprintable()


def guess_or_error(file: Path, mapping: Mapping[str, str]) -> Guess | str:
    try:
        return guess_shape("mine", file, mapping)
    except SourceError as error:
        return str(error)
