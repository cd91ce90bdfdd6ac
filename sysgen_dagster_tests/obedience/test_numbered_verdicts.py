"""Verdicts of any label and any words; what `test_phrase_verdicts` says holds for all of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.obedience.numbered_verdicts import NumberedVerdicts

QUESTIONS = NumberedVerdicts("Question", ("Yes", "No", "Unclear"))
ENDED = "stop"
READ: dict[str, tuple[str, list[str | None]]] = {
    "as-asked": ("Question 1: Yes\nQuestion 2: No\nQuestion 3: Unclear", ["Yes", "No", "Unclear"]),
    "list": ("1. yes\n2) **No**", ["Yes", "No"]),
    "json": ('{"question_1": "Yes", "question_2": "No"}', ["Yes", "No"]),
    "table": ("| 1 | Yes |\n| 2 | No |", ["Yes", "No"]),
    "reason": ("Question 1: Yes, it is short.\nQuestion 2: The list is long. No.", ["Yes", "No"]),
    "said-twice": ("Question 1: No, there is no list.", ["No"]),
    "named-before": ("Question 1 is about a list.\nQuestion 1: Yes", ["Yes"]),
    "both": ("Question 1: Yes and no.", [None]),
    "a-fault-that-was-asked-for": ("Question 1: Yes, it omits the date.", ["Yes"]),
    "corrected": ("Question 1: Yes\nQuestion 1: No", [None]),
    "other-label": ("Phrase 1: Yes", [None]),
    "other-word": ("Question 1: Kept", [None]),
    "within-a-word": ("Question 1: Yesterday", [None]),
    "nothing": ("", [None]),
}


@pytest.mark.parametrize(("text", "verdicts"), READ.values(), ids=READ)
def test_a_reply_is_read_by_its_label_and_words(text: str, verdicts: list[str | None]) -> None:
    assert QUESTIONS.parse(text, len(verdicts), ENDED) == verdicts


def test_the_last_line_of_a_reply_that_was_cut_is_not_read() -> None:
    text = "Question 1: Yes\nQuestion 2: Yes, bu"
    assert QUESTIONS.parse(text, 2, ENDED) == ["Yes", "Yes"]
    assert QUESTIONS.parse(text, 2, CUT) == ["Yes", None]
    assert QUESTIONS.parse('{"question_1": "Yes", "questi', 2, CUT) == [None, None]


# Ways to put two things together, and what stands between two such pairs. A judge may say the part
# first or the verdict first.
LINES = [
    *("{0}: {1}", "{0} - {1}", "{0} -> {1}", "{0} {1}", "{0}, {1}", "{0} # {1}", "{0}. {1}"),
    *("**{0}** ({1})", "[{0}] {1}", "({0}) {1}", "- **{0}**: {1}", "| {0} | {1} |"),
    *('{{"x": "{0}", "y": "{1}"}},', '"{0}": ["{1}"],', "<{0}>{1}</{0}>"),
]
BLOCKS = [
    *("{0}\n{1}", "{0}\n\n{1}", "## {0}\n{1}", "**{0}**\n- {1}", "{0}:\n{1}", "### {0}\n\n### {1}"),
    *("- x: {0}\n  y: {1}", '{{\n"verdict": "{0}",\n"x": "{1}"\n}},', '"{0}": [\n"{1}"\n],'),
    "Here they are {0}:\n{1}",
]
LAYOUTS = [
    *((line, join) for line in LINES for join in ("\n", "\n\n", ", ", "; ", " ")),
    *((block, join) for block in BLOCKS for join in ("\n", "\n\n")),
]


@pytest.mark.parametrize(("pair", "join"), LAYOUTS)
@pytest.mark.parametrize("last", ["", "\n\nUnclear: none", "\n\nNone is unclear."])
def test_a_verdict_that_stands_before_its_part_is_never_the_neighbour_s(
    pair: str, join: str, last: str
) -> None:
    said = ["Yes", "No", "No", "Yes", "Unclear", "No"]
    named = [f"Question {number}" for number in range(1, len(said) + 1)]
    for first, second in ((named, said), (said, named)):
        text = join.join(map(pair.format, first, second)) + last
        read = QUESTIONS.parse(text, len(said), ENDED)
        misread = [
            each for each, meant in zip(read, said, strict=True) if each not in (meant, None)
        ]
        assert misread == [], text


VERDICTS_FIRST = {
    "headings": "## Yes\nQuestion 1\nQuestion 2\n## No\nQuestion 3",
    "headings-in-words": "Those with yes:\n- Question 1\nThose with no:\n- Question 2",
    "another-form-above": "These are fine.\nQuestion 1\nNo:\nQuestion 2",
    "one-form-after-the-other": "Question 1: Yes\n\nNo\nQuestion 2\nUnclear\nQuestion 3",
    "lists": '{"yes": ["question_1"], "no": ["question_2"], "unclear": []}',
    "lists-in-lines": '{"yes": [],\n"no": [\n"question_1"\n],\n"unclear": [\n"question_2"\n]}',
    "an-empty-list-before": '{"yes": [], "no": ["question_1"], "unclear": ["question_2"]}',
    "lists-over-lines": "Yes: Question 1,\nQuestion 2; No: Question 3",
    "numbers-alone": "Yes:\n1\n2\nNo:\n3",
    "sums": "2 are yes\n1 is no",
    "sums-in-order": "1 is yes\n2 are no",
    "short-sums": "2 yes\n1 no",
}


@pytest.mark.parametrize("text", VERDICTS_FIRST.values(), ids=VERDICTS_FIRST)
def test_parts_under_a_verdict_have_none_of_what_stands_behind_them(text: str) -> None:
    read = QUESTIONS.parse(text, 3, ENDED)
    assert read == (["Yes", None, None] if text.startswith("Question 1: Yes") else [None] * 3)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("Let me say whether each is a yes:", id="what is asked"),
        pytest.param("Verdicts (Yes, No or Unclear):", id="the words to choose from"),
        pytest.param("There is no list in the answer.", id="a sentence"),
        pytest.param("No problem! Here are the verdicts:", id="a sentence before the last one"),
    ],
)
@pytest.mark.parametrize("form", ["### {0}\n{1}\n", "{0}: {1}", "{0}\n\n{1}\nNo list was asked.\n"])
def test_a_word_before_the_first_part_need_not_be_a_verdict(before: str, form: str) -> None:
    lines = [form.format("Question 1", "Yes"), form.format("Question 2", "No")]
    assert QUESTIONS.parse("\n".join([before, "", *lines]), 2, ENDED) == ["Yes", "No"]


def test_bare_numbers_are_of_parts_where_they_are_those_of_all() -> None:
    assert QUESTIONS.parse("1 Yes\n2 is no\n3 Yes", 3, ENDED) == ["Yes", "No", "Yes"]


@given(st.lists(st.sampled_from(QUESTIONS.words), min_size=1, max_size=40))
def test_what_is_in_the_form_is_read_whole(words: list[str]) -> None:
    text = "\n".join(f"Question {at}: {word}" for at, word in enumerate(words, 1))
    assert QUESTIONS.parse(text, len(words), ENDED) == words


def test_each_kind_of_server_is_held_to_the_same_lines() -> None:
    held_to = QUESTIONS.constraint(2, {"Declines": ("Yes", "No")})
    assert held_to.structured["regex"] == (
        r"Question 1: (Yes|No|Unclear)\nQuestion 2: (Yes|No|Unclear)\nDeclines: (Yes|No)"
    )
    assert held_to.grammar.count('"Question ') == 2
    assert held_to.schema is not None
    assert held_to.schema["required"] == ["question_1", "question_2", "declines"]
