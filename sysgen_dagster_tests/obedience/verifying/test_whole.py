"""Rules about an answer as a whole."""

import pytest

from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster_tests.obedience.held import NO, OPEN, YES, verdict

FRENCH = "Je voudrais savoir comment fonctionne ce programme, s'il vous pla\u00eet."
ENGLISH = "Please explain to me how this programme works, if you can."


@pytest.mark.parametrize(
    ("phrase", "answer", "expected"),
    [
        ("Answer in French.", FRENCH, YES),
        ("Answer in French.", ENGLISH, NO),
        ("Answer in French.", f"{FRENCH}\n```python\nfor name in names: print(name)\n```", YES),
        ("Answer in French.", "42", OPEN),
        ("Answer in French.", "$x = 5$", OPEN),
        ("Translate the text into French.", FRENCH, YES),
        ("Translate the text into French.", ENGLISH, OPEN),
        ("Write in simple, clear English.", FRENCH, NO),
        ("Write in simple, clear English.", ENGLISH, OPEN),
        ("Answer in American English.", ENGLISH, OPEN),
        ("Answer in American English.", FRENCH, NO),
        ("Translate the text into British English.", ENGLISH, OPEN),
        ("Do not answer in English.", ENGLISH, NO),
        ("Do not answer in English.", FRENCH, YES),
        ("Do not answer in English.", "42", OPEN),
    ],
)
def test_the_language_is_held(phrase: str, answer: str, expected: Verdict) -> None:
    assert verdict(phrase, answer) is expected


@pytest.mark.parametrize(
    ("phrase", "answer", "expected"),
    [
        ("Reply in JSON.", '{"a": 1}', YES),
        ("Reply in JSON.", '```json\n{"a": 1}\n```', YES),
        ("Reply in JSON.", "[1, 2]", YES),
        ("Reply in JSON.", "The answer is 1.", NO),
        ("Reply in JSON.", '{"a": 1,}', NO),
        ("Reply in JSON.", "42", OPEN),
        ("Reply in JSON.", "It is \\(\\boxed{5}\\), so \\[ x = 5 \\]", NO),
        ("Reply in JSON.", 'Here: {"a": 1}', OPEN),
        ("Return JSON with the keys a and b.", '{"A": 1, "b": 2}', YES),
        ("Return JSON with the keys a and b.", '{"a": 1}', NO),
        ("Return a JSON object.", '{"a": 1}', YES),
        ("Return a JSON object.", "[1, 2]", OPEN),
        ("Reply in JSON.", '{"a": NaN}', NO),
        ("Reply in JSON.", f'{{"a": {"1" * 5_000}}}', YES),
        ("Reply in JSON.", f"{'[' * 100_000}{']' * 100_000}", OPEN),
        ("Include a title.", "# The sea\n\nIt is wide.", YES),
        ("Include a title.", "**The sea**\n\nIt is wide.", YES),
        ("Include a title.", "word " * 30 + "ends.", NO),
        ("Include a title.", "The sea\n\nIt is wide.", OPEN),
        ("Reply with only code.", "```py\nx\n```", YES),
        ("Reply with only code.", "Here it is.\n```py\nx\n```", NO),
        ("Reply with only code.", "x = 1", OPEN),
        ("Write in plain prose.", "One.\n\nTwo.", YES),
        ("Write in plain prose.", "- one\n- two", NO),
        ("Wrap your entire response in double quotation marks.", '"All of it."', YES),
        ("Wrap your entire response in double quotation marks.", 'Some of "it".', NO),
        ("A list of options separated by commas.", "tea, milk, hot water", YES),
        ("A list of options separated by commas.", "The drinks are:\ntea, milk, and water.", YES),
        ("A list of options separated by commas.", "- tea, green\n- milk", NO),
        ("A list of options separated by commas.", "Only tea.", NO),
        ("A list of options separated by commas.", "There is tea, I think, and also milk.", OPEN),
        ("A list of options separated by commas.", "If thirsty, drink. Tea, milk, wine.", OPEN),
        ("Write in all lowercase letters.", "all of it is small.", YES),
        ("Write in all lowercase letters.", "One capital.", NO),
        ("Write in all lowercase letters.", "small, and `Code`", OPEN),
        ("Write in all lowercase letters.", "42", OPEN),
        ("Write in all caps.", "ALL OF IT.", YES),
        ("Write in all caps.", "Not ALL.", NO),
        ('Answer with "yes" or "no".', "Yes.", YES),
        ('Answer with "yes" or "no".', "Maybe.", NO),
        ('Avoid the word "very".', "A good one.", YES),
        ('Avoid the word "very".', "Very good.", NO),
        ('Avoid the word "ever".', "Every day.", OPEN),
        # Apostrophes and accents have several forms.
        ('Avoid the phrase "I\'m sorry".', "I\u2019m sorry, it is late.", NO),
        ('Never use the word "can\'t".', "I can\u2019t.", NO),
        ('Reply with "I don\'t know".', "I don\u2019t know.", YES),
        ('Avoid the word "caf\u00e9".', "The cafe\u0301 is open.", NO),
        ('Avoid the word "well-known".', "It is well\u2011known.", NO),
        ('Use the word "cafe\u0301".', "The caf\u00e9 is open.", YES),
        ("Give an example.", "For example, a dog.", YES),
        ("Give an example.", "A dog.", OPEN),
        ("Write a function that adds.", "It is so.", NO),
        ("Write a function that adds.", "```py\ndef f(): ...\n```", OPEN),
    ],
)
def test_a_whole_answer_is_held(phrase: str, answer: str, expected: Verdict) -> None:
    assert verdict(phrase, answer) is expected
