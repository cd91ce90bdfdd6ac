"""What the simulated model writes, phase by phase."""

import os
import subprocess
import sys
from random import Random
from typing import Any

import pytest

from sysgen_dagster.chat.messages import ChatMessage
from sysgen_dagster.chat.tokens import estimate_tokens
from sysgen_dagster.lanes.sysgen import verification
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES, Tag, parse_tagged_message
from sysgen_dagster.simulated.language import language_of
from sysgen_dagster.simulated.material import load_material
from sysgen_dagster.simulated.profiles import PROFILES
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster.simulated.reading import (
    Domain,
    Phase,
    recognise,
    subject_of,
    subject_of_annotation,
)
from sysgen_dagster.simulated.writer import (
    VERDICT_ORDER,
    Answer,
    Forced,
    write_answer,
    write_verdicts,
)
from sysgen_dagster_tests.simulated.conversations import (
    annotate_messages,
    conversations,
    folded,
    one_phrase_of,
    request,
    respond_messages,
    verify_messages,
)

QWEN = PROFILES["qwen2.5-14b"]
PHI = PROFILES["phi-4"]
QUESTION = "Why is the sea salty although rivers are not?"

QUESTIONS = {
    "es": "¿Cuál es la capital de Francia y por qué es famosa?",
    "de": "Warum ist der Himmel blau? Erkläre es mir bitte einfach.",
    "fr": "Pourquoi le ciel est bleu pendant la journée ?",
    "ko": "하늘은 왜 파란색인가요? 쉽게 설명해 주세요.",
    "zh": "为什么天空是蓝色的？请用简单的话解释。",  # noqa: RUF001 - Chinese punctuation
    "ru": "Почему небо голубое? Объясни простыми словами.",
    "ar": "لماذا السماء زرقاء؟ اشرح ببساطة.",
    "ja": "空はなぜ青いのですか。簡単に説明してください。",
    "en": "Translate the word 하늘 and explain why the sky is blue in your own words.",
}


def answer_to(messages: list[ChatMessage], max_tokens: int = 1024, **fields: object) -> Answer:
    return write_answer(request(messages, max_tokens, **fields), PHI)


@pytest.mark.parametrize("fold", [False, True])
def test_each_prompt_is_recognised_with_and_without_a_system_role(fold: bool) -> None:
    prompts = {
        Phase.ANNOTATE: annotate_messages(QUESTION, "Rivers carry it there."),
        Phase.VERIFY: verify_messages(one_phrase_of(Tag.ROLE)),
        Phase.RESPOND: respond_messages(QUESTION),
    }
    for phase, messages in prompts.items():
        assert recognise(folded(messages) if fold else messages)[0] == phase


def test_a_prompt_is_recognised_when_a_repair_follows_it() -> None:
    messages = annotate_messages(QUESTION, "Rivers carry it there.")
    repair: list[ChatMessage] = [*messages, messages[1], {**messages[1], "content": "Again."}]
    phase, turn = recognise(repair)
    assert phase is Phase.ANNOTATE
    assert subject_of_annotation(turn).question.strip() == QUESTION


@pytest.mark.parametrize("fold", [False, True])
def test_the_subject_of_an_annotation_is_the_conversation_and_not_the_prompt(fold: bool) -> None:
    messages = annotate_messages(QUESTION, "Rivers carry it there.")
    subject = subject_of_annotation(recognise(folded(messages) if fold else messages)[1])
    assert subject.question.strip() == QUESTION
    assert subject.answer.strip() == "Rivers carry it there."


def test_the_same_request_gets_the_same_answer_in_another_process() -> None:
    code = (
        "from sysgen_dagster_tests.simulated.test_writer import *\n"
        "sys.stdout.reconfigure(encoding='utf-8')\n"
        "print(repr([answer_to(annotate_messages(*row)) for row in conversations(16)]))"
    )
    here = repr([answer_to(annotate_messages(*row)) for row in conversations(16)])
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    there = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert there.stdout.decode().strip() == here


@pytest.mark.parametrize("change", [{"seed": 2}, {"temperature": 0.1}, {"model": "other"}])
def test_another_seed_temperature_or_model_gets_another_answer(change: dict[str, Any]) -> None:
    messages = respond_messages(QUESTION)
    assert answer_to(messages, seed=1) != answer_to(messages, **({"seed": 1} | change))


def test_who_asks_makes_no_difference() -> None:
    messages = respond_messages(QUESTION)
    assert answer_to(messages, user="a", request_id="1") == answer_to(messages)


@pytest.mark.parametrize("language", QUESTIONS)
def test_every_phase_answers_in_the_language_of_the_conversation(language: str) -> None:
    question = QUESTIONS[language]
    tagged = answer_to(annotate_messages(question, ""), seed=3).text
    phrases = " ".join(phrase.text for phrase in parse_tagged_message(tagged).phrases)
    assert language_of(phrases) == language
    prose = answer_to(respond_messages(question), seed=3).text.removeprefix(NOTICE)
    assert language_of(prose) == language


def test_a_message_closes_all_its_tags_in_the_same_way_and_both_ways_occur() -> None:
    forms = set()
    for row in conversations(200):
        text = write_answer(request(annotate_messages(*row)), QWEN).text
        slashes = text.count("<</")
        assert slashes in (0, text.count("<<") / 2)
        forms.add(slashes > 0)
    assert forms == {True, False}


def test_verdicts_come_in_the_order_of_the_prompt_with_none_for_what_is_missing() -> None:
    instructions = verification.PROMPT.render(mark="", system_message="", tagged_message="")
    example = [line for line in instructions[0]["content"].splitlines() if line[:2] == "<<"]
    assert [line.partition(">>")[0] for line in example] == [f"<<{tag}" for tag in VERDICT_ORDER]
    turn = verify_messages(one_phrase_of(Tag.ROLE, Tag.STYLE))[1]["content"]
    for seed in range(50):
        lines = write_verdicts(turn, PHI, Random(seed)).splitlines()
        assert len(lines) == len(TAG_NAMES)
        absent = [line for line in lines if "Role" not in line and "Style" not in line]
        assert all("none" in line.lower() for line in absent)


def test_an_answer_says_that_it_is_simulated() -> None:
    assert answer_to(respond_messages(QUESTION)).text.startswith(NOTICE)
    refused = write_answer(request(respond_messages(QUESTION)), PHI, Forced.REFUSAL)
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
    assert subject_of(question).domain is domain
    assert sign in answer_to(respond_messages(question), seed=1).text


def test_an_answer_that_does_not_fit_is_cut_and_says_so() -> None:
    answer = answer_to(respond_messages(QUESTION), max_tokens=8)
    assert answer.finish_reason == "length"
    assert estimate_tokens(answer.text) == 8
    assert answer_to(respond_messages(QUESTION)).finish_reason == "stop"


def test_a_forced_answer_is_empty_or_cut_in_every_phase() -> None:
    for messages in (annotate_messages(QUESTION, "Yes."), respond_messages(QUESTION)):
        assert write_answer(request(messages), PHI, Forced.EMPTY).text == ""
        assert write_answer(request(messages), PHI, Forced.LENGTH).finish_reason == "length"


def test_an_answer_leaks_into_content_as_words_only() -> None:
    answer = "<<Role>> is <</Role>> the <<3*4=12>> mark <<Content>>"
    texts = [
        write_answer(request(annotate_messages(QUESTION, answer), seed=seed), QWEN).text
        for seed in range(100)
    ]
    assert any("Role is Role the 3 4" in text for text in texts)
    assert not any(parse_tagged_message(text).has_malformed_boundary for text in texts)


def test_phrases_are_varied_free_of_marks_and_possible_without_a_topic() -> None:
    for language, domains in load_material("phrases.yaml").items():
        for domain in domains.values():
            assert domain.keys() == {*TAG_NAMES, "leaks"}
            for tag in TAG_NAMES:
                assert len(domain[tag]) >= (5 if language == "en" else 2)
                assert any("{topic}" not in phrase for phrase in domain[tag])
                assert not any("<<" in phrase for phrase in domain[tag])


def test_few_messages_open_with_you_are_a() -> None:
    rows = conversations(400)
    texts = [write_answer(request(annotate_messages(*row)), QWEN).text for row in rows]
    openings = [text.partition(">>")[2] for text in texts]
    assert sum(text.startswith("You are a") for text in openings) < 0.25 * len(texts)
    assert len({text[:25] for text in openings}) > 40
