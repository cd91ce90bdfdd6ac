"""A solution that is to be shown: its steps, its calculations, what explains it, its result."""

import re

from sysgen_dagster.obedience.recognizing.wording import (
    IN,
    ON_LINES,
    Clause,
    form,
    subject,
)
from sysgen_dagster.obedience.rules import Rule, RuleKind

_OF_IT = (
    r"(?: (?:of|for|to|in|behind) (?:(?:the|your|each|every|how to|all) )?(?:solv(?:e|ing)"
    r"|reach(?:ing)?|find(?:ing)?|solution|calculations?|process|problem|answer|steps?|reasoning"
    r"|method|result|equation|logic|procedure)(?: (?:the|this|a) (?:problem|equation|solution"
    r"|answer|result)| process)?)*"
)
_KIND = (
    r"(?:(?:a|an|the|all|each|every|clear|complete|full|logical|intermediate|necessary"
    r"|simple|detailed|list of|series of|sequence of|set of|final|correct"
    r"|well-structured|structured|your|thorough),? )*"
)
_BY_STEP = (
    r"(?:solution|explanation|breakdown|calculation|guide|process|approach|derivation|reasoning"
    r"|walkthrough|procedure|instruction|method|analysis|answer|format|description)s?"
)
# Names of the parts of a solution, and what an answer has that has the part.
_PARTS: tuple[tuple[str, tuple[RuleKind, ...]], ...] = (
    (rf"step[- ]by[- ]step {_BY_STEP}{_OF_IT}", (RuleKind.STEPS,)),
    (rf"steps?(?: explained| shown| described| in order)?{_OF_IT}", (RuleKind.STEPS,)),
    (rf"explanations?{_OF_IT}", (RuleKind.EXPLANATION,)),
    (
        r"(?:mathematical |math )?(?:calculation|computation|equation|expression)s?(?: steps)?",
        (RuleKind.EQUATIONS,),
    ),
    (
        r"(?:mathematical |math )(?:procedure|derivation|solution|work|working)",
        (RuleKind.EQUATIONS, RuleKind.EXPLANATION),
    ),
    (
        r"(?:final |correct |numerical )*(?:answers?|results?|solutions?)",
        (RuleKind.STATES_RESULT,),
    ),
)
_NAMES = "|".join(name for name, _ in _PARTS)
_PART = rf"{_KIND}(?:{_NAMES})"
_AND = (
    r"(?:,? and (?:also )?|,? with |,? including |,? showing |,? along with |,? as well as "
    r"|,? plus |,? ending with |,? followed by (?=the final |the answer|the result)|, )"
)
_DETAILED = re.compile(r"\b(?:detailed|thorough)\b")
# A solution alone may be of any form.
_SHOWN = {RuleKind.STEPS, RuleKind.LIST_ITEMS, RuleKind.EXPLANATION, RuleKind.EQUATIONS}


def _parts(found: re.Match[str], _clause: Clause) -> tuple[Rule, ...] | None:
    rules: dict[Rule, None] = {}
    for text in re.split(_AND, found["parts"]):
        bare = re.sub(rf"^{_KIND}", "", text)
        kinds = next((kinds for name, kinds in _PARTS if re.fullmatch(name, bare)), None)
        if kinds is None:
            return None
        least = 2 if _DETAILED.search(text) else 1
        if "list of" in text and RuleKind.STEPS in kinds:
            rules[Rule(RuleKind.LIST_ITEMS, least=2, words=(ON_LINES,))] = None
            continue
        for kind in kinds:
            of_it = None if kind is RuleKind.STATES_RESULT else least
            rules[Rule(kind, 1 if kind is RuleKind.EQUATIONS else of_it)] = None
    kinds_asked = {rule.kind for rule in rules}
    # An expression alone may be all that the answer is to be.
    is_alone = kinds_asked == {RuleKind.EQUATIONS}
    is_shown = bool(_SHOWN & kinds_asked) and not is_alone
    return tuple(rules) if is_shown else None


_FORMS = (
    form(rf"(?:(?:{IN}|show|present|outline) )?(?P<parts>{_PART}(?:{_AND}{_PART}){{0,4}})", _parts),
)
SUBJECT = subject(
    r"\b(?:steps?|explanations?|calculations?|computations?|equations?|expressions?|math(?:ematical)?)\b",
    *_FORMS,
)
