"""Words of their own, and sentences of an answer."""

import pytest

from sysgen_dagster.obedience.verifying.answers import Answer
from sysgen_dagster.obedience.verifying.sentences import times_said


@pytest.mark.parametrize(
    ("text", "fewest", "most"),
    [
        ("One is. Two are! Three do?", 3, 3),
        # What may be an abbreviation, a number of a day, a name or a pause ends none for sure.
        ("One. Two! Three?", 2, 3),
        ("Gen. Grant met Col. Lee.", 1, 3),
        ("Mt. Everest is high.", 1, 2),
        ("He works at Yahoo! Inc. in Rome.", 1, 3),
        ("La Sra. P\u00e9rez vive en Madrid.", 1, 2),
        ("Der Vertrag wurde am 3. Oktober 1990 geschlossen.", 1, 2),
        ("Das gilt bzw. Es ist schon so gewesen.", 1, 2),
        ("He ran 5 km. Then he slept.", 1, 2),
        ('"Stop!" Anna cried.', 1, 2),
        ("So\u2026 He left.", 1, 2),
        ("It is so.Then he left.", 1, 2),
        ("\u03a4\u03b9 \u03ba\u03ac\u03bd\u03b5\u03b9\u03c2; \u039a\u03b1\u03bb\u03ac.", 2, 2),
        ("She has 7. Then she left.", 2, 2),
        ("It is 3.5 kg.", 1, 1),
        ("Ask Dr. Smith, e.g. on Monday.", 1, 3),
        ("He said \u201cGo!\u201d and left.", 1, 2),
        ("Wait... what?", 1, 2),
        ("No end", 0, 1),
        ("# Head\n\nOne sentence.", 1, 2),
        ("- item\n- item\n\nOne sentence.", 1, 3),
        ("\u4eca\u5929\u5929\u6c14\u597d\u3002\u6211\u4eec\u53bb\u516c\u56ed\u3002", 2, 2),
    ],
)
def test_sentences_are_counted_as_few_and_as_many_as_readers_would(
    text: str, fewest: int, most: int
) -> None:
    assert Answer(text).sentences == (fewest, most)


@pytest.mark.parametrize(
    ("words", "text", "times"),
    [
        ("ink", "ink, inkwell and ink", 2),
        ("it is", "it is so, it is", 2),
        # "ki" of "kim", and the same letters with a vowel sign after them.
        ("\u0915", "\u0915\u093f \u0915", 1),
        ("", "any", 0),
    ],
)
def test_words_are_found_as_words_of_their_own(words: str, text: str, times: int) -> None:
    assert times_said(words, text) == times
