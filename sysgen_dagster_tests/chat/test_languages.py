"""The language of a text."""

import socket

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sysgen_dagster.chat.languages import _detector, detect_language, detect_languages

ENGLISH = "Please explain to me how this programme works."
FRENCH = "Je voudrais savoir comment fonctionne ce programme."
GERMAN = "Ich möchte gerne wissen, wie dieses Programm arbeitet."


def language(text: str | None) -> str | None:
    return detect_languages(pl.Series([text], dtype=pl.String))[0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ENGLISH, "en"),
        (ENGLISH.upper(), "en"),
        (FRENCH, "fr"),
        (GERMAN, "de"),
        ("Quiero saber\ncómo funciona\neste programa, por favor.", "es"),
        ("今天的天气非常好。我们一起去公园散步吧。顺便买点东西。", "zh"),
        ("今日はとても天気がいいので、公園に行きましょう。", "ja"),
        ("안녕하세요, 오늘 날씨가 정말 좋네요. 같이 산책 갈까요?", "ko"),
        ("مرحبا كيف حالك اليوم؟ أتمنى أن تكون بخير", "ar"),
    ],
)
def test_the_language_of_a_text_is_detected(text: str, code: str) -> None:
    assert language(text) == code


@pytest.mark.parametrize(
    "noise",
    [
        "```python\nfor name in names: print(name)\n```",
        "$$\\frac{x + y}{2} = \\sqrt{y}$$ \\[ y \\] $y + y$ \\alpha",
        "`SELECT name FROM customers`",
        "https://example.org/how/this/programme/works",
        "12 345 678 + 9 y y y y y y",
        "🙂 \x00 ---",
    ],
)
def test_code_formulas_addresses_and_digits_have_no_language(noise: str) -> None:
    assert language(noise) is None
    assert language(f"{noise}\n{GERMAN}") == "de"


@pytest.mark.parametrize("text", [None, "", "42", "Yes.", "Qwrtz Xyzzy Plugh Grault Zxcvb"])
def test_a_short_or_doubtful_text_has_no_language(text: str | None) -> None:
    assert language(text) is None


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    _detector.cache_clear()
    assert language(ENGLISH) == "en"


@given(st.text(max_size=200))
@example("$" * 10_000)
@example("\\(" * 10_000)
@example("word " * 100_000)
def test_any_text_has_a_code_of_two_letters_or_none(text: str) -> None:
    code = language(text)
    assert code is None or len(code) == 2


_PIECES = [
    *("```", "~~~", "`", "$", "$$", "\\(", "\\)", "\\[", "\\]", "\\frac", "\n", "\t", "\x1c", " "),
    *(
        "https://a.org/x?y=1",
        "x",
        "It's 12,5.",
        ENGLISH,
        FRENCH,
        GERMAN,
        "\u2019",
        "na\u00efve",
        "-",
    ),
]


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
@example(ENGLISH * 200)
def test_one_text_has_the_language_that_it_has_among_others(text: str) -> None:
    assert detect_language(text) == language(text)
