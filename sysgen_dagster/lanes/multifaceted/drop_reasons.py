"""Why the lane drops a row to which the model did reply, or does not take an instruction."""

from enum import StrEnum

from sysgen_dagster.chat.drop_reasons import NoAnswer


class NotTaken(StrEnum):
    """Values of ``drop_reason`` in the selection, besides those of `sources.drop_reasons`."""

    DUPLICATE = "duplicate_instruction"  # an earlier one has the same words
    BEYOND_NUMBER = "beyond_number"  # others of its source were drawn
    HELD_OUT = "held_out"  # the lane's bench asks it, so that nobody is trained on it


class Dropped(StrEnum):
    """Values of ``drop_reason`` in the tables of what a model wrote."""

    # preference_sets
    MISSING_PREFERENCE = "missing_preference"  # a dimension has no preference or no description
    PREFERENCE_LENGTH = "preference_length"  # a preference is not a few words
    SHORT_DESCRIPTION = "short_description"  # a description says no more than the preference
    REPEATS_TAXONOMY = "repeats_taxonomy"  # a description is the meaning that the model was given
    CONTRADICTORY = "contradictory"  # no answer can meet two of its texts
    TOO_ALIKE = "too_alike"  # it says what another set of the instruction says
    # preference_messages
    NOT_ONE_PARAGRAPH = "not_one_paragraph"
    DECLINES = "declines"  # it opens by saying that no message will be written
    REPEATS_ITSELF = "repeats_itself"  # a sentence stands in it twice, or much of it
    NAMES_TAXONOMY = "names_taxonomy"  # a dimension or subdimension stands there as a label
    SPEAKS_OF_TASK = "speaks_of_task"  # it speaks of the wishes that it was made of, as such
    REPEATS_PROMPT = "repeats_prompt"  # a run of its words stands in what was asked, as an example
    LEAVES_OUT_WISH = "leaves_out_wish"  # it has no word of one of the descriptions alone
    MESSAGE_LENGTH = "message_length"  # it is shorter or longer than the catalogue allows
    # gold_answers: only those of `chat.drop_reasons`


# Another reply to the same request may be sound, or may end where one went on and on.
ASKED_AGAIN = tuple(reason.value for reason in (*Dropped, NoAnswer.TRUNCATED))


class Unpaired(StrEnum):
    """Values of ``drop_reason`` of preference pairs: why an answer is in none as the chosen one."""

    NO_SIBLING = "no_sibling"  # no other answer to the instruction is kept, or it is the same
    LENGTHS_DIFFER = "lengths_differ"  # all others are more than twice or less than half as long
    NOT_JUDGED = "not_judged"  # the judge did not reply, or without a clear verdict, in an order
    TIE = "tie"  # in both orders the judge says that both obey the message as much
    ORDER_DECIDES = "order_decides"  # its verdicts in the two orders are not the same
    REJECTED_PREFERRED = "rejected_preferred"  # in both orders it prefers the other answer


class NoItem(StrEnum):
    """Values of ``drop_reason`` in the tables of the bench, besides all others of the lane."""

    CONTAMINATED = "contaminated"  # a training instruction holds most of its words
    INCOMPLETE_RUBRIC = "incomplete_rubric"  # the criterion or one of the five levels is not there
    SAME_LEVELS = "same_levels"  # two levels say the same
    NOT_SCORED = "not_scored"  # of one of the two answers the judge wrote no clear score
    REFERENCE_LOW = "reference_scores_low"  # what was written for it scores less than 4
    SIBLING_HIGH = "sibling_scores_high"  # what was written for somebody else scores 4 or 5


# Another rubric of the same preference may be sound.
WRITTEN_AGAIN = tuple(reason.value for reason in NoItem if reason is not NoItem.CONTAMINATED)
