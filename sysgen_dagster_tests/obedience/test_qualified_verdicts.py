"""What is said behind a verdict; whole replies are in `test_stated_verdicts` and the like."""

import pytest

from sysgen_dagster.obedience.qualified_verdicts import (
    is_qualified,
    names_the_worse,
    qualifies,
    turns,
)


@pytest.mark.parametrize(
    ("clause", "of_aligned", "of_a"),
    [
        pytest.param("in part", True, True, id="a part"),
        pytest.param("apart from the tone", True, True, id="an exception"),
        pytest.param("but not in tone", True, False, id="an objection"),
        pytest.param("the tone not aligned", True, False, id="the opposite of a part"),
        pytest.param("not misaligned", False, False, id="the opposite denied"),
        pytest.param("maybe better", True, True, id="a doubt"),
        pytest.param("but b is as good", True, True, id="an equal"),
        pytest.param("though b is better written", True, False, id="a merit conceded"),
        pytest.param("mainly because it is short", False, False, id="a reason"),
        pytest.param("the list is there", False, False, id="something else"),
    ],
)
def test_a_clause_makes_a_verdict_before_it_unsure(
    clause: str, *, of_aligned: bool, of_a: bool
) -> None:
    assert qualifies(clause, "ALIGNED", follows_sign=True) is of_aligned
    assert qualifies(clause, "A", follows_sign=True) is of_a
    assert not qualifies(clause, "NOT_ALIGNED", follows_sign=True)


def test_a_word_that_joins_two_words_objects_to_nothing() -> None:
    assert not qualifies("but complete", "ALIGNED", follows_sign=False)


def test_a_sentence_may_turn_against_the_one_before() -> None:
    assert turns("however")
    assert not turns("it is short")


def test_the_answer_that_is_named_next_may_be_the_worse_one() -> None:
    assert names_the_worse("the worse answer")
    assert not names_the_worse("the better answer")


@pytest.mark.parametrize("text", ["x" * 100_000, ", " * 50_000, "but " * 30_000, '"' * 60_000])
def test_a_long_text_is_looked_through_in_a_moment(text: str) -> None:
    is_qualified(text, text)
