"""Why a conversation does not go on: every reason there is, in the order of the pipeline.

A dropped row stays in the table of the step that dropped it, with its reason; the next step reads
the rows without one.
"""

from enum import StrEnum


class DropReason(StrEnum):
    """The value of every ``drop_reason`` column."""

    # conversations
    EXCLUDED = "excluded"  # the deployment was told not to use it any more
    UNKNOWN_ROLE = "unknown_role"  # a turn by somebody who is neither system, user nor assistant
    NO_ANSWER = "no_answer"
    EMPTY_QUESTION = "empty_question"
    EMPTY_ANSWER = "empty_answer"
    EMPTY_TURN = "empty_turn"  # an earlier one: servers refuse such a chat, and trainers
    # any phase that asks a model
    BEYOND_LIMIT = "beyond_limit"  # the run was told to take fewer rows
    TOO_LONG = "too_long"  # the request does not fit the model's context
    REFUSED_BY_SERVER = "refused_by_server"  # a 4xx answer: asking again would not help
    SERVER_ERROR = "server_error"
    ENGINE_DIED = "engine_died"  # while it worked on the request, several times
    TIMEOUT = "timeout"
    MALFORMED_REPLY = "malformed_reply"  # the reply is not a chat completion
    EMPTY_COMPLETION = "empty_completion"
    # Phase 2
    MALFORMED_BOUNDARY = "malformed_boundary"
    NO_PHRASE_LEFT = "no_phrase_left"
    # Phase 3
    NOTHING_VERIFIED = "nothing_verified"  # no phrase was judged Good
    # Phase 4
    TRUNCATED = "truncated"
    REFUSED = "refused"  # the model declined to answer


# The engine failed, not the model: asking again later may well give an answer.
ENGINE_FAILURES = (
    DropReason.SERVER_ERROR,
    DropReason.ENGINE_DIED,
    DropReason.TIMEOUT,
    DropReason.MALFORMED_REPLY,
)
