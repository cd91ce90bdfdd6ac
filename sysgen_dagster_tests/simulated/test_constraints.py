"""Answers under `structured_outputs`, as vLLM gives them, over real HTTP."""

import re
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from sysgen_dagster.chat.messages import ChatMessage
from sysgen_dagster.lanes.sysgen.annotation import MOST_SECTIONS, REPAIR_GRAMMAR
from sysgen_dagster.lanes.sysgen.tags import Tag
from sysgen_dagster.lanes.sysgen.verification import build_verdict_pattern
from sysgen_dagster.obedience.judge_verdicts import build_constraint
from sysgen_dagster.simulated.constraints import obey, parse_constraint
from sysgen_dagster.simulated.profiles import PROFILES
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster.simulated.request_error import RequestError
from sysgen_dagster.simulated.writer import write_answer
from sysgen_dagster_tests.simulated.conversations import (
    annotate_messages,
    conversations,
    one_phrase_of,
    request,
    respond_messages,
    verify_messages,
)
from sysgen_dagster_tests.simulated.running_server import QUESTION, Server, error_of, running

VERDICTS = verify_messages(one_phrase_of(Tag.ROLE, Tag.TASK, Tag.TOOL))
VERDICT_LINES = build_verdict_pattern((Tag.ROLE, Tag.TASK, Tag.TOOL))
GRAMMAR = {"grammar": REPAIR_GRAMMAR}
SECTION = rf"<<({'|'.join(Tag)})>>[^<>\s][^<>\r\n]{{2,139}}<</\1>>"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("--model", "llama=llama-3.1-8b") as it:
        yield it


def answer(server: Server, messages: list[ChatMessage], **fields: object) -> str:
    content: str = server.complete(messages, **fields)["choices"][0]["message"]["content"]
    return content


def test_a_judge_under_a_regex_writes_exactly_the_lines_that_are_asked_for(server: Server) -> None:
    rule = {"regex": VERDICT_LINES}
    judged = [
        answer(server, VERDICTS, model="llama", seed=seed, structured_outputs=rule)
        for seed in range(100)
    ]
    assert all(re.fullmatch(VERDICT_LINES, text) for text in judged)
    assert len(set(judged)) > 1


def test_a_constrained_judge_says_of_each_tag_what_it_says_when_it_is_free() -> None:
    free = "<<Task>>: Good\n<<Tool>>: Bad\n<<Role>>: None"
    constraint = parse_constraint({"regex": VERDICT_LINES})
    assert constraint is not None
    kept = "<<Role>>: None\n<<Task>>: Good\n<<Tool>>: Bad"
    assert {obey(constraint, free, Random(seed)) for seed in range(20)} == {kept}


@pytest.mark.parametrize(
    "regex",
    [
        "<<Role>>: (?:Good|Bad|None)",
        r"<<Role>>:\ (Good|Bad|None)\n<<Task>>:\ (Good|Bad|None)\n",
        r"1\. (a\.|b\)|\()\\ \(c\)",
        "no choice at all",
        "(|maybe) (yes|no)",
        "",
    ],
)
def test_alternatives_in_brackets_are_chosen_from_and_all_else_is_copied(regex: str) -> None:
    constraint = parse_constraint({"regex": regex})
    assert constraint is not None
    written = {obey(constraint, "", Random(seed)) for seed in range(30)}
    assert all(re.fullmatch(regex, text) for text in written)
    assert len(written) > 1 or "|" not in regex


def test_a_line_of_anything_before_a_verdict_is_that_of_the_free_reply() -> None:
    constraint = parse_constraint(dict(build_constraint(["A", "B"]).structured))
    assert constraint is not None
    free = "Simulated: B was drawn.\n\nVerdict: B"
    assert {obey(constraint, free, Random(seed)) for seed in range(20)} == {free}


@pytest.mark.parametrize(
    "regex",
    [
        r"a+",
        r"[ab]",
        r".*",
        r"(a|b)+",
        r"((a|b)|c)",
        r"\d",
        r"(?=a)a",
        r"(?P<x>a)",
        "a|b",
        "(a",
        ")",
    ],
)
def test_any_other_regex_is_refused_as_vllm_refuses_some(server: Server, regex: str) -> None:
    refused = server.ask(VERDICTS, structured_outputs={"regex": regex})
    message = "Unsupported regex for a simulated model"
    assert error_of(refused) == (400, "BadRequestError", message)


def test_a_refusal_of_a_long_regex_is_quick() -> None:
    with pytest.raises(RequestError, match="Unsupported regex"):
        parse_constraint({"regex": VERDICT_LINES * 200 + "+"})


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"json": {}}, "Unsupported json"),
        ({"json_object": True}, "Unsupported json_object"),
        ({"grammar": 'root ::= "yes" | "no"'}, "Unsupported grammar"),
        ({"choice": []}, "Unsupported choice"),
        ({"choice": ["yes", 1]}, "Unsupported choice"),
        ({"choice": "yes"}, "Unsupported choice"),
        ({"regex": 1}, "Unsupported regex"),
        ({"regex": "a", "choice": ["a"]}, "one kind"),
        ({"regex": None}, "one kind"),
        ({}, "one kind"),
        ("yes", "one kind"),
    ],
)
def test_what_cannot_be_obeyed_is_a_bad_request(server: Server, rule: Any, complaint: str) -> None:
    status, kind, message = error_of(server.ask(VERDICTS, structured_outputs=rule))
    assert (status, kind) == (400, "BadRequestError")
    assert complaint in message


def test_every_tagged_message_is_one_of_the_repair_grammar(server: Server) -> None:
    for row in conversations(150):  # of which this model breaks a quarter otherwise
        asked = annotate_messages(*row)
        lines = answer(server, asked, model="llama", structured_outputs=GRAMMAR).split("\n")
        assert len(lines) <= len(Tag)
        assert all(re.fullmatch(SECTION, line) for line in lines)


def test_under_a_constraint_a_model_fails_in_what_it_says_and_not_in_its_form() -> None:
    never, always = dict.fromkeys(Tag, 0.0), dict.fromkeys(Tag, 1.0)
    clumsy = replace(
        PROFILES["phi-4"],
        malformed=1.0,
        verdict_noise=1.0,
        unreadable_verdicts=1.0,
        tag_shares=always,
        bad=never,
        none=never,
    )
    for seed in range(20):
        asked = request(annotate_messages(QUESTION, ""), seed=seed, structured_outputs=GRAMMAR)
        lines = write_answer(asked, clumsy).text.split("\n")
        assert len(lines) == MOST_SECTIONS
        assert all(re.fullmatch(SECTION, line) for line in lines)
        judged = request(VERDICTS, seed=seed, structured_outputs={"regex": VERDICT_LINES})
        assert write_answer(judged, clumsy).text.count("Good") == 3


def test_a_grammar_binds_whatever_is_asked(server: Server) -> None:
    text = answer(server, respond_messages(QUESTION), structured_outputs=GRAMMAR)
    assert all(re.fullmatch(SECTION, line) for line in text.split("\n"))


def test_a_choice_is_one_of_its_options_and_each_occurs(server: Server) -> None:
    options = ["yes", "no", "it (depends)*"]
    chosen = {
        answer(
            server, respond_messages(QUESTION), seed=seed, structured_outputs={"choice": options}
        )
        for seed in range(30)
    }
    assert chosen == set(options)


def test_an_answer_is_cut_under_a_constraint_too(server: Server) -> None:
    rule = {"regex": VERDICT_LINES}
    cut = server.complete(VERDICTS, structured_outputs=rule, max_tokens=4)["choices"][0]
    assert cut["finish_reason"] == "length"
    assert not re.fullmatch(VERDICT_LINES, cut["message"]["content"])


@pytest.mark.parametrize("name", ["guided_regex", "guided_choice", "guided_grammar"])
def test_the_old_names_are_ignored_without_a_word_as_in_vllm(server: Server, name: str) -> None:
    assert NOTICE in answer(server, respond_messages(QUESTION), **{name: "yes"})


def test_a_server_without_structured_outputs_answers_as_if_they_were_not_there() -> None:
    with running("--no-structured-outputs") as plain:
        free = answer(plain, VERDICTS)
        for rule in ({"regex": VERDICT_LINES}, {"regex": "a+"}, "nonsense"):
            assert answer(plain, VERDICTS, structured_outputs=rule) == free
    assert not re.fullmatch(VERDICT_LINES, free)
