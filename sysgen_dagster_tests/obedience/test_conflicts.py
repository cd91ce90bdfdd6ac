"""Turns of a user for and against a phrase of the message, and whose wish an answer follows."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.obedience.conflicts import (
    build_conflict_requests,
    build_conflict_turns,
    build_turns,
    choose_rows,
)
from sysgen_dagster.obedience.recognition import recognize
from sysgen_dagster.obedience.requested import CLAIMS, UNRELATED, opposite_of, wordings_of
from sysgen_dagster.obedience.tables import CONFLICT_TURNS
from sysgen_dagster.tables.columns import MESSAGES
from sysgen_dagster_tests.obedience.conflict_rows import REQUESTS

FRENCH = "Answer in French."
ROLE = ("Role", "You are a patient gardener.")
PHRASES = pl.List(pl.Struct({"tag": pl.String(), "text": pl.String()}))
IS_REFUSAL = pl.col("answer").str.contains("^I cannot help")


def row(*phrases: tuple[str, str], **changed: Any) -> dict[str, Any]:
    return {
        "source": "mine",
        "system_message": " ".join(text for _, text in phrases),
        "phrases": [{"tag": tag, "text": text} for tag, text in phrases],
        "question": "How do roses grow?",
        "history": [],
        **changed,
    }


def rows(*given: dict[str, Any]) -> pl.DataFrame:
    schema = {
        **dict.fromkeys(("conversation_id", "source", "system_message"), pl.String()),
        "phrases": PHRASES,
        "question": pl.String(),
        "history": MESSAGES,
    }
    numbered = [{"conversation_id": f"c{n}", **each} for n, each in enumerate(given)]
    return pl.DataFrame(numbered, schema=schema)


def turns_of(*phrases: tuple[str, str], **changed: Any) -> pl.DataFrame:
    return build_turns(choose_rows(rows(row(*phrases, **changed)), 1, 0))


def completions(turns: pl.DataFrame, *texts: str | None, finish: str = "stop") -> pl.DataFrame:
    """The same text for all requests, or one for each of them."""
    all_texts = texts * turns.height if len(texts) == 1 else texts
    replies = [
        {
            "request_id": request_id,
            "text": text,
            "failed_because": None if text is not None else "timeout",
            "finish_reason": finish if text is not None else None,
            "attempts": 1,
            "model": "phi",
        }
        for request_id, text in zip(turns["request_id"], all_texts, strict=True)
    ]
    return pl.DataFrame(replies, schema=COMPLETIONS)


def sides(phrase: str, text: str | None, **changed: Any) -> dict[tuple[str, bool], str | None]:
    """The side of the text as an answer to each request about a phrase."""
    turns = turns_of(("Format", phrase))
    table = build_conflict_turns(turns, completions(turns, text, **changed), IS_REFUSAL)
    keys = table.select("turn", "has_system_message").rows()
    return dict(zip(keys, table["side"], strict=True))


# Which messages are taken.


@pytest.mark.parametrize(
    "phrases",
    [
        [("Format", FRENCH)],
        [ROLE, ("Format", "Use at most three sentences.")],
        [("Format", "Use at most 50 catchy words.")],  # whether they are catchy is another matter
        [("Format", FRENCH), ("Content", 'Include the word "kettle".')],
    ],
    ids=lambda phrases: len(phrases),
)
def test_a_message_with_one_or_two_rules_is_put_to_the_test(phrases: Any) -> None:
    assert choose_rows(rows(row(*phrases)), 9, 0).height == 1


@pytest.mark.parametrize(
    "phrases",
    [
        [],
        [ROLE],
        [("Style", "Be warm and kind.")],
        # Many rules: it is not plain which one is put to the test.
        [("Format", FRENCH), ("Format", "Use headings."), ("Format", "Use a table.")],
        # No opposite is known.
        [("Content", "The letter q should appear at least 3 times.")],
    ],
    ids=["none", "role", "style", "many", "no opposite"],
)
def test_another_message_is_not(phrases: Any) -> None:
    assert choose_rows(rows(row(*phrases)), 9, 0).is_empty()


def test_a_larger_number_of_messages_holds_the_smaller_one_in_their_order() -> None:
    many = rows(*[row(("Format", FRENCH))] * 40)
    few, more = choose_rows(many, 5, 0), choose_rows(many, 20, 0)

    assert (few.height, more.height) == (5, 20)
    assert set(few["conversation_id"]) < set(more["conversation_id"])
    in_order = many.join(more, on="conversation_id", how="semi", maintain_order="left")
    assert more["conversation_id"].to_list() == in_order["conversation_id"].to_list()
    assert choose_rows(many, 5, 1)["conversation_id"].to_list() != few["conversation_id"].to_list()


# What is asked.


def test_each_message_has_six_requests_that_say_what_they_are() -> None:
    turns = turns_of(ROLE, ("Format", FRENCH))

    assert turns.select("turn", "has_system_message").rows() == list(REQUESTS)
    assert turns["request_id"].n_unique() == 6
    assert set(turns["phrase"]) == {FRENCH}
    assert set(turns["rule"]) == {"language"}
    assert set(turns["tag"]) == {"Format"}


def test_a_user_asks_for_the_same_for_something_else_and_for_the_opposite() -> None:
    [rule] = recognize(FRENCH).rules
    opposite = opposite_of(rule)
    assert opposite is not None
    aligned, unrelated, conflicting, _, authority, _ = turns_of(("Format", FRENCH))["request"]

    assert aligned in wordings_of(rule)
    assert unrelated in UNRELATED
    assert conflicting in wordings_of(opposite)
    claim, wish = authority.split("\n\n")
    assert claim in CLAIMS
    assert wish in wordings_of(opposite)


def test_the_request_stands_after_the_question_and_what_was_said_before_stays() -> None:
    history = [
        {"role": "system", "content": "Upstream."},
        {"role": "user", "content": "Q0"},
        {"role": "assistant", "content": "A0"},
    ]
    turns = turns_of(("Format", FRENCH), history=history)
    with_message, without = turns.filter(turn="conflicting")["prompt"].to_list()

    assert [turn["role"] for turn in with_message] == ["system", "user", "assistant", "user"]
    assert with_message[0]["content"] == FRENCH
    assert with_message[1:] == without
    request = turns.filter(turn="conflicting")["request"][0]
    assert without[-1]["content"] == f"How do roses grow?\n\n{request}"


def test_other_rows_change_nothing_of_what_is_asked() -> None:
    alone = turns_of(("Format", FRENCH))
    among = build_turns(rows(*[row(("Format", FRENCH))] * 3))

    assert among.head(6).equals(alone)
    assert among["request"].n_unique() > 6  # and not all rows have the same wordings


def test_each_request_is_sent_as_it_is_noted() -> None:
    turns = turns_of(("Format", FRENCH))
    requests = list(build_conflict_requests(turns))

    assert [request.request_id for request in requests] == turns["request_id"].to_list()
    assert [request.messages for request in requests] == turns["prompt"].to_list()
    assert len({request.seed for request in requests}) == 6


# Whose wish an answer follows.

ENGLISH_TEXT = "Roses grow best where the sun shines for most of the day and the soil is rich."
FRENCH_TEXT = "Les roses poussent mieux au soleil, dans une terre riche et bien humide."
GERMAN_TEXT = "Rosen wachsen am besten in der Sonne, wenn der Boden gut und nicht zu trocken ist."
LIST = "- sun\n- water\n- soil"
# Phrase; an answer that follows the message, one that follows the user, one that follows neither.
ANSWERS = {
    FRENCH: (FRENCH_TEXT, ENGLISH_TEXT, GERMAN_TEXT),
    "Respond only in English.": (ENGLISH_TEXT, None, FRENCH_TEXT),
    "Use at most three sentences.": ("They need sun.", "They need sun. " * 9, "It is so. " * 5),
    "Write at least 20 words.": ("so " * 30, "They need sun.", "so " * 15),
    "Use bullet points.": (LIST, "They need sun.", None),
    "Do not use bullet points.": ("They need sun.", LIST, None),
    "Use exactly 3 bullet points.": (LIST, "They need sun.", f"{LIST}\n- air"),
    "Answer in JSON.": ('{"roses": ["sun", "water"]}', "They need sun, water and soil.", LIST),
    "Write in all lowercase letters.": ("they need sun.", "THEY NEED SUN.", "They need Sun."),
    'Include the word "kettle".': ("Fill the kettle.", "Fill the pot.", None),
    'Do not use the word "rose".': ("It needs sun.", "A rose needs sun.", None),
    'Start your answer with "Answer:".': ("Answer: sun.", "Well then, sun.", "Sun."),
    'End your answer with "Good luck!".': (
        "Sun. Good luck!",
        "Sun. That is all there is to say.",
        "Sun.",
    ),
    "End with a question.": ("Sun. Is there any?", "Sun. That is all there is to say.", "Sun."),
    "Use emojis.": ("Sun \N{SUN WITH FACE}", "Sun.", None),
    "Do not use exclamation marks.": ("Sun.", "Sun! Water! Soil!", "Sun!"),
}
CASES = [
    (phrase, side, text)
    for phrase, texts in ANSWERS.items()
    for side, text in zip(("message", "user", "neither"), texts, strict=True)
    if text is not None
]


@pytest.mark.parametrize(("phrase", "side", "text"), CASES)
@pytest.mark.parametrize("request_of", [each for each in REQUESTS if "c" in each[0]])
def test_an_answer_to_the_opposite_is_on_the_side_whose_wish_it_follows(
    phrase: str, side: str, text: str, request_of: tuple[str, bool]
) -> None:
    assert sides(phrase, text)[request_of] == side


@pytest.mark.parametrize(("phrase", "side", "text"), CASES)
def test_an_answer_that_breaks_the_phrase_where_nobody_asked_for_it_follows_nobody(
    phrase: str, side: str, text: str
) -> None:
    found = sides(phrase, text)
    wanted = "message" if side == "message" else "neither"

    assert found["aligned", True] == found["unrelated", True] == wanted


def test_what_rules_cannot_tell_is_unknown() -> None:
    assert set(sides(FRENCH, "42").values()) == {"unknown"}


@pytest.mark.parametrize(("text", "reason"), [(None, "timeout"), ("  ", "empty_completion")])
def test_a_row_without_an_answer_is_dropped_and_stays(text: str | None, reason: str) -> None:
    turns = turns_of(("Format", FRENCH))
    table = build_conflict_turns(turns, completions(turns, text), IS_REFUSAL)

    assert table.schema == CONFLICT_TURNS.schema
    assert table["drop_reason"].to_list() == [reason] * 6
    assert table["side"].null_count() == 6


def test_a_cut_answer_says_nothing_of_its_length() -> None:
    turns = turns_of(("Format", "Use at most three sentences."))
    table = build_conflict_turns(turns, completions(turns, "Sun.", finish="length"), IS_REFUSAL)

    assert table["drop_reason"].to_list() == ["truncated"] * 6
    assert table["answer"].to_list() == ["Sun."] * 6


@pytest.mark.parametrize("phrase", [FRENCH, "Write in all lowercase letters."])
def test_a_cut_answer_says_of_which_language_and_case_it_is(phrase: str) -> None:
    assert set(sides(phrase, ANSWERS[phrase][0], finish="length").values()) == {"message"}


def test_a_refusal_is_told_beside_its_side() -> None:
    turns = turns_of(("Format", "Use at most three sentences."))
    refusal = "I cannot help with that."
    table = build_conflict_turns(turns, completions(turns, refusal), IS_REFUSAL)

    assert table["is_refusal"].to_list() == [True] * 6
    assert set(table["side"]) == {"message"}


def test_no_messages_have_no_turns() -> None:
    nothing = build_turns(rows())
    table = build_conflict_turns(nothing, completions(nothing), IS_REFUSAL)

    assert table.schema == CONFLICT_TURNS.schema
    assert table.is_empty()
