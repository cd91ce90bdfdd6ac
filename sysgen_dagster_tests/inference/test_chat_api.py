"""What is sent to a chat server, and what is said of it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from sysgen_dagster.catalog.models import Engine, RequestSettings
from sysgen_dagster.chat.constraints import Constraint, ConstraintForm
from sysgen_dagster.chat.messages import ChatMessage, ChatRequest, Role, Sampling
from sysgen_dagster.inference.chat_api import (
    DEFAULT_REASONING_TOKENS,
    Endpoint,
    ModelIdentity,
    ServerCapabilities,
    fold_system_message,
    tokens_url,
)
from sysgen_dagster_tests.inference.batches import message

VERDICTS = ("Good", "Bad", "None")
MODEL = ModelIdentity("phi-4", "phi", revision="187ef03", engine="vllm")
ENDPOINT = Endpoint(MODEL, ("http://127.0.0.1:9/v1",))


SYSTEM, USER = message(Role.SYSTEM, "Be brief."), message(Role.USER, "Why is the sea salty?")
REQUEST = ChatRequest("capybara-1", [SYSTEM, USER], Sampling(0.7, 512), seed=7)
JUDGING = replace(REQUEST, choices=VERDICTS)


# What is sent


def test_a_request_holds_nothing_that_was_not_asked_for() -> None:
    assert body_of(ENDPOINT) == {
        "model": "phi",
        "messages": [SYSTEM, USER],
        "max_tokens": 512,
        "temperature": 0.7,
        "top_p": 1.0,
        "top_k": -1,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "seed": 7,
    }


def asked(**settings: Any) -> Endpoint:
    """The endpoint with these settings of the model."""
    return replace(ENDPOINT, model=replace(MODEL, request=RequestSettings(**settings)))


def body_of(endpoint: Endpoint, request: ChatRequest = REQUEST) -> dict[str, Any]:
    return endpoint.body(request, request.messages, endpoint.limit(request))


def test_settings_of_the_model_are_sent_with_every_request() -> None:
    endpoint = asked(
        top_k=20,
        min_p=0.1,
        chat_template_kwargs={"enable_thinking": False},
        extra_body={"reasoning_effort": "low"},
    )
    body = body_of(endpoint)
    assert (body["top_k"], body["min_p"], body["reasoning_effort"]) == (20, 0.1, "low")
    assert body["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize("penalty", [1.0, 1.03])
def test_a_penalty_for_repetition_is_sent_under_the_name_that_the_engine_knows(
    engine: Engine, penalty: float
) -> None:
    endpoint = replace(ENDPOINT, model=replace(MODEL, engine=engine))
    request = replace(REQUEST, sampling=replace(REQUEST.sampling, repetition_penalty=penalty))
    name = "repeat_penalty" if engine is Engine.LLAMA_CPP else "repetition_penalty"
    sent = {key: value for key, value in body_of(endpoint, request).items() if "penalty" in key}
    assert sent == {name: penalty}
    refusing = ServerCapabilities(refuses=frozenset({"repetition_penalty"}))
    body = body_of(replace(endpoint, capabilities=refusing), request)
    assert not [key for key in body if "penalty" in key]


def test_a_penalty_that_stands_among_the_further_fields_of_older_catalogues_wins() -> None:
    assert body_of(asked(extra_body={"repetition_penalty": 1.1}))["repetition_penalty"] == 1.1


def test_fields_that_the_catalogue_or_the_probe_names_are_left_out() -> None:
    refusing = replace(
        asked(leave_out=("seed",)), capabilities=ServerCapabilities(refuses=frozenset({"top_k"}))
    )
    assert not {"seed", "top_k"} & body_of(refusing).keys()
    described = json.loads(refusing.described(REQUEST))
    assert described["left_out"] == ["seed", "top_k"]
    assert described["temperature"] == 0.7


@pytest.mark.parametrize(
    ("settings", "thinks", "limit"),
    [
        ({}, False, 512),
        ({}, True, 512 + DEFAULT_REASONING_TOKENS),
        ({"reasoning_tokens": 100}, False, 612),
        ({"reasoning_tokens": 0}, True, 512),
    ],
)
def test_thoughts_have_a_limit_of_their_own(
    settings: dict[str, Any], thinks: bool, limit: int
) -> None:
    endpoint = replace(asked(**settings), capabilities=ServerCapabilities(thinks=thinks))
    assert body_of(endpoint)["max_tokens"] == limit


@pytest.mark.parametrize(
    ("prompt_tokens", "limit"),
    [(None, 4608), (1000, 4608), (5000, 3192), (7000, 1192), (8000, 512)],
)
def test_a_long_prompt_leaves_less_room_to_thoughts_and_none_of_the_text_s(
    prompt_tokens: int | None, limit: int
) -> None:
    can = ServerCapabilities(context_tokens=8192, thinks=True)
    endpoint = replace(ENDPOINT, capabilities=can)
    assert endpoint.limit(REQUEST, prompt_tokens) == limit
    assert endpoint.least_limit(REQUEST) == 512 + 1024
    assert ENDPOINT.least_limit(REQUEST) == 512


def test_settings_that_change_nothing_keep_the_keys_of_the_ledger() -> None:
    assert MODEL.answers_as == ("vllm", "phi", "187ef03", None)
    sampled = replace(
        MODEL, request=RequestSettings(temperature=0.2, top_p=0.9, repetition_penalty=1.03)
    )
    assert sampled.answers_as == MODEL.answers_as  # these are in the request


@pytest.mark.parametrize(
    "settings",
    [
        {"top_k": 20},
        {"min_p": 0.05},
        {"extra_body": {"reasoning_effort": "low"}},
        {"chat_template_kwargs": {"enable_thinking": False}},
        {"leave_out": ("seed",)},
        {"reasoning_tokens": 2048},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_answers_under_other_settings_are_other_answers(settings: dict[str, Any]) -> None:
    assert replace(MODEL, request=RequestSettings(**settings)).answers_as != MODEL.answers_as


@pytest.mark.parametrize("form", [*ConstraintForm, None])
def test_a_constraint_is_sent_as_the_server_understands_it(form: ConstraintForm | None) -> None:
    constraint = Constraint({"regex": "yes|no"}, 'root ::= "yes" | "no"', {"enum": ["yes", "no"]})
    endpoint = replace(ENDPOINT, capabilities=ServerCapabilities(constraint_form=form))
    body = body_of(endpoint, replace(REQUEST, constraint=constraint))
    assert [name for name in ConstraintForm if name in body] == ([form] if form else [])


def test_probabilities_are_asked_for_where_they_are_wanted() -> None:
    body = body_of(ENDPOINT, JUDGING)
    assert body["logprobs"] is True
    assert len(VERDICTS) < body["top_logprobs"] <= 20  # vLLM gives no more
    assert "structured_outputs" not in body


def test_an_endpoint_does_not_show_its_key() -> None:
    secret = replace(ENDPOINT, api_key="sk-nobody-may-see-this")
    assert secret.headers() == {"Authorization": "Bearer sk-nobody-may-see-this"}
    assert "sk-nobody" not in repr(secret)
    assert ENDPOINT.headers() == {}


def test_a_model_that_takes_no_system_message_gets_it_in_the_user_turn() -> None:
    folding = replace(ENDPOINT, capabilities=ServerCapabilities(has_system_role=False))
    folded = [message(Role.USER, "Be brief.\n\nWhy is the sea salty?")]
    assert folding.turns(REQUEST.messages) == folded
    assert ENDPOINT.turns(REQUEST.messages) == [SYSTEM, USER]


@pytest.mark.parametrize(
    ("messages", "folded"),
    [
        ([USER], [USER]),
        ([], []),
        (
            [SYSTEM, USER, message(Role.ASSISTANT, "Rain."), USER],
            [
                message(Role.USER, "Be brief.\n\nWhy is the sea salty?"),
                message(Role.ASSISTANT, "Rain."),
                USER,
            ],
        ),
        (
            [SYSTEM, SYSTEM, USER],
            [message(Role.USER, "Be brief.\n\nBe brief.\n\nWhy is the sea salty?")],
        ),
    ],
    ids=["no_system_message", "nothing", "several_turns", "two_system_messages"],
)
def test_system_messages_go_before_what_the_user_says(
    messages: list[ChatMessage], folded: list[ChatMessage]
) -> None:
    assert fold_system_message(messages) == folded


def test_tokens_are_counted_beside_the_api() -> None:
    assert tokens_url("http://10.0.0.1:8000/v1") == "http://10.0.0.1:8000/tokenize"
