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
        ("novice", "It uses the jargon of sailors freely without explaining it."),
        ("basic", "Technical terms stand there without any definition."),
        ("novice", "Unexplained abbreviations save room."),
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
        ("novice", "It never uses jargon without explaining it."),
        ("expert", "It uses the jargon of sailors without explaining it."),
        ("novice", "It does without jargon."),
    ],
)
def test_what_may_be_meant_otherwise_is_no_contradiction(level: str, style: str) -> None:
    assert not contradicts(_set(level, style))


def test_two_other_texts_contradict_each_other_whatever_the_level() -> None:
    both = ("Explain it to beginners.", "The depth is suited for experts.")

    assert contradicts(_set("intermediate", *both))


OPPOSED = [
    ("It is no longer than one sentence.", "It fills at least three pages."),
    ("The answer has at most 40 words.", "It has no fewer than five paragraphs."),
    ("Everything fits on half a page.", "The story is told in more than 2000 words."),
    ("The tone is casual and joking.", "The wording is strictly formal throughout."),
    ("It keeps a chatty style.", "It is written in formal English and in formal language."),
    ("There are no numbers at all.", "It gives exact numbers of every step."),
    ("It comes without any examples.", "Each claim is shown with two concrete examples."),
    ("The recipe is told without tables, from memory.", "It uses clear tables."),
    ("It avoids all jargon.", "It uses technical terms."),
]


@pytest.mark.parametrize(("one", "other"), OPPOSED)
def test_texts_that_ask_for_opposite_things_contradict_each_other(one: str, other: str) -> None:
    assert contradicts(_set("intermediate", one, other))
    assert contradicts(_set("intermediate", other, one))


def test_the_few_words_of_a_preference_count_as_well() -> None:
    rows = _set("intermediate", "It speaks as friends do.", "All of it is strictly formal.")
    rows[0]["preference"] = "casual and joking"

    assert contradicts(rows)


COMPATIBLE = [
    ("Each sentence is no longer than ten words.", "It fills at least three pages."),
    ("The introduction has at most two sentences.", "It has at least five paragraphs."),
    ("It is no longer than three pages.", "It has at least five paragraphs."),
    ("It names at least three causes.", "It is no longer than one sentence."),
    ("The tone is casual.", "It explains formal logic with formal proofs."),
    ("The tone is casual.", "It is never formal in tone."),
    ("The style is formal.", "It avoids a casual tone."),
    ("The style is formal.", "It is serious and not casual at all."),
    ("It is neither too formal nor too casual.", "The tone is formal."),
    ("There are no numbers without a unit.", "It gives exact numbers of every step."),
    ("It has no complex tables.", "It uses clear tables."),
    ("It has no examples that only sailors know.", "It gives many examples."),
    ("It comes without jargon.", "It does not use technical terms."),
    ("It comes without code.", "It has a table."),
]


@pytest.mark.parametrize(("one", "other"), COMPATIBLE)
def test_texts_that_one_answer_can_meet_do_not(one: str, other: str) -> None:
    assert not contradicts(_set("intermediate", one, other))
    assert not contradicts(_set("intermediate", other, one))
