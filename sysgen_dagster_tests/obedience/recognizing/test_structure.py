"""Phrases that ask for a form: lists, headings, tables, code, JSON."""

import pytest

from sysgen_dagster_tests.obedience.recognized import asked, is_whole, kinds


@pytest.mark.parametrize(
    ("phrase", "kind"),
    [
        ("Use bullet points.", "bullets"),
        ("Use bullet points for clarity.", "bullets"),
        ("Use bullet points to list key points.", "bullets"),
        ("List each point in a bullet point.", "bullets"),
        ("Format your answer as a bulleted list.", "bullets"),
        ("Present the answer in bullet-point form.", "bullets"),
        ("Use a numbered list.", "numbered_items"),
        ("Present your answer as a numbered list.", "numbered_items"),
        ("Number each step.", "numbered_items"),
        ("Answer with a list.", "list_items"),
        ("Include a table.", "tables"),
        ("Present the data in a markdown table.", "tables"),
        ("Use headings.", "headings"),
        ("Use section headers to organize the answer.", "headings"),
        ("Use a code block.", "code_blocks"),
        ("Include a code example.", "code_blocks"),
        ("Bold the key terms.", "bold"),
        ("Use bold text for key terms.", "bold"),
        ("Use LaTeX.", "formulas"),
        ("Include comments in the code.", "code_comments"),
        ("Reply in JSON.", "json"),
        ("Return a valid JSON object.", "json"),
        ("Your entire output should be in JSON format.", "json"),
        ("Include a title.", "title"),
        ("Write in plain prose.", "prose"),
        ("Reply with only code.", "code_only"),
        ("Wrap your entire response in double quotation marks.", "quoted"),
        ("Show the calculation.", "equations"),
        ("Output only JSON.", "json"),
    ],
)
def test_a_form_is_recognised(phrase: str, kind: str) -> None:
    assert kinds(phrase) == [kind]
    assert is_whole(phrase)


def test_that_there_is_only_one_form_is_not_looked_at() -> None:
    assert asked("Use only bullet points.") == [("bullets", 1, None, ())]
    assert not is_whole("Use only bullet points.")


@pytest.mark.parametrize(
    ("phrase", "kind"),
    [
        ("Do not use bullet points.", "bullets"),
        ("No tables.", "tables"),
        ("Avoid using headings.", "headings"),
        ("Don't use code blocks.", "code_blocks"),
        ("Never use bold text.", "bold"),
        ("Use no numbered lists.", "numbered_items"),
    ],
)
def test_a_form_that_is_forbidden_is_recognised(phrase: str, kind: str) -> None:
    assert asked(phrase) == [(kind, None, 0, ())]


@pytest.mark.parametrize(
    ("phrase", "rule"),
    [
        ("Provide exactly 3 bullet points.", ("bullets", 3, 3, ())),
        ("Use at most five bullets.", ("bullets", None, 5, ())),
        ("Give a numbered list of five items.", ("numbered_items", 5, 5, ())),
        ("Present a bulleted list of 4 tips.", ("bullets", 4, 4, ())),
        ("Use at least two headings.", ("headings", 2, None, ())),
        ("Include at least three placeholders.", ("placeholders", 3, None, ())),
        ("Highlight at least 3 sections with markdown.", ("highlights", 3, None, ())),
    ],
)
def test_a_number_of_parts_is_recognised(phrase: str, rule: tuple[object, ...]) -> None:
    assert asked(phrase) == [rule]


@pytest.mark.parametrize(
    "phrase",
    [
        "Use clear, concise code.",
        "The user reads the answer on a list server.",
        "Sort the list.",
        "Explain what a table is.",
        "Implement a linked list.",
        "Use tables or lists.",
        "The code should follow the headings.",
        "Use bullet points where helpful.",
        "If there are many steps, use a numbered list.",
        "Use bullet points when listing more than three things.",
        "Analyze the JSON file that the user sends.",
    ],
)
def test_what_asks_for_no_form_of_every_answer_is_left_alone(phrase: str) -> None:
    assert kinds(phrase) == []


@pytest.mark.parametrize(
    ("phrase", "expected", "all_is_said"),
    [
        ("A list of options separated by commas.", ["comma_list"], True),
        ("The code with comments explaining the logic.", ["code_blocks", "code_comments"], True),
        (
            "A code snippet with comments explaining each part.",
            ["code_blocks", "code_comments"],
            False,
        ),
        ("A simple calculation with a clear answer.", ["equations", "states_result"], True),
        ("A JSON object with the center and radius.", ["json"], False),
        ("A list of steps with one instruction per line.", ["list_items"], False),
    ],
)
def test_a_phrase_that_only_names_a_form_asks_for_it(
    phrase: str, expected: list[str], all_is_said: bool
) -> None:
    assert kinds(phrase) == expected
    assert is_whole(phrase) is all_is_said
