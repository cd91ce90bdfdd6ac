"""Tasks that leave something behind that can be seen: a result, or code."""

import re

from sysgen_dagster.obedience.recognizing.marks import LANGUAGES, SPOKEN_LANGUAGE
from sysgen_dagster.obedience.recognizing.wording import (
    Clause,
    Subject,
    form,
    rule,
    squeeze_formula,
)
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
_QUANTITY = (
    r"(?:number|total|amount|cost|price|sum|difference|value|average|mean|area|volume|perimeter"
    r"|distance|length|probability|percentage|speed|time|age|profit|weight|height|product|ratio"
    r"|remainder|quotient|solution|result|answer|derivative|integral|slope|angle|radius)"
)
_RESULT = r"(?:final |correct |numerical |exact )*(?:answer|result|solution)"


_MORE_ASKED = re.compile(
    r"\b(?:explain\w*|show(?:ing)?|describ\w*|discuss\w*|provid\w*|list|listing|why|step|steps"
    r"|the user"
    r"|users|compare)\b|\""
)
_UNKNOWN = re.compile(r"\b(?:values? of|solve for|for) \$?([a-z])\b\$?")
_FORMULA = re.compile(r"\$[^$]*\$|\S*[=^\\<>]\S*")


def _task(found: re.Match[str], _clause: Clause) -> Rule | None:
    """The stems of the task's words, and its formulas, which begin with a dollar sign."""
    task = found["task"]
    if _MORE_ASKED.search(task):
        return None
    formulas = [squeeze_formula(formula) for formula in _FORMULA.findall(task)]
    words = re.findall(r"[a-z]{3,}", _FORMULA.sub(" ", task))
    stems = dict.fromkeys(word[:_STEM] for word in words if word not in _UNSPECIFIC)
    long = [f"${formula}" for formula in formulas if len(formula) > 1]
    # An unknown of the task, such as the y of "the value of y", is given a value.
    solved = [f"${unknown}=" for unknown in _UNKNOWN.findall(task)]
    return Rule(RuleKind.STATES_RESULT, words=(*stems, *long, *solved))


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
        r"(?:calculate|compute|find|determine|work out|evaluate|tell|identify) (?P<task>(?:the "
        r"|an? )"
        rf"(?:[a-z]+ ){{0,2}}?{_QUANTITY}\b.{{0,240}}|(?:the )?roots of.{{0,160}})",
        _task,
    ),
    form(
        r"(?:(?:calculate|compute|find|determine|work out|tell|find out) )?"
        r"(?P<task>how (?:many|much|long|far|old|fast)\b.{3,240})",
        _task,
    ),
    form(
        r"solve (?P<task>(?:a |an |the |given |this )*(?:[a-z]+ ){0,3}(?:problems?|equations?"
        r"|inequality|inequalities"
        r")\b[^.:;]{0,160})",
        _task,
    ),
    form(
        rf"translate (?:[a-z' ]+ )?(?:into|to) {SPOKEN_LANGUAGE}",
        lambda found, _clause: Rule(RuleKind.TRANSLATED, words=(LANGUAGES[found["language"]],)),
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
        r"^(?:calculate|compute|find|determine|work|evaluate|tell|identify|how|translate|solve"
        r"|show|give|state|include|provide|report|write|implement|code|refactor|reply|respond"
        r"|return|create|modify|develop|build|generate|complete|rewrite|fix)"
    ),
    _FORMS,
)
