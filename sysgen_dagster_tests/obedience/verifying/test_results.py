"""Rules about results, sentences and summaries at the end, held to answers."""

import pytest

from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster_tests.obedience.held import NO, OPEN, YES, verdict

CODE = "```python\nx = 1\n```"


@pytest.mark.parametrize(
    ("phrase", "answer", "expected"),
    [
        ("End with the final answer.", "3 + 4 = 7\n\nTherefore, she has 7 apples.", YES),
        ("End with the final answer.", "So \\(x = \\boxed{5}\\).", YES),
        ("End with the final answer.", "The answer is:\n\\[\n\\boxed{5}\n\\]", YES),
        ("End with the final answer.", "It is:\n\\[\\boxed{\\text{No real roots}}\\]", YES),
        ("End with the final answer.", "It is:\n\\[\\boxed{\\text{unknown}}\\]", OPEN),
        ("End with the final answer.", "So she should read \\(\\boxed{42}\\) pages.", YES),
        ("End with the final answer.", "3 * 4 = 12 slices.\nAlbert eats 12 slices.", YES),
        ("End with the final answer.", "She has 7. Would you like to know more?", NO),
        ("End with the final answer.", "She has 7. Let me know if it helps.", NO),
        ("End with the final answer.", "The method works well.", OPEN),
        ("End with the final answer.", "15 + 18 = 33\n\nSo, you should pay $33 for it.", YES),
        ("End with the final answer.", "So she should pay $33 for it.", OPEN),
        ("End with the final answer.", "So the answer depends on 2 things.", OPEN),
        ("End with the final answer.", "So the answer has 2 parts.", OPEN),
        ("End with the final answer.", "Therefore, step 2 is next.", OPEN),
        ("Give the result.", "The result is 3:", OPEN),
        ("Give the result.", "The result is pi * r^2, with r = 2.", OPEN),
        ("Give the result.", "The result is 3 times as much.", OPEN),
        ("Give the result.", "The result is about **$3**.", YES),
        ("Give the result.", "**Result:** 3", YES),
        ("Solve the math problem.", "So let's begin with step 1.", OPEN),
        ("How many apples are left?", "Some apples are left, 2 were eaten.", OPEN),
        ("How many apples are left?", "Of 2 apples, some are left.", OPEN),
        ("How many apples are left?", "There are 5 apples left.", YES),
        (
            "Calculate the total cost.",
            "The total cost is unknown since the price of 2 items is not given.",
            OPEN,
        ),
        ("End with the final answer.", CODE, OPEN),
        ("End with a sentence that states the result.", "Thus, the total is 7 apples.", YES),
        ("End with a sentence that states the result.", f"The total is 7.\n{CODE}", NO),
        ("End with a sentence that states the result.", "\\[\n\\boxed{7}\n\\]", OPEN),
        # The last sentence may be what leads to the code.
        ("End with a sentence that states the result.", f"Thus, the query is:\n{CODE}", OPEN),
        ("End with a sentence that summarizes the advice.", f"So, in all:\n\n{CODE}", OPEN),
        ("End with a conclusion.", "Text.\n\nIn conclusion, it is good.", YES),
        ("End with a conclusion.", "Text.\n\n## Conclusion\n\nIt is good.", YES),
        ("End with a conclusion.", "Text.\n\n**Conclusion:**\nIt is good.", YES),
        ("End with a conclusion.", "## Conclusion\n\nGood.\n\n## More\n\nText.", OPEN),
        ("End with a conclusion.", CODE, NO),
        ("End with a sentence that summarizes the advice.", "A. In summary, rest well.", YES),
        ("End with a sentence that summarizes the advice.", "Rest well.", OPEN),
        ("End with a sentence that summarizes the solution.", "Thus, the total is 7 apples.", YES),
        ("End with a sentence that summarizes the solution.", "Finally, cut it to 10 rows.", OPEN),
        ("Calculate the total cost of the tickets.", "The tickets cost 3 * 4 = 12 dollars.", YES),
        ("Tell the number of pages Nico read.", "Nico read 19 pages.", YES),
        ("Tell the number of pages Nico read.", "Nico read 19 pages. Any questions?", OPEN),
        ("Solve the equation $x^2 = 4$.", "We solve \\(x^2=4\\). Thus, $x = 2$.", YES),
        ("Solve the equation $x^2 = 4$.", "Thus, Martha has 4 butterflies.", OPEN),
        ("Calculate the total cost of the tickets.", "The dogs weigh 3 * 4 = 12 kg.", OPEN),
        # Only the last line names the equation: another one may have been solved.
        (
            "Solve the equation $x^2 = 4$.",
            "We solve $y + 1 = 3$.\nThus, the value of $x$ in $x^2=4$ is $2$.",
            OPEN,
        ),
        (
            "Calculate the total cost of the tickets.",
            f"The tickets:\n{CODE}\nThe cost is \\(\\boxed{{12}}\\) dollars.",
            YES,
        ),
        (
            "Calculate the total cost of the tickets.",
            f"The tickets cost \\(\\boxed{{12}}\\).\n\n{CODE}\nThe program prints 12.",
            OPEN,
        ),
        # A program may be all that gives the result.
        (
            "Calculate the total of the numbers.",
            f"{CODE}\nIt prints the total of 62 numbers.",
            OPEN,
        ),
        ("Solve the equation and find the value of y.", "Thus, 300 people are there.", OPEN),
        ("Solve the equation and find the value of y.", "Thus, the solution is $y = 3$.", YES),
    ],
)
def test_a_result_and_a_summary_are_held(phrase: str, answer: str, expected: Verdict) -> None:
    assert verdict(phrase, answer) is expected
