"""Which sets contradict themselves for sure."""

import pytest

from sysgen_dagster.lanes.multifaceted.contradictions import contradicts


def _set(level: str, style: str, content: str = "It goes to the reasons.") -> list[dict[str, str]]:
    rows = [
        ("style", "clarity", style),
        ("background_knowledge", level, "What the reader knows of it is taken up here."),
        ("informativeness", "depth", content),
        ("harmlessness", "safety", "Dangers are named before anything else is said."),
    ]
    return [
        {"dimension": name, "subdimension": sub, "preference": "as it is said", "description": text}
        for name, sub, text in rows
    ]


@pytest.mark.parametrize(
    ("level", "style"),
    [
        ("novice", "The wording is meant for experts in the field."),
        ("basic", "It assumes the reader is an expert."),
        ("novice", "The reader has advanced knowledge of law."),
        ("expert", "Terms are explained to beginners."),
        ("advanced", "It assumes no prior knowledge of tides."),
        ("expert", "The text is suited for a complete beginner."),
        ("basic", "Aimed at seasoned professionals, it skips the start."),
        ("advanced", "The audience is a layperson who never sailed."),
    ],
)
def test_a_set_that_addresses_readers_of_both_ends_contradicts_itself(
    level: str, style: str
) -> None:
    assert contradicts(_set(level, style))


@pytest.mark.parametrize(
    ("level", "style"),
    [
        ("novice", "Terms are explained to beginners."),
        ("expert", "The wording is meant for experts in the field."),
        ("intermediate", "The wording is meant for experts in the field."),
        ("novice", "It says when to ask for professional advice."),
        ("novice", "Quotes of experts make it livelier."),
        ("novice", "It does not assume that the reader is an expert."),
        ("expert", "It is written without assuming no prior knowledge."),
        ("novice", "The person wants to become a specialist one day."),
        ("expert", "A professional tone, as for beginners' luck in a tale."),
        ("novice", "Short and yet deep."),
    ],
)
def test_what_may_be_meant_otherwise_is_no_contradiction(level: str, style: str) -> None:
    assert not contradicts(_set(level, style))


def test_two_other_texts_contradict_each_other_whatever_the_level() -> None:
    both = ("Explain it to beginners.", "The depth is suited for experts.")

    assert contradicts(_set("intermediate", *both))
