"""The words of one kind of refusal are not those of another.

What servers say lies in `said_by_servers`, and what follows from it is held by `test_refusals`.
"""

import re

import pytest

from sysgen_dagster.inference import refusal_words as words


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (words.NO_CREDIT, "Rate limit reached, add a payment method to your account"),
        (words.NO_CREDIT, "Add 10 credits to unlock 1000 free requests"),
        (words.NO_CREDIT, "There is no credit to the author"),
        (words.NO_CREDIT, "Unknown value: overdue"),
        (words.NO_CREDIT, "limited to 20 calls / minute"),
        (words.NO_KEY, "Unknown key `foo` in the request"),
        (words.FILTERED, "Unknown field: safety_settings"),
        (words.FILTERED, "Names are case-sensitive"),
        (words.FILTERED, "content must be a string"),
        (words.FILTERED, "content type is not supported"),
        (words.FILTERED, "The harmonic mean is not supported"),
        (words.NO_MODEL, "This model does not support images"),
        (words.NO_MODEL, "The parameter user has been deprecated"),
        (words.NO_MODEL, "Invalid model output"),
        (words.LIMIT, "max_tokens must be at least 1, got -12"),
        (words.NO_MODEL, "Unsupported parameter: 'top_k' is not supported with this model."),
        (words.BUSY, "rating must be a number"),
        (words.TOO_LONG, "max_tokens is too large: 9000"),
        (words.TOO_LONG, "max_tokens exceeds the model limit"),
        (words.TOO_LONG, "Context size has been exceeded."),
        (words.TOO_LONG, "You exceeded your current quota"),
        (words.TOO_LONG, "temperature is larger than 2"),
        (words.TOO_LONG, "The operation took too long"),
        (words.TOO_LONG, "the name of the tool is too long"),
        (words.TOO_LONG, "messages must hold a user turn"),
        (words.AGAIN, "retries must be a number"),
        (words.AGAIN, "timeout must be a number"),
    ],
)
def test_words_that_are_alike_mean_something_else(pattern: re.Pattern[str], text: str) -> None:
    assert not pattern.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "please reduce your message size and try again",
        "Please check your input and retry",
        "Try to shorten it, then try again",
        "Please modify your prompt and retry.",
    ],
)
def test_another_request_may_be_what_is_to_be_tried(text: str) -> None:
    assert words.AGAIN.search(text)
    assert words.CHANGED.search(text)
    assert not words.CHANGED.search("The server is loading. Please try again later.")
