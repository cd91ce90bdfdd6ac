"""Objects that one verb lists."""

import pytest

from sysgen_dagster_tests.obedience.recognized import asked, is_whole, kinds


def test_each_object_is_asked() -> None:
    assert kinds("Use bullet points and headings.") == ["bullets", "headings"]
    assert is_whole("Use bullet points and headings.")


@pytest.mark.parametrize(
    "phrase",
    [
        "Avoid one-word replies and one-sentence answers.",
        "Avoid headings and one-paragraph replies.",
        "Do not use bullet points or a single paragraph.",
        "Without bullet points or a one-sentence answer.",
        "Never use emojis or more than two sentences.",
    ],
)
def test_an_object_that_is_forbidden_is_never_asked_for(phrase: str) -> None:
    assert all(most == 0 for _, _, most, _ in asked(phrase))
    assert not is_whole(phrase)


def test_a_length_beside_something_else_is_that_of_a_part() -> None:
    for phrase in ("Include one paragraph and a table.", "Include a table and one paragraph."):
        assert ("paragraphs", 1, None, ()) in asked(phrase)
    assert asked("Answer in French, in two sentences.")[1] == ("sentences", 2, 2, ())
    assert asked("Use at most two sentences and no lists.")[0] == ("sentences", None, 2, ())


def test_what_all_objects_are_for_may_not_be_there() -> None:
    assert kinds("Use headings and bullet points to compare prices.") == []


@pytest.mark.parametrize(
    ("phrase", "kind"),
    [
        ("End with a summary and a question.", ["ends_with_question"]),
        ("End with a summary of the text followed by a question.", ["ends_with_question"]),
        ("End with a summary and a call to action.", []),
        ("Begin with a greeting and a question.", ["begins_with_greeting"]),
        ('End with "Bye" and "Thanks".', ["ends_with"]),
    ],
)
def test_only_one_of_several_things_is_last_or_first(phrase: str, kind: list[str]) -> None:
    assert kinds(phrase) == kind
    assert not is_whole(phrase)


def test_one_thing_may_have_and_in_it() -> None:
    assert kinds("End with a summary of the pros and cons.") == ["ends_with_summary"]
    assert is_whole("End with a summary of the pros and cons.")
