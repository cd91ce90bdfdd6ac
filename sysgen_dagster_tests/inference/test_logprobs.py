"""The probabilities of wanted words in a reply."""

import math
from dataclasses import replace
from typing import Any

import pytest

from sysgen_dagster.inference.ledger import Outcome
from sysgen_dagster_tests.inference.judged_reply import REQUEST, read
from sysgen_dagster_tests.inference.odd_servers import completion


def token(written: object, *others: tuple[object, object]) -> dict[str, Any]:
    top = [{"token": each, "logprob": logprob} for each, logprob in others]
    return {"token": written, "logprob": -0.1, "top_logprobs": top}


def judged(*tokens: object) -> Outcome:
    """The outcome of an answer that consists of these tokens."""
    text = "".join(each["token"] for each in tokens if isinstance(each, dict))
    body = completion(text)
    body["choices"][0]["logprobs"] = {"content": list(tokens)}
    return read(body)


def shares(outcome: Outcome) -> dict[tuple[int, str], float]:
    return {(start, word): round(share, 6) for start, word, share in outcome.choices}


def test_a_word_has_the_share_of_its_token() -> None:
    outcome = judged(
        token("<<Role>>:", ("<<Role>>:", 0.0)),
        token(" Good", (" Good", math.log(0.6)), (" Bad", math.log(0.3)), (" None", math.log(0.1))),
    )
    assert outcome.text is not None
    assert outcome.text.index("Good") == 10
    assert shares(outcome) == {(10, "Good"): 0.6, (10, "Bad"): 0.3, (10, "None"): 0.1}


def test_a_word_of_several_tokens_has_the_share_of_those_that_begin_it() -> None:
    outcome = judged(
        token(" N", (" N", math.log(0.4)), (" Go", math.log(0.2)), ("Good", math.log(0.2))),
        token("one", ("one", 0.0)),
    )
    assert shares(outcome) == {(1, "Good"): 0.5, (1, "Bad"): 0.0, (1, "None"): 0.5}


def test_the_shares_are_those_among_the_words() -> None:
    outcome = judged(
        token("Bad", ("Bad", math.log(0.2)), ("Fine", math.log(0.7)), ("good", math.log(0.1)))
    )
    assert shares(outcome) == {(0, "Good"): 0.333333, (0, "Bad"): 0.666667, (0, "None"): 0.0}


def test_every_place_of_a_word_has_its_shares() -> None:
    place = token("Good", ("Good", math.log(0.9)), ("Bad", math.log(0.1)))
    outcome = judged(place, token("\n"), place)
    assert sorted(start for start, word, _ in outcome.choices if word == "Good") == [0, 5]


def test_tokens_that_begin_two_of_the_words_belong_to_neither() -> None:
    body = completion("Great")
    body["choices"][0]["logprobs"] = {"content": [token("G", ("G", -0.1), ("Go", -3.0))]}
    assert read(body, replace(REQUEST, choices=("Good", "Great"))).choices == ()


def test_shares_of_nothing_are_left_out() -> None:
    assert judged(token("Good", ("Good", -9999.0), ("Bad", -math.inf))).choices == ()


@pytest.mark.parametrize("logprob", [math.nan, None, "much", [], 10**400, {}])
def test_a_logprob_that_is_no_number_gives_no_shares(logprob: object) -> None:
    outcome = judged(token("Good", ("Good", logprob), ("Bad", -1.0)))
    assert (outcome.text, outcome.choices) == ("Good", ())


@pytest.mark.parametrize("logprob", [0.5, 1000.0, math.inf])
def test_a_probability_is_never_above_one(logprob: float) -> None:
    assert shares(judged(token("Good", ("Good", logprob), ("Bad", 0.0))))[0, "Good"] == 0.5


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {},
        [],
        "none",
        7,
        {"content": None},
        {"content": 7},
        {"content": "Good"},
        {"content": [None]},
        {"content": ["Good"]},
        {"content": [{}]},
        {"content": [{"token": None, "top_logprobs": []}]},
        {"content": [{"token": 5, "top_logprobs": []}]},
        {"content": [{"token": "Good"}]},
        {"content": [{"token": "Good", "top_logprobs": None}]},
        {"content": [{"token": "Good", "top_logprobs": [None]}]},
        {"content": [{"token": "Good", "top_logprobs": [{"token": 5, "logprob": 0}]}]},
        {"tokens": ["Good"], "token_logprobs": [-0.1]},  # of the older completions API
    ],
)
def test_an_answer_whose_logprobs_are_odd_is_an_answer_without_shares(logprobs: object) -> None:
    body = completion("Good")
    body["choices"][0]["logprobs"] = logprobs
    outcome = read(body)
    assert (outcome.text, outcome.failed_because, outcome.choices) == ("Good", None, ())


def test_shares_that_were_not_asked_for_are_not_read() -> None:
    body = completion("Good")
    body["choices"][0]["logprobs"] = {"content": [token("Good", ("Good", -0.1))]}
    assert read(body, REQUEST).choices == ()
