"""Text of others: what is printed stays, what terminals obey becomes visible."""

import pytest

from sysgen_dagster.chat.quoting import made_visible, on_one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Plain, with ünïcode, 塩 and 🙂.", "Plain, with ünïcode, 塩 and 🙂."),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\x00b", "a\\x00b"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u200bb", "a\\u200bb"),
        ("a\u2028b", "a\\u2028b"),
        ("\ud800", "\\ud800"),
        ("a\nb", "a\\nb"),
    ],
)
def test_what_is_not_printed_becomes_visible(text: str, shown: str) -> None:
    assert made_visible(text) == shown


def test_a_text_of_several_lines_is_on_one() -> None:
    assert on_one_line('{\n  "error":\t"no\r\nroom"\n}\n') == '{ "error": "no room" }'
