"""Phrases about language, letter case and signs."""

import pytest

from sysgen_dagster.obedience.recognition import recognize
from sysgen_dagster.obedience.recognizing.marks import LANGUAGES
from sysgen_dagster.obedience.rules import RuleKind
from sysgen_dagster_tests.obedience.recognized import asked, is_whole, kinds


@pytest.mark.parametrize(
    ("phrase", "code"),
    [
        ("Answer in French.", "fr"),
        ("Respond only in German.", "de"),
        ("Always reply in Spanish.", "es"),
        ("Write your answer in Portuguese.", "pt"),
        (
            "Your entire response should be in the Persian language, no other language is allowed.",
            "fa",
        ),
        ("Please respond to the user in Korean.", "ko"),
        ("Use only Hindi in your response.", "hi"),
        ("Speak Italian.", "it"),
        ("In English.", "en"),
        ("Keep your answer in Dutch.", "nl"),
        ("You must answer in Japanese.", "ja"),
    ],
)
def test_the_language_of_the_answer_is_recognised(phrase: str, code: str) -> None:
    assert asked(phrase) == [("language", None, None, (code,))]
    assert is_whole(phrase)


@pytest.mark.parametrize(
    "phrase", ["Answer in American English.", "Reply in Brazilian Portuguese."]
)
def test_which_kind_of_a_language_it_is_is_not_looked_at(phrase: str) -> None:
    assert kinds(phrase) == ["language"]
    assert not is_whole(phrase)
    assert kinds(f"Do not {phrase.lower()}") == []


def test_a_language_that_is_forbidden_is_recognised() -> None:
    for phrase in ("Do not answer in English.", "Never use English.", "Avoid English."):
        [rule] = recognize(phrase).rules
        assert (rule.kind, rule.words, rule.is_forbidden) == (RuleKind.LANGUAGE, ("en",), True)


def test_a_language_with_a_manner_is_not_all_that_is_asked() -> None:
    assert asked("Write in simple, clear English.") == [("language", None, None, ("en",))]
    assert not is_whole("Write in simple, clear English.")


@pytest.mark.parametrize(
    "phrase",
    [
        "The user writes in German.",
        "Answer in the language of the question.",
        "Write a poem about French cheese.",
        "If the user writes in Spanish, answer in Spanish.",
        "Answer in English or French.",
        "You know Latin well.",
        "Translate the sentence into Spanish.",
        "Write the function in a language of your choice.",
        "Use Python.",
        "Explain the German word and its history.",
    ],
)
def test_a_language_that_is_only_spoken_of_is_left_alone(phrase: str) -> None:
    assert "language" not in kinds(phrase)


def test_each_language_has_the_code_of_the_detector() -> None:
    assert all(len(code) == 2 for code in LANGUAGES.values())


@pytest.mark.parametrize(
    ("phrase", "rule"),
    [
        ("Write in all lowercase letters.", ("case", None, None, ("lower",))),
        ("Use only lowercase.", ("case", None, None, ("lower",))),
        ("Do not use capital letters.", ("case", None, None, ("lower",))),
        ("Write in all caps.", ("case", None, None, ("upper",))),
        ("Your answer must be in all capital letters.", ("case", None, None, ("upper",))),
        ("Do not use any commas in your response.", ("signs", None, 0, (",",))),
        ("Avoid commas.", ("signs", None, 0, (",",))),
        ("Don't use exclamation marks.", ("signs", None, 0, ("!",))),
        ("Avoid exclamation marks and question marks.", ("signs", None, 0, ("!", "?"))),
        ("Use no semicolons.", ("signs", None, 0, (";",))),
        ("Never use em dashes.", ("signs", None, 0, ("\u2014",))),
        ("Without digits.", ("digits", None, 0, ())),
        ("Do not use contractions.", ("contractions", None, 0, ())),
        ("Do not use emojis.", ("emoji", None, 0, ())),
        ("No emojis.", ("emoji", None, 0, ())),
        ("Include emojis.", ("emoji", 1, None, ())),
        ("Use exactly two emojis.", ("emoji", 2, 2, ())),
        ("Do not ask questions.", ("questions", None, 0, ())),
        ("Ask one question.", ("questions", 1, 1, ())),
    ],
)
def test_case_and_signs_are_recognised(phrase: str, rule: tuple[object, ...]) -> None:
    assert asked(phrase) == [rule]
    assert is_whole(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "Use small steps.",
        "Use correct punctuation.",
        "Ask for the number of the frame.",
        "Capital cities only.",
    ],
)
def test_other_uses_of_the_words_are_left_alone(phrase: str) -> None:
    assert kinds(phrase) == []
