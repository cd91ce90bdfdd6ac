"""What is read of a reply with a rubric."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysgen_dagster.lanes.multifaceted.bench.rubric_replies import CRITERION, PARTS, read_rubric

WANTED = {
    CRITERION: "Are terms explained?",
    **{str(level): f"{level} in five are." for level in range(1, 6)},
}
LINES = [f"Criterion: {WANTED[CRITERION]}", *(f"Score {n}: {WANTED[n]}" for n in PARTS[1:])]
FLAT = {CRITERION: WANTED[CRITERION], **{f"score_{level}": WANTED[level] for level in PARTS[1:]}}
NESTED = {
    "criteria": WANTED[CRITERION],
    "score_descriptions": {level: WANTED[level] for level in PARTS[1:]},
}
LISTED = {"rubric": {"criterion": WANTED[CRITERION], "levels": [WANTED[n] for n in PARTS[1:]]}}


@pytest.mark.parametrize(
    "reply",
    [
        "\n".join(LINES),
        "\n\n".join(LINES),
        "\r\n".join(LINES),
        "Here it is:\n\n" + "\n".join(f"- **{line.replace(':', ':**', 1)}" for line in LINES),
        "\n".join([LINES[0], *LINES[:0:-1]]),
        "\n".join(line.upper().replace("SCORE ", "level ") for line in LINES),
        "\n".join([LINES[0], *(f"{n}. {WANTED[n]}" for n in PARTS[1:])]),
        "\n".join([LINES[0], *(f"{n}/5 - {WANTED[n]}" for n in PARTS[1:])]),
        "\n".join(f"{at}. {line}" for at, line in enumerate(LINES, 1)),
        "\n".join(line.replace(" in five", "\n  in five") for line in LINES),
        "\n".join(["```", *LINES, "```"]),
        json.dumps(FLAT),
        f"```json\n{json.dumps(FLAT, indent=2)}\n```",
        json.dumps(NESTED),
        json.dumps(LISTED),
    ],
)
def test_what_models_make_of_the_six_lines_is_read(reply: str) -> None:
    assert {part: text.lower() for part, text in read_rubric(reply).items()} == {
        part: text.lower() for part, text in WANTED.items()
    }


@pytest.mark.parametrize("blank", ["", "...", "N/A", "<description>", "**"])
def test_a_part_that_is_not_there_is_missing(blank: str) -> None:
    lines = [*LINES[:3], f"Score 3: {blank}", *LINES[4:]]

    assert set(PARTS) - set(read_rubric("\n".join(lines))) == {"3"}
    assert set(PARTS) - set(read_rubric("\n".join([*LINES[:3], *LINES[4:]]))) == {"3"}


def test_a_range_of_scores_is_no_level() -> None:
    assert "1" not in read_rubric("Score 1 to 3: Few are.\n1.5 in five are.")


@settings(max_examples=40)
@given(
    st.one_of(
        st.text(max_size=80),
        st.lists(st.sampled_from([*LINES, "{", '"levels": [', "Score 7: x", "\u2028", "]}"])).map(
            "\n".join
        ),
        st.recursive(
            st.text(max_size=5) | st.none() | st.integers(),
            lambda inner: (
                st.lists(inner, max_size=5)
                | st.dictionaries(st.sampled_from([*FLAT, "levels", ""]), inner, max_size=4)
            ),
        ).map(json.dumps),
    )
)
def test_every_text_gives_parts_that_say_something(text: str) -> None:
    found = read_rubric(text)

    assert set(found) <= set(PARTS)
    assert all(said.strip() and "\n" not in said for said in found.values())


def test_a_long_reply_of_marks_is_read_at_once() -> None:
    assert read_rubric("* _" * 20_000 + "\n" + "{[" * 20_000 + "\n" + "\n".join(LINES))
