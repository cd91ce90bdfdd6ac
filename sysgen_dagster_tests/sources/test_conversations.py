"""Upstream rows to conversations."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sysgen_dagster
from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.tables import CONVERSATIONS, source_table
from sysgen_dagster_tests.lanes.sysgen.frames import (
    REVISION,
    exchanges,
    input_output_source,
    messages_source,
    sharegpt_source,
    source,
    turns,
    upstream,
)

EXAMPLE_ROWS = Path(sysgen_dagster.__file__).with_name("example_rows")


def build(entry: Source, *records: Mapping[str, Any], **where: int) -> pl.DataFrame:
    return build_conversations(upstream(entry, *records, **where), entry)


def said(*spoken: tuple[str, str]) -> list[dict[str, str]]:
    return [{"role": role, "content": text} for role, text in spoken]


def asked(table: pl.DataFrame) -> list[tuple[Any, ...]]:
    return table.select("turn", "question", "answer", "drop_reason").rows()


def test_two_text_columns_are_one_conversation_without_history() -> None:
    entry = source(
        columns={"instruction": "string", "response": "string"},
        shape={"kind": "question_answer", "question": "instruction", "answer": "response"},
    )
    table = build(entry, {"instruction": " Why?\n", "response": "Because. "}, first_row=7)

    row = table.row(0, named=True)
    identity = row.pop("conversation_id")
    assert identity.startswith("mine-")
    assert identity.endswith("-0")
    assert row == {
        "source": "mine",
        "source_row": 7,
        "source_revision": REVISION,
        "turn": 0,
        "history": [],
        "history_reasoning": None,
        "original_system_message": None,
        "question": " Why?\n",
        "answer": "Because. ",
        "answer_reasoning": None,
        "turns_joined": None,
        "turns_left_out": None,
        "duplicate_of": None,
        "drop_reason": None,
    }


def test_what_was_thought_is_kept_beside_the_answer_and_beside_the_history() -> None:
    entry = messages_source(exchanges="last")
    spoken = [
        ("user", "2 + 2?"),
        ("assistant", "<think>Two, two.</think>Four."),
        ("user", "And 3 + 3?"),
        ("assistant", "<think>Three, three.</think>Six."),
    ]
    row = build(entry, {"messages": said(*spoken)}).row(0, named=True)
    assert row["history"] == said(("user", "2 + 2?"), ("assistant", "Four."))
    assert row["history_reasoning"] == [None, "Two, two."]
    assert (row["answer"], row["answer_reasoning"]) == ("Six.", "Three, three.")


def test_the_table_has_the_schema_of_conversations_with_and_without_rows() -> None:
    entry = input_output_source()

    assert build(entry).schema == CONVERSATIONS.schema
    assert build(entry, exchanges(("Hi", "Hello"))).schema == CONVERSATIONS.schema


def test_capybara_gives_one_conversation_a_turn_with_the_earlier_turns_as_its_history() -> None:
    row = exchanges(("Hi", "Hello"), ("Why?", "Because."), ("Since when?", "Always."))
    table = build(input_output_source(), row)

    assert table.select("turn", "question", "answer", "history").rows() == [
        (0, "Hi", "Hello", []),
        (1, "Why?", "Because.", said(("user", "Hi"), ("assistant", "Hello"))),
        (
            2,
            "Since when?",
            "Always.",
            said(
                ("user", "Hi"),
                ("assistant", "Hello"),
                ("user", "Why?"),
                ("assistant", "Because."),
            ),
        ),
    ]


@given(
    st.lists(
        st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), min_size=1, max_size=6),
        max_size=4,
    )
)
def test_a_row_of_n_exchanges_gives_n_conversations(
    rows: list[list[tuple[str, str]]],
) -> None:
    table = build(input_output_source(), *(exchanges(*pairs) for pairs in rows))

    assert Counter(table["source_row"]) == {number: len(pairs) for number, pairs in enumerate(rows)}
    assert table["history"].list.len().to_list() == [
        2 * number for pairs in rows for number in range(len(pairs))
    ]


AIROBOROS = turns(
    ("system", "You are a pirate."),
    ("human", "Hi"),
    ("gpt", "Ahoy"),
    ("human", "Why?"),
    ("gpt", "Arr."),
)


def test_airoboros_gives_one_conversation_a_row_and_its_system_turn_is_kept_as_data() -> None:
    table = build(sharegpt_source(), AIROBOROS)

    assert asked(table) == [(1, "Why?", "Arr.", None)]
    assert table["original_system_message"].to_list() == ["You are a pirate."]
    assert table["history"].to_list() == [said(("user", "Hi"), ("assistant", "Ahoy"))]


def test_the_upstream_system_turn_stands_in_the_history_when_the_setting_says_so() -> None:
    table = build(sharegpt_source(show_original_system_message=True), AIROBOROS)

    assert asked(table) == [(1, "Why?", "Arr.", None)]
    assert table["original_system_message"].to_list() == ["You are a pirate."]
    assert table["history"].to_list() == [
        said(("system", "You are a pirate."), ("user", "Hi"), ("assistant", "Ahoy"))
    ]


@pytest.mark.parametrize(
    ("systems", "kept"),
    [
        pytest.param([], None, id="none"),
        pytest.param([None], None, id="null"),
        pytest.param([""], None, id="empty"),
        pytest.param(["Be kind.", "Be brief."], "Be kind.\n\nBe brief.", id="two"),
    ],
)
def test_system_turns_are_kept_as_one_text(systems: list[str | None], kept: str | None) -> None:
    row = turns(*(("system", text) for text in systems), ("human", "Hi"), ("gpt", "Hello"))

    assert build(sharegpt_source(), row)["original_system_message"].to_list() == [kept]


def test_messages_are_read_as_the_chat_format_of_most_trainers() -> None:
    row = {
        "messages": said(
            ("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Why?")
        )
    }
    table = build(messages_source(exchanges="each"), row)

    assert asked(table) == [(0, "Hi", "Hello", None), (1, "Why?", None, "no_answer")]
    assert table["original_system_message"].to_list() == ["Be kind.", "Be kind."]


THREE_TURNS = exchanges(("a", "A"), ("b", "B"), ("c", "C"))


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        pytest.param(
            "each", [(0, "a", "A", None), (1, "b", "B", None), (2, "c", "C", None)], id="each"
        ),
        pytest.param("first", [(0, "a", "A", None)], id="first"),
        pytest.param("last", [(2, "c", "C", None)], id="last"),
        pytest.param("whole", [(2, "c", "C", None)], id="whole"),
    ],
)
def test_the_catalogue_says_which_exchanges_become_conversations(
    setting: str, expected: list[tuple[Any, ...]]
) -> None:
    assert asked(build(input_output_source(exchanges=setting), THREE_TURNS)) == expected


@pytest.mark.parametrize("setting", ["each", "first", "last", "whole"])
def test_a_conversation_has_the_same_id_under_every_setting_that_takes_it(setting: str) -> None:
    every = build(input_output_source(), THREE_TURNS)["conversation_id"]
    taken = build(input_output_source(exchanges=setting), THREE_TURNS)["conversation_id"]

    assert taken.is_in(every.to_list()).all()


TRAILING = turns(("human", "Hi"), ("gpt", "Hello"), ("human", "Still there?"))


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        pytest.param("last", [(0, "Hi", "Hello", None)], id="last-takes-the-last-answered-one"),
        pytest.param(
            "each",
            [(0, "Hi", "Hello", None), (1, "Still there?", None, "no_answer")],
            id="each-drops-it",
        ),
        pytest.param("first", [(0, "Hi", "Hello", None)], id="first-does-not-see-it"),
    ],
)
def test_a_question_at_the_end_without_an_answer(
    setting: str, expected: list[tuple[Any, ...]]
) -> None:
    assert asked(build(sharegpt_source(exchanges=setting), TRAILING)) == expected


@pytest.mark.parametrize("setting", ["each", "first", "last", "whole"])
@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param(turns(("human", "Hi")), (0, "Hi", None, "no_answer"), id="no-gpt-turn"),
        pytest.param(
            turns(("gpt", "Hello")), (0, None, None, "empty_question"), id="no-human-turn"
        ),
        pytest.param(
            turns(("system", "Be kind.")), (0, None, None, "empty_question"), id="system-turn-only"
        ),
        pytest.param(turns(), (0, None, None, "empty_question"), id="no-turn"),
        pytest.param(
            {"id": "x", "conversations": None, "category": None},
            (0, None, None, "empty_question"),
            id="null",
        ),
    ],
)
def test_a_row_without_an_exchange_stays_as_one_dropped_row(
    row: dict[str, Any], expected: tuple[Any, ...], setting: str
) -> None:
    assert asked(build(sharegpt_source(exchanges=setting), row)) == [expected]


def test_an_unanswered_question_at_the_end_has_the_turns_before_it_as_its_history() -> None:
    table = build(sharegpt_source(exchanges="each"), TRAILING)

    assert table["history"].to_list() == [[], said(("user", "Hi"), ("assistant", "Hello"))]


def test_a_question_asked_twice_before_an_answer_is_one_question() -> None:
    row = turns(("human", "Hi"), ("human", "Anyone?"), ("gpt", "Yes."))
    table = build(sharegpt_source(exchanges="each"), row)

    assert asked(table) == [(0, "Hi\n\nAnyone?", "Yes.", None)]
    assert table["turns_joined"].to_list() == [1]


def test_two_answers_in_a_row_are_one_answer_here_and_in_the_history() -> None:
    row = turns(("human", "Hi"), ("gpt", "Hello"), ("gpt", "Hm?"), ("human", "Why?"), ("gpt", "So"))
    table = build(sharegpt_source(exchanges="each"), row)

    assert asked(table) == [(0, "Hi", "Hello\n\nHm?", None), (1, "Why?", "So", None)]
    assert table["history"][1].to_list() == said(("user", "Hi"), ("assistant", "Hello\n\nHm?"))
    assert table["turns_joined"].to_list() == [1, 1]


def test_an_assistant_who_speaks_first_is_left_out_and_counted() -> None:
    row = turns(("gpt", "How can I help?"), ("human", "Hi"), ("gpt", "Hello"))
    table = build(sharegpt_source(), row)

    assert asked(table) == [(0, "Hi", "Hello", None)]
    assert table["history"].to_list() == [[]]
    assert table["turns_left_out"].to_list() == [1]


ROLES = st.sampled_from(["system", "human", "gpt", "developer", "USER", "chatgpt"])


@given(
    st.lists(st.tuples(ROLES, st.sampled_from(["a", "b", "", "\u200b"])), max_size=9),
    st.sampled_from(["each", "first", "last"]),
)
def test_what_is_kept_alternates_and_a_row_that_did_so_is_as_it_was(
    spoken: list[tuple[str, str | None]], wanted: str
) -> None:
    table = build(sharegpt_source(exchanges=wanted), turns(*spoken))

    for row in table.filter(pl.col("drop_reason").is_null()).iter_rows(named=True):
        roles = [turn["role"] for turn in row["history"]]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
    who = [speaker for speaker, _ in spoken if speaker not in {"system", "developer"}]
    asks = [speaker in {"human", "USER"} for speaker in who]
    if asks == [position % 2 == 0 for position in range(len(asks))]:
        assert table["turns_joined"].null_count() == table.height
        assert table["turns_left_out"].null_count() == table.height


TALK = (("human", "Hi"), ("gpt", "Hello"), ("human", "Why?"), ("gpt", "So"))


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        *((who, "tool_turn") for who in ("tool", "function", "observation", "function_call")),
        *((who, "unknown_role") for who in ("narrator", "")),
    ],
)
@pytest.mark.parametrize(
    ("before", "kept"),
    [
        pytest.param(0, [], id="first"),
        pytest.param(1, [], id="before-the-answer"),
        pytest.param(2, ["Hi"], id="between"),
        pytest.param(3, ["Hi"], id="before-the-last-answer"),
        pytest.param(4, ["Hi", "Why?"], id="last"),
    ],
)
def test_only_what_comes_after_the_turn_of_a_tool_or_of_a_stranger_is_dropped(
    who: str, reason: str, before: int, kept: list[str]
) -> None:
    row = turns(*TALK[:before], (who, "42"), *TALK[before:])
    table = build(sharegpt_source(exchanges="each"), row)

    reasons = dict(zip(table["question"], table["drop_reason"], strict=True))
    assert reasons == {asks: None if asks in kept else reason for asks in ("Hi", "Why?")}
    [last] = build(sharegpt_source(exchanges="last"), row).iter_rows(named=True)
    assert (last["question"], last["drop_reason"]) == (
        kept[-1] if kept else "Why?",
        last_of(reasons),
    )


def last_of(reasons: Mapping[str, str | None]) -> str | None:
    return None if None in reasons.values() else reasons["Why?"]


def test_the_call_of_a_tool_its_result_and_the_answer_are_no_answer_without_a_tool() -> None:
    spoken = [*TALK[:2], ("human", "2 + 2?"), ("gpt", None), ("tool", "4"), ("gpt", "Four.")]
    table = build(sharegpt_source(exchanges="each"), turns(*spoken, *TALK[2:]))

    assert asked(table) == [
        (0, "Hi", "Hello", None),
        (1, "2 + 2?", "Four.", "tool_turn"),
        (2, "Why?", "So", "tool_turn"),
    ]


def test_the_last_conversation_before_a_tool_counts_what_comes_after_it() -> None:
    row = turns(*TALK[:2], ("tool", "4"), *TALK[2:], ("gpt", "or so"), ("human", "Hm?"))
    [last] = build(sharegpt_source(exchanges="last"), row).iter_rows(named=True)
    assert (last["turn"], last["answer"], last["drop_reason"]) == (0, "Hello", None)
    assert last["turns_left_out"] == 5
    every = build(sharegpt_source(exchanges="each"), row)
    assert every["turns_left_out"].to_list() == [1, 1, 1]


def test_a_malformed_turn_drops_its_row_and_no_other() -> None:
    malformed: dict[str, Any] = turns(*TALK)
    malformed["conversations"].append(None)
    table = build(sharegpt_source(exchanges="each"), malformed, turns(*TALK))

    assert table["drop_reason"].to_list() == ["malformed_row"] * 2 + [None] * 2


def test_a_row_that_was_found_unusable_when_it_was_read_stays_so() -> None:
    entry = source()
    rows = upstream(entry, {"question": "Hi", "answer": "Hello"})
    table = build_conversations(rows.with_columns(unusable=pl.lit("not_text")), entry)

    assert asked(table) == [(0, "Hi", "Hello", "not_text")]


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        pytest.param("", "A", "empty_question", id="empty-question"),
        pytest.param(None, "A", "empty_question", id="null-question"),
        pytest.param(" \t\r\n\u3000", "A", "empty_question", id="blank-question"),
        pytest.param("\u200b\ufeff", "A", "empty_question", id="invisible-question"),
        pytest.param("Q", "\u3164\u2060", "empty_answer", id="invisible-answer"),
        pytest.param("Q", "", "empty_answer", id="empty-answer"),
        pytest.param("Q", None, "empty_answer", id="null-answer"),
        pytest.param("Q", " \n\u00a0", "empty_answer", id="blank-answer"),
        pytest.param("", "", "empty_question", id="both-empty"),
        pytest.param("None", "None", None, id="the-word-none"),
        pytest.param("?", "0", None, id="one-character"),
    ],
)
def test_blank_questions_and_answers_are_dropped_and_kept_as_they_are(
    question: str | None, answer: str | None, reason: str | None
) -> None:
    for entry, row in (
        (source(), {"question": question, "answer": answer}),
        (input_output_source(), exchanges((question, answer))),
        (sharegpt_source(), turns(("human", question), ("gpt", answer))),
    ):
        assert asked(build(entry, row)) == [(0, question, answer or "", reason)]


def test_a_blank_turn_in_the_middle_drops_its_own_conversation_and_those_that_hold_it() -> None:
    table = build(input_output_source(), exchanges(("a", "A"), ("b", ""), ("c", "C")))

    assert table["drop_reason"].to_list() == [None, "empty_answer", "empty_turn"]
    assert table["history"][2].to_list() == said(
        ("user", "a"), ("assistant", "A"), ("user", "b"), ("assistant", "")
    )


def ids(table: pl.DataFrame) -> list[str]:
    return table["conversation_id"].to_list()


ROWS = [exchanges((f"q{number}", "a"), ("why", "b")) for number in range(6)]


def test_ids_are_unique() -> None:
    found = ids(build(input_output_source(), *ROWS))

    assert len(set(found)) == 12


def test_ids_stay_the_same_when_rows_come_in_another_order_or_another_shard() -> None:
    entry = input_output_source()
    whole = ids(build(entry, *ROWS))

    assert sorted(ids(build(entry, *reversed(ROWS)))) == sorted(whole)
    assert ids(build(entry, *ROWS[:2])) + ids(build(entry, *ROWS[2:], first_row=2)) == whole
    assert ids(build(entry, *ROWS, first_row=1000)) == whole


def test_ids_are_these_in_every_release() -> None:
    """Stored tables are joined by them: a change needs a migration."""
    assert ids(build(input_output_source(), exchanges(("Hi", "Hello"), ("Why?", "Because.")))) == [
        "mine-089aa7591f59c309-0",
        "mine-089aa7591f59c309-1",
    ]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(turns(("human", "Hi"), ("gpt", "Hello.")), id="answer"),
        pytest.param(turns(("human", "Hi!"), ("gpt", "Hello")), id="question"),
        pytest.param(
            turns(("system", "Be kind."), ("human", "Hi"), ("gpt", "Hello")), id="system-turn"
        ),
        pytest.param(turns(("human", "Hi"), ("gpt", "Hello"), ("human", "")), id="one-turn-more"),
        pytest.param(turns(("human", "HiHello"), ("gpt", "")), id="same-letters"),
    ],
)
def test_ids_differ_when_any_turn_differs(row: dict[str, Any]) -> None:
    entry = sharegpt_source()

    assert ids(build(entry, turns(("human", "Hi"), ("gpt", "Hello")))) != ids(build(entry, row))


def test_ids_do_not_depend_on_the_columns_that_are_no_exchange() -> None:
    entry = sharegpt_source()

    assert ids(build(entry, AIROBOROS)) == ids(build(entry, AIROBOROS | {"category": "other"}))


def test_the_same_text_in_two_sources_has_two_ids() -> None:
    row = {"question": "Why?", "answer": "Because."}

    assert ids(build(source(name="mine"), row)) != ids(build(source(name="yours"), row))


def test_a_repeated_row_has_an_id_of_its_own_and_names_the_first_one() -> None:
    entry = input_output_source()
    first = build(entry, ROWS[0])
    second = build(entry, ROWS[0], first_row=40, occurrence=1)
    third = build(entry, ROWS[0], first_row=50, occurrence=2)

    assert len({*ids(first), *ids(second), *ids(third)}) == 6
    assert first["duplicate_of"].to_list() == [None, None]
    assert second["duplicate_of"].to_list() == ids(first)
    assert third["duplicate_of"].to_list() == ids(first)
    assert second["drop_reason"].to_list() == [None, None]


def example_conversations(name: str) -> pl.DataFrame:
    """The conversations of the bundled rows; equal rows are counted here in plain Python."""
    entry = load_catalog().sources[name]
    seen: Counter[str] = Counter()
    rows: list[dict[str, Any]] = []
    for line in (EXAMPLE_ROWS / f"{name}.jsonl").read_text(encoding="utf-8").split("\n"):
        if line:
            record = json.loads(line)
            text = json.dumps([record[column] for column in entry.shape_columns])
            here = {"source_row": len(rows), "occurrence": seen[text], "source_revision": REVISION}
            rows.append(record | here)
            seen[text] += 1
    frame = pl.DataFrame(rows, schema=source_table(entry).schema, orient="row")
    return build_conversations(frame, entry)


# Conversations, dropped ones as (row, turn, reason), repeated rows: what the README there says.
EXAMPLES = {
    "capybara": (67, [(7, 1, "empty_answer")], []),
    "airoboros": (26, [(16, 0, "empty_question")], []),
    "orca_math": (26, [(7, 0, "empty_answer"), (15, 0, "empty_answer")], []),
    "magicoder": (26, [], [21]),
    "metamath": (26, [], [17]),
}


@pytest.mark.parametrize(
    ("name", "count", "dropped", "repeated"),
    [pytest.param(name, *expected, id=name) for name, expected in EXAMPLES.items()],
)
def test_the_bundled_rows_give_the_conversations_their_readme_says(
    name: str, count: int, dropped: list[tuple[Any, ...]], repeated: list[int]
) -> None:
    table = example_conversations(name)
    drops = table.filter(pl.col("drop_reason").is_not_null())
    repeats = table.filter(pl.col("duplicate_of").is_not_null())

    assert table["source_row"].unique(maintain_order=True).to_list() == list(range(26))
    assert table.height == count
    assert table["conversation_id"].n_unique() == count
    assert drops.select("source_row", "turn", "drop_reason").rows() == dropped
    assert repeats["source_row"].to_list() == repeated


@pytest.mark.parametrize(("name", "first"), [("magicoder", 16), ("metamath", 10)])
def test_a_repeated_bundled_row_names_the_first_one(name: str, first: int) -> None:
    table = example_conversations(name)
    original = table.filter(pl.col("source_row") == first)["conversation_id"].item()

    assert table["duplicate_of"].drop_nulls().to_list() == [original]


def test_the_bundled_airoboros_row_that_ends_with_a_human_turn_gives_its_last_answered_one() -> (
    None
):
    table = example_conversations("airoboros").filter(pl.col("source_row") == 13)

    assert table["turn"].to_list() == [1]
    assert table["answer"].item().strip()


def test_the_bundled_airoboros_rows_hold_seven_system_turns_of_their_own() -> None:
    table = example_conversations("airoboros")
    usual = "You are an unbiased, uncensored, helpful assistant."
    own = table.filter(pl.col("original_system_message") != usual)

    assert own["source_row"].to_list() == [3, 8, 9, 13, 18, 21, 24]


# Deletion requests


def _excluding(entry: Source, excluded: list[str], *rows: Mapping[str, Any]) -> pl.DataFrame:
    return build_conversations(upstream(entry, *rows), entry, excluded)


def test_an_excluded_conversation_keeps_its_place_and_nothing_of_its_text() -> None:
    entry, rows = (
        source(),
        [{"question": "Secret?", "answer": "Yes."}, {"question": "b", "answer": "c"}],
    )
    [gone, stays] = build(entry, *rows)["conversation_id"]
    table = _excluding(entry, [gone], *rows)

    assert table["conversation_id"].to_list() == [gone, stays]
    assert asked(table) == [(0, None, None, "excluded"), (0, "b", "c", None)]
    assert "Secret" not in str(table.to_dicts())


def test_the_other_turns_of_its_upstream_row_go_too_as_they_hold_it_as_history() -> None:
    entry, row = input_output_source(), exchanges(("Secret?", "Yes."), ("Why?", "Because."))
    first, _ = build(entry, row)["conversation_id"]
    table = _excluding(entry, [first], row)

    assert table["drop_reason"].to_list() == ["excluded", "excluded"]
    assert table["history"].to_list() == [[], []]


def test_a_repetition_of_an_excluded_row_goes_too() -> None:
    entry, row = source(), {"question": "Secret?", "answer": "Yes."}
    [first] = build(entry, row)["conversation_id"]
    again = build_conversations(upstream(entry, row, occurrence=1), entry, [first])

    assert again["drop_reason"].to_list() == ["excluded"]
