"""Tasks that leave something behind that can be seen: a result, or code."""

import re

from sysgen_dagster.obedience.recognizing.wording import Clause, Subject, form, rule
from sysgen_dagster.obedience.rules import Rule, RuleKind

# Stems, because answers say "subtract" for "subtraction".
_STEM = 5
_UNSPECIFIC = frozenset(
    re.findall(
        r"\w+",
        "the and for that which with from into given what this these those each there their they "
        "are was were has have had been being will would how much many more than all any some "
        "over after two three one its his her our your user student problem problems word math "
        "maths mathematical mathematics question questions involving involve about using value "
        "values final correct answer result solution simple basic everyday solve calculate "
        "compute find determine number total amount possible certain specific expression equation "
        "based context terms",
    )
)
_RESULT = r"(?:final |correct |numerical |exact )*(?:answer|result|solution)"


def _task(found: re.Match[str], _clause: Clause) -> Rule | None:
    # What more is asked, and formulas that the answer would have to be compared with.
    if re.search(
        r"\b(?:explain\w*|show\w*|describ\w*|discuss\w*|provid\w*|list\w*|why|step)\b"
        r"|[\"$=^]",
        found["task"],
    ):
        return None
    words = re.findall(r"[a-z]{3,}", found["task"])
    stems = dict.fromkeys(word[:_STEM] for word in words if word not in _UNSPECIFIC)
    return Rule(RuleKind.STATES_RESULT, words=tuple(stems))


_LANGUAGE = (
    r"(?:python|javascript|java|c|c\+\+|c#|sql|bash|shell|rust|go|ruby|typescript|php"
    r"|swift|kotlin|html|css|r|matlab|scala|perl) "
)
_THING = (
    r"(?:functions?|scripts?|programs?(?= (?:that|which|to|in|using)\b)|loops?|class(?:es)?"
    r"|quer(?:y|ies)|code|methods?|commands?)"
)
_WRITING = r"(?:write|implement|code|refactor|reply with|respond with|return)"
_MAKING = r"(?:provide|give|create|modify|develop|build|generate|complete|rewrite|fix)"
_A = r"(?:(?:a|an|the|given|new|working|complete|single|simple|following) )*"

_FORMS = (
    form(
        r"(?:calculate|compute|find|determine|work out|evaluate|tell) (?P<task>(?:the |how"
        r" (?:many|much) )"
        r"(?:[a-z]+ )?(?:number|total|amount|cost|price|sum|difference|value|average|mean|area"
        r"|volume|perimeter|distance"
        r"|length|probability|percentage|speed|time|age|profit|weight|height|product|ratio"
        r"|remainder|quotient|solution|result|answer)\b[^.:;]{0,160})",
        _task,
    ),
    form(
        r"solve (?P<task>(?:a |an |the |given |this )*(?:[a-z]+ ){0,3}(?:problems?|equations?"
        r"|inequality|inequalities"
        r")\b[^.:;]{0,120})",
        _task,
    ),
    form(
        rf"(?:show|give|state|include|provide|report) (?:the |your )?{_RESULT}"
        rf"(?: (?:clearly|at the end))*",
        rule(RuleKind.STATES_RESULT),
    ),
    form(
        rf"(?:{_WRITING} {_A}(?:{_LANGUAGE})?{_THING}|{_MAKING} {_A}{_LANGUAGE}{_THING}"
        rf"|{_MAKING} {_A}(?:script|code))"
        r"(?: (?:that|which|to|for|in|with|using|from|of|so|as|by)\b.*)?",
        rule(RuleKind.HAS_CODE),
        is_whole=False,
    ),
)
SUBJECT = Subject(
    re.compile(
        r"^(?:calculate|compute|find|determine|work|evaluate|tell|solve"
        r"|show|give|state|include|provide|report|write|implement|code|refactor|reply|respond"
        r"|return|create|modify|develop|build|generate|complete|rewrite|fix)"
    ),
    _FORMS,
)
