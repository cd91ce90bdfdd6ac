"""What score a judge's grading states: read where nothing else could be meant, else unread."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysgen_dagster.obedience.rubric_scores import RubricScore, Unread, read_rubric_score
from sysgen_dagster_tests.fuzzing import EXAMPLES

# Each beside the score that a reader would take from it.
READ = {
    "[RESULT] 4": 4,
    "Feedback: good. [RESULT] 1": 1,
    "Feedback: good. [RESULT] 5\n": 5,
    # The words "score" and "result" of the feedback are no marks.
    "A Score 5 response would add more. [RESULT] 2": 2,
    "The result: 2 of them hold. [RESULT] 5": 5,
    "A score of 3 would be wrong: 4 of 5 steps are there.\n\n[RESULT] 4": 4,
    # Markup and colon.
    "**[RESULT]** 4": 4,
    "[RESULT] **4**": 4,
    "[RESULT] : 4": 4,
    "[RESULT]: 4": 4,
    "[RESULT]:4": 4,
    "[RESULT] <4>": 4,
    "**[RESULT]: 4**": 4,
    "**[RESULT]:** 4": 4,
    "__[RESULT]__ __4__": 4,
    "`[RESULT] 4`": 4,
    "[RESULT] `4`": 4,
    "### [RESULT] 4": 4,
    "[**RESULT**] 4": 4,
    "\\[RESULT\\] 4": 4,
    "[RESULT] (4)": 4,
    "[RESULT] [4]": 4,
    "[RESULT] {4}": 4,
    '[RESULT] "4"': 4,
    "[RESULT] \u201c4\u201d": 4,
    "[RESULT] $4$": 4,
    "[RESULT] $\\boxed{4}$": 4,
    "[RESULT] \\boxed{\\textbf{4}}": 4,
    "[RESULT] <b>4</b>": 4,
    "<strong>[RESULT]</strong> 4<br/>": 4,
    "[RESULT] 4 [/RESULT]": 4,
    "[RESULT]4": 4,
    "[RESULT]\n4": 4,
    "[RESULT]\n\n- 4": 4,
    "[RESULT] - 4": 4,
    "| [RESULT] | 4 |": 4,
    "[RESULT]\u00a04": 4,
    "[RESULT]\t4\r\n": 4,
    "[RESULT]\uff1a4\u3002": 4,
    "[RESULT] \uff14": 4,
    "[RESULT] 4\ufe0f\u20e3": 4,
    "[result] 4": 4,
    "[Result] 4": 4,
    "[ RESULT ] 4": 4,
    # The end of the sentence, of the message, of the conversation.
    "[RESULT] 4.": 4,
    "[RESULT] 4!": 4,
    "[RESULT] 4</s>": 4,
    "[RESULT] 4<|im_end|>": 4,
    "[RESULT] 4\n\nLet me know if more is needed.": 4,
    "[RESULT] 4\n\n### End of feedback": 4,
    # A quotation, a pair of signs, what is struck out.
    "[RESULT]\n> 4": 4,
    "[RESULT] <4>!": 4,
    "[RESULT] ~~3~~ 4": 4,
    # The last one counts.
    "[RESULT] 3\nOn reflection, more is right. [RESULT] 4": 4,
    'The form is "Feedback: ... [RESULT] (an integer from 1 to 5)". [RESULT] 3': 3,
    "<think>perhaps [RESULT] 2</think>Good. [RESULT] 4": 4,
    "[RESULT] 5 [RESULT] 2": 2,
}
UNREAD = {
    "": Unread.NO_MARK,
    "Good.": Unread.NO_MARK,
    "4": Unread.NO_MARK,
    "Score: 4": Unread.NO_MARK,
    "RESULT 4": Unread.NO_MARK,
    "(RESULT) 4": Unread.NO_MARK,
    "[RESULTS] 4": Unread.NO_MARK,
    "[RESULT: 4]": Unread.NO_MARK,
    "[RES": Unread.NO_MARK,
    "[RESULT]": Unread.NO_NUMBER,
    "[RESULT] ": Unread.NO_NUMBER,
    "[RESULT] **": Unread.NO_NUMBER,
    "[RESULT] four": Unread.NO_NUMBER,
    "[RESULT] none": Unread.NO_NUMBER,
    "[RESULT] Score: 4": Unread.NO_NUMBER,
    "[RESULT] I would say 4": Unread.NO_NUMBER,
    "[RESULT] between 3 and 4": Unread.NO_NUMBER,
    "[RESULT] not 4": Unread.NO_NUMBER,
    "[RESULT] ~~~": Unread.NO_NUMBER,
    "[RESULT] (an integer from 1 to 5)": Unread.NO_NUMBER,
    "[RESULT] 4 [RESULT]": Unread.NO_NUMBER,
    "[RESULT] \u2463": Unread.NO_NUMBER,
    "[RESULT] IV": Unread.NO_NUMBER,
    "[RESULT] 3.5": Unread.NOT_WHOLE,
    "[RESULT] 4.0": Unread.NOT_WHOLE,
    "[RESULT] 3,5": Unread.NOT_WHOLE,
    "[RESULT] **4.5**": Unread.NOT_WHOLE,
    "[RESULT] 0": Unread.OUT_OF_RANGE,
    "[RESULT] 6": Unread.OUT_OF_RANGE,
    "[RESULT] 45": Unread.OUT_OF_RANGE,
    "[RESULT] 10": Unread.OUT_OF_RANGE,
    "[RESULT] 04": Unread.OUT_OF_RANGE,
    "[RESULT] -4": Unread.OUT_OF_RANGE,
    "[RESULT] \u22124": Unread.OUT_OF_RANGE,
    "[RESULT] 99999999999999999999999": Unread.OUT_OF_RANGE,
    "[RESULT] ~~4~~": Unread.NO_NUMBER,
    "[RESULT] \u22654": Unread.NO_NUMBER,
    "<think>[RESULT] 4</think>": Unread.NO_MARK,
    "[RESULT] >4": Unread.NOT_ALONE,
    "[RESULT] < 4": Unread.NOT_ALONE,
    "[RESULT] ~4": Unread.NOT_ALONE,
    "[RESULT] 4\nI take it back.": Unread.NOT_ALONE,
    "[RESULT] 4\n\nThat is not right.": Unread.NOT_ALONE,
    "[RESULT] 4\nPlease ignore this.": Unread.NOT_ALONE,
    "[RESULT] 4/5": Unread.NOT_ALONE,
    "[RESULT] 4 / 5": Unread.NOT_ALONE,
    "[RESULT] 4 out of 5": Unread.NOT_ALONE,
    "[RESULT] 4 (out of 5)": Unread.NOT_ALONE,
    "[RESULT] 3-4": Unread.NOT_ALONE,
    "[RESULT] 3 or 4": Unread.NOT_ALONE,
    "[RESULT] 3, 4": Unread.NOT_ALONE,
    "[RESULT] 4 4": Unread.NOT_ALONE,
    "[RESULT] <b>4</b><b>5</b>": Unread.NOT_ALONE,
    "[RESULT] 4\u00bd": Unread.NOT_ALONE,
    "[RESULT] 4\u2075": Unread.NOT_ALONE,
    "[RESULT] 4+": Unread.NOT_ALONE,
    "[RESULT] 4%": Unread.NOT_ALONE,
    "[RESULT] 4th": Unread.NOT_ALONE,
    "[RESULT] 1e1": Unread.NOT_ALONE,
    "[RESULT] 4 would be too much": Unread.NOT_ALONE,
    "[RESULT] 4, but it could be less": Unread.NOT_ALONE,
    "[RESULT] 4\nNo: it deserves 3.": Unread.NOT_ALONE,
    "[RESULT] 4\nNo: it deserves a three.": Unread.NOT_ALONE,
    "[RESULT] 4\n\n###Feedback: the second answer\n1. short": Unread.NOT_ALONE,
}


@pytest.mark.parametrize(("grading", "score"), READ.items())
def test_a_score_that_is_plainly_stated_is_read(grading: str, score: int) -> None:
    assert read_rubric_score(grading) == RubricScore(score, None)


@pytest.mark.parametrize(("grading", "reason"), UNREAD.items())
def test_what_could_mean_anything_else_is_unread_with_its_reason(
    grading: str, reason: Unread
) -> None:
    assert read_rubric_score(grading) == RubricScore(None, reason)


PIECES = st.sampled_from(
    [*READ, *UNREAD, "[RESULT]", "[", "]", "**", ":", "<", ">", "\n", " ", "4", "5", ".", "-", "b"]
)
TEXTS = st.text(max_size=60) | st.lists(PIECES, max_size=8).map("".join)
SIGNS = st.text("*_`\"'()[]{}<>$#| \t\n", max_size=6)


def is_read_or_has_a_reason(grading: str) -> None:
    score, reason = read_rubric_score(grading)
    assert (score is None) is (reason is not None)
    assert score is None or f"{score}" in grading or "\uff14" in grading


def ignores_what_stands_before_the_last_mark(before: str, signs: str, score: int) -> None:
    behind = f"[RESULT]{signs}{score}{signs}"
    assert read_rubric_score(f"{before}\n{behind}").score == score


def never_chooses_between_two_numbers(between: str, one: int, other: int) -> None:
    assert read_rubric_score(f"[RESULT] {one} {between} {other}").score is None


@given(TEXTS)
def test_any_text_is_read_or_has_a_reason(grading: str) -> None:
    is_read_or_has_a_reason(grading)


@given(TEXTS, SIGNS, st.integers(1, 5))
def test_nothing_before_the_last_mark_and_no_sign_around_the_number_counts(
    before: str, signs: str, score: int
) -> None:
    ignores_what_stands_before_the_last_mark(before, signs, score)


@given(st.text(max_size=30).filter(lambda text: "[" not in text), *[st.integers(0, 99)] * 2)
def test_of_two_numbers_none_is_chosen(between: str, one: int, other: int) -> None:
    never_chooses_between_two_numbers(between, one, other)


@pytest.mark.slow
@settings(max_examples=EXAMPLES)
@given(TEXTS, SIGNS, st.integers(1, 5), st.text(max_size=30).filter(lambda text: "[" not in text))
def test_no_random_grading_is_misread(before: str, signs: str, score: int, between: str) -> None:
    is_read_or_has_a_reason(before)
    ignores_what_stands_before_the_last_mark(before, signs, score)
    never_chooses_between_two_numbers(between, score, score)


@pytest.mark.parametrize("piece", ["*", "[RESULT]", "[ ", "<b>", "- ", "1.", "[RESULT] <"])
def test_a_long_grading_takes_no_longer_than_its_length(piece: str) -> None:
    """Half a million characters each: a pattern that tries all ways would take hours."""
    read_rubric_score(piece * (500_000 // len(piece)))
    read_rubric_score("[RESULT] " + piece * (500_000 // len(piece)) + "x")
