"""Verdicts of rules on the phrases of rows."""

import time

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.obedience import by_rules
from sysgen_dagster.obedience.by_rules import decide_by_rules, keeps
from sysgen_dagster.obedience.rules import BY_RULES, Rule, RuleKind, Verdict
from sysgen_dagster.obedience.tables import PHRASE_VERDICTS
from sysgen_dagster.obedience.verifying.answers import Answer
from sysgen_dagster_tests.obedience.held import NO, OPEN, YES, verdict

PHRASES = [
    {"tag": "Role", "text": "You are a teacher."},
    {"tag": "Format", "text": "Use bullet points."},
    {"tag": "Style", "text": "Answer in one sentence."},
]


def decide(phrases: list[dict[str, str]] | None, answers: list[str] | None) -> list[object] | None:
    schema = pl.List(pl.Struct({"tag": pl.String, "text": pl.String}))
    decided = decide_by_rules(
        pl.Series([phrases], dtype=schema), pl.Series([answers], dtype=pl.List(pl.String))
    )
    assert decided.dtype == PHRASE_VERDICTS
    [row] = decided.to_list()
    return row


def test_every_phrase_has_a_verdict_in_its_order() -> None:
    assert decide(PHRASES, ["- one"]) == [
        {**PHRASES[0], "verdict": "unknown", "by": None, "rule": None},
        {**PHRASES[1], "verdict": "obeyed", "by": BY_RULES, "rule": "bullets"},
        {**PHRASES[2], "verdict": "unknown", "by": None, "rule": None},
    ]


def test_without_an_answer_there_is_no_verdict() -> None:
    assert decide(PHRASES, None) is None
    assert decide(PHRASES, []) is None
    assert decide(None, ["Text."]) is None


def test_no_rows_have_no_verdicts() -> None:
    schema = pl.List(pl.Struct({"tag": pl.String, "text": pl.String}))
    decided = decide_by_rules(pl.Series([], dtype=schema), pl.Series([], dtype=pl.List(pl.String)))
    assert decided.dtype == PHRASE_VERDICTS
    assert decided.is_empty()


def test_a_message_without_phrases_has_an_empty_list() -> None:
    assert decide([], ["Text."]) == []


@pytest.mark.parametrize("at_once", [1, 4, 6, 1_000])
def test_rows_keep_their_places_whatever_is_asked_and_answered(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_rules, "_ROWS_AT_ONCE", at_once)
    schema = pl.List(pl.Struct({"tag": pl.String, "text": pl.String}))
    phrases = [PHRASES, None, [], PHRASES[:1], PHRASES[1:2], []]
    answers = [["- one"], ["- one"], ["- one"], None, ["Text."], None]
    decided = decide_by_rules(
        pl.Series(phrases, dtype=schema), pl.Series(answers, dtype=pl.List(pl.String))
    )
    assert decided.name == "phrases"
    rows = [row and [phrase["verdict"] for phrase in row] for row in decided.to_list()]
    assert rows == [["unknown", "obeyed", "unknown"], None, [], None, ["not_obeyed"], None]
    assert decide_by_rules(decided.head(0), pl.Series([], dtype=pl.List(pl.String))).len() == 0


def test_every_answer_under_the_message_has_to_keep_to_it() -> None:
    phrase = "Use bullet points."
    assert verdict(phrase, "- one", "- two") is YES
    assert verdict(phrase, "- one", "1. two") is OPEN
    assert verdict(phrase, "Text.", "More text.") is NO


@pytest.mark.parametrize(
    ("phrase", "kept", "broken"),
    [
        ("Avoid commas.", "One.", "One, two."),
        ("Use at most 1 bullet point.", "- one", "- one\n- two"),
        ('Never use the word "very".', "Good.", "Very good."),
        ("Write in all lowercase letters.", "one.", "One."),
        ("Answer in one sentence.", "One is here.", "One is here. Two are there."),
        ("Reply in JSON.", "{}", "One."),
    ],
)
def test_what_holds_for_each_turn_is_broken_in_one(phrase: str, kept: str, broken: str) -> None:
    assert verdict(phrase, kept, kept) is YES
    assert verdict(phrase, kept, broken) is NO


@pytest.mark.parametrize(
    ("phrase", "kept", "broken"),
    [
        ('Mention "Paris".', "It is Paris.", "You are welcome!"),
        ("Use a table.", "| a |\n|---|\n| 1 |", "You are welcome!"),
        ("Ask one question.", "What now?", "You are welcome!"),
        ("Use 2 bullet points.", "- one\n- two", "You are welcome!"),
        ('End the conversation with "Goodbye!"', "Goodbye!", "It is so."),
        ("Write a Python function.", "```python\ndef double(x): return 2 * x\n```", "It is so."),
    ],
)
def test_what_may_be_asked_of_one_turn_is_broken_by_all_of_them(
    phrase: str, kept: str, broken: str
) -> None:
    assert verdict(phrase, kept, kept) is YES
    assert verdict(phrase, kept, broken) is OPEN
    assert verdict(phrase, broken, kept) is OPEN
    assert verdict(phrase, broken, broken) is NO


def test_turns_may_have_together_what_none_of_them_has() -> None:
    assert verdict("Use at least 2 bullet points.", "- one", "- two") is OPEN


def test_one_broken_part_breaks_a_phrase_and_all_parts_together_keep_it() -> None:
    phrase = "Use bullet points and end with a question."
    assert verdict(phrase, "- one\n- two\n\nWhat else?") is YES
    assert verdict(phrase, "- one\n- two") is NO
    assert verdict(phrase, "Text?") is NO
    assert verdict("Use bullet points and be kind.", "- one\n- two") is OPEN
    assert verdict("Use bullet points and be kind.", "Text.") is NO


def test_an_answer_of_nothing_neither_keeps_nor_breaks_a_rule() -> None:
    assert verdict("Use at most 10 words.", "  ") is OPEN
    assert verdict("Use at most 10 words.", "Short.", "") is OPEN


# Of CPU time.
_MOST_SECONDS = 5
_FROM_ONE = {RuleKind.PARAGRAPH_BEGINS_WITH}
_WORDS: dict[RuleKind, tuple[str, ...]] = {
    RuleKind.LANGUAGE: ("en",),
    RuleKind.CASE: ("lower",),
    RuleKind.JSON: (),
    RuleKind.TITLE: (),
    RuleKind.STATES_RESULT: (),
    RuleKind.PROGRAM: ("=python", "=function", "'a", "a"),
}


@given(
    st.sampled_from(list(RuleKind)),
    st.text('aA .,!?\n#*-|`$\\[]{}"1\u4eca\u3002', max_size=120),
    st.sampled_from([(1, None), (None, 0), (2, 3), (None, None)]),
)
def test_any_answer_can_be_held_to_any_rule(
    kind: RuleKind, text: str, bounds: tuple[int | None, int | None]
) -> None:
    least = 1 if kind in _FROM_ONE else bounds[0]
    rule = Rule(kind, least, bounds[1], _WORDS.get(kind, ("a",)))
    assert keeps(rule, Answer(text)) in {True, False, None}


@pytest.mark.parametrize(
    "part", ["-", " ", "\n", ".", "?", "#", "`", "a", "| ", "\\(", "you ", "of is ", "\U0001f600"]
)
def test_a_long_answer_is_held_to_any_rule_in_no_time(part: str) -> None:
    """It takes half a second; a pattern that reads it again from each sign, ten times that."""
    before = time.process_time()
    answer = Answer(f"It is so?{part * (80_000 // len(part))}!")
    for kind in RuleKind:
        keeps(Rule(kind, 1, 3, _WORDS.get(kind, ("a",))), answer)
    assert time.process_time() - before < _MOST_SECONDS


def test_verdicts_are_those_that_the_table_names() -> None:
    assert {value.value for value in Verdict} == {"obeyed", "not_obeyed", "unknown"}
