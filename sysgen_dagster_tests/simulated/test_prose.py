"""The answers of Phase 4: that they say what they are, their form and their length."""

from dataclasses import replace
from random import Random

import pytest

from sysgen_dagster.chat.messages import ChatMessage
from sysgen_dagster.chat.tokens import estimate_tokens
from sysgen_dagster.simulated.faults import Fault
from sysgen_dagster.simulated.language import detect_language
from sysgen_dagster.simulated.profiles import PROFILES
from sysgen_dagster.simulated.prose import (
    NOTICE,
    estimate_original_length,
    write_refusal,
    write_response,
)
from sysgen_dagster.simulated.protocol import Answer
from sysgen_dagster.simulated.reading import Domain, Subject, read_subject
from sysgen_dagster.simulated.told_length import say_length
from sysgen_dagster.simulated.writer import write_answer
from sysgen_dagster_tests.simulated.conversations import QUESTIONS, request, respond_messages
from sysgen_dagster_tests.simulated.running_server import QUESTION

PHI = PROFILES["phi-4"]
NEVER_LOST = replace(PHI, empty=0.0, refused=0.0, truncated=0.0)


def answer_to(messages: list[ChatMessage], **fields: object) -> Answer:
    return write_answer(request(messages, 1024, **fields), PHI)


def test_an_answer_says_that_it_is_simulated() -> None:
    assert answer_to(respond_messages(QUESTION)).text.startswith(NOTICE)
    refused = write_answer(request(respond_messages(QUESTION)), PHI, Fault.REFUSAL)
    assert refused.text.endswith(NOTICE)


@pytest.mark.parametrize(
    ("question", "domain", "sign"),
    [
        ("How many eggs are 12 boxes of 6 eggs?", Domain.MATH, "\n2. "),
        ("Write a Java function that sorts a list of names.", Domain.CODE, "```java\n"),
        ("You are a lighthouse keeper. Tell me of a storm.", Domain.ROLEPLAY, "."),
        ("Write a short poem about rain.", Domain.WRITING, "."),
        (QUESTION, Domain.GENERAL, "."),
    ],
)
def test_an_answer_looks_like_its_domain(question: str, domain: Domain, sign: str) -> None:
    assert read_subject(question).domain is domain
    assert sign in answer_to(respond_messages(question), seed=1).text


@pytest.mark.parametrize("language", QUESTIONS)
def test_a_refusal_is_in_the_question_s_language(language: str) -> None:
    text = write_refusal(read_subject(QUESTIONS[language])).removesuffix(NOTICE)
    assert text.strip()
    assert detect_language(text) == language


@pytest.mark.parametrize("question", [QUESTION, QUESTIONS["zh"], "How many are 12 times 6 eggs?"])
@pytest.mark.parametrize("max_tokens", [512, 1024])
def test_an_answer_ends_by_itself_unless_it_is_drawn_as_truncated(
    question: str, max_tokens: int
) -> None:
    cut = replace(NEVER_LOST, truncated=1.0)
    subject = read_subject(question)
    for seed in range(50):
        whole, long = (
            write_response(subject, profile, Random(seed), max_tokens, 700)
            for profile in (NEVER_LOST, cut)
        )
        assert estimate_tokens(whole) <= max_tokens < estimate_tokens(long)


def test_longer_questions_have_longer_answers_up_to_a_bound() -> None:
    def length(characters: int, language: str = "en", domain: Domain = Domain.GENERAL) -> float:
        return estimate_original_length(Subject("x" * characters, "", language, domain, ()))

    assert length(0) == length(20) < length(300) < length(2000) < length(10**4) == length(10**6)
    assert length(300) == pytest.approx(1400)
    assert length(300, "zh") < length(300)
    assert length(300, domain=Domain.MATH) < length(300, domain=Domain.CODE)


@pytest.mark.parametrize("model", PROFILES)
@pytest.mark.parametrize("original", [250, 700, 1500])
def test_answers_are_as_long_as_the_profile_says_of_the_original_one(
    model: str, original: int
) -> None:
    profile = replace(PROFILES[model], empty=0.0, refused=0.0, truncated=0.0)
    lengths = [
        len(write_response(read_subject(question), profile, Random(seed), 4096, original))
        for question in ("How many eggs are 12 boxes of 6 eggs?", QUESTION)
        for seed in range(100)
    ]
    ratio = sum(lengths) / len(lengths) / original
    assert ratio == pytest.approx(profile.length_ratio, rel=0.1)


def test_the_notice_of_a_system_message_decides_how_long_the_answer_is() -> None:
    def length(message: str) -> float:
        texts = [
            answer_to(respond_messages(QUESTION, message), seed=seed).text for seed in range(9)
        ]
        return sum(map(len, texts)) / len(texts)

    told = [f"Explain it. {say_length('x' * characters)}" for characters in (300, 900)]
    assert 2 < length(told[1]) / length(told[0]) < 4
