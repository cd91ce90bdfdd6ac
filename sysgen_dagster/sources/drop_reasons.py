"""Why a conversation cannot be used."""

from enum import StrEnum


class Unusable(StrEnum):
    """Values of ``drop_reason`` in the table `conversations`."""

    EXCLUDED = "excluded"  # the deployment was told not to use it any more
    UNKNOWN_ROLE = "unknown_role"  # a turn by somebody who is neither system, user nor assistant
    NO_ANSWER = "no_answer"
    EMPTY_QUESTION = "empty_question"
    EMPTY_ANSWER = "empty_answer"
    EMPTY_TURN = "empty_turn"  # an earlier one: servers refuse such a chat, and trainers
