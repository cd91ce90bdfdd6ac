"""A user asks for the opposite of a rule in conflict turns, in words that rules recognise."""

import pytest

from sysgen_dagster.obedience.recognition import recognize
from sysgen_dagster.obedience.requested import (
    CLAIMS,
    UNRELATED,
    can_be_requested,
    opposite_of,
    read_request,
    wordings_of,
)
from sysgen_dagster.obedience.rules import Rule, RuleKind

# A phrase of a system message, and the plain wording of the opposite.
OPPOSITES = {
    "Answer in French.": "Answer in English.",
    "Respond only in English.": "Answer in Spanish.",
    "Answer in Japanese.": "Answer in English.",
    "Keep your answer under 50 words.": "Use at least 98 words.",
    "Write at least 200 words.": "Use at most 100 words.",
    "Write 100 to 150 words.": "Use at least 300 words.",
    "Write about 80 words.": "Use at least 160 words.",
    "Use at most three sentences.": "Use at least 6 sentences.",
    "Write at least 3 sentences.": "Use at most 1 sentence.",
    "Write exactly two paragraphs.": "Use at least 4 paragraphs.",
    "Limit the reply to 5 lines.": "Use at least 10 lines.",
    "Keep it below 280 characters.": "Use at least 558 characters.",
    "Use bullet points.": "Do not use bullet points.",
    "Do not use bullet points.": "Use bullet points.",
    "Use exactly 4 bullet points.": "Do not use bullet points.",
    "Use at most 5 bullet points.": "Use at least 10 bullet points.",
    "Use a numbered list.": "Do not use numbered steps.",
    "Use headings.": "Do not use headings.",
    "Do not use headings.": "Use headings.",
    "Use a table.": "Do not use tables.",
    "Do not use tables.": "Use tables.",
    "Include a code block.": "Do not use code blocks.",
    "Do not use code blocks.": "Use code blocks.",
    "Use emojis.": "Do not use emojis.",
    "Do not use emojis.": "Use emojis.",
    "Comment your code.": "Do not use comments in the code.",
    "Do not use comments in the code.": "Use comments in the code.",
    "Write in the first person.": "Do not use the first person.",
    "Do not use the first person.": "Use the first person.",
    "Use bold text.": "Do not use bold text.",
    "Write in all lowercase letters.": "Write in capital letters only.",
    "Write in all capital letters.": "Write in lowercase letters only.",
    "Answer in JSON.": "Answer in plain prose.",
    "Write in plain prose.": "Use at least 3 bullet points.",
    'Include the word "kettle".': 'Do not use the word "kettle".',
    'Do not use the word "however".': 'Use the word "however".',
    'Start your answer with "Answer:".': 'Begin your answer with "Well then".',
    'End your answer with "Good luck!".': 'End your answer with "That is all there is to say.".',
    "Begin with a greeting.": 'Begin your answer with "Well then".',
    "End with a question.": 'End your answer with "That is all there is to say.".',
    "Do not ask questions.": "End with a question.",
    "Do not use commas.": "Use at least 3 commas.",
    "Do not use exclamation marks.": "Use at least 3 exclamation marks.",
}
RULES = {phrase: rule for phrase in OPPOSITES for rule in recognize(phrase).rules}


@pytest.mark.parametrize(("phrase", "plain"), OPPOSITES.items())
def test_a_user_asks_for_the_opposite_of_a_phrase(phrase: str, plain: str) -> None:
    opposite = opposite_of(RULES[phrase])

    assert opposite is not None
    assert wordings_of(opposite)[0] == plain


@pytest.mark.parametrize("phrase", OPPOSITES)
def test_rules_recognise_the_plain_wording_as_what_it_asks_for(phrase: str) -> None:
    for rule in (RULES[phrase], opposite_of(RULES[phrase])):
        assert rule is not None
        recognized = recognize(wordings_of(rule)[0])
        assert recognized.is_whole
        assert recognized.rules == (rule,)


@pytest.mark.parametrize("phrase", OPPOSITES)
def test_there_are_several_wordings_and_each_is_read_as_what_it_asks_for(phrase: str) -> None:
    for rule in (RULES[phrase], opposite_of(RULES[phrase])):
        assert rule is not None
        wordings = wordings_of(rule)
        assert len(set(wordings)) > 1
        assert [read_request(wording) for wording in wordings] == [rule] * len(wordings)


@pytest.mark.parametrize(
    "rule",
    [
        Rule(RuleKind.WORDS, most=2_000),  # more could not be written
        Rule(RuleKind.WORDS, least=1),  # no answer has fewer
        Rule(RuleKind.BULLETS, least=0),
        Rule(RuleKind.FORMULAS, least=1),  # rules cannot tell of the opposite
        Rule(RuleKind.LETTER, least=3, words=("q",)),
        Rule(RuleKind.USES_WORDS, least=1, words=("tea", "pot")),
        Rule(RuleKind.LANGUAGE, words=("xx",)),
    ],
    ids=str,
)
def test_no_opposite_is_better_than_one_that_an_answer_may_keep_as_well(rule: Rule) -> None:
    assert opposite_of(rule) is None


@pytest.mark.parametrize("kind", RuleKind)
def test_no_kind_of_rule_is_an_error(kind: RuleKind) -> None:
    for rule in (Rule(kind), Rule(kind, 2), Rule(kind, None, 0), Rule(kind, 2, 5, ("a", "b"))):
        opposite = opposite_of(rule)
        assert opposite != rule
        assert opposite is None or wordings_of(opposite)
        assert not can_be_requested(rule) or wordings_of(rule)


@pytest.mark.parametrize("text", [*UNRELATED, *CLAIMS])
def test_what_has_nothing_to_do_with_a_rule_asks_for_none(text: str) -> None:
    assert recognize(text).rules == ()
    assert read_request(text) is None


@pytest.mark.parametrize("text", ["", "Answer in Klingon.", "Use at least many words.", "Hello."])
def test_another_text_is_no_request(text: str) -> None:
    assert read_request(text) is None
