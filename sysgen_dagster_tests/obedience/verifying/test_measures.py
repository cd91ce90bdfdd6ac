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
        *(
            (phrase, f"{sign} one\n{sign} two", OPEN)
            for sign in "\u25aa\xb7\u27a4\u2713\u2192\u2014\u2013\u30fb\u2605\U0001f539"
            for phrase in ("Use bullet points.", "Do not use bullet points.")
        ),
        ("Use bullet points.", "\u2022one\n\u2022two", OPEN),
        ("Use bullet points.", "\\- one\n\\- two", OPEN),
        ("Use bullet points.", "> one\n> two", OPEN),
        ("Use a numbered list.", "First: one\nSecond: two", OPEN),
        ("Use bullet points.", "-one\n-two", OPEN),
        ("Use bullet points.", "-5 degrees", NO),
        ("Use bullet points.", "<ul><li>one</ul>", OPEN),
        ("Use a numbered list.", "\u2460 one\n\u2461 two", OPEN),
        ("Use a numbered list.", "a) one\nb) two", OPEN),
        ("Use a numbered list.", "II. one\nIII. two", OPEN),
        ("Use a numbered list.", "\u4e00\u3001one\n\u4e8c\u3001two", OPEN),
        ("Avoid lists.", "It was 1999.\nA. Smith wrote it.", OPEN),
        ("Avoid lists.", "They were\n12. It was late.", OPEN),
        ("Avoid lists.", TWO_STEPS, NO),
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
        ("Use headings.", "Overview\n========\nIt is so.", OPEN),
        ("Do not use headings.", "Overview\n========\nIt is so.", OPEN),
        ("Use headings.", "\u00dcberblick\n\nEs ist so.", OPEN),
        ("Use headings.", "1. Overview\nIt is so.", OPEN),
        ("Use headings.", "**Head**\n\nText.", OPEN),
        ("Use headings.", "```sh\n# a comment\n```", NO),
        ("Include a table.", TABLE, YES),
        ("Include a table.", "Text.", NO),
        ("Include a table.", "a | b\n1 | 2", OPEN),
        ("Include a table.", "\u2502 a \u2502\n\u2502 1 \u2502", OPEN),
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
        *(
            ("Include comments in the code.", f"```\n{line}\n```", OPEN)
            for line in ("(foo) ; one", "x = 1 ' one", "{- one -}", "x = 1 ! one", "REM one")
        ),
        ("Do not use code comments.", "```python\nprint('a # b')\n```", OPEN),
        ("Do not use code comments.", "```python\nprint('a')  # one\n```", NO),
        ("Use bold text.", "A **bold** word", YES),
        ("Use bold text.", "A word, 2 ** 3", NO),
        ("Never use bold text.", "```\n**x**\n```", OPEN),
        ("Highlight at least 2 sections with markdown.", "*one* and **two**", YES),
        ("Highlight at least 2 sections with markdown.", "*one* and 2*3*4", NO),
        ("Highlight at least 2 sections with markdown.", "_one_ and _two_", OPEN),
        ("Include at least two placeholders.", "Dear {name}, of {town}", OPEN),
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
