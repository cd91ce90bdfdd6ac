"""Verdicts of rules on the phrases of system messages: no model is asked."""

from collections.abc import Sequence

import polars as pl

from sysgen_dagster.obedience.recognition import recognize
from sysgen_dagster.obedience.rules import BY_RULES, Rule, RuleKind, Verdict
from sysgen_dagster.obedience.tables import PHRASE_VERDICTS
from sysgen_dagster.obedience.verifying import (
    content,
    edges,
    measures,
    programs,
    results,
    whole,
)
from sysgen_dagster.obedience.verifying.answers import Answer, read_languages

_TESTS = {
    **whole.TESTS,
    **edges.TESTS,
    **results.TESTS,
    **programs.TESTS,
    **content.TESTS,
    **dict.fromkeys(measures.MEASURED, measures.measure),
}
# Those that need the language of the answer.
_OF_LANGUAGES = {
    RuleKind.LANGUAGE,
    RuleKind.TRANSLATED,
    RuleKind.FIRST_PERSON,
    RuleKind.SECOND_PERSON,
    RuleKind.BEGINS_WITH_GREETING,
}
# What each answer must be; a form or a word may be asked of one turn of a conversation.
_OF_EACH_ANSWER = {
    RuleKind.LANGUAGE,
    RuleKind.CASE,
    RuleKind.JSON,
    RuleKind.WORDS,
    RuleKind.SENTENCES,
    RuleKind.PARAGRAPHS,
    RuleKind.LINES,
    RuleKind.CHARACTERS,
}
_ROWS_AT_ONCE = 1_000
_FIELDS = dict.fromkeys(("tag", "text", "verdict", "by", "rule"), pl.String)


def decide_by_rules(phrases: pl.Series, answers: pl.Series) -> pl.Series:
    """Whether answers do what each phrase of their system message asks, as far as rules can tell.

    A phrase is obeyed if rules say all that it asks and every answer keeps to them. It is not
    obeyed if an answer breaks a rule that holds for each (what is forbidden, language, case,
    lengths, JSON), or if all answers and what they are together break a rule. Else it is unknown.

    Args:
        phrases: Of each message: a list of ``tag`` and ``text``.
        answers: The answers that were written under it, a list of texts: one, or those of all turns
            of a conversation; null where there is none.

    Returns:
        `tables.PHRASE_VERDICTS`, one list per row: every phrase in its order. ``by`` and ``rule``
        are null where the verdict is unknown. A row is null where there is no answer.
    """
    # What was read of an answer is many small objects, which cost more the more there are of them.
    parts = [
        _decide_rows(phrases.slice(first, _ROWS_AT_ONCE), answers.slice(first, _ROWS_AT_ONCE))
        for first in range(0, max(1, len(phrases)), _ROWS_AT_ONCE)
    ]
    return pl.concat(parts)


def _decide_rows(phrases: pl.Series, answers: pl.Series) -> pl.Series:
    """What `decide_by_rules` returns, of so many rows that all of them are read together."""
    asked, given = phrases.to_list(), answers.to_list()
    # A turn without an answer is no answer that could break anything.
    read = [[Answer(text or "") for text in texts or ()] for texts in given]
    read_languages(
        [
            answer
            for of, texts in zip(asked, read, strict=True)
            if texts and any(map(_is_about_language, of or ()))
            for answer in texts
        ]
    )
    is_held = [of is not None and bool(texts) for of, texts in zip(asked, read, strict=True)]
    decided = [
        (row, *_decide(phrase, texts))
        for row, (of, texts) in enumerate(zip(asked, read, strict=True))
        for phrase in (of if of and texts else ())
    ]
    return _gather(decided, is_held)


def _gather(decided: Sequence[tuple[object, ...]], is_held: Sequence[bool]) -> pl.Series:
    """A list for each row of what was decided, after the row's number; null where nothing was held.

    Polars reads columns several times as fast as lists of dictionaries.
    """
    flat = pl.DataFrame(decided, {"row": pl.UInt32, **_FIELDS}, orient="row")
    of_rows = flat.group_by("row", maintain_order=True).agg(phrases=pl.struct(*_FIELDS))
    rows = pl.DataFrame({"is_held": pl.Series(is_held, dtype=pl.Boolean)}).with_row_index("row")
    none = pl.lit([], PHRASE_VERDICTS)
    phrases = pl.when("is_held").then(pl.col("phrases").fill_null(none))
    return rows.join(of_rows, on="row", how="left", maintain_order="left").select(phrases)[
        "phrases"
    ]


def decide_phrase(phrase: str, answers: Sequence[Answer]) -> tuple[Verdict, Rule | None]:
    """The verdict on one phrase, and the rule that decided; None where it is unknown.

    Of several rules the first that is broken decides; of those that are all kept, the first.
    """
    recognized = recognize(phrase)
    if not recognized.rules:
        return Verdict.UNKNOWN, None
    results = [(rule, [keeps(rule, answer) for answer in answers]) for rule in recognized.rules]
    for rule, kept in results:
        if _is_broken(rule, kept, answers):
            return Verdict.NOT_OBEYED, rule
    if recognized.is_whole and all(all(kept) for _, kept in results):
        return Verdict.OBEYED, results[0][0]
    return Verdict.UNKNOWN, None


def _is_broken(rule: Rule, kept: Sequence[bool | None], answers: Sequence[Answer]) -> bool:
    is_forbidden = rule.is_forbidden or (rule.least is None and rule.kind in measures.MEASURED)
    if len(answers) == 1 or is_forbidden or rule.kind in _OF_EACH_ANSWER:
        return False in kept
    together = Answer("\n\n".join(answer.text for answer in answers))
    return all(each is False for each in kept) and keeps(rule, together) is False


def keeps(rule: Rule, answer: Answer) -> bool | None:
    """Whether an answer keeps to a rule; None if that cannot be told, as of an empty answer."""
    return _TESTS[rule.kind](rule, answer) if answer.text else None


def _is_about_language(phrase: dict[str, str]) -> bool:
    rules = recognize(phrase["text"]).rules
    return bool(rules) and any(rule.kind in _OF_LANGUAGES for rule in rules)


def _decide(phrase: dict[str, str], answers: Sequence[Answer]) -> tuple[str | None, ...]:
    """The fields of the phrase's verdict."""
    verdict, rule = decide_phrase(phrase["text"], answers)
    by, kind = (BY_RULES, rule.kind.value) if rule else (None, None)
    return phrase["tag"], phrase["text"], verdict.value, by, kind
