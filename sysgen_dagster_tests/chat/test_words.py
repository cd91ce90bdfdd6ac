"""Words in any script, and how much a text says."""

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sysgen_dagster.chat.words import (
    WORD,
    count_words,
    english_length,
    english_length_of,
    list_stems,
    list_words,
)


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("Short, and PLAIN!", ["short", "and", "plain"]),
        ("用Python解释", ["用", "python", "解", "释"]),
        ("かな カナ", ["か", "な", "カ", "ナ"]),
        ("\u0e19\u0e49\u0e33", ["\u0e19", "\u0e49", "\u0e33"]),
        ("짧고 명확하게", ["짧고", "명확하게"]),
        ("", []),
    ],
)
def test_words_are_runs_of_letters_or_single_characters_of_scripts_without_blanks(
    text: str, listed: list[str]
) -> None:
    assert list_words(text) == tuple(listed)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("short and to the point", 5),
        ("a b c, d,_e,_f,_g", 7),
        ("up-to-date & clear", 2),
        ("don't", 1),
        ("простой язык", 2),
        ("짧고 명확하게", 2),
        ("简短明了", 2),
        ("简短", 1),
        ("シンプルな表現", 3),
        ("データ", 1),
        ("สั้นและตรงประเด็น", 4),
        ("用Python解释", 3),
        (" ... ", 0),
        ("", 0),
    ],
)
def test_where_no_blanks_part_words_as_many_count_as_say_the_same_in_english(
    text: str, words: int
) -> None:
    assert count_words(text) == words


@pytest.mark.parametrize(
    ("text", "characters"),
    [("Be brief.", 9), ("简短。", 7), ("データ", 6), ("짧고", 4), ("น้ำ", 3), ("", 0), (None, None)],
)
def test_the_length_of_a_text_is_that_of_english_that_says_as_much(
    text: str | None, characters: int | None
) -> None:
    assert english_length(pl.Series([text], dtype=pl.String)).to_list() == [characters]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("explained", "Explaining"),
        ("Erkl\u00e4rung", "erkl\u00e4rt"),
        ("명확하게", "명확한"),
        ("避开危险", "没有危险"),
    ],
)
def test_what_inflection_changes_has_the_same_stem(one: str, other: str) -> None:
    assert list_stems(one) & list_stems(other)


def test_short_words_have_no_stem() -> None:
    assert list_stems("It is so and not the way") == frozenset()


ASCII = st.text(st.characters(max_codepoint=127)) | st.text("aB1 _,;'-\n")


@given(ASCII | st.text())
@example("a__b,c;;d 1-2 --- \x1f\x1cx")
def test_ascii_is_read_as_any_other_text(text: str) -> None:
    column = pl.Series([text])
    assert count_words(f"{text} \u00e9") == count_words(text) + 1
    assert english_length_of(text) == english_length(column).item()
    listed = column.str.to_lowercase().str.extract_all(WORD).item()
    assert list_words(text) == tuple(listed)
