"""Verdicts of rules on the phrases of system messages: no model is asked."""

import polars as pl

from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster.obedience.tables import PHRASE_VERDICTS


def decide_by_rules(phrases: pl.Series, answers: pl.Series) -> pl.Series:
    """Whether answers do what each phrase of their system message asks, as far as rules can tell.

    A phrase is not obeyed if one of its rules is broken by one of the answers; it is obeyed if
    rules say all that it asks and every answer keeps to them; else it is unknown.

    Args:
        phrases: Of each message: a list of ``tag`` and ``text``.
        answers: The answers that were written under it, a list of texts: one, or those of all turns
            of a conversation; null where there is none.

    Returns:
        `tables.PHRASE_VERDICTS`, one list per row: every phrase in its order. ``by`` and ``rule``
        are null where the verdict is unknown. A row is null where there is no answer.
    """
    rows = [
        None
        if given is None
        else [
            {**phrase, "verdict": Verdict.UNKNOWN.value, "by": None, "rule": None} for phrase in of
        ]
        for of, given in zip(phrases, answers, strict=True)
    ]
    return pl.Series("phrases", rows, PHRASE_VERDICTS)
