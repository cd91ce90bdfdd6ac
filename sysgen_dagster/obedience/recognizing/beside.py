"""What is written beside the rest of an answer, so that what is asked of one holds not for both.

"Answer in one sentence and give an example": the sentence is not the whole answer.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sysgen_dagster.obedience.recognizing.wording import ABOUT
from sysgen_dagster.obedience.rules import Recognized, Rule, RuleKind

LENGTHS = frozenset(
    {
        RuleKind.WORDS,
        RuleKind.SENTENCES,
        RuleKind.PARAGRAPHS,
        RuleKind.LINES,
        RuleKind.CHARACTERS,
    }
)
_ENDINGS = frozenset(kind for kind in RuleKind if kind.value.startswith("ends_with"))
# What stands beside other text, and is no way to write it.
_OWN_PARTS = _ENDINGS | {
    *(RuleKind.EXAMPLE, RuleKind.TABLES, RuleKind.CODE_BLOCKS, RuleKind.BULLETS),
    *(RuleKind.NUMBERED_ITEMS, RuleKind.LIST_ITEMS, RuleKind.HEADINGS, RuleKind.QUESTIONS),
    *(RuleKind.STEPS, RuleKind.EXPLANATION, RuleKind.TITLE, RuleKind.POSTSCRIPT),
    *(RuleKind.BEGINS_WITH_PART, RuleKind.BEGINS_WITH_GREETING, RuleKind.EQUATIONS),
    *(RuleKind.STATES_RESULT, RuleKind.HAS_CODE, RuleKind.PROGRAM),
}
# A length of the whole answer, and what else is written beside what a length was asked of.
_WHOLE_LENGTH = re.compile(
    r"(?:keep|limit|restrict|cap|not|do not|never|stay|be|at most"
    r"|use (?:at|no|only|exactly|up|a maximum|fewer|less))\b"
)
_WRITTEN_BESIDE = re.compile(
    r"(?:list|explain|give|provide|add|describe|show|write|offer|ask|include|state|translate"
    r"|summari[sz]e|suggest|present|name|in)\b"
)
_WRITTEN_AFTER = re.compile(
    r"(?:add|ask|describe|explain|give|invite|list|offer|provide|say|show|suggest|summari[sz]e"
    r"|thank|wish|write)\b"
)


def rules_of_whole(
    at: int, clauses: Sequence[str], every: Sequence[Recognized]
) -> tuple[Rule, ...]:
    """The rules of a clause that hold for the answer with what other clauses add to it.

    A length beside something else is that of a part, and what is written after an end is last.
    """
    rules = every[at].rules
    added = [
        number
        for number, (clause, found) in enumerate(zip(clauses, every, strict=True))
        if number != at and _adds(clause, found)
    ]
    if added and not _WHOLE_LENGTH.match(clauses[at]):
        rules = lengths_of_part(rules)
    if any(number > at and _WRITTEN_AFTER.match(clauses[number]) for number in added):
        rules = tuple(rule for rule in rules if rule.kind not in _ENDINGS)
    return rules


def lengths_of_part(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules, of which lengths are those of a part: the whole answer is as long or longer."""
    return tuple(
        replace(rule, most=None) if rule.kind in LENGTHS else rule
        for rule in rules
        if rule.kind not in LENGTHS or (rule.least is not None and ABOUT not in rule.words)
    )


def _adds(clause: str, found: Recognized) -> bool:
    if any(rule.kind in _OWN_PARTS and rule.most != 0 for rule in found.rules):
        return True
    is_written = _WRITTEN_BESIDE.match(clause) or _WRITTEN_AFTER.match(clause)
    return not found.is_whole and bool(is_written)
