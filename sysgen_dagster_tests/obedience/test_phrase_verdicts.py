"""How a judge's verdicts on numbered phrases are read, and what its reply is held to."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.obedience.phrase_verdicts import (
    WORDS,
    Judged,
    build_constraint,
    parse_phrase_verdicts,
)

K, B, U = Judged.KEPT, Judged.BROKEN, Judged.UNCLEAR
TEN, ELEVENTH = [K] * 10, {11: B}

READ: dict[str, tuple[str, list[Judged | None]]] = {
    "as-asked": ("Phrase 1: Kept\nPhrase 2: Broken\nPhrase 3: Unclear", [K, B, U]),
    "windows-lines": ("Phrase 1: Kept\r\nPhrase 2: Broken\r\n", [K, B]),
    "lower-case": ("phrase 1: kept\nPHRASE 2: BROKEN", [K, B]),
    "bold": ("**Phrase 1:** Kept\n**Phrase 2: Broken**", [K, B]),
    "bold-word": ("Phrase 1: **Kept**.\n- Phrase 2: *Broken*", [K, B]),
    "heading": ("### Phrase 1\nKept\n\n### Phrase 2\n\nBroken", [K, B]),
    "numbered-list": ("1. Kept\n2. Broken", [K, B]),
    "numbers-in-brackets": ("(1) Kept\n[2] Broken\n3) Unclear", [K, B, U]),
    "numbers-and-colons": ("1: Kept\n2: Broken", [K, B]),
    "dashes": ("Phrase 1 - Kept\nPhrase 2 \u2013 Broken\nPhrase 3 \u2014 Unclear", [K, B, U]),
    "arrows": ("Phrase 1 \u2192 Kept\nPhrase 2 => Broken", [K, B]),
    "full-width": ("Phrase 1\uff1aKept\nPhrase 2\uff1aBroken", [K, B]),
    "is": ("Phrase 1 is Kept.\nPhrase 2 is broken.", [K, B]),
    "table": ("| Phrase | Verdict |\n|---|---|\n| 1 | Kept |\n| 2 | Broken |", [K, B]),
    "table-of-names": ("| Phrase 1 | Kept |\n| Phrase 2 | Broken |", [K, B]),
    "one-line": ("Phrase 1: Kept, Phrase 2: Broken, Phrase 3: Unclear.", [K, B, U]),
    "json": ('{"phrase_1": "Kept", "phrase_2": "Broken"}', [K, B]),
    "json-by-number": ('{"1": "Kept", "2": "Broken"}', [K, B]),
    "json-in-lines": ('```json\n{\n  "phrase_1": "Kept",\n  "phrase_2": "Broken"\n}\n```', [K, B]),
    "json-of-objects": ('{"phrase_1": {"verdict": "Kept", "reason": "It is brief."}}', [K]),
    "json-of-objects-in-lines": ('"phrase_1": {\n  "verdict": "Broken",\n  "why": "x"\n}', [B]),
    "reason-after": ("Phrase 1: Kept. It is in English.\nPhrase 2: Broken (no list).", [K, B]),
    "reason-after-a-dash": ("Phrase 1: Kept - all of it\nPhrase 2: Broken, no table", [K, B]),
    "reason-before": ("Phrase 1: The answer is brief. Kept\nPhrase 2: no list -> Broken", [K, B]),
    "phrase-again": ('Phrase 1 (Be kind.): Kept\nPhrase 2 "Use a list.": Broken', [K, B]),
    "phrase-again-and-reason": ("Phrase 1 (Be kind.): Kept. The tone is warm.", [K]),
    "not-kept": ("Phrase 1: Not kept\nPhrase 2: It isn't kept.", [B, None]),
    "preamble": ("My verdicts on the 2 phrases:\n\nPhrase 1: Kept\nPhrase 2: Kept", [K, K]),
    "postscript": ("Phrase 1: Kept\nPhrase 2: Broken\n\n2 items are missing.", [K, B]),
    "twice-the-same": ("Phrase 1: Kept\nPhrase 2: Kept\n\nIn short:\nPhrase 1: Kept", [K, K]),
    "other-order": ("Phrase 2: Broken\nPhrase 1: Kept", [K, B]),
    "two-digits": ("\n".join(f"Phrase {n}: {ELEVENTH.get(n, K)}" for n in range(1, 12)), [*TEN, B]),
}


@pytest.mark.parametrize(("text", "verdicts"), READ.values(), ids=READ)
def test_a_reply_is_read_as_it_is_meant(text: str, verdicts: list[Judged | None]) -> None:
    assert parse_phrase_verdicts(text, len(verdicts)) == verdicts


# What the first word alone would misread: no verdict on the phrase.
TRAPS = {
    "question-repeated": "Phrase 1: Kept, Broken or Unclear",
    "choice-repeated": "Phrase 1: Kept/Broken/Unclear",
    "cells-repeated": "| 1 | Kept | Broken | Unclear |",
    "corrected": "Phrase 1: Kept. Actually Broken.",
    "corrected-by-a-dash": "Phrase 1: Kept - no, broken",
    "corrected-below": "Phrase 1: Kept\nWait, phrase 1 is broken.",
    "two-verdicts": "Phrase 1: Kept\nPhrase 1: Broken",
    "not-broken": "Phrase 1: not broken",
    "in-a-sentence": "Phrase 1: it kept me busy for a while",
    "of-another": "Phrase 2: Kept",
    "of-phrase-zero": "Phrase 0: Kept",
    "of-a-part": "1.5: Kept",
    "without-a-number": "Kept",
    "refusal": "I cannot judge these phrases.",
    "nothing": "",
    "word-in-a-word": "Phrase 1: Keptical\nPhrase 1: heartbroken",
    "a-number-of-things": "1 of the lists was broken",
    "cut": "Phrase 1: Ke",
}


@pytest.mark.parametrize("text", TRAPS.values(), ids=TRAPS)
def test_what_states_no_verdict_plainly_is_none(text: str) -> None:
    assert parse_phrase_verdicts(text, 1) == [None]


def test_one_phrase_without_a_verdict_leaves_the_others_theirs() -> None:
    text = "Phrase 1: Kept or Broken\nPhrase 2: Broken\nPhrase 4: Kept"

    assert parse_phrase_verdicts(text, 4) == [None, B, None, K]


@given(st.text(max_size=200), st.integers(0, 8))
def test_any_text_is_read_and_gives_one_place_for_each_phrase(text: str, count: int) -> None:
    assert len(parse_phrase_verdicts(text, count)) == count


@given(st.lists(st.sampled_from(Judged), min_size=1, max_size=15))
def test_each_form_that_a_server_is_held_to_is_read(verdicts: list[Judged]) -> None:
    lines = "\n".join(f"Phrase {n}: {each}" for n, each in enumerate(verdicts, 1))
    as_json = json.dumps({f"phrase_{n}": each for n, each in enumerate(verdicts, 1)})
    held_to = build_constraint(len(verdicts))

    assert re.fullmatch(held_to.structured["regex"], lines)
    assert held_to.schema is not None
    assert (
        list(held_to.schema["properties"]) == held_to.schema["required"] == [*json.loads(as_json)]
    )
    for text in (lines, as_json):
        assert parse_phrase_verdicts(text, len(verdicts)) == verdicts


def test_a_server_that_holds_nothing_to_a_form_is_asked_all_the_same() -> None:
    assert not build_constraint(2).is_needed


def test_the_grammar_has_a_line_for_each_phrase() -> None:
    assert build_constraint(2).grammar == (
        'root ::= "Phrase 1: " verdict "\\n" "Phrase 2: " verdict\n'
        f"verdict ::= {' | '.join(f'{chr(34)}{word}{chr(34)}' for word in WORDS)}"
    )


@pytest.mark.parametrize("text", ["Phrase 1" * 20_000, "1" * 50_000, "(" * 50_000, '"1":' * 20_000])
def test_an_odd_reply_is_read_in_a_moment(text: str) -> None:
    assert parse_phrase_verdicts(text[:60_000], 3) == [None] * 3
