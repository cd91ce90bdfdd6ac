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
