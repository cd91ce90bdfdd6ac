"""The language of a question, and the words that name its subject."""

import pytest

from sysgen_dagster.simulated.language import detect_language, find_topics
from sysgen_dagster_tests.simulated.conversations import QUESTIONS


@pytest.mark.parametrize("language", QUESTIONS)
def test_each_of_the_nine_languages_is_detected(language: str) -> None:
    assert detect_language(QUESTIONS[language]) == language


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("12 + 30 = ?", id="no-letters"),
        pytest.param("Γιατί είναι μπλε;", id="a-language-we-do-not-write"),
        pytest.param("What does que es mean?", id="a-quotation"),
        pytest.param("Who sang Für Elise?", id="a-foreign-name"),
        pytest.param("salt " * 120 + "Почему небо голубое? " * 90, id="too-far-from-the-beginning"),
    ],
)
def test_anything_else_is_taken_for_english(text: str) -> None:
    assert detect_language(text) == "en"


def test_han_letters_beside_kana_are_japanese() -> None:
    assert (detect_language("空青何故"), detect_language("空は青い何故")) == ("zh", "ja")


def test_topics_are_up_to_four_runs_of_words_longer_runs_first() -> None:
    text = "alpha beta, gamma, delta, epsilon zeta, eta theta"
    assert find_topics(text, "en") == ("alpha beta", "epsilon zeta", "eta theta", "gamma")


def test_a_topic_has_its_last_three_words_and_comes_once() -> None:
    text = "Many big old wooden sailing ships, (wooden sailing ships) and \\frac{sailing}{ships}"
    assert find_topics(text, "en") == ("wooden sailing ships", "sailing", "ships")


def test_topics_hold_words_only() -> None:
    assert find_topics('What is <<Rivers>> of [salt] in 12*x, "why not"?', "en") == (
        "Rivers",
        "salt",
    )
    assert find_topics("Why is it so?", "en") == ()


def test_a_script_without_spaces_has_topics_too() -> None:
    assert find_topics("为什么天空是蓝色的？请用简单的话解释。", "zh") == ("天空", "蓝色")  # noqa: RUF001
    assert find_topics("コンピュータはなぜ熱くなるのですか。", "ja") == ("コンピュータ",)
