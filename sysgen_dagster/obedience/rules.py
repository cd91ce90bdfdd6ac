"""What a phrase of a system message may ask that can be computed of an answer.

Belongs here: the kinds of rules and their values. Does not: recognising them in a phrase
(`recognition`) and holding an answer to them (`by_rules`).
"""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether an answer does what a phrase of its system message asks."""

    OBEYED = "obeyed"
    NOT_OBEYED = "not_obeyed"
    UNKNOWN = "unknown"  # neither rules nor a judge could tell, or nobody was asked


BY_RULES = "rules"  # stands for the judge's name where rules decided


class RuleKind(StrEnum):
    """The kinds of rules, as tables name them."""

    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that an answer must be, have or avoid.

    Attributes:
        kind: What is looked at.
        least: The smallest number that obeys; None: no bound.
        most: The largest number that obeys; None: no bound.
        words: Words, beginnings, endings or names, as the kind has them.
        is_forbidden: Whether the answer must not have it.
    """

    kind: RuleKind
    least: int | None = None
    most: int | None = None
    words: tuple[str, ...] = ()
    is_forbidden: bool = False
