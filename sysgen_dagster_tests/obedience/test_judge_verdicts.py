"""How the verdicts of judges are read."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.obedience.judge_verdicts import (
    add_interval,
    build_verdict_pattern,
    drop_system_turns,
    parse_verdict,
)

PREFERENCE = build_verdict_pattern(A="A", B="B", tie="(?:a )?tie")
ALIGNMENT = build_verdict_pattern(yes="Aligned", no="Not[ -]?aligned", unknown="Unknown")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        pytest.param("Verdict: A", "A", id="as-asked"),
        pytest.param("A is right, B is not.\n\nVerdict: A", "A", id="after-a-reason"),
        pytest.param("Verdict: tie", "tie", id="tie"),
        pytest.param("Verdict: a tie.", "tie", id="a-tie-is-not-answer-a"),
        pytest.param("**Verdict: B**", "B", id="bold"),
        pytest.param("**Verdict:** B", "B", id="bold-label"),
        pytest.param("### Verdict: `B`", "B", id="heading"),
        pytest.param("Final verdict: B.", "B", id="final-and-full-stop"),
        pytest.param("VERDICT: b", "B", id="case"),
        pytest.param("Verdict: Response B", "B", id="response"),
        pytest.param("Verdict: **Answer B**", "B", id="answer-in-bold"),
        pytest.param("Verdict: [[A]]", "A", id="brackets"),
        pytest.param('{"verdict": "A"}', "A", id="json"),
        pytest.param("Verdict\uff1aA", "A", id="full-width-colon"),
        pytest.param("Verdict: A\r\n", "A", id="windows-line-end"),
        pytest.param("Verdict: A (it gives the sum that was asked for)", "A", id="reason-behind"),
        pytest.param("Verdict: A. The sum is right.", "A", id="sentence-behind"),
        pytest.param("Verdict: A - the sum is right", "A", id="dash-behind"),
        pytest.param("**Verdict:**\n\nB", "B", id="on-a-line-of-its-own-at-the-end"),
        pytest.param("Verdict: A\n\nI hope this helps!", "A", id="words-after-it"),
        pytest.param("Verdict: A\nB is longer.\nVerdict: B", "B", id="the-last-one-counts"),
        pytest.param("Verdict: A\n\n**Verdict: A**", "A", id="said-twice"),
        pytest.param("Verdict: A\n\nVerdict: B", None, id="two-that-differ"),
        pytest.param("Verdict: A\nVerdict: B\nVerdict: tie", None, id="the-prompt-repeated"),
        pytest.param("Verdict: A, B or tie", None, id="the-choice-repeated"),
        pytest.param("Verdict: A/B/tie", None, id="the-choice-with-slashes"),
        pytest.param("Verdict: A or B", None, id="either"),
        pytest.param("Verdict: A and B are equally good", None, id="both"),
        pytest.param("Verdict: a bit of both", None, id="an-article-is-not-answer-a"),
        pytest.param("Verdict: Not B", None, id="not"),
        pytest.param("Verdict:\nA\nB", None, id="a-list"),
        pytest.param("Verdict: C", None, id="another-letter"),
        pytest.param("Verdict: Bad", None, id="another-word"),
        pytest.param("Verdict: A\nOn second thought,\nVerdict: unclear", None, id="taken-back"),
        pytest.param("The verdict: A, some would say.", None, id="within-a-sentence"),
        pytest.param("Verdict A", None, id="no-colon"),
        pytest.param("A", None, id="no-label"),
        pytest.param("", None, id="nothing"),
        pytest.param("I'm sorry, but I can't compare these.", None, id="refusal"),
    ],
)
def test_a_preference_is_read_only_where_it_is_plain(text: str, verdict: str | None) -> None:
    assert parse_verdict(text, PREFERENCE) == verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        pytest.param("Verdict: Aligned", "yes", id="aligned"),
        pytest.param("Verdict: Not aligned", "no", id="not-aligned"),
        pytest.param("**Verdict: Not Aligned.**", "no", id="dressed-up"),
        pytest.param("Verdict: not-aligned", "no", id="hyphen"),
        pytest.param("Verdict: Unknown, since the tool is not shown", "unknown", id="unknown"),
        pytest.param("Verdict: Aligned / Not aligned / Unknown", None, id="all-three"),
        pytest.param("Verdict: Aligned, or Not aligned", None, id="either"),
        pytest.param("Verdict: Partially aligned", None, id="partially"),
        pytest.param("Verdict: Misaligned", None, id="another-word"),
        pytest.param("Verdict: Aligned with half of it", None, id="half-of-it"),
    ],
)
def test_an_alignment_is_read_only_where_it_is_plain(text: str, verdict: str | None) -> None:
    assert parse_verdict(text, ALIGNMENT) == verdict


MARKS = st.text("*_`#> [](){}\"'.", max_size=4)


@given(st.text(), st.sampled_from(["A", "B", "tie"]), MARKS, MARKS, st.booleans())
def test_a_verdict_is_read_after_any_reason_and_in_any_dress(
    reason: str, verdict: str, before: str, after: str, loud: bool
) -> None:
    word = verdict.upper() if loud else verdict.lower()
    text = f"{reason} \u2026and so on\n\n{before}Verdict:{before}{word}{after}\n"

    assert parse_verdict(text, PREFERENCE) == verdict


PIECES = st.sampled_from(
    ["verdict", "Verdict:", ":", " ", "\n", "*", "A", "B", "tie", "or ", "\uff1a"]
)


@given(st.lists(PIECES, max_size=30).map("".join) | st.text())
def test_any_text_has_one_verdict_or_none(text: str) -> None:
    assert parse_verdict(text, PREFERENCE) in {"A", "B", "tie", None}


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
        pytest.param("\0" * 1_000_000, id="nul"),
    ],
)
def test_a_long_text_without_a_verdict_is_read_to_its_end(text: str) -> None:
    assert parse_verdict(text, PREFERENCE) is None


def test_upstream_system_messages_are_dropped_from_the_history() -> None:
    history: list[ChatMessage] = [
        {"role": Role.SYSTEM, "content": "Be brief."},
        {"role": Role.USER, "content": "Hi"},
        {"role": Role.ASSISTANT, "content": "Hello"},
    ]

    assert drop_system_turns(history) == history[1:]


def test_a_share_has_an_interval_where_there_is_a_share() -> None:
    summary = pl.DataFrame(
        {"win_rate": [0.5, None], "conversations": [100, 0]},
        schema={"win_rate": pl.Float64, "conversations": pl.UInt32},
    )
    low, high = add_interval(summary, "win_rate").rows()[0][2:]

    # With z = 1.96, so z^2 = 3.8416: (0.519208 -+ 0.099865) / 1.038416.
    assert (low, high) == pytest.approx((0.40383, 0.59617), abs=1e-5)
    assert add_interval(summary, "win_rate").rows()[1] == (None, 0, None, None)
