"""What a maths answer ends in."""

from fractions import Fraction

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sysgen_dagster.obedience.closing_sentences import find_numbers
from sysgen_dagster.obedience.final_answers import compare_final_answers, find_final_answers
from sysgen_dagster.obedience.single_answers import read_answer
from sysgen_dagster.obedience.tables import FINAL_ANSWERS
from sysgen_dagster.tables.table import polars_schema


def normalize_answer(answer: str) -> str | None:
    read = read_answer(answer)
    return read.form if read else None


PIECES = (
    *("\\boxed{", "}", "{", "\\frac", "$", "The answer is: ", "answer: ", "Answer\n", "#### "),
    *("1", "2.5", ",", "000", "/", "=", " = ", "+", "x", " ", "\n", "%", "\\text{", "<<", ">>"),
    *("/0", "\\frac{5}{0}", " or ", "hours", " and a half", "five", "minus ", "1.800", "2,5"),
    *("```", "**", "dollars", "é", "答", "\x00", "²", "٣", "-", ". "),
)
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40).map("".join)


def ending(text: str) -> str | None:
    return find_final_answers(pl.Series([text], dtype=pl.String))[0]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("So $x = \\boxed{\\frac{1}{2}}$.", "1/2"),
        ("First \\boxed{3}, but in the end \\boxed{\\sqrt{5} + {1}} holds.", "\\sqrt5+1"),
        ("It is 4 + 4 = 8.\n#### 8", "8"),
        ("It is 12.\r\n#### 1,200\r\n", "1200"),
        ("So $n \\le 9$.The answer is: 9", "9"),
        ("$\\boxed{3}$ it seems. The answer is: [-3, -1]", "[-3,-1]"),
        ("The answer is: \\text{gray}.", "gray"),
        ("The final answer is $18$ dollars. I hope this helps.", "18"),
        ("**Final Answer:**\n\n42 apples", "42"),
        ("### Final answer\n\\[ \\boxed{7} \\]", "7"),
        ("So **Answer: 42**", "42"),
        ("870 / 15 is 58. The answer: (B).", "b"),
        ("So the answer is n = 2.The answer is: 2", "2"),
        ("So it is $\\boxed 5$.", "5"),
        ("So it is $\\boxed 42$.", "42"),
        ("So it is $\\fbox{7}$.", "7"),
        ("Either $\\boxed{3}$ or $\\boxed{5}$.", "3,5"),
        ("The roots are $\\boxed{5}$ and $\\boxed{3}$.", "3,5"),
        ("Hence \\boxed{3}, \\boxed{5}.", "3,5"),
        ("It is \\boxed{4}. Once more: \\boxed{4}", "4"),
        ("The answer is Rs. 500.", "500"),
        ("The answer is: 5!", "5"),
        ("The final answer is 1,200!!", "1200"),
        ("The answer is $5!", "5"),
        ("The answer is: \\$5!", "5"),
        ("**Answer: 42!**", "42"),
        ("It is 5.\n#### 12!", "12"),
        ("The answer is: $5!$", "5!"),
        ("The answer is: \\(5!\\)", "5!"),
        ("So it is $\\boxed{5!}$!", "5!"),
        ("The answer is: 2 \\cdot 3!", "2*3!"),
        ("The answer is: n!", "n!"),
        ("The answer is $18$!", "18"),
        ("The answer is 5 and a half.", "11/2"),
    ],
)
def test_a_marked_answer_is_found_and_the_last_one_counts(text: str, answer: str) -> None:
    assert ending(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("78 / 6 = 13.\n\nThe bakery needs 13 bags.", "13"),
        ("She sold 48 + 24 = <<48+24=72>>72 clips in all.", "72"),
        ("3 + 4 = 7 * 2 = 14", "14"),
        ("He pays 3 * $400 = $1,200 for 4 months.", "1200"),
        ("So 48/2 = 24 and 48 + 24 = **72**. Natalia sold **72** clips.", "72"),
        ("15 / 4 = 3.75, which is $3.75.", "15/4"),
        ("Add both sides. The value of x is 60.", "60"),
        ("Therefore, the value of $x$ is $60$.", "60"),
        ("So the result is 1,200.", "1200"),
        ("And so the value of x is 60!", "60"),
    ],
)
def test_an_unmarked_answer_is_the_result_that_the_last_sentence_states(
    text: str, answer: str
) -> None:
    assert ending(text) == answer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The company was founded in 1889.",
        "78 / 6 = 13. The bakery needs a lot of bags.",
        "78 / 6 = 13. The bakery has 13 bags for 78 rolls.",
        "48 + 24 = 72. She sold 71.",
        "```python\nx = 3 + 4\n```\n3 + 4 = 7",
        "count = 0\nreturn count >= 5",
        "if x % 2 != 0",
        "Answer: Paris",
        "The answer is that nobody knows.",
        "#### 2023\nA heading and its text.",
        "#### Step 1",
        "Cut off at \\boxed{12",
        "The answer is:",
        "The answer is: " + "so " * 60,
    ],
)
def test_chat_code_and_text_that_was_cut_state_no_answer(text: str) -> None:
    assert ending(text) is None


@pytest.mark.parametrize(
    "same",
    [
        ("1000", "1,000", "1000.0", "$1000$", "\\$1{,}000.00", "1000 dollars", "1 thousand"),
        ("1/2", "\\frac{1}{2}", "\\dfrac12", "0.5", ".5", "$x = \\tfrac{1}{2}$", "about 0.50"),
        ("-3", "- 3", "\N{MINUS SIGN}3", "-3.", "**-3**"),
        ("7/2", "3 1/2", "3\\frac{1}{2}", "3.5"),
        ("50", "50%", "50\\%", "50 percent", "50^\\circ", "50^{\\circ}", "50° ", "50 degrees"),
        ("42", "42\\text{ cm}^2", "42 square inches", "42 km/h", "€42"),
        ("(3,\\pi/2)", "\\left(3, \\frac{\\pi}{2}\\right)", "(3, \N{GREEK SMALL LETTER PI}/2)"),
        ("2\\sqrt6/3", "\\frac{2\\sqrt{6}}{3}", "2 \\sqrt{6} / 3"),
        ("evelyn", "\\text{Evelyn}", "Evelyn.", "**Evelyn**"),
        ("b", "(B)", "\\text{(B)}", "B"),
    ],
    ids=lambda same: same[0],
)
def test_ways_to_write_one_answer_are_equal(same: tuple[str, ...]) -> None:
    assert {normalize_answer(way) for way in same} == {same[0]}


@pytest.mark.parametrize(
    ("one", "other"),
    [("2x", "2"), ("10", "10_2"), ("3:4", "3/4"), ("1/0", "1"), ("12", "1.2"), ("(1,2)", "1,2")],
)
def test_different_answers_stay_different(one: str, other: str) -> None:
    assert normalize_answer(one) != normalize_answer(other)


def test_a_unit_counts_only_where_both_answers_state_one() -> None:
    original = pl.Series(["#### 5 km", "The answer is 5 am.", "The answer is 5 cents."])
    other_unit = pl.Series(["#### 5 m", "The answer is 5 pm.", "The answer is $5."])
    without = pl.Series(["#### 5", "The answer is 5.", "The answer is 5."])

    assert compare_final_answers(original, other_unit)["final_answer_same"].to_list() == [False] * 3
    assert compare_final_answers(original, without)["final_answer_same"].to_list() == [True] * 3


def test_nothing_is_computed_or_run() -> None:
    assert normalize_answer("9**9**9**9") == "9**9**9**9"
    assert normalize_answer("2 \\times 10^{5}") == "2*10^5"
    assert normalize_answer("__import__('os')") == "__import__('os')"


def test_answers_compare_only_where_both_are_stated() -> None:
    original = pl.Series(["#### 4", "#### 4", "#### 4", "No end.", None])
    new = pl.Series(["\\boxed{4.0}", "\\boxed{5}", "Four, I think.", "\\boxed{4}", "\\boxed{4}"])
    compared = compare_final_answers(original, new)
    assert compared.schema == polars_schema(FINAL_ANSWERS)
    assert compared["final_answer_same"].to_list() == [True, False, None, None, None]


@given(st.fractions(max_denominator=999).filter(lambda value: abs(value) < 10**9))
def test_every_number_is_its_own_normal_form(value: Fraction) -> None:
    assert normalize_answer(str(value)) == str(value)
    assert normalize_answer(f"\\frac{{{value.numerator}}}{{{value.denominator}}}") == str(value)


@given(st.decimals(-(10**9), 10**9, places=3))
def test_separators_and_trailing_zeros_make_no_difference(value: object) -> None:
    assert (
        normalize_answer(f"${value:,}$")
        == normalize_answer(f"{value}00")
        == str(Fraction(str(value)))
    )


@given(TEXTS)
@example("The answer is: " + "9" * 200)
@example("answer " * 1_000 + "=" * 1_000)
def test_any_text_is_read(text: str) -> None:
    answer = ending(text)
    assert answer is None or 0 < len(answer) <= 100


GROUPED = "1" + ",000" * 1_500  # 4,501 digits, of which Python refuses to make a number


@pytest.mark.parametrize(
    "number",
    [
        *(GROUPED, GROUPED.replace(",", ""), f"-{GROUPED}.5", f"{GROUPED} dollars", f"${GROUPED}$"),
        *(
            "\u0661" + ",\u0660\u0660\u0660" * 1_500,
            f"1/{GROUPED}",
            f"{GROUPED}/3",
            f"1 {GROUPED}/3",
        ),
        *("1e999999999", "10**10**10", "9" * 100_000, "." + "9" * 5_000, f"{GROUPED} trillion"),
        *("\\frac{" + GROUPED + "}{2}", "\\frac{1}{" + "7" * 4_501 + "}"),
    ],
)
@pytest.mark.parametrize(
    "text",
    ["The answer is: {}", "\\boxed{{{}}}", "#### {}", "1 + 1 = {}", "{} = {} + 1 = {}", "{}"],
)
def test_a_number_of_thousands_of_digits_is_bounded_and_no_error(text: str, number: str) -> None:
    text = text.replace("{{{}}}", "{" + number + "}").replace("{}", number)
    assert len(ending(text) or "") <= 200
    assert all(len(found) <= 200 for found in find_numbers(text))
    assert GROUPED not in find_numbers(text)
