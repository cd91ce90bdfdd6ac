"""Why the lane drops a row to which the model did reply, or does not take an instruction."""

from enum import StrEnum


class NotTaken(StrEnum):
    """Values of ``drop_reason`` in the selection, besides those of `sources.drop_reasons`."""

    DUPLICATE = "duplicate_instruction"  # an earlier one has the same words
    BEYOND_NUMBER = "beyond_number"  # others of its source were drawn


class Dropped(StrEnum):
    """Values of ``drop_reason`` in the tables of what a model wrote."""

    # preference_sets
    MISSING_PREFERENCE = "missing_preference"  # a dimension has no preference or no description
    PREFERENCE_LENGTH = "preference_length"  # a preference is not a few words
    SHORT_DESCRIPTION = "short_description"  # a description says no more than the preference
    CONTRADICTORY = "contradictory"  # it addresses readers of two kinds
    TOO_ALIKE = "too_alike"  # it says what another set of the instruction says
    # preference_messages
    NOT_ONE_PARAGRAPH = "not_one_paragraph"
    NAMES_TAXONOMY = "names_taxonomy"  # a dimension or subdimension stands there as a label
    MESSAGE_LENGTH = "message_length"  # it is shorter or longer than the catalogue allows
    # gold_answers: only those of `chat.drop_reasons`


# Another reply to the same request may be sound.
ASKED_AGAIN = tuple(reason.value for reason in Dropped)
