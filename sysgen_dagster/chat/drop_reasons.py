"""Why a row that a model should have been asked for has no answer of it."""

from enum import StrEnum


class NoAnswer(StrEnum):
    """Values of ``drop_reason`` in every table that a model writes."""

    BEYOND_LIMIT = "beyond_limit"  # the run was told to take fewer rows
    TOO_LONG = "too_long"  # the request does not fit the model's context
    REFUSED_BY_SERVER = "refused_by_server"  # a 4xx reply: asking again would not help
    SERVER_ERROR = "server_error"
    ENGINE_DIED = "engine_died"  # while it worked on the request, several times
    TIMEOUT = "timeout"
    MALFORMED_REPLY = "malformed_reply"  # the reply is not a chat completion
    EMPTY_COMPLETION = "empty_completion"


# The engine failed, not the model: asking again later may well give an answer.
ENGINE_FAILURES = (
    NoAnswer.SERVER_ERROR,
    NoAnswer.ENGINE_DIED,
    NoAnswer.TIMEOUT,
    NoAnswer.MALFORMED_REPLY,
)
