"""How what a model wrote of a preference set is read."""

import json

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from sysgen_dagster.lanes.multifaceted.replies import PARTS, read_reply
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS, label_of

WHOLE = {
    name: {
        "preference": f"much of {name.partition('_')[0]}",
        "description": f"What is asked about rivers is answered with an eye on {name} alone.",
    }
    for name in DIMENSIONS
}


def lines(form: str = "{label} {part}: {text}", between: str = "\n") -> str:
    """The whole set, each part in this form."""
    return between.join(
        form.format(label=label_of(name), part=part, text=text, n=n, Part=part.title(), coded=name)
        for n, (name, parts) in enumerate(WHOLE.items(), 1)
        for part, text in parts.items()
    )


FORMS = {
    "as wanted": lines(),
    "blank lines between": lines(between="\n\n"),
    "windows line ends": lines(between="\r\n"),
    "bold labels": lines("**{label} {part}:** {text}"),
    "bold labels, colon outside": lines("**{label} {part}**: {text}"),
    "bullets": lines("- {label} {part}: {text}"),
    "stars": lines("* {label} {part}: {text}"),
    "numbers": lines("{n}. {label} {part}: {text}"),
    "numbers in brackets": lines("({n}) {label} {part}: {text}"),
    "headings": lines("### {label} {part}: {text}"),
    "quoted lines": lines("> {label} {part}: {text}"),
    "capital parts": lines("{label} {Part}: {text}"),
    "underscores": lines("{coded}_{part}: {text}"),
    "a dash between": lines("{label} - {part}: {text}"),
    "an equals sign": lines("{label} {part} = {text}"),
    "a wide colon": lines("{label} {part}\uff1a{text}"),
    "texts in quotes": lines('{label} {part}: "{text}"'),
    "texts in emphasis": lines("{label} {part}: *{text}*"),
    "in brackets": lines("[{label}] {part}: {text}"),
    "text around it": f"Sure, here they are:\n\n{lines()}\n\nI hope this helps!",
    "a code block": f"```text\n{lines()}\n```",
    "JSON": json.dumps(WHOLE),
    "JSON with line ends": json.dumps(WHOLE, indent=2),
    "JSON in a code block": f"Here:\n```json\n{json.dumps(WHOLE, indent=1)}\n```\nDone.",
    "JSON by labels": json.dumps({label_of(name): parts for name, parts in WHOLE.items()}),
    "JSON in an object": json.dumps({"preferences": WHOLE}),
    "a list": json.dumps([{"dimension": name, **parts} for name, parts in WHOLE.items()]),
    "a list in an object": json.dumps(
        {"preference_set": [{"dimension": name, **parts} for name, parts in WHOLE.items()]}
    ),
    "flat JSON": json.dumps(
        {f"{name}_{part}": text for name, parts in WHOLE.items() for part, text in parts.items()}
    ),
    "JSON after brackets": f"[see below] {{x}} {json.dumps(WHOLE)}",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_whole_set_is_read_in_every_form_that_models_use(form: str) -> None:
    assert read_reply(FORMS[form]) == WHOLE


def test_a_description_goes_on_until_the_next_label_or_a_blank_line() -> None:
    text = "Style description: one\n  two\nStyle preference: so\n\nBye"

    assert read_reply(text) == {"style": {"description": "one two", "preference": "so"}}


def test_of_a_part_that_stands_there_twice_the_first_counts() -> None:
    assert read_reply("Style preference: first\nStyle preference: second") == {
        "style": {"preference": "first"}
    }


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize("part", PARTS)
def test_a_missing_line_is_missing_and_nothing_else_is(dimension: str, part: str) -> None:
    label = f"{label_of(dimension)} {part}:"
    left = "\n".join(line for line in lines().splitlines() if not line.startswith(label))
    found = read_reply(left)

    assert part not in found[dimension]
    assert sum(len(parts) for parts in found.values()) == 7


@pytest.mark.parametrize(
    "nothing", ["", "...", "\u2026", "-", "N/A", "none", "<two to six words>", "[preference]", "**"]
)
def test_a_place_that_was_left_as_it_was_says_nothing(nothing: str) -> None:
    assert read_reply(f"Style preference: {nothing}") == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot help with that.",
        "The style preference is hard to tell.",
        "Stylepreference",
        "{" * 5_000,
        "[" * 100_000,
        '{"style": ' * 2_000,
        '{"style": "short"}',
        '{"style": {"preference": 3, "description": null}}',
        "null",
        "Style preference:\n\nshort",
        "\ud800 Style",
    ],
)
def test_other_texts_give_nothing(text: str) -> None:
    assert read_reply(text) == {}


@given(
    st.lists(
        st.sampled_from([*lines().splitlines(), *FORMS["JSON"], "{", "}", "[", '"', ":", "\n", "*"])
        | st.text(max_size=20),
        max_size=30,
    ).map("".join)
)
@examples(max_examples=300)
def test_any_text_gives_texts_of_known_dimensions_and_parts(text: str) -> None:
    for dimension, parts in read_reply(text).items():
        assert dimension in DIMENSIONS
        assert parts.keys() <= {*PARTS}
        assert all(said.strip() and "\n" not in said for said in parts.values())
