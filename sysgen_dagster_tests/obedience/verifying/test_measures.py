"""Rules that state a number, held to answers."""

import pytest

from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster_tests.obedience.held import NO, OPEN, YES, verdict

TWO_BULLETS = "Here:\n\n- one\n- two"
TWO_STEPS = "1. one\n2. two"
CODE = "```python\nx = 1\n```"
TABLE = "| a | b |\n|---|---|\n| 1 | 2 |"


@pytest.mark.parametrize(
    ("phrase", "answer", "expected"),
    [
        ("Use at most 5 words.", "Four words are here.", YES),
        ("Use at most 5 words.", "There are six words in here.", NO),
        ("Use at most 5 words.", "A well-known but old dog.", OPEN),  # five or six
        ("Use at least 5 words.", "Too short.", NO),
        ("Use at most 5 words.", f"Short.\n{CODE}", YES),
        ("Use at most 3 words.", "Short.\n```\na b c d e\n```", OPEN),
        ("Answer in about 10 words.", "one two three four five six seven eight nine ten", YES),
        ("Answer in about 10 words.", "one", NO),
        ("Answer in about 10 words.", "one two three four five six", OPEN),
        ("Answer in one sentence.", "Here it is.", YES),
        ("Answer in one sentence.", "Here it is. And more.", NO),
        ("Answer in one sentence.", "Ask Dr. Jones.", OPEN),
        ("Answer in one sentence.", "The sum is 3.5 in all.", YES),
        ("Answer in two sentences.", f"One. Two.\n\n{CODE}", OPEN),
        ("Respond in exactly two paragraphs.", "One.\n\nTwo.", YES),
        ("Respond in exactly two paragraphs.", "One.\n\nTwo.\n\nThree.", NO),
        ("Respond in exactly two paragraphs.", "One.", NO),
        ("Respond in exactly two paragraphs.", "# Head\n\nOne.\n\nTwo.", OPEN),
        ("A single line with the answer.", "42", YES),
        ("A single line with the answer.", "It is\n42", NO),
        ("A simple one-line answer.", "He had 12 cows. He bought 3. So 15 are there.", OPEN),
        ("Your reply must not exceed 10 characters.", "Hello.", YES),
        ("Your reply must not exceed 10 characters.", "Hello, my dear.", NO),
        ("Do not exceed 2 words.", "", OPEN),
    ],
)
def test_a_length_is_held(phrase: str, answer: str, expected: Verdict) -> None:
    assert verdict(phrase, answer) is expected


@pytest.mark.parametrize(
    ("phrase", "answer", "expected"),
    [
        ("Use bullet points.", TWO_BULLETS, YES),
        ("Use exactly 2 bullet points.", "* One is in a line * with the other.", OPEN),
        ("Use bullet points.", "Only text.", NO),
        ("Use bullet points.", TWO_STEPS, OPEN),
        ("Use bullet points.", "```\n- in code\n```", NO),
        ("Use bullet points.", "5 - 3 = 2", NO),
        ("Provide exactly 2 bullet points.", TWO_BULLETS, YES),
        ("Provide exactly 3 bullet points.", TWO_BULLETS, NO),
        ("Provide exactly 2 bullet points.", "- one\n  - inner\n- two", OPEN),
        ("Do not use bullet points.", "Only text.", YES),
        ("Do not use bullet points.", TWO_BULLETS, NO),
        ("Use a numbered list.", TWO_STEPS, YES),
        ("Use a numbered list.", "Only text.", NO),
        ("Use a numbered list.", "Step 1: one\nStep 2: two", OPEN),
        ("Answer with a list.", TWO_STEPS, YES),
        ("Answer with a list.", TWO_BULLETS, YES),
        ("A list of steps.", "First do this, then that, and then rest.", NO),
        ("Use headings.", "# Head\n\nText.", YES),
        ("Use headings.", "Text.", NO),
        ("Use headings.", "**Head**\n\nText.", OPEN),
        ("Use headings.", "```sh\n# a comment\n```", NO),
        ("Include a table.", TABLE, YES),
        ("Include a table.", "Text.", NO),
        ("No tables.", "Either a | b.", YES),
        ("Include a code example.", CODE, YES),
        ("Include a code example.", "Text only.", NO),
        ("Include a code example.", "def f():\n    return 1", OPEN),
        ("Include comments in the code.", "```python\nx = 1  # one\n```", YES),
        ("Include comments in the code.", "```c\nint x; // one\n```", YES),
        ("Include comments in the code.", CODE, NO),
        ("Include comments in the code.", "```python\nprint(x)  # Output: 3\n```", OPEN),
        ("Include comments in the code.", "```python\nx = (a + b) // 2\n```", OPEN),
        ("Include comments in the code.", "```c\nrun(x) // starts it anew\n```", YES),
        ("Include comments in the code.", "Text.", OPEN),
        ("Use bold text.", "A **bold** word", YES),
        ("Use bold text.", "A word, 2 ** 3", NO),
        ("Never use bold text.", "```\n**x**\n```", OPEN),
        ("Highlight at least 2 sections with markdown.", "*one* and **two**", YES),
        ("Highlight at least 2 sections with markdown.", "*one* and 2*3*4", NO),
        ("Include at least two placeholders.", "Dear [name], of [town]", YES),
        ("Include at least two placeholders.", "Dear [name](link)", NO),
        ("Use LaTeX.", "It is $x^2$.", YES),
        ("Use LaTeX.", "It is x = 3.", NO),
        ("Show the calculation.", "3 + 4 = 7", YES),
        ("Show the calculation.", "It is seven.", NO),
        (
            "There should be 2 paragraphs separated by the markdown divider: ***",
            "One.\n***\nTwo.",
            YES,
        ),
        ("There should be 2 paragraphs separated by the markdown divider: ***", "One.", NO),
    ],
)
def test_a_form_is_held(phrase: str, answer: str, expected: Verdict) -> None:
    assert verdict(phrase, answer) is expected


@pytest.mark.parametrize(
    ("phrase", "answer", "expected"),
    [
        ("Avoid commas.", "No such sign here.", YES),
        ("Avoid commas.", "One, two.", NO),
        ("Avoid commas.", "It costs 1,000 dollars.", OPEN),
        ("Avoid commas.", "Call `f(a, b)`.", OPEN),
        ("Don't use exclamation marks.", "Great!", NO),
        ("Without digits.", "Seven of them.", YES),
        ("Without digits.", "There are 7.", NO),
        ("Do not use contractions.", "It is not so.", YES),
        ("Do not use contractions.", "It isn't so.", NO),
        ("Do not use contractions.", "It\u2019s so.", NO),
        ("Do not use contractions.", "The dog's tail is long.", YES),
        ("No emojis.", "Fine.", YES),
        ("No emojis.", "Fine \U0001f600", NO),
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
        ("Write in the first person.", "The dog went home.", NO),
        ("Do not use the first person.", 'She said "I am here".', OPEN),
        ("Use second-person narration.", "You open the door.", YES),
        ("Use words in all capital letters at least 2 times.", "STOP and GO", YES),
    ],
)
def test_signs_and_words_are_held(phrase: str, answer: str, expected: Verdict) -> None:
    assert verdict(phrase, answer) is expected
