"""Reasons for which a conversation cannot be used."""

from enum import StrEnum


class Unusable(StrEnum):
    """Values of ``drop_reason`` in the table `conversations`."""

    EXCLUDED = "excluded"  # it is on the deployment's list of exclusions
    UNKNOWN_ROLE = "unknown_role"  # the role of a turn is not system, user or assistant
    NO_ANSWER = "no_answer"
    EMPTY_QUESTION = "empty_question"
    EMPTY_ANSWER = "empty_answer"
    EMPTY_TURN = "empty_turn"  # a turn of the history is blank, which servers and trainers refuse
