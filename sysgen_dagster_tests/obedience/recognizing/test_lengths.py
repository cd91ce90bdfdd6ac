"""Phrases that say how long an answer is to be."""

import pytest

from sysgen_dagster_tests.obedience.recognized import asked, is_whole, kinds


@pytest.mark.parametrize(
    ("phrase", "kind", "least", "most"),
    [
        ("Use at most 100 words.", "words", None, 100),
        ("Keep your answer under 50 words.", "words", None, 49),
        ("Keep responses to at most four sentences.", "sentences", None, 4),
        ("Limit your response to 200 words.", "words", None, 200),
        ("Limit yourself to three sentences.", "sentences", None, 3),
        ("Your answer should be no longer than 80 words.", "words", None, 80),
        ("The response must be at least 150 words long.", "words", 150, None),
        ("Answer in one sentence.", "sentences", 1, 1),
        ("Answer in a single sentence.", "sentences", 1, 1),
        ("Respond in exactly two paragraphs.", "paragraphs", 2, 2),
        ("Reply with three to five sentences.", "sentences", 3, 5),
        ("Write between 100 and 150 words.", "words", 100, 150),
        ("Do not exceed 75 words.", "words", None, 75),
        ("Summarize in two sentences.", "sentences", 2, 2),
        ("Please answer within 60 words.", "words", None, 60),
        ("A single line with the answer.", "lines", 1, 1),
        ("A simple one-line answer.", "lines", 1, 1),
        ("Give a two-sentence reply.", "sentences", 2, 2),
        ("Keep it to one paragraph.", "paragraphs", 1, 1),
        ("Your reply must not exceed 280 characters.", "characters", None, 280),
        ("No more than 40 words.", "words", None, 40),
        ("One simple sentence.", "sentences", 1, 1),
        ("Answer in 20 words or fewer.", "words", None, 20),
        ("Two sentences or less.", "sentences", None, 2),
        ("20 words max.", "words", None, 20),
        ("Use 50 words at least.", "words", 50, None),
        ("3\u20134 sentences.", "sentences", 3, 4),
        ("Three lines of text.", "lines", 3, 3),
    ],
)
def test_a_length_is_recognised(
    phrase: str, kind: str, least: int | None, most: int | None
) -> None:
    assert asked(phrase) == [(kind, least, most, ())]
    assert is_whole(phrase)


@pytest.mark.parametrize(
    ("phrase", "kind", "least", "most", "whole"),
    [
        ("Two or three sentences that can be read out at a fair.", "sentences", 2, 3, True),
        ("One or two simple sentences for the user to read.", "sentences", 1, 2, True),
        ("A set of three sentences that explain the rule.", "sentences", 3, 3, False),
        ("A series of four to six sentences, each one short.", "sentences", 4, 6, False),
        ("Five to seven sentences with technical terms.", "sentences", 5, 7, False),
        ("Three or four warm, poetic lines about the sea.", "lines", 3, 4, False),
        ("A paragraph or two that can be read out.", "paragraphs", 1, 2, False),
        ("A sentence or two about the weather.", "sentences", 1, 2, False),
        ("A one-sentence explanation of the rule.", "sentences", 1, 1, False),
        ("A clear one-paragraph summary.", "paragraphs", 1, 1, False),
    ],
)
def test_a_length_is_recognised_beside_what_it_is_for(
    phrase: str, kind: str, least: int | None, most: int | None, *, whole: bool
) -> None:
    assert asked(phrase) == [(kind, least, most, ())]
    assert is_whole(phrase) is whole


@pytest.mark.parametrize(
    "phrase",
    [
        "Use short sentences.",
        "Write a sentence.",
        "Include two sentences about the weather.",
        "Each paragraph must have three sentences.",
        "Keep your answer short.",
        "Use words that a child knows.",
        "The story has two paragraphs about the sea.",
        "Explain the word problem.",
        "Start each line with a number.",
        "Count the words of the text.",
        "A list of short sentences that can be read.",
        "A description followed by three sentences about its uses.",
        "A few sentences that can be left out.",
        "Three lines of code.",
        "Two code lines.",
        "Two lines of dialogue.",
        "One sentence of encouragement.",
        "A closing sentence that thanks the user.",
        "One word per line.",
        "Two sentences for each step.",
        "A one-sentence introduction.",
        "A one-sentence summary of each chapter.",
    ],
)
def test_what_is_no_length_of_the_answer_is_left_alone(phrase: str) -> None:
    assert kinds(phrase) == []


@pytest.mark.parametrize(
    "phrase",
    [
        "Answer in one short paragraph.",
        "Write two concise sentences.",
        "A short, reflective sentence with an introduction.",
        "A single line that shows the result of the subtraction.",
    ],
)
def test_a_length_with_a_manner_is_not_all_that_is_asked(phrase: str) -> None:
    assert len(kinds(phrase)) == 1
    assert not is_whole(phrase)
