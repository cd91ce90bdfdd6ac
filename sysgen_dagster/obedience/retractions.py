"""Sentences in which a judge takes back what it said before, in replies of any form.

Belongs here: what is taken back whatever the verdict was. Does not: words that qualify a verdict
(`qualified_verdicts`).
"""

import re
from typing import Final

from sysgen_dagster.obedience.verdict_clauses import TAKES_BACK

_FIRST: Final = r"(?:(?:please|no|oh|so|and|but|well|kindly|just|note that)\s+){0,2}"
_ORDERS: Final = (
    r"(?:ignore|disregard|forget|discard|scrap|strike|delete|retract|withdraw|cancel|swap|switch"
    r"|reverse|exchange|invert|flip)\s+"
    r"(?:that|this|it|them|the|my|all|everything|what|both|labels|answers|verdicts)"
    r"|(?:do\s+not|don't)\s+(?:use|trust|count|take|read)\s+(?:that|this|it|the|my)"
)
_MIXED: Final = (
    r"(?:reversed|swapped|switched|mixed|exchanged|inverted|flipped|confused|interchanged)"
)
_ERRED: Final = (
    r"i(?:'m|\s+(?:am|was|have\s+been|may\s+have\s+been|might\s+be|must\s+have\s+been))\s+"
    r"(?:\w+\s+)?(?:mistaken|wrong|in\s+error)"
    r"|i\s+(?:(?:have|had|must|may|might|think|fear|just|seem|to)\s+){0,3}"
    rf"(?:{_MIXED}|misread|misjudged|misspoke|mislabell?ed|erred|reconsider(?:ed)?"
    r"|should\s+have\s+(?:said|written|chosen|picked)|got\s+(?:it|that|them)\s+wrong|made\s+an?\s+(?:\w+\s+)?(?:error|mistake|slip))"
)
# "The answer is wrong" would be said of what is judged.
_IS_WRONG: Final = (
    r"(?:that|this|the\s+above|(?:the|this|that)\s+verdict|my\s+(?:\w+\s+)?(?:verdict|answer|judge?ment|choice))"
    r"(?:(?:'s|\s+is|\s+was)\s+(?:not\s+(?:quite\s+|at\s+all\s+)?(?:right|correct|true|so)"
    r"|(?:the\s+)?wrong|incorrect|false|mistaken|an?\s+(?:mistake|error))"
    r"|\s+(?:isn't|wasn't)\s+(?:right|correct|true|so))"
)
_ARE_MIXED: Final = (
    r"(?:(?:the|my|these|those|both|all|two)\s+){0,2}"
    r"(?:labels?|letters?|names?|answers?|responses?|verdicts?|order|positions?|a\s+and\s+b|they)\s+"
    rf"(?:(?:are|were|is|was|got|have\s+been|should\s+be)\s+)?(?:\w+\s+)?{_MIXED}"
)
_RETRACTS: Final = re.compile(rf"{_FIRST}(?:{_ORDERS}|{_ERRED}|{_IS_WRONG}|{_ARE_MIXED})\b")
_SIGNS: Final = re.compile(r"[.!?,;:()|\n\u2014\u2013\u3001\u3002]+|\s-{1,2}\s")


def takes_back(clause: str) -> bool:
    """Whether a clause, in lower case, takes back what was said before it: "ignore that"."""
    return bool(TAKES_BACK.match(clause) or _RETRACTS.match(clause))


def retracts(text: str) -> bool:
    """Whether a clause of a text takes back what was said before the text."""
    clauses = _SIGNS.split(text.lower().replace("\u2019", "'"))
    return any(takes_back(clause.strip(" *_`>#'\"")) for clause in clauses)
