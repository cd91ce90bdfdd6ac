"""How often the simulated models fail, against the numbers the paper prints."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.chat.messages import ChatMessage
from sysgen_dagster.lanes.sysgen.annotation import PROMPT
from sysgen_dagster.lanes.sysgen.planted_faults import (
    build_planted_faults,
    build_planted_requests,
    read_planted_messages,
    score_judge,
)
from sysgen_dagster.lanes.sysgen.settings import Method
from sysgen_dagster.lanes.sysgen.tables import PHRASES
from sysgen_dagster.lanes.sysgen.tags import (
    MALFORMED_BOUNDARIES,
    DefectKind,
    Tag,
    TaggedMessage,
    parse_tagged_message,
)
from sysgen_dagster.lanes.sysgen.verification import build_verdict_pattern, parse_verdicts
from sysgen_dagster.simulated.profiles import EVERY_PROFILE, PROFILES, USELESS
from sysgen_dagster.simulated.prose import NOTICE, estimate_original_length
from sysgen_dagster.simulated.reading import read_subject
from sysgen_dagster.simulated.writer import write_answer
from sysgen_dagster_tests.lanes.sysgen.frames import completions, replied
from sysgen_dagster_tests.simulated.conversations import (
    annotate_messages,
    conversations,
    one_phrase_of,
    request,
    respond_messages,
    verify_messages,
)

COUNT = 3000
ROWS = list(conversations(COUNT))
REAL_ROWS = Path(__file__).parents[2].parent / "shared" / "data" / "orca_math.parquet"

# Canonical order: Role, Content, Task, Action, Style, Background, Tool, Format. Shares in percent.
PRINTED = {
    "llama-3.1-8b": {
        "malformed": 25.29,  # 1 - 602,750 / 806,796
        "tags": (98.2, 98.9, 98.8, 84.4, 48.3, 50.1, 1.7, 55.9),
        "bad": (9.14, 37.95, 1.62, 1.82, 1.55, 21.02, 0.18, 0.38),
        "none": (0.15, 0.56, 0.18, 1.16, 1.01, 2.56, 50.37, 3.71),
        "lost": 2.64,
        "ratio": 1.35,
    },
    "qwen2.5-14b": {
        "malformed": 0.02,
        "tags": (97.1, 95.4, 98.6, 49.3, 77.2, 69.6, 17.0, 51.8),
        "bad": (2.55, 64.40, 0.56, 0.46, 0.80, 8.49, 6.88, 1.33),
        "none": (0.16, 0.15, 0.01, 23.32, 1.82, 1.97, 52.69, 10.33),
        "lost": 3.82,
        "ratio": 1.55,
    },
    "phi-4": {
        "malformed": 3.99,
        "tags": (96.4, 96.1, 95.0, 85.6, 78.0, 71.6, 11.8, 69.6),
        "bad": (1.58, 12.76, 0.69, 0.33, 0.09, 4.56, 0.35, 0.04),
        "none": (0.23, 0.24, 0.05, 2.67, 0.09, 0.86, 26.11, 1.50),
        "lost": 0.09,
        "ratio": 1.89,
    },
}
every_model = pytest.mark.parametrize("name", PROFILES)


def annotations(name: str, **changes: float) -> list[TaggedMessage]:
    profile = replace(PROFILES[name], **changes)  # type: ignore[arg-type]
    requests = (request(annotate_messages(*row)) for row in ROWS)
    return [parse_tagged_message(write_answer(asked, profile).text) for asked in requests]


def percent(count: int, of: int) -> float:
    return 100 * count / of


def test_every_profile_has_printed_numbers() -> None:
    assert PROFILES.keys() == PRINTED.keys()


@every_model
def test_malformed_boundaries_and_tags_are_as_frequent_as_the_paper_says(name: str) -> None:
    messages = annotations(name)
    whole = [message for message in messages if not message.has_malformed_boundary]
    malformed = percent(COUNT - len(whole), COUNT)
    assert malformed == pytest.approx(PRINTED[name]["malformed"], abs=2)
    present = Counter(tag for message in whole for tag in {p.tag for p in message.phrases})
    shares = [percent(present[tag], len(whole)) for tag in Tag]
    assert shares == pytest.approx(PRINTED[name]["tags"], abs=2.5)


@every_model
def test_a_message_that_is_meant_to_be_whole_is_whole_whatever_the_conversation_holds(
    name: str,
) -> None:
    messages = annotations(name, malformed=0, unknown_tag=0.3, stray_text=0.3)
    kinds = {defect.kind for message in messages for defect in message.defects}
    assert kinds == {DefectKind.UNKNOWN_TAG, DefectKind.UNASSIGNED_TEXT}
    assert all(message.phrases for message in messages)
    assert not any("<<" in phrase.text for message in messages for phrase in message.phrases)


@every_model
def test_a_message_that_is_meant_to_be_broken_is_broken_in_all_the_papers_ways(name: str) -> None:
    messages = annotations(name, malformed=1)
    assert all(message.has_malformed_boundary for message in messages)
    kinds = {defect.kind for message in messages for defect in message.defects}
    assert kinds >= MALFORMED_BOUNDARIES


@every_model
def test_verdicts_are_as_frequent_as_the_paper_says(name: str) -> None:
    verdicts: Counter[str] = Counter()
    for seed in range(COUNT):
        asked = request(verify_messages(one_phrase_of(*Tag)), max_tokens=256, seed=seed)
        for line in write_answer(asked, PROFILES[name]).text.splitlines():
            tag, _, verdict = line.partition(":")
            verdicts[f"{tag.strip('<>')} {verdict.strip(' .').capitalize()}"] += 1
    for kind in ("bad", "none"):
        shares = [percent(verdicts[f"{tag} {kind.capitalize()}"], COUNT) for tag in Tag]
        assert shares == pytest.approx(PRINTED[name][kind], abs=2)
    readable = sum(verdicts[f"Role {verdict}"] for verdict in ("Good", "Bad", "None"))
    assert 0 < COUNT - readable < 0.01 * COUNT


@every_model
def test_verdicts_under_a_regex_are_as_frequent_and_every_one_is_readable(name: str) -> None:
    lines = build_verdict_pattern(Tag)
    verdicts: Counter[str] = Counter()
    for seed in range(COUNT):
        rule = {"regex": lines}
        asked = request(verify_messages(one_phrase_of(*Tag)), seed=seed, structured_outputs=rule)
        text = write_answer(asked, PROFILES[name]).text
        assert re.fullmatch(lines, text)
        verdicts.update(text.splitlines())
    for kind in ("bad", "none"):
        shares = [percent(verdicts[f"<<{tag}>>: {kind.capitalize()}"], COUNT) for tag in Tag]
        assert shares == pytest.approx(PRINTED[name][kind], abs=2)


@every_model
def test_answers_are_lost_and_as_long_as_the_paper_says(name: str) -> None:
    written, guessed, lost = 0.0, 0.0, 0
    for question, _ in ROWS:
        asked = request(respond_messages(question), max_tokens=1024)
        answer = write_answer(asked, PROFILES[name])
        if answer.finish_reason == "length" or not answer.text.startswith(NOTICE):
            lost += 1
            continue
        written += len(answer.text)
        guessed += estimate_original_length(read_subject(question))
    assert percent(lost, COUNT) == pytest.approx(PRINTED[name]["lost"], abs=0.7)
    assert written / guessed == pytest.approx(PRINTED[name]["ratio"], rel=0.06)


@every_model
def test_rates_hold_on_real_rows_too(name: str) -> None:
    if not REAL_ROWS.is_file():
        pytest.skip("needs the shared example data beside the checkout")
    rows = pl.read_parquet(REAL_ROWS).head(2000).iter_rows()
    requests = [request(annotate_messages(question, answer)) for question, answer in rows]
    messages = [parse_tagged_message(write_answer(r, PROFILES[name]).text) for r in requests]
    malformed = sum(message.has_malformed_boundary for message in messages)
    # Three standard deviations of a share of 2,000 rows.
    assert percent(malformed, len(messages)) == pytest.approx(PRINTED[name]["malformed"], abs=3)


# Models that are of no use.


def written_by(name: str, messages: Callable[..., Any] = annotate_messages) -> list[str]:
    asked = [request(messages(*row)) for row in ROWS[:50]]
    return [write_answer(each, EVERY_PROFILE[name]).text for each in asked]


def test_no_useless_model_has_the_name_of_a_model_of_the_paper() -> None:
    assert not PROFILES.keys() & USELESS.keys()


def test_a_model_that_writes_prose_writes_no_tag() -> None:
    for text in written_by("writes-prose"):
        assert parse_tagged_message(text).phrases == ()
        assert text


def test_a_model_that_copies_hands_a_demonstration_back_whole() -> None:
    phrases = pl.Series(
        [
            [
                {"tag": each.tag.value, "text": each.text}
                for each in parse_tagged_message(text).phrases
            ]
            for text in written_by("copies-a-demonstration")
        ],
        dtype=PHRASES,
    )
    [fixed] = {turn["content"] for turn in PROMPT.render(mark="", messages=[])[1:]}
    assert phrases.list.len().min() > 3
    assert all(phrase["text"] in fixed for message in phrases for phrase in message)


def test_a_judge_that_calls_all_good_and_one_that_gives_no_verdict() -> None:
    for _, messages in zip(range(30), planted_requests(), strict=False):
        all_good = write_answer(request(messages), EVERY_PROFILE["calls-all-good"]).text
        assert "Bad" not in all_good
        assert set(parse_verdicts(all_good).values()) <= {"Good", "None"}
        nothing = write_answer(request(messages), EVERY_PROFILE["gives-no-verdict"]).text
        assert parse_verdicts(nothing) == {}


def planted_requests() -> Iterator[Sequence[ChatMessage]]:
    method = Method(drop_rule="malformed_boundary", unreadable_verdict="remove")
    return (each.messages for each in build_planted_requests(read_planted_messages(), method))


@every_model
def test_a_simulated_judge_reads_nothing_and_finds_planted_faults_by_chance_only(
    name: str,
) -> None:
    messages = read_planted_messages()
    texts = [
        replied(row, write_answer(request(asked), PROFILES[name]).text)
        for row, asked in zip(messages["conversation_id"], planted_requests(), strict=True)
    ]
    score = score_judge(build_planted_faults(messages, completions(*texts)))
    assert not score.is_better_than_chance
    assert score.found.share < 0.5
