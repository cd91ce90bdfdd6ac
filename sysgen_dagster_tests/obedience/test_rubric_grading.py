"""What a judge is sent for a score by a rubric, and what its reply says."""

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.obedience.rubric_grading import PROMPT, read_score, render_grading
from sysgen_dagster.obedience.rubric_scores import Unread

LEVELS = ["None is.", "Few are.", "Half are.", "Most are.", "All are."]


def test_the_judge_is_shown_what_it_grades_and_how() -> None:
    system, user = render_grading("Why is it blue?", "It scatters.", "Are terms explained?", LEVELS)

    assert system["content"] == PROMPT.instructions
    for text in ("Why is it blue?", "It scatters.", "Are terms explained?", *LEVELS):
        assert f"\n{text}\n" in user["content"]


def test_a_reference_and_a_message_are_shown_where_there_are_some() -> None:
    _, bare = render_grading("Why?", "So.", "Is it short?", LEVELS)
    _, full = render_grading("Why?", "So.", "Is it short?", LEVELS, "Hence.", "Be short.")

    assert "No reference answer is shown" in bare["content"]
    assert "[system message" not in bare["content"]
    assert "No reference answer is shown" not in full["content"]
    assert "\nHence.\n" in full["content"]
    assert "\nBe short.\n" in full["content"]


def test_a_score_is_read_unless_the_reply_was_cut_or_says_none() -> None:
    assert read_score("It is.\n[RESULT] 4", "stop") == (4, None)
    assert read_score("It is.\n[RESULT] 4", CUT) == (None, "truncated")
    assert read_score("It is.", "stop") == (None, Unread.NO_MARK.value)
