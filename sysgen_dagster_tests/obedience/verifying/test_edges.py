"""Rules about the beginning and the end, held to answers."""

import pytest

from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster_tests.obedience.held import NO, OPEN, YES, verdict

CODE = "```python\nx = 1\n```"


@pytest.mark.parametrize(
    ("phrase", "answer", "expected"),
    [
        ('End with "Stay safe!"', "Go on. **Stay safe!**", YES),
        ('End with "Stay safe!"', "Stay safe! Go on.\n\nBye.", NO),
        ('End with "Stay safe!"', "Go on. Stay safe! Bye.", OPEN),
        ('End with "Answer: [number]"', "Answer: 5", OPEN),
        ('Begin with "Certainly".', "Certainly, here it is.", YES),
        ('Begin with "Certainly".', "Here it is.", NO),
        ('Start your answer with "Yes" or "No".', "No, it is not.", YES),
        ('Start your answer with "Yes" or "No".', "Nobody knows.", NO),
        ('End with "that\'s all"', "Well, that\u2019s all.", YES),
        ('Begin with "It\u2019s".', "It's late.", YES),
        ("End with a question.", "It is so. What do you think?", YES),
        ("End with a question.", "What? It is so.", OPEN),
        ("End with a question.", "It is so.", NO),
        ("End with a question.", "What do you think? \U0001f600", YES),
        ("Start with a question.", "Why so? Because.", YES),
        ("Begin with a heading.", "# Head\nText", YES),
        ("Begin with a heading.", "word " * 20 + "ends.", NO),
        ("Start with a greeting.", "Hello there! It is so.", YES),
        ("Start with a greeting.", "To solve it we add the two numbers and take half of them.", NO),
        ("Start with a greeting.", "Ahoy!", YES),
        ("Start with a greeting.", "Hello World programs print a line of text.", OPEN),
        ("Start with a greeting.", "Thank you for your letter about the two numbers of it.", OPEN),
        (
            "Start with a greeting.",
            "Guten Tag, ich m\u00f6chte Ihnen heute gern die beiden Zahlen erkl\u00e4ren.",
            OPEN,
        ),
        ("Add a postscript starting with P.S.", "Text.\n\nP.S. More.", YES),
        ("Add a postscript starting with P.S.", "Text.", NO),
        ("Add a postscript starting with P.S.", "P.S. More.\n\nText.", OPEN),
        ("End with a table.", "| a |\n|---|\n| 1 |", YES),
        ("End with a table.", "Text.", NO),
        ("End with the corrected code.", f"Here:\n{CODE}", YES),
        (
            "End with the corrected code.",
            f"{CODE}\nThis sets the value of x to one, as you asked me.",
            NO,
        ),
        ("End with the corrected code.", f"{CODE}\nDone.", OPEN),
        ("End with the corrected code.", "No code here.", NO),
        ("End with a complete sentence.", "It is as it was.", YES),
        ("End with a complete sentence.", CODE, NO),
    ],
)
def test_an_edge_is_held(phrase: str, answer: str, expected: Verdict) -> None:
    assert verdict(phrase, answer) is expected
