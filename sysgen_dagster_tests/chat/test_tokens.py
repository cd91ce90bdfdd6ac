"""The rough count of tokens."""

import pytest

from sysgen_dagster.chat.tokens import estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 1), ("abc", 1), ("seven77", 1), ("eight888", 2), ("x" * 4001, 1000)]
)
def test_every_four_characters_are_a_token_and_no_text_has_less_than_one(
    text: str, tokens: int
) -> None:
    assert estimate_tokens(text) == tokens


def test_characters_are_counted_and_not_bytes() -> None:
    assert estimate_tokens("海水为什么是咸的") == estimate_tokens("seawater")
