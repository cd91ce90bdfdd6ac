"""What is written beside the rest of an answer."""

import pytest

from sysgen_dagster_tests.obedience.recognized import asked, is_whole, kinds


@pytest.mark.parametrize(
    "phrase",
    [
        "Answer in one sentence and give an example.",
        "Answer in one sentence and include a table.",
        "Answer in one sentence and end with a question.",
        "Answer in one sentence and explain why.",
    ],
)
def test_a_length_beside_other_things_to_write_is_that_of_a_part(phrase: str) -> None:
    assert asked(phrase)[0] == ("sentences", 1, None, ())
    assert not is_whole(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "Answer in one sentence and use no emojis.",
        "Answer in one sentence and in lowercase.",
        "Limit it to one sentence and give an example.",
    ],
)
def test_a_length_beside_a_manner_and_a_limit_are_those_of_the_answer(phrase: str) -> None:
    assert asked(phrase)[0][2] == 1


def test_what_is_written_after_an_end_is_last() -> None:
    assert "ends_with_summary" not in kinds("End with a summary, then ask a question.")
    assert "ends_with_question" in kinds("End with a question and use bullet points.")
