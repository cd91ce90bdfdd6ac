"""How a judge's verdicts on numbered phrases are read, and what its reply is held to."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.obedience.phrase_verdicts import (
    Judged,
    build_constraint,
    parse_declines,
    parse_phrase_verdicts,
)

K, B, U = Judged.KEPT, Judged.BROKEN, Judged.UNCLEAR
ENDED = "stop"
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
    "both": ("Phrases 1 and 2: Kept\nPhrase 3: Broken", [K, K, B]),
    "several": ("Phrases 1, 3 and 4: Kept\nPhrase 2: Broken", [K, B, K, K]),
    "several-named-again": ("Phrase 1 and Phrase 2: Kept", [K, K]),
    "several-in-a-sentence": ("**Phrases 1 & 2** are both kept.", [K, K]),
    "from-to": ("Phrases 1 to 3: Kept\n4\u20135: Broken", [K, K, K, B, B]),
    "several-by-number": ("1, 2: Kept\n| 3-4 | Broken |", [K, K, B, B]),
    "several-in-json": ('{"phrases_1_and_2": "Kept", "3-4": "Broken"}', [K, K, B, B]),
    "one-of-two": ("Phrase 1/2: Kept\nPhrase 2/2: Broken", [K, B]),
    "a-number-behind": ("Phrase 1, 2 items: Kept\nPhrase 2 - 3 items: Broken", [K, B]),
    "up-to-what-is-asked": ("Phrases 1-9999: Kept", [K, K]),
    "broken-in-part": ("Phrase 1: Broken in part\nPhrase 2: Broken, but only at the end", [B, B]),
    "no-fault": ("Phrase 1: Kept, violates nothing\nPhrase 2: Kept. No exceptions.", [K, K]),
    "a-fault-of-what-is-broken": (
        "Phrase 1: Broken, it omits the list\nPhrase 2: Broken 1/3",
        [B, B],
    ),
    "a-whole-share": ("Phrase 1: Kept (3 of 3)", [K]),
    "a-reason-below": (
        "Phrase 1: Kept\n  It uses no emoji.\nPhrase 2: Broken\n  It fails.",
        [K, B],
    ),
    "a-summary": ("Phrase 1: Kept\n\nOverall, the answer fails in other ways.", [K]),
    "a-value-that-affirms": ('{"phrase_1": {"kept": true}, "phrase_2": {"broken": "yes"}}', [K, B]),
    "marks-that-agree": (
        "Phrase 1: Kept \u2705\nPhrase 2: Broken \u274c\n\u274c Phrase 3: Broken",
        [K, B, B],
    ),
    "struck-and-mended": ("Phrase 1: ~~Kept~~ Broken", [B]),
    "no-behind-a-colon": ("Phrase 1: Broken: no list", [B]),
    "but-in-a-reason": ("Phrase 1: Kept, because it is short but complete.", [K]),
    "but-in-json": ('{"phrase_1": "Kept", "why": "Short, but complete."}', [K]),
    "two-digits": ("\n".join(f"Phrase {n}: {ELEVENTH.get(n, K)}" for n in range(1, 12)), [*TEN, B]),
}


@pytest.mark.parametrize(("text", "verdicts"), READ.values(), ids=READ)
def test_a_reply_is_read_as_it_is_meant(text: str, verdicts: list[Judged | None]) -> None:
    assert parse_phrase_verdicts(text, len(verdicts), ENDED) == verdicts


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
    "in-part": "Phrase 1: Kept in part",
    "in-part-in-brackets": "Phrase 1: Kept (partly)",
    "in-part-before": "Phrase 1: In part: Kept",
    "mostly": "Phrase 1: Kept, mostly",
    "but": "Phrase 1: Kept, but not in tone",
    "but-in-the-next-sentence": "Phrase 1: Kept. But the tone is off.",
    "except": "Phrase 1: Kept except for the tone",
    "though": "Phrase 1: Kept, no list though",
    "with-a-condition": "Phrase 1: Kept if the tone is ignored",
    "asked-back": "Phrase 1: Kept?",
    "two-for-two": "Phrases 1 and 2: Kept and Broken",
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
    "in-a-share": "Phrase 1: Kept in 2 of 3 answers",
    "in-a-share-by-a-stroke": "Phrase 1: Kept 2/3",
    "until": "Phrase 1: Kept until the last line",
    "at-one-place": "Phrase 1: Kept in the last answer",
    "a-fault-in-brackets": "Phrase 1: Kept (violated once)",
    "a-fault-behind-a-comma": "Phrase 1: Kept, missing the greeting",
    "a-fault-in-the-next-sentence": "Phrase 1: Kept. One emoji violates it.",
    "a-fault-in-the-next-line": "Phrase 1: Kept\n  Reason: the last line breaks it.",
    "however-in-the-next-line": "Phrase 1: Kept\n  However, one line is long.",
    "taken-back-in-its-line": "Phrase 1: Broken. I was mistaken.",
    "taken-back-below": "Phrase 1: Kept\nNo, that is wrong.",
    "ignored-below": "Phrase 1: Broken\n\nPlease ignore the above.",
    "denied-by-a-value": '{"phrase_1": {"kept": false}}',
    "denied-by-a-value-and-more": '{"phrase_1": {"kept": false, "why": "no list"}}',
    "denied-by-zero": "Phrase 1: Kept: 0",
    "denied-by-a-word": "Phrase 1: kept = no",
    "denied-behind-a-comma": "Phrase 1: Kept, no",
    "denied-in-brackets": "Phrase 1: Kept (false)",
    "denied-by-a-cross": "Phrase 1: Kept \u274c",
    "denied-by-a-cross-before": "Phrase 1: \u2717 Kept",
    "denied-by-an-empty-box": "Phrase 1: [ ] Kept",
    "denied-by-a-line-through": "Phrase 1: ~~Kept~~",
    "denied-by-a-syllable": "Phrase 1: un-kept",
    "denied-by-another": "Phrase 1: non-kept",
    "broken-denied": '{"phrase_1": {"broken": false}}',
    "unclear-denied": "Phrase 1: Unclear: no",
}


@pytest.mark.parametrize("text", TRAPS.values(), ids=TRAPS)
def test_what_states_no_verdict_plainly_is_none(text: str) -> None:
    assert parse_phrase_verdicts(text, 1, ENDED) == [None]


def test_what_is_taken_back_at_the_end_takes_all_verdicts_back() -> None:
    for end in ("Sorry, I swapped them.", "Wait, swap the two.", "I mixed up the phrases."):
        text = f"Phrase 1: Kept\nPhrase 2: Broken\n\n{end}"
        assert parse_phrase_verdicts(text, 2, ENDED) == [None, None]


def test_what_is_taken_back_of_one_phrase_leaves_the_others_theirs() -> None:
    text = "Phrase 1: Kept\nPhrase 2: Kept\nThat is not right.\nPhrase 3: Broken"
    assert parse_phrase_verdicts(text, 3, ENDED) == [K, None, B]


def test_one_phrase_without_a_verdict_leaves_the_others_theirs() -> None:
    text = "Phrase 1: Kept or Broken\nPhrase 2: Broken\nPhrase 4: Kept"

    assert parse_phrase_verdicts(text, 4, ENDED) == [None, B, None, K]


@given(st.text(max_size=200), st.integers(0, 8))
def test_any_text_is_read_and_gives_one_place_for_each_phrase(text: str, count: int) -> None:
    assert len(parse_phrase_verdicts(text, count, ENDED)) == count


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
        assert parse_phrase_verdicts(text, len(verdicts), ENDED) == verdicts


def test_a_server_that_holds_nothing_to_a_form_is_asked_all_the_same() -> None:
    assert not build_constraint(2).is_needed


def test_the_grammar_has_a_line_for_each_phrase_and_one_for_declining() -> None:
    words = '("Kept" | "Broken" | "Unclear")'
    line = f'"Phrase 1: " {words}'

    assert build_constraint(2).grammar == f'root ::= {line} "\\n" "Phrase 2: " {words}'
    assert build_constraint(1, asks_declines=True).grammar == (
        f'root ::= {line} "\\n" "Declines: " ("Yes" | "No")'
    )


@given(st.lists(st.sampled_from(Judged), max_size=15), st.booleans())
def test_each_form_that_also_says_whether_it_declines_is_read(
    verdicts: list[Judged], declines: bool
) -> None:
    held_to = build_constraint(len(verdicts), asks_declines=True)
    said = {f"Phrase {n}": each.value for n, each in enumerate(verdicts, 1)}
    said["Declines"] = "Yes" if declines else "No"
    lines = "\n".join(f"{name}: {word}" for name, word in said.items())
    as_json = json.dumps({name.lower().replace(" ", "_"): word for name, word in said.items()})

    assert re.fullmatch(held_to.structured["regex"], lines)
    assert held_to.schema is not None
    assert held_to.schema["required"] == [*json.loads(as_json)]
    for text in (lines, as_json):
        assert parse_phrase_verdicts(text, len(verdicts), ENDED) == verdicts
        assert parse_declines(text, ENDED) is declines


DECLINES: dict[str, tuple[str, bool | None]] = {
    "as-asked": ("Phrase 1: Kept\nDeclines: Yes", True),
    "no": ("Phrase 1: Broken\nDeclines: No", False),
    "lower-case": ("declines: no.", False),
    "bold": ("**Declines:** Yes", True),
    "table": ("| 1 | Kept |\n| Declines | No |", False),
    "heading": ("### Declines\n\nNo", False),
    "question-answered": ("Does the answer decline? No.", False),
    "with-a-reason": ("Declines: Yes. It gives no part of the code.", True),
    "said-again": ("Declines: No, it does not decline.", False),
    "one-line": ("Phrase 1: Kept, Declines: Yes", True),
    "full-width": ("Declines\uff1aYes", True),
    "in-part": ("Declines: Yes, but it gives a part.", None),
    "no-in-part": ("Declines: No, only in part.", False),
    "question-repeated": ("Declines: Yes or No", None),
    "corrected": ("Declines: No. Wait, yes.", None),
    "corrected-below": ("Declines: No\nDeclines: Yes", None),
    "of-a-phrase": ("Phrase 1: Yes", None),
    "asked-back": ("Declines: No?", None),
    "no-and-refuses": ("Declines: No, it refuses outright", None),
    "yes-and-does-not": ("Declines: Yes, it does not decline", None),
    "yes-and-answers": ("Declines: Yes. It answers the question.", None),
    "no-and-never-refuses": ("Declines: No. It never refuses.", False),
    "yes-and-refuses": ("Declines: Yes, it refuses outright", True),
    "yes-and-does-not-answer": ("Declines: Yes. It refuses and does not answer.", True),
    "no-but-yes-in-part": ("Declines: No (yes for the second part)", None),
    "taken-back": ("Declines: No\nThat is wrong.", None),
    "struck": ("Declines: ~~Yes~~ No", False),
    "an-empty-box": ("Declines: [ ] Yes", None),
    "in-a-sentence": ("It declines with no reason.", None),
    "word-in-a-word": ("Declines: Nothing", None),
    "not-said": ("Phrase 1: Kept", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("text", "declines"), DECLINES.values(), ids=DECLINES)
def test_whether_an_answer_declines_is_read_where_it_is_plain(
    text: str, declines: bool | None
) -> None:
    assert parse_declines(text, ENDED) is declines


def test_a_reply_that_was_cut_says_nothing_of_declining() -> None:
    text = "Phrase 1: Kept\nDeclines: No"
    assert parse_declines(text, CUT) is None
    assert parse_phrase_verdicts(text, 1, CUT) == [K]


@pytest.mark.parametrize("text", ["Phrase 1" * 20_000, "1" * 50_000, "(" * 50_000, '"1":' * 20_000])
def test_an_odd_reply_is_read_in_a_moment(text: str) -> None:
    assert parse_phrase_verdicts(text[:60_000], 3, ENDED) == [None] * 3
    assert parse_declines(text[:60_000] + "Declines" * 5_000, ENDED) is None
