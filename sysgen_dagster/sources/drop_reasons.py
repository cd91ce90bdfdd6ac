"""Reasons for which a conversation cannot be used."""

from enum import StrEnum


class Unusable(StrEnum):
    """Values of ``drop_reason`` in the table `conversations`."""

    EXCLUDED = "excluded"  # it is on the deployment's list of exclusions
    MALFORMED_ROW = "malformed_row"  # the row or a turn of it is no record, or a turn has no role
    NOT_TEXT = "not_text"  # it holds something else: an image, a list of answers, not a number
    TOOL_TURN = "tool_turn"  # the call of a tool, or what it gave, comes before its answer
    UNKNOWN_ROLE = "unknown_role"  # a turn before its answer is of nobody's that is known
    NO_ANSWER = "no_answer"
    EMPTY_QUESTION = "empty_question"
    EMPTY_ANSWER = "empty_answer"
    HISTORY_TOO_LONG = "history_too_long"  # more turns or characters than `dialogue` allows
    EMPTY_TURN = "empty_turn"  # a turn of the history is blank, which servers and trainers refuse
