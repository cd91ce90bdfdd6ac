"""What judges write is read as it is meant, and what does not state one verdict is unread.

The wordings are in ``judges_wordings.yaml``, invented widely: dress, sentences, JSON, tags, boxes,
other languages, and replies that take their first word back.
"""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.completions import CUT
from sysgen_dagster.obedience.stated_verdicts import read_verdict
from sysgen_dagster.obedience.verdict_clauses import ALIGNMENTS, PREFERENCES, Vocabulary

WORDINGS = yaml.safe_load(Path(__file__).with_name("judges_wordings.yaml").read_text("utf-8"))
ENDED = "stop"
_EXCHANGED = str.maketrans("AB\uff21\u0410", "BA\uff22\u0411")
_ANSWERS = re.compile(
    r"(?<![a-zA-Z])[AB](?![a-zA-Z]| resposta)|[\uff21\u0410]|\b(?:first|Response 1|answer_a)\b"
)
_PLACES = {"first": "second", "Response 1": "Response 2", "answer_a": "answer_b"}


def exchange_answers(text: str) -> str:
    return _ANSWERS.sub(lambda f: _PLACES.get(f[0], f[0].translate(_EXCHANGED)), text)


def misread(texts: list[str], vocabulary: Vocabulary, verdict: str) -> list[tuple[str, str | None]]:
    """The texts that are read otherwise, each with how it is read."""
    wanted = None if verdict == "unread" else verdict
    read = [(text, read_verdict(text, vocabulary, ENDED)) for text in texts]
    return [(text, found) for text, found in read if found != wanted]


@pytest.mark.parametrize("verdict", WORDINGS["preferences"])
def test_a_preference_is_read_as_it_is_meant_or_not_at_all(verdict: str) -> None:
    assert misread(WORDINGS["preferences"][verdict], PREFERENCES, verdict) == []


def test_a_wording_means_the_other_answer_where_it_names_the_other() -> None:
    exchanged = [exchange_answers(text) for text in WORDINGS["preferences"]["A"]]
    assert misread(exchanged, PREFERENCES, "B") == []


@pytest.mark.parametrize("verdict", WORDINGS["alignments"])
def test_an_alignment_is_read_as_it_is_meant_or_not_at_all(verdict: str) -> None:
    assert misread(WORDINGS["alignments"][verdict], ALIGNMENTS, verdict) == []


@pytest.mark.parametrize(
    "text", ["Verdict: A", "I look at the form. A is better. Next I look at", "A"]
)
def test_a_reply_that_was_cut_has_no_verdict(text: str) -> None:
    assert read_verdict(text, PREFERENCES, CUT) is None


MARKS = st.text("*_`#> [](){}\"'.", max_size=4)


@given(st.text(), st.sampled_from(["A", "B", "tie"]), MARKS, MARKS, st.booleans())
def test_a_verdict_is_read_after_any_reason_and_in_any_dress(
    reason: str, verdict: str, before: str, after: str, loud: bool
) -> None:
    word = verdict.upper() if loud else verdict.lower()
    text = f"{reason} \u2026and so on\n\n{before}Verdict:{before}{word}{after}\n"

    assert read_verdict(text, PREFERENCES, ENDED) == verdict


PIECES = st.sampled_from(
    ["verdict", "Verdict:", ":", " ", "\n", "*", "A", "B", "tie", "or ", "\uff1a", "not ", "better"]
)


@given(st.lists(PIECES, max_size=30).map("".join) | st.text())
def test_any_text_has_one_verdict_or_none(text: str) -> None:
    assert read_verdict(text, PREFERENCES, ENDED) in {"A", "B", "tie", None}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("verdict:" * 125_000, id="labels-on-a-line"),
        pytest.param("verdict:\n" * 110_000, id="labels-on-lines"),
        pytest.param(":" * 1_000_000, id="colons"),
        pytest.param("\n" * 1_000_000 + "x", id="empty-lines"),
        pytest.param("verdict:" + " " * 1_000_000 + "x", id="blanks"),
        pytest.param("verdict:\n" + " " * 1_000_000 + "\nx", id="blanks-below"),
        pytest.param("verdict: a" + "*" * 1_000_000 + "x", id="signs-behind"),
        pytest.param("the " * 250_000, id="words-before-a-label"),
        pytest.param("<verdict>" * 110_000, id="tags-without-an-end"),
        pytest.param("\\boxed{" * 140_000, id="boxes-without-an-end"),
        pytest.param("so therefore " * 80_000, id="words-before-a-claim"),
        pytest.param("a and b " * 120_000, id="both-names"),
        pytest.param("\0" * 1_000_000, id="nul"),
    ],
)
def test_a_long_text_without_a_verdict_is_read_to_its_end(text: str) -> None:
    assert read_verdict(text, PREFERENCES, ENDED) is None
