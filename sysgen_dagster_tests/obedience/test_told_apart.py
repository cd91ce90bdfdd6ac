"""Which two results contradict each other, and which may be one in two notations."""

import polars as pl
import pytest

from sysgen_dagster.obedience.contradictions import compare_results


def result(original: str, new: str) -> str:
    said: str = compare_results(pl.Series([original]), pl.Series([new]))["result"][0]
    return said


def both_ways(one: str, other: str) -> set[str]:
    """What the second answer is beside the first and the other way round, as boxes."""
    boxes = [rf"\boxed{{{each}}}" for each in (one, other)]
    return {result(*boxes), result(*boxes[::-1])}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("5", "6"), ("5", "6 apples"), ("5 apples", "6 apples"), ("5 apples", "6 red apples")),
        *(("3, 5", "3"), ("3, 5", "3, 6"), ("(2,3)", "(3,2)"), ("x = 2, y = 3", "(3, 2)")),
        *(("3:2", "2:3"), ("5 am", "5 pm"), ("12:30", "12:45"), ("5 km", "6 km"), ("$5", "$6")),
        *(("B", "C"), ("B", "(C) 42"), ("(B) 42", "(C) 41"), ("Yes", "no"), ("True", "False")),
        *(("even", "odd"), ("Monday", "Friday")),
        *(("12", "5 + 8 = 13"), ("12", r"\text{Total} = 13"), ("12 V", "13 V"), ("25", "26°C")),
        *(("2/3", "one third"), ("2500000", r"\$2.5K"), ("1/3", "25%"), ("12 hours", "13 hrs")),
        *(("5", "6 (six)"), ("50", "about 12"), ("10/3", "about 5"), ("12", "14,000")),
        *(("64", "65 dollars and 0 cents"), ("2 pairs", "3 pairs")),
    ],
)
def test_two_results_of_one_kind_contradict(one: str, other: str) -> None:
    assert both_ways(one, other) == {"contradicts"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Two formulas.
        *(("x > 3", r"(3, \infty)"), ("[1,4]", r"1 \le x \le 4"), ("3 < x < 5", "(3,5)")),
        *((r"\emptyset", r"\text{no solution}"), (r"\mathbb{R}", r"(-\infty,\infty)")),
        (r"(-\infty,-2)\cup(2,\infty)", r"(2,\infty)\cup(-\infty,-2)"),
        *(("2x+3", "3+2x"), ("x^2+2x+1", "(x+1)^2"), ("3x + 2y = 6", "2y + 3x = 6")),
        *(("14k", "14"), ("14k", "15000"), ("5C", "6"), ("3K", "2000")),
        *((r"\frac{\sqrt2}{2}", r"\frac{1}{\sqrt2}"), ("x + y = 6", "2x + 2y = 12")),
        *(("x + 3 = 7", "x = 4"), ("x^2 = 4", r"x = \pm 2"), ("|x| = 3", r"x = \pm 3")),
        # What is not computed.
        *(
            ("9", r"\sqrt{81}"),
            ("200000", r"2 \times 10^5"),
            ("8", "2^3"),
            ("8", "2 to the third"),
            ("64", "32 + 32"),
        ),
        *(("6", "10 - 4"), ("64", "8 squared"), ("120", "5 factorial"), ("37.7", "12 pi")),
        # Two texts.
        *(("Alice", "Alice has more"), ("Yes", "Yes, it is."), ("March 3", "3 March")),
        *(("7:00", "seven in the evening"), ("0", "none"), ("3rd", "third"), ("12 pm", "noon")),
        # Results of two kinds.
        *(("5", "(2,3)"), ("2:30", "2.5 hours"), ("19:00", "7:00"), ("12", "(B)")),
        ("5", "5 students, 3 boys and 2 girls"),
        # Units that are not known, or measure something else.
        *(("3 TB", "3072 GB"), ("1 ton", "907 kg"), ("1 year", "365 days"), ("100°C", "212°F")),
        *(
            ("1 cup", "8 ounces"),
            ("60 miles per hour", "1 mile per minute"),
            ("1 fortnight", "14 d"),
        ),
        # About so much, or in a ratio that could be a time.
        *(("66.67", "approximately 67"), ("66.67", "roughly 67"), ("96", "around 100")),
        *((r"\frac{10}{3}", r"\approx 3"), ("12.4", "about 12"), ("6:4", "3:2")),
    ],
)
def test_what_may_be_one_result_in_two_notations_is_unread(one: str, other: str) -> None:
    assert both_ways(one, other) == {"unread"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("12", "12,000"), ("12.5", "12,500"), ("13:20", "1:20"), ("2:30", "1:15")),
        *(
            ("5", "5 squared"),
            ("2", "2M"),
            ("2", "2 hundred"),
            ("3", r"3 \pmod 7"),
            ("5", "5 or 6"),
        ),
        *((r"5\sqrt{2}\text{ cm}", r"5\sqrt{2}\text{ m}"), ("3x + 2y = 6", "2x + 5y = 6")),
        *(
            ("(B) 42", "(C) 42"),
            ("1100 m", "1101 m"),
            ("5 hours", "5 minutes"),
            ("3", "x = 5, y = 3"),
        ),
    ],
)
def test_two_results_that_only_look_alike_are_not_the_same(one: str, other: str) -> None:
    assert "same" not in both_ways(one, other)


@pytest.mark.parametrize(
    "new",
    [
        "Answer:\n1. Add 60 and 4.\n2. We have it.",
        "Answer: 1. First we add.\n2. Then we get sixty-four.",
        "**Answer:**\n1) Add.\n2) We have it.",
        "Answer:\n**1.** Add.\n**2.** We have it.",
        "Answer:\n\u2022 60 first\n\u2022 then four",
        "Answer:\n* 60 first\n* then four",
        "Answer:\n- 60 first\n- then four",
    ],
)
def test_the_first_item_of_a_list_is_no_answer(new: str) -> None:
    assert result("#### 64", new) == "unread"


@pytest.mark.parametrize("new", ["Answer:\n65. That is all.", "Answer: 65. We add.\nThen stop."])
def test_a_number_with_a_full_stop_is_no_list(new: str) -> None:
    assert result("#### 64", new) == "contradicts"


@pytest.mark.parametrize(
    "closing",
    [
        *(
            "The answer is 32 + 32.",
            "So she has 32 plus 32 apples.",
            "That makes roughly 70 apples.",
        ),
        *("So it costs around 70 dollars.", "It is 4 cubed.", "She has 5 lakh apples."),
        *(
            "That is a third of 192 apples.",
            "She has double the 32 apples.",
            "It is 32 pairs.",
            "She has 8 rows of 8 apples.",
        ),
    ],
)
def test_a_closing_number_that_has_to_be_computed_is_unread(closing: str) -> None:
    assert result("#### 64", f"We add them all.\n\n{closing}") == "unread"


@pytest.mark.parametrize(
    ("original", "new"),
    [
        (r"So $x = \boxed{3}$.", "2x = 6\nDivide by 2: x = 3\nCheck: 2(3) + 4 = 10"),
        ("#### 15", "2x = 30\nx = 15\n**Check:** 2 \u00d7 15 + 10 = 40."),
        ("The answer is: 24", "Tom has 24 marbles. (Proof: 24 + 6 = 30.)"),
        ("#### 6", "There are 6 cars, because 6 \u00d7 4 = 24 wheels and 24 + 6 = 30."),
        ("#### 6", "n = 6\nPlugging back: 4(6) + 6 = 30"),
        ("#### 13", "The difference is 20 - 7 = 13. Double check: 13 + 7 = 20"),
        ("#### 13", "It is thirteen, as 7 + 13 = 20"),
        ("The answer is: 1.5", "It is 1.5 m long, as 5 \u00d7 30 cm = 150 cm."),
    ],
)
def test_a_number_at_the_end_of_a_text_that_says_the_result_may_be_that_of_a_check(
    original: str, new: str
) -> None:
    assert result(original, new) in {"same", "unread"}


def test_a_marked_result_is_the_result_whatever_else_is_said() -> None:
    assert result("#### 64", r"60 + 4 = 64, so it is \boxed{65}.") == "contradicts"
