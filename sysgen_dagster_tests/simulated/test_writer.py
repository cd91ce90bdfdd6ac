"""What the simulated model writes, phase by phase."""

import os
import subprocess
import sys
from dataclasses import replace
from random import Random
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.chat.messages import ChatMessage, Role
from sysgen_dagster.chat.tokens import estimate_tokens
from sysgen_dagster.lanes.sysgen import verification
from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES, Tag, parse_tagged_message
from sysgen_dagster.obedience.contradictions import compare_results
from sysgen_dagster.simulated.faults import Fault
from sysgen_dagster.simulated.language import detect_language
from sysgen_dagster.simulated.profiles import PROFILES, FailureProfile
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster.simulated.protocol import Answer
from sysgen_dagster.simulated.told_length import say_length
from sysgen_dagster.simulated.writer import VERDICT_ORDER, write_answer, write_verdicts
from sysgen_dagster_tests.simulated.conversations import (
    QUESTIONS,
    annotate_messages,
    conversations,
    one_phrase_of,
    request,
    respond_messages,
    verify_messages,
)

PHI = PROFILES["phi-4"]
QUESTION = "Why is the sea salty although rivers are not?"


def answer_to(messages: list[ChatMessage], max_tokens: int = 1024, **fields: object) -> Answer:
    return write_answer(request(messages, max_tokens, **fields), PHI)


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
    assert detect_language(phrases) == language
    prose = answer_to(respond_messages(question), seed=3).text.removeprefix(NOTICE)
    assert detect_language(prose) == language


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


def test_an_answer_that_does_not_fit_is_cut_and_says_so() -> None:
    answer = answer_to(respond_messages(QUESTION), max_tokens=8)
    assert answer.finish_reason == "length"
    assert estimate_tokens(answer.text) == 8
    assert answer_to(respond_messages(QUESTION)).finish_reason == "stop"


def test_a_forced_answer_is_empty_or_cut_in_every_phase() -> None:
    for messages in (annotate_messages(QUESTION, "Yes."), respond_messages(QUESTION)):
        assert write_answer(request(messages), PHI, Fault.EMPTY).text == ""
        assert write_answer(request(messages), PHI, Fault.LENGTH).finish_reason == "length"


def contradicting(question: str, original: str, profile: FailureProfile) -> tuple[int, int]:
    """Of 300 answers under a message written for an answer: those that contradict, and the same."""
    system: ChatMessage = {"role": Role.SYSTEM, "content": f"Help. {say_length(original)}"}
    asked: ChatMessage = {"role": Role.USER, "content": question}
    answers = [write_answer(request([system, asked], seed=seed), profile) for seed in range(300)]
    texts = pl.Series([answer.text for answer in answers])
    results = compare_results(pl.Series([original] * len(texts)), texts)["result"].to_list()
    return results.count("contradicts"), results.count("same")


SUM = "How many apples are 3 apples and 4 apples? Calculate the number."
CODE = "Write a Python function that sorts a list."
SORTED = "Here it is:\n```python\nprint(sorted([2, 1]))\n```"


@pytest.mark.parametrize(("question", "original"), [(SUM, "The answer is: 7"), (CODE, SORTED)])
def test_answers_contradict_the_original_one_as_often_as_the_profile_says(
    question: str, original: str
) -> None:
    usual = replace(PHI, contradicts=0.2)
    contradicts, same = contradicting(question, original, usual)

    assert contradicts / (contradicts + same) == pytest.approx(0.2, abs=0.07)
    assert same > 100
    assert contradicting(question, original, replace(PHI, contradicts=0.0))[0] == 0


def test_where_the_original_answer_has_no_result_none_is_stated() -> None:
    assert contradicting(SUM, "The answer is: (3, 5\\pi)", PHI)[0] == 0
