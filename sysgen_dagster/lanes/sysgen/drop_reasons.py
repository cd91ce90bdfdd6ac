"""Why a phase drops a row to which the model did reply, or does not choose an answer to it."""

from enum import StrEnum


class Dropped(StrEnum):
    """Values of ``drop_reason`` in the phases' tables, besides those of `chat.drop_reasons`."""

    # Phase 2
    MALFORMED_BOUNDARY = "malformed_boundary"
    NO_PHRASE_LEFT = "no_phrase_left"
    # Phase 3
    NOTHING_VERIFIED = "nothing_verified"  # no phrase was judged Good
    # Phase 4
    REFUSED = "refused"  # the model declined to answer
    CONTRADICTS_ORIGINAL = "contradicts_original"  # its result is not that of the original answer


# Why an answer was not chosen that could have been kept: another one breaks fewer rules.
BREAKS_RULES = "breaks_rules"
