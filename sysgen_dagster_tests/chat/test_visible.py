"""What counts as an empty text."""

import pytest

from sysgen_dagster.chat.visible import is_blank

INVISIBLE = {
    "null": None,
    "empty": "",
    "blanks": " \t\r\n\u00a0\u2003\u3000",
    "line ends": "\u2028\u2029\x85",
    "zero width": "\u200b\u200c\u200d\ufeff\u2060",
    "soft hyphen": "\u00ad",
    "mongolian vowel separator": "\u180e",
    "marks of direction": "\u200e\u200f\u202a\u202e\u2066\u2069",
    "control characters": "\0\x07\x1b\x7f",
    "hangul fillers": "\u115f\u1160\u3164\uffa0",
    "braille cell without dots": "\u2800",
    "variation selectors": "\ufe0f\U000e0100",
    "tags": "\U000e0041\U000e007f",
    "marks without a letter": "\u0301\u034f\u20dd",
    "half a character": "\ud83d",
    "no characters": "\ufffe\U0001ffff",
}
VISIBLE = [
    *("a", "0", "?", ".", "_", "~", "\u200ba", "a\u200b", "\u202eabc\u202c", "\u0646\u0639\u0645"),
    *("\u00e9", "e\u0301", "\u8a9e", "\uac00", "\u1100", "\u2801", "\U0001f600", "\u2764\ufe0f"),
    *("\U0001f1eb\U0001f1f7", "\u221e", "\u20ac", "\u0e01\u0e33", "\u0915\u094d", "\ufffd"),
]


@pytest.mark.parametrize("name", INVISIBLE)
def test_a_text_that_shows_nothing_is_blank(name: str) -> None:
    assert is_blank(INVISIBLE[name])


@pytest.mark.parametrize("text", VISIBLE)
def test_a_text_that_shows_something_is_not_blank_also_after_what_shows_nothing(text: str) -> None:
    assert not is_blank(text)
    assert not is_blank("".join(filter(None, INVISIBLE.values())) + text)
