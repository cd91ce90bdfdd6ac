"""Sentences, words and languages are counted as IFEval counts them, offline."""

import socket

import pytest

from sysgen_dagster.evaluation.instructions.counting import (
    count_words,
    detect_language,
    name_missing,
    split_sentences,
    split_tokens,
)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: object, **_named: object) -> None:
        raise AssertionError("nothing is downloaded")

    monkeypatch.setattr(socket, "create_connection", refuse)


def test_an_abbreviation_ends_no_sentence() -> None:
    said = "Dr. Smith met Mr. J. R. Brown at 5 p.m. in Rome. They talked."
    assert split_sentences(said) == [said[:-13], "They talked."]


def test_a_row_of_signs_is_split_as_nltk_splits_it() -> None:
    assert split_sentences("12345 --- !!! ???") == ["12345 --- !", "!!", "?", "?", "?"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("well-known", 2),
        ("snake_case 3.5", 3),
        # Vowel signs belong to their word.
        ("\u0a2a\u0a70\u0a1c\u0a3e\u0a2c\u0a40 \u0a35\u0a3f\u0a71\u0a1a", 2),
    ],
)
def test_words_are_runs_of_letters_with_their_marks(text: str, words: int) -> None:
    assert count_words(text) == words


def test_capitals_with_a_dot_or_a_hyphen_are_one_token() -> None:
    assert {"U.S.", "WELL-KNOWN"} <= set(split_tokens("The U.S. is WELL-KNOWN, I think."))


def test_one_text_has_one_language_however_often_it_is_asked() -> None:
    assert len({detect_language("a tea no va") for _ in range(20)}) == 1
    assert detect_language("12345 !!!") is None


def test_what_is_missing_is_named_as_it_is_installed() -> None:
    assert name_missing(["punkt", "nltk", "langdetect"]) is None
    assert name_missing([]) is None
