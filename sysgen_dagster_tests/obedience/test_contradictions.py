"""Whether new answers have the results of the original ones."""

from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.obedience.contradictions import RESULTS, Result, compare_results
from sysgen_dagster_tests.obedience.test_final_answers import PIECES

TRICKY = yaml.safe_load(Path(__file__).with_name("tricky_results.yaml").read_text("utf-8"))
SOUND = "Use this:\n```python\nprint(1)\n```"
BROKEN = "Use this:\n```python\nprint(1\n```"
BASH = "Use this:\n```bash\necho 1\n```"


def compared(original: str | None, new: str | None) -> tuple[str | None, str | None]:
    """Result and kind of one pair."""
    table = compare_results(
        pl.Series([original], dtype=pl.String), pl.Series([new], dtype=pl.String)
    )
    assert table.schema == RESULTS
    row: tuple[str | None, str | None] = table.row(0)
    return row


@pytest.mark.parametrize(
    ("original", "new"),
    [
        ("She needs 3 + 2 = 5.\n#### 5", "Betty needs $25. The answer is: 25"),
        ("The answer is: 48", r"So $x = \boxed{32}$."),
        ("4 * 12 = 48. There are 48 slices.", "2 * 16 = 32. There are 32 slices."),
        (r"\boxed{\frac12}", r"\boxed{\frac13}"),
        ("The answer is: B", "The answer is: C"),
        ("#### 1,200", "The answer is: 12,000"),
        ("#### -7", "#### 7"),
    ],
)
def test_another_final_answer_contradicts(original: str, new: str) -> None:
    assert compared(original, new) == ("contradicts", "final_answer")
    assert compared(new, original) == ("contradicts", "final_answer")


@pytest.mark.parametrize(
    ("original", "new"),
    [
        ("3 + 2 = 5.\n#### 5", "As a pirate I say: arr!\n\nThe answer is: $5.00"),
        (r"\boxed{\frac12}", "The answer is: 0.5"),
        ("#### 1,000", "500 + 500 = 1000. The total is 1000."),
        ("The answer is: (B)", "The final answer is: B"),
    ],
)
def test_an_equal_final_answer_is_the_same_however_it_is_written(original: str, new: str) -> None:
    assert compared(original, new) == ("same", "final_answer")


@pytest.mark.parametrize("new", ["Think of apples.", "Let me ask you: what is 3 + 2?", ""])
def test_a_new_answer_that_states_no_final_answer_is_unread_and_no_contradiction(new: str) -> None:
    assert compared("#### 5", new) == ("unread", "final_answer")


def test_code_that_does_not_parse_contradicts_code_that_did() -> None:
    assert compared(SOUND, BROKEN) == ("contradicts", "python")
    assert compared(SOUND, f"{SOUND}\n{BROKEN}") == ("contradicts", "python")
    assert compared(SOUND, f"{SOUND}\n{SOUND}") == ("same", "python")
    assert compared(SOUND, "First import it, then call it.") == ("unread", "python")


@pytest.mark.parametrize(
    "original", [BROKEN, BASH, f"{SOUND}\n{BROKEN}", "Call it.", "It was 1912."]
)
@pytest.mark.parametrize("new", [SOUND, BROKEN, "The answer is: 3"])
def test_an_original_answer_without_a_sound_result_is_contradicted_by_nothing(
    original: str, new: str
) -> None:
    assert compared(original, new) == ("none", None)


def test_where_both_kinds_are_stated_one_contradiction_is_enough() -> None:
    both = f"{SOUND}\n\\boxed{{5}}"

    assert compared(both, f"{SOUND}\n\\boxed{{6}}") == ("contradicts", "final_answer")
    assert compared(both, f"{BROKEN}\n\\boxed{{5}}") == ("contradicts", "python")
    assert compared(both, both) == ("same", "final_answer")
    assert compared(both, SOUND) == ("same", "python")
    assert compared(both, "No.") == ("unread", "final_answer")


@pytest.mark.parametrize("pair", [(None, "#### 5"), ("#### 5", None), (None, None)])
def test_without_one_of_the_answers_there_is_no_result(pair: tuple[str | None, str | None]) -> None:
    assert compared(*pair) == (None, None)


def test_the_rows_stay_in_their_order() -> None:
    table = compare_results(
        pl.Series(["#### 1", None, SOUND, "Hi"]), pl.Series(["#### 2", "#### 2", SOUND, "#### 2"])
    )

    assert table.rows() == [
        ("contradicts", "final_answer"),
        (None, None),
        ("same", "python"),
        ("none", None),
    ]


def test_no_pairs_give_no_rows() -> None:
    nothing = pl.Series([], dtype=pl.String)

    assert compare_results(nothing, nothing).schema == RESULTS


def test_tricky_results_are_read_as_meant_or_not_at_all() -> None:
    original, new, label = (pl.Series(column) for column in zip(*TRICKY, strict=True))
    result = compare_results(original, new)["result"]
    read = pl.DataFrame(
        [original.alias("original"), new.alias("new"), label.alias("label"), result]
    )

    is_right = pl.col("result") == pl.col("label")
    assert read.filter(~is_right & (pl.col("result") != "unread")).rows() == []
    assert read.select(is_right.mean()).item() >= 0.9


@pytest.mark.parametrize(
    ("original", "new", "result"),
    [
        ("#### 5", "Betty has 95 dollars. So Betty needs $25 more.", "contradicts"),
        ("#### 5", "So Betty needs $5 more.", "same"),
        ("#### 5", "She has 15. Of these 5 are new. So she keeps 10 coins.", "unread"),
        ("#### 5", "Would she need $25 more?", "unread"),
        ("#### 5", "To check: she needs $25 more.", "unread"),
        ("#### 5", "She needs 25 or 30 dollars.", "unread"),
        ("#### 5", "She needs 25% more.", "unread"),
        ("#### 5", "It takes her 25 minutes.", "unread"),
        ("It takes 5 minutes. #### 5\n#### 5", "It takes her 25 minutes.", "contradicts"),
        ("#### 5", "- She keeps 25 coins", "unread"),
        ("#### 5", "```python\nprint(25)\n```\nThis prints 25 as the result.", "unread"),
        ("The answer is: B", "So she needs $25 more.", "unread"),
        ("It opened in 1889.", "It was opened in 1890.", "none"),
    ],
)
def test_the_only_number_of_a_closing_sentence_is_the_result(
    original: str, new: str, result: str
) -> None:
    assert compared(original, new)[0] == result


@pytest.mark.parametrize(
    ("number", "rounded"),
    [("10/3", "3.33"), ("2/3", "0.67"), ("12.57", "12.6"), ("3.14159", "3.14"), ("66.67", "66.7")],
)
def test_a_rounded_number_is_the_same(number: str, rounded: str) -> None:
    pair = f"The answer is: {number}", f"The answer is: {rounded}"
    assert compared(*pair)[0] == compared(*pair[::-1])[0] == "same"


@pytest.mark.parametrize(
    ("number", "other"),
    [("10/3", "3"), ("2.45", "2.5"), ("12.5", "13"), ("3.33", "3.34"), ("10/3", "3.35")],
)
def test_a_number_that_is_no_rounding_contradicts(number: str, other: str) -> None:
    pair = f"The answer is: {number}", f"The answer is: {other}"
    assert compared(*pair)[0] == compared(*pair[::-1])[0] == "contradicts"


@pytest.mark.parametrize("shell", ["pip install numpy", "$ python app.py", "python3 app.py"])
def test_commands_that_are_marked_as_python_are_none(shell: str) -> None:
    assert compared(SOUND, f"```python\n{shell}\n```")[0] == "unread"
    assert compared(SOUND, f"```python\n{shell}\n```\n{SOUND}")[0] == "same"


@pytest.mark.parametrize("stated", [r"\boxed{\frac{5}{0}}", "The answer is: 1/0", r"\boxed{5/00}"])
def test_a_zero_denominator_is_no_number_and_no_error(stated: str) -> None:
    assert (
        compared("#### 5", stated) == compared(stated, "#### 5") == ("contradicts", "final_answer")
    )
    assert compared(stated, stated) == ("same", "final_answer")


@given(*2 * [st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)])
def test_any_two_texts_are_compared(original: str, new: str) -> None:
    assert compared(original, new)[0] in set(Result)


@pytest.mark.parametrize(
    "new",
    [
        "Therefore, x = 5 or x = 3.",
        "The solutions are x = 3 and x = 5.",
        "x = 3 or x = 5",
        "3 and 5",
    ],
)
def test_two_solutions_are_read_as_two(new: str) -> None:
    assert compared(r"The roots are \boxed{3} and \boxed{5}.", new)[0] == "same"
    assert compared(r"\boxed{3}", new)[0] in {"unread", "contradicts"}
    assert compared(new, r"\boxed{7}")[0] == "none"


@pytest.mark.parametrize(
    ("original", "new", "other"),
    [
        ("#### 2.5", "Die Antwort ist 2,5 Euro.", "Die Antwort ist 3,5 Euro."),
        ("#### 1800", "Die Antwort ist 1.800 Euro.", "Die Antwort ist 1.900 Euro."),
        ("#### 1800.5", "3601 / 2 = 1.800,50 Euro.", "3601 / 2 = 1.800,60 Euro."),
        ("#### 2.5", r"\boxed{2,5}", r"\boxed{2,6}"),
        ("#### 100000", "The answer is Rs. 1,00,000.", "The answer is Rs. 1,00,001."),
        ("#### -5", "The answer is negative 5.", "The answer is 5."),
        ("#### -5", "Die Antwort ist minus 5.", "Die Antwort ist minus 6."),
        ("#### 90", "The answer is 1.5 hours.", "The answer is 1.6 hours."),
    ],
)
def test_a_number_in_another_notation_is_read_in_both_ways(
    original: str, new: str, other: str
) -> None:
    assert compared(original, new)[0] == "same"
    assert compared(original, other)[0] == "contradicts"


@pytest.mark.parametrize(
    ("original", "new", "result"),
    [
        *[("#### 21", new, "contradicts") for new in ("14", "**14**", "$14", "x = 14", "14.")],
        *[("#### 21", new, "contradicts") for new in ("Fourteen", "= 14 berries", "Total:\n14")],
        *[("#### 21", new, "same") for new in ("21", "twenty-one", "3 weeks", "**$21.00**")],
        *[("#### 21", new, "unread") for new in ("- 14", "14-ish", "y + 14", "A dozen, I think.")],
        *[("The answer is: B", new, "contradicts") for new in ("C", "(C)", "Option C.", "**c**")],
        *[("The answer is: B", new, "same") for new in ("B", "(b)", "Option B.")],
        *[("The answer is: B", new, "unread") for new in ("14", "Because of C")],
        ("The answer is: Evelyn", "Evelyn!", "same"),
        ("The answer is: Evelyn", "Her sister.", "unread"),
    ],
)
def test_an_answer_that_is_nothing_but_a_result_is_read(
    original: str, new: str, result: str
) -> None:
    assert compared(original, new)[0] == result


@pytest.mark.parametrize(
    ("original", "new", "result"),
    [
        ("#### 73000", "That is 5200km + 290km = 5490km in a year.", "contradicts"),
        ("#### 35", "41 - 4.8 = 36.2 feet\n\nThat's how long your rope is!", "contradicts"),
        ("#### 35", "41 - 4.8 = 36.2 feet\n\nThat's one of two steps!", "unread"),
        ("It is $39.\n#### 39", "You would pay $33 for 1 large and 3 small ones.", "contradicts"),
        ("It is $39.\n#### 39", "Each costs you $13 in a set of 3.", "unread"),
        ("It is 39.\n#### 39", "You would pay $33 for 1 large and 3 small ones.", "unread"),
        ("#### 5", r"There are 10 members of the set $\{1, 2, 5\}$.", "contradicts"),
        ("#### 20", "So Sue now has 16 books and 4 movies.", "unread"),
    ],
)
def test_what_small_models_close_with_is_read_where_it_is_sure(
    original: str, new: str, result: str
) -> None:
    assert compared(original, new)[0] == result
