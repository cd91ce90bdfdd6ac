"""What a reader sees in an answer: lines, words, sentences, paragraphs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.obedience.verifying.answers import Answer
from sysgen_dagster.obedience.verifying.lines import LineKind

CODE = "```python\nx = 1  # One. Two. Three.\nprint(x)\n```"
FORMULA = "\\[\nx = \\frac{1}{2}\n\\]"
TABLE = "| a | b |\n|---|---|\n| 1 | 2 |"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Some text.", LineKind.TEXT),
        ("# Head", LineKind.HEADING),
        ("###### Head", LineKind.HEADING),
        ("- item", LineKind.BULLET),
        ("* item", LineKind.BULLET),
        ("+ item", LineKind.BULLET),
        ("\u2022 item", LineKind.BULLET),
        ("1. item", LineKind.NUMBERED),
        ("2) item", LineKind.NUMBERED),
        ("***", LineKind.DIVIDER),
        ("---", LineKind.DIVIDER),
        ("* * *", LineKind.DIVIDER),
        ("", LineKind.BLANK),
        ("#hashtag", LineKind.TEXT),
        ("-5 degrees", LineKind.TEXT),
        ("**bold** text", LineKind.TEXT),
        ("3.5 kilograms", LineKind.TEXT),
        ("2024 was long.", LineKind.TEXT),
        ("A. Smith wrote it.", LineKind.LETTERED),
        ("\u2013 a dash", LineKind.TEXT),
    ],
)
def test_a_line_is_read_as_what_it_is(line: str, kind: LineKind) -> None:
    assert Answer(f"before\n{line}\nafter").lines[1].kind is kind


def test_what_stands_in_code_is_code() -> None:
    answer = Answer("```\n# no head\n- no item\n\n| no | table |\n```\n- item")
    assert [line.kind for line in answer.shown] == [LineKind.CODE] * 4 + [LineKind.BULLET]
    assert answer.code_blocks == 1
    assert Answer(f"{CODE}\n{CODE}").code_blocks == 2
    assert Answer("````\n```\nx\n```\n````").code_blocks == 1
    assert Answer("```py\nnever closed").code_blocks == 1
    assert Answer("```one line``` is no block").code_blocks == 0


@pytest.mark.parametrize(
    ("text", "fewest", "most"),
    [
        ("One two three.", 3, 3),
        ("A well-known, 3.5 kg dog.", 5, 7),
        ("Don't go.", 2, 3),
        ("**Bold** and _italic_ words", 4, 4),
        ("See https://example.org/a/b now.", 2, 7),
        ("", 0, 0),
        # Vowel signs and accents that are signs of their own end no word.
        ("\u0939\u093f\u0928\u094d\u0926\u0940 \u092e\u0947\u0902", 2, 2),
        ("\u0ba8\u0bbe\u0ba9\u0bcd \u0baa\u0b9f\u0bbf\u0ba4\u0bcd\u0ba4\u0bc7\u0ba9\u0bcd", 2, 2),
        ("\u0645\u064e\u0631\u0652\u062d\u064e\u0628\u064b\u0627", 1, 1),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", 1, 1),
        ("Cafe\u0301 ole\u0301", 2, 2),
        ("well\u2011known", 1, 2),
        ("\u4eca\u5929\u5f88\u597d", 1, 5),
    ],
)
def test_words_are_counted_as_few_and_as_many_as_readers_would(
    text: str, fewest: int, most: int
) -> None:
    assert Answer(text).words == (fewest, most)


@pytest.mark.parametrize(
    ("text", "prose"),
    [
        ("See www.example.com/a for more.", "See \ufffc for more."),
        ("See https://example.com/a for more.", "See \ufffc for more."),
        ("It is *bold* text.", "It is bold text."),
        ("It is _so_ now.", "It is so now."),
        ("> It is quoted.", "It is quoted."),
        ("It is \\(x + 1\\) now.", "It is \ufffc now."),
        ("It is $x + 1$ now.", "It is \ufffc now."),
        ("It is `x + 1` now.", "It is \ufffc now."),
    ],
)
def test_prose_has_no_marks_and_a_sign_for_what_is_cut_out(text: str, prose: str) -> None:
    assert Answer(text).prose == prose


def test_a_fence_may_stand_in_a_quotation() -> None:
    assert Answer("Run it:\n> ```\n> ls\n> ```\nDone.").code == "> ls"


@pytest.mark.parametrize("other", [CODE, FORMULA, "$x + y$", "`f(x) = y`", TABLE])
def test_code_formulas_and_tables_widen_the_count(other: str) -> None:
    answer = Answer(f"Two words.\n\n{other}")
    assert answer.words[0] == 2
    assert answer.words[1] > 2
    assert answer.sentences[0] == 1


@pytest.mark.parametrize(
    ("text", "fewest", "most"),
    [
        ("One paragraph. It has two sentences.", 1, 1),
        ("One.\n\nTwo.", 2, 2),
        ("One.\nStill one, or two.", 1, 2),
        ("# Head\n\nOne.", 1, 2),
        ("One.\n\n- item\n- item", 1, 3),
        (f"One.\n\n{CODE}", 1, 2),
        ("Here it is:\n\nOne.", 1, 2),
        ("", 0, 0),
    ],
)
def test_paragraphs_are_counted_as_few_and_as_many_as_readers_would(
    text: str, fewest: int, most: int
) -> None:
    assert Answer(text).paragraphs == (fewest, most)


@given(st.text("ab .,!?\n#*-|`$\\[]()1\u4eca\u3002", max_size=200))
def test_the_smallest_count_is_never_above_the_largest(text: str) -> None:
    answer = Answer(text)
    for fewest, most in (answer.words, answer.sentences, answer.paragraphs):
        assert 0 <= fewest <= most


@pytest.mark.parametrize(
    "part", ["`", "$", "\\(", "a ", ". ", "**", "|", "```\n", "- \n", "* ", "_", "\\[", "[", "1. "]
)
def test_a_long_answer_is_read_in_no_time(part: str) -> None:
    answer = Answer(part * 20_000)
    assert answer.words[0] <= answer.words[1]
    assert answer.sentences[0] <= answer.sentences[1]
