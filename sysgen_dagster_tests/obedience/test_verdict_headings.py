"""What may stand before a claim; whole replies are in `test_stated_verdicts`."""

import pytest

from sysgen_dagster.obedience.verdict_headings import heads_another


@pytest.mark.parametrize("words", ["overall", "my vote", "the correct answer", "better one"])
@pytest.mark.parametrize("sign", [":", "-", "\u2192", "\n"])
def test_words_that_announce_a_verdict_leave_it_one(words: str, sign: str) -> None:
    assert not heads_another(words, sign)


@pytest.mark.parametrize("words", ["runner-up", "not preferred", "draft verdict", "rejected"])
@pytest.mark.parametrize("sign", [":", "-", "\u2192", "\n"])
def test_behind_other_words_a_claim_is_of_something_else(words: str, sign: str) -> None:
    assert heads_another(words, sign)


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        pytest.param("rejected", ",", id="a comma"),
        pytest.param("both give a sum but one is right", "\n", id="a long line above"),
        pytest.param("which one?", "\n", id="a sentence above"),
    ],
)
def test_what_is_no_heading_heads_nothing(words: str, sign: str) -> None:
    assert not heads_another(words, sign)


def test_a_long_heading_is_looked_through_in_a_moment() -> None:
    assert heads_another("my answer is " * 20_000, ":")
