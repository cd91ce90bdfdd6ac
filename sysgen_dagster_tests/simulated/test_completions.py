"""The toy `/v1/completions`: prompts as text or ids, one or many, and how likely they are."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.simulated.completions import (
    build_completions,
    find_logprob,
    parse_completion,
)
from sysgen_dagster.simulated.request_error import RequestError
from sysgen_dagster_tests.simulated.running_server import Server, error_of, running

PATH = "/v1/completions"


def replied(**fields: Any) -> list[dict[str, Any]]:
    """The choices of the reply to these fields."""
    request = parse_completion({"model": "phi", **fields}, 100)
    choices: list[dict[str, Any]] = build_completions(request)["choices"]
    return choices


ids = st.lists(st.integers(0, 99), min_size=1, max_size=9)
some_text = st.text(min_size=1, max_size=20)


@given(st.one_of(ids, some_text, st.lists(ids, min_size=1), st.lists(some_text, min_size=1)))
def test_each_prompt_comes_back_with_a_probability_for_each_token_but_its_first(
    prompt: Any,
) -> None:
    many = isinstance(prompt, list) and not isinstance(prompt[0], int)
    with_one, with_none = (
        replied(prompt=prompt, echo=True, logprobs=1, max_tokens=n, temperature=0) for n in (1, 0)
    )
    assert [each["index"] for each in with_one] == list(range(len(prompt) if many else 1))
    for more, less in zip(with_one, with_none, strict=True):
        first, *others, last = more["logprobs"]["token_logprobs"]
        assert first is None
        assert all(value < 0 for value in [*others, last])
        assert less["logprobs"]["token_logprobs"] == [None, *others]
        for given_, top in zip(others, more["logprobs"]["top_logprobs"][1:-1], strict=True):
            assert given_ in top.values()
        assert {len(each) for each in more["logprobs"].values()} == {len(others) + 2}


def test_probabilities_are_those_of_the_model_the_token_and_the_one_before_it() -> None:
    (choice,) = replied(prompt=[5, 7, 7], echo=True, logprobs=1, max_tokens=0)
    assert choice["logprobs"]["token_logprobs"] == [
        None,
        find_logprob("phi", 5, 7),
        find_logprob("phi", 7, 7),
    ]
    assert len({find_logprob(*of) for of in (("phi", 5, 7), ("phi", 7, 7), ("qwen", 5, 7))}) == 3


def test_what_is_written_ends_at_the_limit_or_before_a_stop_string() -> None:
    (limited,) = replied(prompt="Is it?", max_tokens=3)
    assert (limited["text"], limited["finish_reason"]) == (" yes yes yes", "length")
    assert limited["logprobs"] is None
    (stopped,) = replied(prompt="Is it?", max_tokens=3, stop=["s y", "no"], echo=True)
    assert (stopped["text"], stopped["finish_reason"]) == ("Is it? ye", "stop")


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({}, "prompt"),
    "empty": ({"prompt": []}, "prompt"),
    "kinds-mixed": ({"prompt": [1, "a"]}, "prompt"),
    "nothing-asked-for": ({"prompt": "a", "max_tokens": 0}, "max_tokens"),
    "negative": ({"prompt": "a", "max_tokens": -1}, "max_tokens"),
    "too-long": ({"prompt": [1] * 100, "max_tokens": 1}, "maximum context length is 100"),
    "one-of-many-too-long": ({"prompt": [[1], [1] * 101], "max_tokens": 1}, "contains 101 input"),
}


@pytest.mark.parametrize(("fields", "fault"), WRONG.values(), ids=WRONG)
def test_what_vllm_refuses_is_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(RequestError, match=fault):
        parse_completion({"model": "phi", **fields}, 100)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running("--max-model-len", "100") as it:
        yield it


def test_the_server_answers_and_counts_prompts(server: Server) -> None:
    body = {"model": "phi", "prompt": [[1, 2], [3]], "max_tokens": 1, "echo": True, "logprobs": 1}
    status, text, _ = server.post(PATH, body)
    assert status == 200
    assert [len(each["logprobs"]["tokens"]) for each in json.loads(text)["choices"]] == [3, 2]
    assert server.get("/stats")["prompts_completed"] == 2
    assert error_of(server.post(PATH, body | {"model": "gpt"}))[0] == 404
    assert error_of(server.post(PATH, body | {"prompt": 1}))[0] == 400
    assert error_of(server.post(PATH, b"{"))[0] == 400


def test_a_server_like_that_of_llama_cpp_gives_probabilities_for_what_it_writes_alone() -> None:
    body = {"model": "phi", "prompt": [1, 2, 3], "max_tokens": 1, "echo": True, "logprobs": 1}
    with running("--no-prompt-logprobs") as server:
        (choice,) = json.loads(server.post(PATH, body)[1])["choices"]
    assert choice["logprobs"]["token_logprobs"] == [find_logprob("phi", 3, " yes")]
