"""How phrases are taken apart, and when nothing is recognised in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.obedience.recognition import recognize
from sysgen_dagster_tests.obedience.recognized import is_whole, kinds


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("Use bullet points and end with a question.", ["bullets", "ends_with_question"]),
        *(
            (f"Use bullet points{end} Answer in French{end}", ["bullets", "language"])
            for end in (".", "!", ";", "\n")
        ),
        ("Use headings and bullet points.", ["headings", "bullets"]),
        (
            "Answer in French, use a table, and end with a question.",
            ["language", "tables", "ends_with_question"],
        ),
        ("Do not use emojis or exclamation marks.", ["emoji", "signs"]),
        ("Your response should be in English, and in all lowercase letters.", ["language", "case"]),
        ('Begin with "Dear reader" and sign off with "Yours".', ["begins_with", "ends_with"]),
        ("Keep it under 100 words; avoid emojis.", ["words", "emoji"]),
        ("Answer in two sentences, without commas.", ["sentences", "signs"]),
    ],
)
def test_a_compound_phrase_asks_for_all_of_its_parts(phrase: str, expected: list[str]) -> None:
    assert kinds(phrase) == expected
    assert is_whole(phrase)


@pytest.mark.parametrize("lead", ["such as", "like", "i.e.", "i.e.,", "e.g.", "e.g.,", ", like:"])
def test_an_example_of_how_a_mark_looks_is_no_condition_and_no_part(lead: str) -> None:
    assert kinds(f"Use bullet points {lead} * one.") == ["bullets"]
    assert kinds(f"Use bullet points {lead} small animals.") == []


CONDITIONS = (
    *("if", "when", "whenever", "unless", "except", "until", "while", "otherwise", "whether"),
    *("depending", "instead", "in case", "should the", "should a", "should they"),
    *("where necessary", "where needed", "where appropriate", "where applicable"),
    *("where possible", "where helpful", "where relevant", "where useful", "where required"),
    *("as needed", "as appropriate", "as necessary", "as required", "as requested"),
    *("as applicable", "as you see fit", "may", "might", "can", "could", "optional"),
    *("optionally", "ideally", "preferably", "prefer", "usually", "generally", "typically"),
    *("mostly", "mainly", "try to", "try", "often", "sometimes", "occasionally", "rarely"),
    *("sparingly", "where you can", "as much as possible", "like", "such as", "for questions"),
    *("for requests", "for each", "for every", "for any", "for code", "for simple"),
    *("for complex", "for short", "for long", "either", "feel free", "unlike", "asks", "asked"),
    *("before", "after", "once the", "once they", "once you", "first ask", "at first"),
)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_anywhere_in_a_phrase_leaves_nothing_that_always_holds(condition: str) -> None:
    assert recognize("Use bullet points. They help the reader.").rules
    assert not recognize(f"Use bullet points. They help {condition} the reader.").rules


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [
        ("Use short sentences and end with a question.", ["ends_with_question"]),
        ("Use bullet points and be kind.", ["bullets"]),
        ("Show all calculations and end with the final answer.", ["equations", "ends_with_result"]),
        ("Answer in French. The user is a child.", ["language"]),
        ("Is the user a child? Answer in French", ["language"]),
    ],
)
def test_a_part_that_rules_cannot_tell_leaves_the_rest(phrase: str, expected: list[str]) -> None:
    assert kinds(phrase) == expected
    assert not is_whole(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "If the question is short, answer in one sentence.",
        "Answer in one sentence unless asked for more.",
        "Use bullet points or a table.",
        "You may use bullet points.",
        "Use bullet points when appropriate.",
        "Try to answer in two sentences.",
        "Ideally end with a question.",
        "Use a table where possible.",
        "For code questions, use code blocks.",
        "Usually end with a question.",
        "Use at most 50 words until the user asks for more.",
        "Use emojis sparingly.",
        "Either answer in French or end with a question.",
    ],
)
def test_what_depends_on_something_or_leaves_a_choice_is_no_rule(phrase: str) -> None:
    assert kinds(phrase) == []


@pytest.mark.parametrize(
    "phrase",
    [
        "You are an AI assistant.",
        "Be calm, friendly and brief.",
        "The user is a nurse on a night shift.",
        "Use clear, concise language.",
        "Explain the process step by step.",
        "Look up the state of a booking with find_booking.",
        "",
        "   ",
        "\u00bb",
    ],
)
def test_other_phrases_ask_nothing_that_rules_know(phrase: str) -> None:
    assert kinds(phrase) == []
    assert not is_whole(phrase)


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "Please {}",
        "Always {}",
        "Make sure to {}",
        "You must {}",
        "Be sure to {}",
        "Remember to {}",
        "You should always {}",
        "The assistant should {}",
        "  {}  ",
        "{}!",
    ],
)
def test_the_words_around_a_clause_change_nothing(around: str) -> None:
    assert kinds(around.format("end with a question")) == ["ends_with_question"]


def test_quotation_marks_of_all_shapes_are_read() -> None:
    for phrase in (
        'End with "Bye".',
        "End with 'Bye'.",
        "End with \u201cBye\u201d.",
        "End with `Bye`.",
    ):
        assert recognize(phrase).rules[0].words == ("Bye",)


@given(st.text(max_size=300) | st.text("aeiou .,;\"'`:-()[]{}*\n", max_size=300))
def test_any_phrase_can_be_read(phrase: str) -> None:
    found = recognize(phrase)
    assert found.rules or not found.is_whole


def test_a_phrase_of_many_parts_is_read_at_once() -> None:
    for part in ("use a, ", "no ", "in the ", "and ", '"x" or ', "final final ", "clear, "):
        assert recognize((part * 200)[:600]) is not None
