"""Reasons for which a row has no answer from the model."""

from enum import StrEnum


class NoAnswer(StrEnum):
    """Values of ``drop_reason`` in every table whose rows a model was asked for."""

    BEYOND_LIMIT = "beyond_limit"  # the run's limit of rows was reached before this row
    TOO_LONG = "too_long"  # the request does not fit the model's context
    REFUSED_BY_SERVER = "refused_by_server"  # a 4xx reply for a reason that is not known
    SERVER_ERROR = "server_error"
    ENGINE_DIED = "engine_died"  # the server process died several times during this request
    TIMEOUT = "timeout"
    MALFORMED_REPLY = "malformed_reply"  # the reply is not a chat completion
    EMPTY_COMPLETION = "empty_completion"
    TRUNCATED = "truncated"  # the token limit was reached before the text was complete
    FILTERED_BY_SERVER = "filtered_by_server"  # by moderation: the request, or the text was cut


# Failures of the server and not of the row: sending the request again later may succeed.
ENGINE_FAILURES = (
    NoAnswer.SERVER_ERROR,
    NoAnswer.ENGINE_DIED,
    NoAnswer.TIMEOUT,
    NoAnswer.MALFORMED_REPLY,
)
