"""Phrases about words to use and to avoid, and about the person."""

import pytest

from sysgen_dagster_tests.obedience.recognized import asked, is_whole, kinds


@pytest.mark.parametrize(
    ("phrase", "rule"),
    [
        ('Use the word "clearly".', ("uses_words", 1, None, ("clearly",))),
        ("Include the keywords 'ink' and 'memoirs'.", ("uses_words", 1, None, ("ink", "memoirs"))),
        ('Use the word "clearly" at least 2 times.', ("uses_words", 2, None, ("clearly",))),
        ("Mention \u201cSafety First\u201d.", ("uses_words", 1, None, ("Safety First",))),
        ("The word 'replied' must appear at least twice.", ("uses_words", 2, None, ("replied",))),
        ('Avoid the word "very".', ("avoids_words", None, None, ("very",))),
        ("Never say 'sorry'.", ("avoids_words", None, None, ("sorry",))),
        ('Do not use the words "can" or "may".', ("avoids_words", None, None, ("can", "may"))),
        (
            "Do not include the following keywords: field, thanks, issue.",
            ("avoids_words", None, None, ("field", "thanks", "issue")),
        ),
        ('Address the user as "Captain".', ("uses_words", 1, None, ("Captain",))),
        ('Answer with "yes" or "no".', ("is_one_of", None, None, ("yes", "no"))),
        ('Answer only with "yes" or "no".', ("is_one_of", None, 0, ("yes", "no"))),
        ("Avoid the letter e.", ("letter", None, 0, ("e",))),
        ("The letter q should appear at least 4 times.", ("letter", 4, None, ("q",))),
        ("Write in the first person.", ("first_person", 1, None, ())),
        ("Do not use the first person.", ("first_person", None, 0, ())),
        ("Use second-person narration.", ("second_person", 1, None, ())),
        ("Give an example.", ("example", None, None, ())),
    ],
)
def test_words_are_recognised(phrase: str, rule: tuple[object, ...]) -> None:
    assert asked(phrase) == [rule]
    assert is_whole(phrase)


@pytest.mark.parametrize(
    "phrase",
    [
        "Use plain words.",
        "Avoid jargon.",
        'Explain the word "entropy".',
        'The user\'s name is "Ada".',
        "Avoid repeating yourself.",
        "Mention the heating and the distance to the station.",
        "Describe the first person who came.",
    ],
)
def test_words_that_are_not_named_are_left_alone(phrase: str) -> None:
    assert kinds(phrase) == []
