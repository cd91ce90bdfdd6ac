"""Signs and words, counted in answers."""

import pytest

from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster_tests.obedience.held import NO, OPEN, YES, verdict


@pytest.mark.parametrize(
    ("phrase", "answer", "expected"),
    [
        ("Avoid commas.", "No such sign here.", YES),
        ("Avoid commas.", "One, two.", NO),
        ("Avoid commas.", "It costs 1,000 dollars.", OPEN),
        ("Avoid commas.", "Call `f(a, b)`.", OPEN),
        ("Don't use exclamation marks.", "Great!", NO),
        # Signs of other scripts, and signs that are operators, are called so by some readers.
        ("Avoid commas.", "\u4f60\u597d\uff0c\u4e16\u754c", OPEN),
        ("Avoid commas.", "\u4f60\u597d\u3001\u4e16\u754c", OPEN),
        ("Avoid commas.", "\u0623\u060c\u0628", OPEN),
        ("Don't use exclamation marks.", "\u4f60\u597d\uff01", OPEN),
        ("Don't use exclamation marks.", "5! = 120", OPEN),
        ("Don't use exclamation marks.", "n! if a != b", OPEN),
        ("Do not use colons.", "\u4ed6\u8bf4\uff1a\u597d", OPEN),
        ("Do not use colons.", "At 12:30 \u2236", OPEN),
        ("Use no semicolons.", "\u597d\uff1b\u597d", OPEN),
        ("No question marks.", "\xbfS\xed", OPEN),
        ("Do not ask questions.", "\u03a4\u03b9 \u03ba\u03ac\u03bd\u03b5\u03b9\u03c2;", OPEN),
        ("Do not use parentheses.", "\u597d\uff08\u597d\uff09", OPEN),
        ("Do not use quotation marks.", "\u300c\u597d\u300d", OPEN),
        ("Do not use quotation marks.", "\xaboui\xbb", OPEN),
        ("Do not use quotation marks.", "the 'so-called' end", OPEN),
        ("Do not use quotation marks.", "It's fine.", YES),
        ("Never use em dashes.", "so \u2013 or so", OPEN),
        ("No punctuation.", "\u4f60\u597d\u3002", OPEN),
        ("No punctuation.", "all of it is plain", YES),
        ("Without digits.", "\xbd of it", OPEN),
        ("Without digits.", "Seven of them.", YES),
        ("Without digits.", "There are 7.", NO),
        ("Do not use contractions.", "It is not so.", YES),
        ("Do not use contractions.", "It isn't so.", NO),
        ("Do not use contractions.", "It\u2019s so.", NO),
        ("Do not use contractions.", "The dog's tail is long.", YES),
        ("No emojis.", "Fine.", YES),
        ("No emojis.", "Fine \U0001f600", NO),
        ("Include emojis.", "\U0001f7e2", YES),
        ("Use exactly one emoji.", "\U0001f1eb\U0001f1f7", YES),
        ("Use exactly one emoji.", "\U0001f44d\U0001f3fd", YES),
        ("Use exactly one emoji.", "\u2764\ufe0f", YES),
        ("Use exactly one emoji.", "\U0001f468\u200d\U0001f469\u200d\U0001f467", OPEN),
        ("Use exactly one emoji.", "\U0001f600\U0001f600", NO),
        ("No emojis.", "\u2764", OPEN),
        ("No emojis.", "\u266a", OPEN),
        ("No emojis.", "From a \u2192 b", OPEN),
        ("Include emojis.", "Fine.", NO),
        ("Do not ask questions.", "What now?", NO),
        ("Ask one question.", "I see. What now?", YES),
        ('Use the word "clearly".', "It is Clearly so.", YES),
        ('Use the word "clearly".', "It is so.", NO),
        ('Use the word "clear".', "It is clearly so.", OPEN),
        ("Include the keywords 'ink' and 'sea'.", "Only ink.", NO),
        ('Use the word "so" at least 2 times.', "So it is so.", YES),
        ("Avoid the letter z.", "Nothing of it.", YES),
        ("Avoid the letter z.", "A Zebra.", NO),
        ("Write in the first person.", "I went to my house.", YES),
        ("Write in the first person.", "The dog went home over the hills at night.", NO),
        ("Write in the first person.", "Dogs.", OPEN),  # of which language?
        (
            "Write in the first person.",
            "Je suis all\u00e9 au march\u00e9 hier et mes amis aussi.",
            OPEN,
        ),
        ("Use second-person narration.", "Du gehst durch die T\u00fcr und siehst das Meer.", OPEN),
        ("Avoid first person.", "World War I was long, and it ended in the year 1918.", OPEN),
        ("Avoid first person.", "The old coal mine closed many years ago in the valley.", OPEN),
        ("Avoid first person.", "The day was long, and then I slept for many hours.", NO),
        ("Do not use the first person.", 'She said "I am here".', OPEN),
        ("Use second-person narration.", "You open the door.", YES),
        ("Use words in all capital letters at least 2 times.", "STOP and GO", YES),
    ],
)
def test_signs_and_words_are_held(phrase: str, answer: str, expected: Verdict) -> None:
    assert verdict(phrase, answer) is expected
