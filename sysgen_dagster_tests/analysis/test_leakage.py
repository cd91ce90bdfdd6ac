"""Whether a system message contains parts of the original answer."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.analysis.leakage import measure_leakage
from sysgen_dagster.analysis.tables import LEAKAGE
from sysgen_dagster.tables.table import polars_schema

Row = dict[str, float | int | bool | None]
ANSWER = "Ice floats because the open lattice of frozen water takes up more room than the liquid."
FEW_WORDS = st.lists(st.sampled_from("abc"), max_size=12)


def measured(**texts: str | None) -> Row:
    names = ("question", "answer", "content", "system_message", "final_answer")
    columns = [pl.Series([texts.get(name)], dtype=pl.String) for name in names]
    return measure_leakage(*columns).row(0, named=True)


def copied(content: str | None, answer: str = ANSWER, question: str = "") -> tuple[object, object]:
    row = measured(content=content, answer=answer, question=question)
    return row["content_copied_share"], row["content_longest_copy"]


def leaked(message: str, final_answer: str | None, question: str = "How many?") -> object:
    row = measured(system_message=message, final_answer=final_answer, question=question)
    return row["final_answer_leaked"]


def test_content_that_repeats_the_answer_is_copied_whatever_its_case_and_signs() -> None:
    assert copied("ICE floats, because: the open lattice") == (1.0, 6)


def test_content_in_its_own_words_is_not_copied() -> None:
    assert copied("Explain why solids of this substance rise in their melt.") == (0.0, 1)
    assert copied("Mention buoyancy, hydrogen bonds, and lakes in winter.") == (0.0, 0)


def test_the_share_is_of_all_runs_of_five_words() -> None:
    # Eight words, four runs; "the open lattice of frozen water" holds two of them.
    assert copied("Say that the open lattice of frozen water") == (2 / 4, 6)


def test_words_of_the_question_are_not_copied_from_the_answer() -> None:
    question = "Is it so that ice floats because the open lattice of frozen water is light?"
    assert copied("ice floats because the open lattice", question=question) == (0.0, 0)
    assert copied("of frozen water takes up more room", question=question) == (1.0, 7)


def test_content_of_less_than_five_words_has_a_longest_copy_but_no_share() -> None:
    assert copied("the open lattice") == (None, 3)


def test_without_content_its_measures_are_null() -> None:
    assert copied(None) == (None, None)
    assert copied("...") == (None, 0)


def test_content_beyond_the_token_limit_is_not_read() -> None:
    assert copied("word " * 5_000, answer="word " * 5_000) == (1.0, 1_000)


@given(FEW_WORDS, FEW_WORDS, FEW_WORDS)
def test_the_figures_are_those_of_a_search_for_every_run(
    content: list[str], answer: list[str], question: list[str]
) -> None:
    def holds(text: list[str], run: list[str]) -> bool:
        return f" {' '.join(run)} " in f" {' '.join(text)} "

    def is_copied(run: list[str]) -> bool:
        return holds(answer, run) and not holds(question, run)

    runs = [content[i:j] for i in range(len(content)) for j in range(i + 1, len(content) + 1)]
    grams = [is_copied(run) for run in runs if len(run) == 5]
    share = sum(grams) / len(grams) if grams else None
    longest = max((len(run) for run in runs if is_copied(run)), default=0)
    assert copied(" ".join(content), " ".join(answer), " ".join(question)) == (share, longest)


@pytest.mark.parametrize(
    ("message", "final_answer"),
    [
        ("The result should be 1,200 dollars.", "1200"),
        ("Conclude with $x = \\frac{1}{2}$.", "1/2"),
        ("Note that it equals 0.5 of all.", "1/2"),
        ("State that the point is (-2, 3).", "(-2,3)"),
        ("Explain that Evelyn was fastest.", "evelyn"),
    ],
)
def test_a_message_that_holds_the_final_answer_leaks_it(message: str, final_answer: str) -> None:
    assert leaked(message, final_answer) is True


@pytest.mark.parametrize(
    ("message", "final_answer"),
    [
        ("Show every step.", "1200"),
        ("Use 12003 characters, item A1200, or 1200.5.", "1200"),
        ("A page of 12 lines.", "1/2"),
        ("Work in the evening.", "even"),
    ],
)
def test_a_similar_number_or_word_is_no_leak(message: str, final_answer: str) -> None:
    assert leaked(message, final_answer) is False


def test_a_final_answer_that_the_question_contains_is_no_leak() -> None:
    assert leaked("Mind the 250 guests.", "250", question="There are 250 guests ...") is False


@pytest.mark.parametrize("final_answer", [None, "3", "b"])
def test_leakage_of_no_answer_or_a_single_character_is_null(
    final_answer: str | None,
) -> None:
    assert leaked("Answer in 3 steps: a, b, c.", final_answer) is None


def test_the_columns_are_those_of_the_table() -> None:
    empty = pl.Series([], dtype=pl.String)
    assert measure_leakage(*[empty] * 5).schema == polars_schema(LEAKAGE)
