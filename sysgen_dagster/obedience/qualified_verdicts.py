"""Whether what is said behind a verdict, in its sentence, makes it an unsure one.

"Aligned, but not in tone" and "A (but B is also good, maybe better)" are no sure verdicts, so they
are read as none. A verdict that all is so, such as "Aligned" or "Kept", is made unsure by whatever
is not so. One that something is not so is as sure where other things are, or where it is so in
part: "Not aligned, but close", "Broken in part".

Belongs here: what qualifies a verdict. Does not: which verdict a clause claims (`verdict_clauses`).
"""

import re
from typing import Final

from sysgen_dagster.obedience.verdict_clauses import (
    ALIGNED,
    PREFERENCES,
    TIE,
    A,
    B,
    any_of,
    denies,
    names_alone,
)

_END: Final = r"(?:(?!\w)|(?<=[\u3040-\u30ff\u3400-\u9fff]))"
# "In part because it is right" is a reason.
_LIMITS: Final = re.compile(
    rf"(?:(?:but|and|or|though)\s+)?{any_of('limits')}{_END}(?!\s+(?:because|due|since|thanks))"
    r"|more$|.*\s(?:only|in part|partly|partially|mostly)$"
)
_BARE_LIMIT: Final = re.compile(rf"{any_of('limits')}$")
# "Not misaligned" and "not only in tone" speak for it.
_OBJECTS: Final = re.compile(
    rf"{any_of('contrasts', 'conceding')}{_END}"
    rf"(?!\s+(?:only|just|merely|{any_of('not_aligned')})\b)"
    rf"|.*(?<!not )(?<!\w){any_of('not_aligned')}{_END}|.*(?:\s(?:though|however|not|nicht)|n't)$"
)
_JOINS: Final = re.compile(rf"(?:(?:{any_of('conceding')}|but|however|yet|and|or){_END}\s*)+")
_HEDGES: Final = re.compile(r"(?<!\w)(?:might|may|maybe|perhaps|possibly|could|arguably)(?!\w)")
_MAY_BE: Final = re.compile(r"\b(?:might|may|could)\s+be\b")
_BE: Final = r"(?:(?:which|that)\s+)?(?:(?:be|is|being)\s+)?(?:even\s+|also\s+)?(?:the\s+)?"
_ONE: Final = r"(?:\s+(?:one|answer|response))?$"
_BETTER: Final = re.compile(rf"{_BE}(?:better|best|stronger|superior){_ONE}")
_WORSE: Final = re.compile(rf"{_BE}(?:worse|worst|weaker|inferior|loser){_ONE}")
_COMPARES: Final = re.compile(
    r"\b(?:better|best|stronger|superior|preferable|wins|winner|tie|equal)$"
)
_AS_GOOD: Final = re.compile(rf"(?:.*\s)?{any_of('equals')}(?:\s+(?:as|too|here)\b.*)?$")
_FAULT: Final = re.compile(rf"(?<![\w-]){any_of('faults')}{_END}")
_DENIED: Final = re.compile(
    r"(?<!\w)(?:no|not|never|nothing|none|nobody|without|nor|neither|zero|0|free\s+of|avoid\w*|refus\w+|\w+n't)(?!\w)"
)
_UNMET: Final = re.compile(
    r"(?:\bnot|n't|\bnever)\s+(?:\w+\s+)?(?:kept|met|followed|obeyed|observed|respected|satisfied|fulfilled)\b"
)
_SOME: Final = re.compile(
    r"\b(?P<part>one|two|three|four|five)\s(?:out\s)?of\s(?:the\s)?(?!(?P=part))"
    r"(?:two|three|four|five|six|seven|eight|nine|ten)\b"
)
_SHARE: Final = re.compile(
    r"(?<![\d.])(?P<part>\d{1,3})\s?(?:/|(?:out\s)?of(?:\s(?:the|its|all))?)\s?(?P<whole>\d{1,3})(?![\d.]*\d)"
)
_TURNS: Final = re.compile(rf"(?:{any_of('contrasts')}|though|although|except){_END}")
# Where clauses end within a sentence; "short but complete" is one clause.
_SENTENCE: Final = re.compile(r"(?:[^.!?\n|;\u3002\"']|[\"'](?!\s{0,8}[,}]))*")
_SIGNS: Final = re.compile(r"\s*[,:()\[\]/\u2014\u2013\uff0c*_`]+\s*|\s+-{1,2}\s+")


def qualifies(clause: str, verdict: str, *, follows_sign: bool) -> bool:
    """Whether a clause makes the verdict before it in its sentence an unsure one.

    Args:
        clause: In lower case.
        verdict: A name of `verdict_clauses`.
        follows_sign: Whether a sign or the verdict stands before the clause; if not, a word such as
            "but" may join two words of a reason.
    """
    if verdict == ALIGNED:
        return _is_part(clause, follows_sign=follows_sign)
    if verdict not in {A, B, TIE}:
        return False
    if _LIMITS.match(clause) or _WORSE.match(clause):
        return True
    joined = _JOINS.match(clause)
    said = clause[joined.end() :] if joined else clause
    certain = " ".join(_HEDGES.sub(" ", _MAY_BE.sub("is", said)).split())
    if certain != said and (_BETTER.match(certain) or _AS_GOOD.match(certain)):
        return True
    # "Though B is better written" concedes a merit, "though B is better" takes the verdict back.
    if joined and _COMPARES.search(certain):
        return PREFERENCES.read(certain, begins_sentence=False).claims not in (None, verdict)
    return verdict != TIE and bool(_AS_GOOD.match(said))


def takes_from(clause: str, verdict: str) -> bool:
    """Whether a clause anywhere behind a verdict makes it an unsure one.

    The other answer may be named alone, as in "A. Rather B.", or a fault of what is aligned.
    """
    if verdict in {A, B}:
        return names_alone(clause, B if verdict == A else A)
    return verdict == ALIGNED and names_fault(clause)


def names_fault(clause: str) -> bool:
    """Whether a clause, in lower case, names a fault, or a share that is less than the whole."""
    share = _SHARE.search(clause)
    if share and int(share["part"]) < int(share["whole"]):
        return True
    if _SOME.search(clause) or _UNMET.search(clause):
        return True
    return bool(_FAULT.search(clause)) and not is_denied(clause)


def is_denied(clause: str) -> bool:
    """Whether a clause, in lower case, holds a word such as "not", "nothing" or "without"."""
    return _DENIED.search(clause) is not None


def turns(clause: str) -> bool:
    """Whether a clause that begins a sentence speaks against the sentence before it."""
    return _TURNS.match(clause) is not None


def names_the_worse(clause: str) -> bool:
    """Whether a clause says of the answer that is named next that it is the worse one."""
    return _WORSE.match(clause) is not None


def is_qualified(before: str, behind: str) -> bool:
    """Whether a verdict that all is so is an unsure one, by the words around it.

    Args:
        before: In its line.
        behind: The same.
    """
    sentence = _SENTENCE.match(behind.lower())
    end = sentence.end() if sentence else 0
    clauses = (each.strip(" '\"") for each in _SIGNS.split(behind[:end].lower()))
    last = [each for each in _SIGNS.split(before.lower()) if each.strip()][-1:]
    return (
        behind[end : end + 1] == "?"
        or turns(behind[end + 1 :].lower().lstrip())
        or any(_is_part(clause, follows_sign=True) for clause in clauses)
        or any(_BARE_LIMIT.match(clause) for clause in last)
    )


def _is_part(clause: str, *, follows_sign: bool) -> bool:
    return bool(
        denies(clause) or _LIMITS.match(clause) or (follows_sign and _OBJECTS.match(clause))
    )
