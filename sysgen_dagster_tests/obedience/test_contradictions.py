"""Whether new answers have the results of the original ones."""

import polars as pl
import pytest

from sysgen_dagster.obedience.contradictions import RESULTS, compare_results

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
