"""Which chat each variant makes of a conversation."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.catalog.recipes import Training, Variant
from sysgen_dagster.training_sets.exported_rows import stored_variant
from sysgen_dagster.training_sets.rows import build_training_rows
from sysgen_dagster.training_sets.tables import PHRASE_COUNTS, TRAINING_ROWS
from sysgen_dagster_tests.training_sets.frames import aligned, chat

SETTINGS = Training(common_system_message="Help.")
HISTORY = chat(("user", "Q0"), ("assistant", "A0"))
NO_ROWS = aligned()
STORED = [variant for variant in Variant if stored_variant(variant) is variant]


def messages(rows: pl.DataFrame, variant: str) -> Any:
    [chats] = rows.filter(pl.col("variant") == variant)["messages"].to_list()
    return chats


@pytest.mark.parametrize(
    ("variant", "wanted"),
    [
        ("sysgen", [("system", "S"), ("user", "Q"), ("assistant", "A'")]),
        ("original_answer", [("system", "S"), ("user", "Q"), ("assistant", "A")]),
        ("common_system_message", [("system", "Help."), ("user", "Q"), ("assistant", "A")]),
        ("no_system_message", [("user", "Q"), ("assistant", "A")]),
        ("user_role", [("user", "S\n\nQ"), ("assistant", "A'")]),
    ],
)
def test_each_variant_is_a_chat(variant: str, wanted: list[tuple[str, str]]) -> None:
    rows = build_training_rows(aligned({}), NO_ROWS, SETTINGS)

    assert messages(rows, variant) == chat(*wanted)


def test_the_rows_are_the_same_when_they_are_made_a_piece_at_a_time() -> None:
    lazy = build_training_rows(aligned({}).lazy(), UNFINISHED.lazy(), SETTINGS)

    assert lazy.collect(engine="streaming").equals(
        build_training_rows(aligned({}), UNFINISHED, SETTINGS)
    )


def test_a_row_says_where_it_comes_from() -> None:
    rows = build_training_rows(aligned({}), NO_ROWS, SETTINGS)

    assert rows.schema == TRAINING_ROWS.schema
    assert rows["variant"].to_list() == [variant.value for variant in STORED]
    provenance = rows.drop("variant", "messages", "trained").unique()
    assert provenance.equals(aligned({}).select(provenance.columns))


@pytest.mark.parametrize("variant", ["sysgen", "original_answer", "common_system_message"])
def test_the_turns_before_stand_between_system_message_and_question(variant: str) -> None:
    rows = build_training_rows(aligned({"history": HISTORY}), NO_ROWS, SETTINGS)

    system, *turns, _ = messages(rows, variant)
    assert system["role"] == "system"
    assert turns == [*HISTORY, *chat(("user", "Q"))]


@pytest.mark.parametrize(
    ("history", "wanted"),
    [
        pytest.param(
            HISTORY,
            [("user", "S\n\nQ0"), ("assistant", "A0"), ("user", "Q"), ("assistant", "A'")],
            id="into the first user turn",
        ),
        pytest.param(
            chat(("assistant", "Hello."), *[("user", "Q0"), ("assistant", "A0")]),
            [
                *[("assistant", "Hello."), ("user", "S\n\nQ0"), ("assistant", "A0")],
                *[("user", "Q"), ("assistant", "A'")],
            ],
            id="not into a greeting",
        ),
        pytest.param(
            chat(("assistant", "Hello.")),
            [("assistant", "Hello."), ("user", "S\n\nQ"), ("assistant", "A'")],
            id="into the question where it is the first",
        ),
    ],
)
def test_without_a_system_role_s_opens_the_first_user_turn(
    history: list[dict[str, str]], wanted: list[tuple[str, str]]
) -> None:
    rows = build_training_rows(aligned({"history": history}), NO_ROWS, SETTINGS)

    assert messages(rows, "user_role") == chat(*wanted)


@pytest.mark.parametrize("variant", STORED)
def test_an_upstream_system_turn_is_left_out(variant: Variant) -> None:
    without = build_training_rows(aligned({"history": HISTORY}), NO_ROWS, SETTINGS)
    history = [*chat(("system", "Upstream.")), *HISTORY]
    with_one = build_training_rows(aligned({"history": history}), NO_ROWS, SETTINGS)

    assert messages(with_one, variant) == messages(without, variant)


@pytest.mark.parametrize("empty", ["", " \n", None])
@pytest.mark.parametrize("variant", ["sysgen", "original_answer", "user_role"])
def test_an_empty_system_message_is_no_turn(variant: str, empty: str | None) -> None:
    rows = build_training_rows(aligned({"system_message": empty}), NO_ROWS, SETTINGS)

    assert messages(rows, variant)[0] == {"role": "user", "content": "Q"}


def test_an_empty_common_system_message_is_no_turn() -> None:
    rows = build_training_rows(aligned({}), NO_ROWS, Training(common_system_message=""))

    chats = messages(rows, "common_system_message")
    assert chats == messages(rows, "no_system_message")


UNFINISHED = aligned({"conversation_id": "other", "system_message": None, "new_answer": None})


def test_all_variants_hold_the_same_conversations() -> None:
    rows = build_training_rows(aligned({}), UNFINISHED, SETTINGS)

    assert set(rows["conversation_id"]) == {"c0"}


def test_the_variants_without_s_may_hold_what_the_model_did_not_finish() -> None:
    settings = SETTINGS.model_copy(update={"same_conversations": False})
    rows = build_training_rows(aligned({}), UNFINISHED, settings).filter(conversation_id="other")

    assert rows["variant"].to_list() == ["common_system_message", "no_system_message"]
    assert rows["messages"].to_list()[1] == chat(("user", "Q"), ("assistant", "A"))


GREETING = chat(("assistant", "Hello."))
ANEW = chat(("user", "Q0"), ("assistant", "A0'"))


def trained(history: list[dict[str, str]], new_history: list[dict[str, str]] | None) -> Any:
    """By variant, the contents of the messages that are to be learned."""
    row = {"history": history, "new_history": new_history}
    rows = build_training_rows(aligned(row), NO_ROWS, SETTINGS)
    marked = {}
    for variant, messages, is_learned in rows.select("variant", "messages", "trained").iter_rows():
        marks = zip(messages, is_learned, strict=True)
        marked[variant] = [message["content"] for message, learn in marks if learn]
    return marked


@pytest.mark.parametrize("history", [[], HISTORY, [*GREETING, *HISTORY], GREETING])
def test_of_turns_that_were_not_written_under_the_message_none_is_learned(
    history: list[dict[str, str]],
) -> None:
    of_variants = trained(history, None)

    for variant in ("sysgen", "user_role"):
        assert of_variants.pop(variant) == ["A'"]
    assert list(of_variants.values()) == [["A"]] * 3


@pytest.mark.parametrize("before", [[], GREETING, chat(("system", "Upstream."))])
def test_every_answer_that_was_written_anew_is_learned_and_so_are_those_it_is_compared_with(
    before: list[dict[str, str]],
) -> None:
    of_variants = trained([*before, *HISTORY], [*before, *ANEW])

    for variant in ("sysgen", "user_role"):
        assert of_variants.pop(variant) == ["A0'", "A'"]
    assert list(of_variants.values()) == [["A0", "A"]] * 3


def test_the_new_answer_stands_behind_turns_written_anew_and_the_old_one_behind_its_own() -> None:
    row = aligned({"history": HISTORY, "new_history": ANEW})
    rows = build_training_rows(row, NO_ROWS, SETTINGS)

    question = chat(("user", "Q"))
    assert messages(rows, "sysgen")[1:-1] == [*ANEW, *question]
    assert messages(rows, "user_role")[1:-1] == [*ANEW[1:], *question]
    assert messages(rows, "original_answer")[1:-1] == [*HISTORY, *question]
    assert messages(rows, "no_system_message")[:-1] == [*HISTORY, *question]


@pytest.mark.parametrize("variant", STORED)
def test_all_variants_of_a_conversation_say_how_far_its_new_answer_obeys(variant: Variant) -> None:
    counts = {"phrases_obeyed": 3, "phrases_not_obeyed": 2, "phrases_unknown": 1}
    [row] = (
        build_training_rows(aligned(counts), NO_ROWS, SETTINGS).filter(variant=variant).to_dicts()
    )

    assert {name: row[name] for name in PHRASE_COUNTS} == counts


@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text())),
            st.one_of(st.none(), st.text()),
            st.text(),
        )
    )
)
def test_every_chat_ends_in_question_and_answer_and_loses_no_turn(
    conversations: list[tuple[list[tuple[str, str]], str | None, str]],
) -> None:
    given = aligned(
        *(
            {"history": chat(*history), "system_message": system, "question": question}
            for history, system, question in conversations
        )
    )
    rows = build_training_rows(given, NO_ROWS, SETTINGS)

    assert rows.height == len(STORED) * len(conversations)
    asked = {f"c{n}": (history, question) for n, (history, _, question) in enumerate(conversations)}
    for identity, variant, turns in rows.select(
        "conversation_id", "variant", "messages"
    ).iter_rows():
        history, question = asked[identity]
        spoken = [turn for turn in turns if turn["role"] != "system"]
        before = [role for role, _ in history if role != "system"]
        assert [turn["role"] for turn in spoken] == [*before, "user", "assistant"]
        assert spoken[-2]["content"].endswith(question)
        assert spoken[-1]["content"] == ("A'" if variant in {"sysgen", "user_role"} else "A")
        assert all(turn["content"].strip() for turn in turns if turn["role"] == "system")
