"""Phrases about the beginning and the end of an answer."""

import pytest

from sysgen_dagster_tests.obedience.recognized import asked, is_whole, kinds


@pytest.mark.parametrize(
    ("phrase", "kind", "words"),
    [
        ('End with "Stay safe!"', "ends_with", ("Stay safe!",)),
        ('Finish your response with the phrase "Good luck".', "ends_with", ("Good luck",)),
        ("Sign off with 'Yours, Max'.", "ends_with", ("Yours, Max",)),
        ('Begin with "Certainly".', "begins_with", ("Certainly",)),
        ('Start your answer with "Yes" or "No".', "begins_with", ("Yes", "No")),
        ("End with a question.", "ends_with_question", ()),
        ("Always end your reply with a follow-up question.", "ends_with_question", ()),
        ("End with the final answer.", "ends_with_result", ()),
        ("End with the result.", "ends_with_result", ()),
        ("End with the number of integer solutions.", "ends_with_result", ()),
        ("Finish with the final answer or conclusion.", "ends_with_result", ()),
        ("End with a sentence that states the result.", "ends_with_result_sentence", ()),
        (
            "Conclude with a statement that clearly shows the solution.",
            "ends_with_result_sentence",
            (),
        ),
        ("End with a summary of the key points.", "ends_with_summary", ()),
        ("End with a conclusion.", "ends_with_summary", ()),
        ("End with a sentence that summarizes the advice.", "ends_with_summary", ("sentence",)),
        (
            "End with a sentence that summarizes the solution.",
            "ends_with_summary",
            ("sentence", "result"),
        ),
        ("End with the corrected code.", "ends_with_code", ()),
        ("End with the script itself.", "ends_with_code", ()),
        ("End with a table.", "ends_with_part", ("table",)),
        ("End with a complete sentence.", "ends_with_sentence", ()),
        ("Start with a question.", "begins_with_part", ("question",)),
        ("Begin with a heading.", "begins_with_part", ("heading",)),
        ("Start with a greeting.", "begins_with_greeting", ()),
        ("Greet the user first.", "begins_with_greeting", ()),
        ("Add a postscript starting with P.S.", "postscript", ("p.s",)),
        ("Include a postscript that starts with P.P.S.", "postscript", ("p.p.s",)),
    ],
)
def test_an_edge_is_recognised(phrase: str, kind: str, words: tuple[str, ...]) -> None:
    assert asked(phrase) == [(kind, None, None, words)]
    assert is_whole(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "End with a sentence that states the error.",
        "End with a statement that confirms the output.",
        "End with a question that checks what the student learnt.",
        "End with a short summary.",
    ],
)
def test_an_edge_of_which_more_is_asked_is_not_all(phrase: str) -> None:
    assert len(kinds(phrase)) == 1
    assert not is_whole(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "End with a return statement.",
        "Start with the easiest step.",
        "Begin each sentence with a verb.",
        "End every line with a semicolon.",
        "The function ends with a comment.",
        "Start by naming the error.",
        "Close the file.",
        "End the war.",
    ],
)
def test_other_beginnings_and_ends_are_left_alone(phrase: str) -> None:
    assert kinds(phrase) == []
