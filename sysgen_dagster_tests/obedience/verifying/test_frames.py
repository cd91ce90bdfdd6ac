"""What an answer says around what it was asked for."""

from sysgen_dagster.obedience.verifying.frames import FRAME, is_labelled, sentences_told


def test_what_speaks_to_the_user_about_the_answer_is_not_told() -> None:
    text = "Sure! Here is my story:\n\nTom went home.\n\nI hope you like it. Let me know!"
    assert sentences_told(text) == ["Tom went home."]


def test_a_story_is_no_frame() -> None:
    assert not any(map(FRAME.match, ("I went home.", "You wake up.", "Hereby it ends.")))


def test_a_speaker_or_a_problem_labels_a_line() -> None:
    assert all(map(is_labelled, ("Anna: How are you?", "Q. Can you?", "**Problem 2:** Add them.")))
    assert not is_labelled("Hello. What do you need?")
