"""Steps and explanations, held to answers."""

import pytest

from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster_tests.obedience.held import NO, OPEN, YES, verdict

STEPS = "Provide a step-by-step solution."
DETAILED = "A detailed explanation."
LONG = "Water boils earlier on a mountain, since less air presses on it from above. " * 5


@pytest.mark.parametrize(
    ("phrase", "answer", "expected"),
    [
        (STEPS, "1. Add 2 and 3.\n2. Double it.\n\nIt is 10.", YES),
        (STEPS, "Step 1: Add 2 and 3.\nStep 2: Double it.", YES),
        (STEPS, "**Step one**: Add 2 and 3.\n**Step two**: Double it.", YES),
        (STEPS, "### Step 1\nAdd 2 and 3.\n### Step 2\nDouble it.", YES),
        (STEPS, "First, add 2 and 3. Next, double it. Finally, write it down.", YES),
        (STEPS, "10", NO),
        (STEPS, "It is 10.", NO),
        (STEPS, "Add 2 and 3 to get 5. Doubled, it is 10.", OPEN),
        (STEPS, "First, add 2 and 3. Then double it.", OPEN),
        (STEPS, "The first of 3 numbers is 2.\nNow is the time.", OPEN),
        # Cut off within a step.
        (STEPS, "1. Add 2 and 3.\n2. Double", OPEN),
        (DETAILED, LONG, YES),
        (DETAILED, "It is 10.", NO),
        (DETAILED, "I'm sorry, but I cannot provide that. " + LONG, OPEN),
        (DETAILED, "It boils earlier. " * 8, OPEN),
        ("A clear explanation.", LONG, YES),
        ("A clear explanation.", "It boils.", OPEN),
        (
            "A list of steps and the final answer.",
            "1. Add 2 and 3.\n2. Double it.\n\nThe answer is 10.",
            YES,
        ),
        (
            "A list of steps and the final answer.",
            "1. Add 2 and 3.\n2. Double it.\n\nWas that clear?",
            OPEN,
        ),
    ],
)
def test_what_an_answer_has_to_say_is_seen_by_its_form(
    phrase: str, answer: str, expected: Verdict
) -> None:
    assert verdict(phrase, answer) is expected
