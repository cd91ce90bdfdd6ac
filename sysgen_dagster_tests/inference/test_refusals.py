"""Whom a reply speaks of that is no completion: very many servers, in their own words."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.inference.error_words import read_words
from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster.inference.refusals import (
    RULES,
    About,
    Refusal,
    as_markdown,
    is_remembered,
    judge,
)
from sysgen_dagster_tests.inference import said_by_servers as said

PAGE = Path(__file__).parents[2] / "docs" / "inference.md"
KINDS = {
    "account": (said.ACCOUNT, About.ACCOUNT, NoAnswer.REFUSED_BY_SERVER),
    "server": (said.SERVER, About.SERVER, NoAnswer.REFUSED_BY_SERVER),
    "busy": (said.BUSY, About.MOMENT, NoAnswer.SERVER_ERROR),
    "again": (said.AGAIN, About.MOMENT, NoAnswer.SERVER_ERROR),
    "too_long": (said.TOO_LONG, About.ROW, NoAnswer.TOO_LONG),
    "filtered": (said.FILTERED, About.ROW, NoAnswer.FILTERED_BY_SERVER),
    "unknown": (said.UNKNOWN, About.UNKNOWN, NoAnswer.REFUSED_BY_SERVER),
}
CASES = [
    pytest.param(*reply, about, reason, kind == "busy", id=f"{kind}-{name}")
    for kind, (replies, about, reason) in KINDS.items()
    for name, reply in replies.items()
]
ROW = (
    "Our server says: rate limit reached, the prompt is too long for the context window, it was "
    "flagged by moderation, insufficient_quota, invalid api key. The model phi does not exist. "
    "Please try again later. What does all of that mean?"
)


def judged(status: int, body: str, asked: str = "", **headers: str) -> Refusal:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return judge(status, names, read_words(body.encode(), [asked] if asked else []))


@pytest.mark.parametrize(("status", "body", "about", "reason", "is_busy"), CASES)
def test_a_reply_speaks_of_the_row_the_account_the_server_or_the_moment(
    status: int, body: str, about: About, reason: NoAnswer, is_busy: bool
) -> None:
    refusal = judged(status, body)
    assert (refusal.about, refusal.reason, refusal.is_busy) == (about, reason, is_busy)
    # A row that quotes all of these words changes nothing.
    assert judged(status, body, ROW) == refusal


OF_KIND = {
    "FILTERED": (About.ROW, NoAnswer.FILTERED_BY_SERVER),
    "TOO_LONG": (About.ROW, NoAnswer.TOO_LONG),
    "ACCOUNT": (About.ACCOUNT, NoAnswer.REFUSED_BY_SERVER),
    "SERVER": (About.SERVER, NoAnswer.REFUSED_BY_SERVER),
    "MOMENT": (About.MOMENT, NoAnswer.SERVER_ERROR),
    "UNKNOWN": (About.UNKNOWN, NoAnswer.REFUSED_BY_SERVER),
}


@pytest.mark.parametrize(
    ("status", "message", "meant"),
    [(*each, OF_KIND[kind]) for kind, said_so in said.OTHER_WORDS.items() for each in said_so],
)
def test_the_same_in_other_words(status: int, message: str, meant: tuple[About, NoAnswer]) -> None:
    refusal = judged(status, said.openai(message))
    assert (refusal.about, refusal.reason) == meant


@pytest.mark.parametrize(
    "body",
    [
        said.plain(detail=[{"type": "x", "loc": ["body"], "msg": "Bad", "input": ROW}]),
        said.plain(detail=[{"type": "x", "msg": "Bad", "input": {"messages": [{"content": ROW}]}}]),
        said.plain(detail=[{"type": "x", "msg": "Bad", "ctx": {"error": ROW}}]),
        said.plain(error={"message": "Bad", "param": ROW, "request": {"prompt": ROW}}),
        said.plain(error={"message": "Bad"}, body={"message": ROW}),
        said.openai(f"1 validation error: {{'msg': 'Bad', 'input': {ROW!r}}}"),
        said.openai(f"content\n  Bad [type=x, input_value='{ROW}', input_type=str]"),
        said.openai(f"Could not read {json.dumps(ROW)}"),
        f"Bad request: {ROW}",
    ],
)
@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_row_that_the_server_repeats_is_not_taken_for_its_words(status: int, body: str) -> None:
    assert judged(status, body, ROW).about is About.UNKNOWN


@pytest.mark.parametrize("status", [429, 503, 529, 413])
def test_a_rate_limit_of_which_the_time_is_named_is_waited_for(status: int) -> None:
    body = said.openai("Rate limit reached on tokens per minute. Please try again in 7.5s.")
    refusal = judged(status, body)
    assert (refusal.is_busy, refusal.wait_s) == (True, 7.5)
    assert judged(status, body, retry_after="3").wait_s == 3


def test_a_used_up_quota_comes_back_only_where_the_server_says_when() -> None:
    words = said.openai("You exceeded your current quota, please check your plan.")
    assert judged(429, words).about is About.ACCOUNT
    assert judged(429, words, retry_after="20").is_busy
    # The code of OpenAI says it whatever else is said.
    _, coded = said.ACCOUNT["openai-quota"]
    assert judged(429, coded, retry_after="20").about is About.ACCOUNT


def test_who_ends_a_partition_says_what_to_do() -> None:
    for rule in RULES:
        ends = rule.refusal.about in (About.ACCOUNT, About.SERVER, About.UNKNOWN)
        assert bool(rule.refusal.advice) is ends


@pytest.mark.parametrize(
    ("outcome", "remembered"),
    [
        (Outcome("Because.", finish_reason="stop"), True),
        (Outcome("", finish_reason="length"), True),
        (Outcome("Because."), True),  # as the first versions kept it
        (Outcome(failed_because=NoAnswer.FILTERED_BY_SERVER, finish_reason="content_filter"), True),
        (Outcome(failed_because=NoAnswer.FILTERED_BY_SERVER), False),
        (Outcome(failed_because=NoAnswer.REFUSED_BY_SERVER), False),
        (Outcome(failed_because=NoAnswer.TOO_LONG), False),
        (Outcome(failed_because=NoAnswer.SERVER_ERROR), False),
    ],
)
def test_only_a_completion_is_remembered(outcome: Outcome, remembered: bool) -> None:
    assert is_remembered(outcome) is remembered


HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "retry-after-ms", "Date", "x-ratelimit-reset", "X-Other"]),
    st.text(st.characters(codec="latin-1"), max_size=12),
)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([body for replies, *_ in KINDS.values() for _, body in replies.values()]).map(
        str.encode
    ),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=9)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["error", "message", "code", "detail", "metadata", "raw"]),
                inner,
                max_size=3,
            ),
        ),
        max_leaves=8,
    ).map(lambda body: json.dumps(body).encode()),
)


@given(st.integers(100, 999), HEADERS, BODIES, st.lists(st.text(max_size=9), max_size=2))
def test_every_reply_has_one_meaning(
    status: int, headers: Mapping[str, str], raw: bytes, asked: list[str]
) -> None:
    refusal = judge(status, headers, read_words(raw, asked))
    assert refusal.wait_s >= 0
    assert refusal.wait_s == 0 or refusal.about is About.MOMENT
    if status == 402:
        assert refusal.about is About.ACCOUNT
    if 300 <= status < 400:
        assert refusal.about is About.SERVER


def test_the_documents_print_the_rules() -> None:
    text = PAGE.read_text()
    with_rules = re.sub(
        r"(<!-- the refusals: begin -->\n).*?(<!-- the refusals: end -->)",
        lambda found: found[1] + as_markdown() + found[2],
        text,
        flags=re.DOTALL,
    )
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(with_rules)
    assert as_markdown() in text or os.environ.get("UPDATE_GOLDEN")


def test_every_kind_of_reply_has_members(request: pytest.FixtureRequest) -> None:
    found: set[Any] = set()
    for replies, *_ in KINDS.values():
        for status, body in replies.values():
            words = read_words(body.encode())
            found.add(next(rule.reply for rule in RULES if rule.fits(status, words, 0.0)))
    assert found == {rule.reply for rule in RULES}
