"""Tasks that leave a result behind."""

import re

from sysgen_dagster.obedience.recognizing.marks import SPOKEN_LANGUAGE, of_language
from sysgen_dagster.obedience.recognizing.wording import (
    Clause,
    form,
    rule,
    squeeze_formula,
    stems_of,
    subject,
)
from sysgen_dagster.obedience.rules import Rule, RuleKind

_QUANTITY = (
    r"(?:number|total|amount|cost|price|sum|difference|value|average|mean|area|volume|perimeter"
    r"|distance|length|probability|percentage|speed|time|age|profit|weight|height|product|ratio"
    r"|remainder|quotient|solution|result|answer|derivative|integral|slope|angle|radius)"
)
_NUMERIC = (
    r"(?:integers?|values|solutions|fraction|digits?|set of (?:real |positive )*(?:values|numbers)"
    r"|roots?|primes?|coefficients?)"
)
_UNIT = (
    r"(?:base|decimals?|fractions?|percent(?:age)?s?|binary|hexadecimal|integer|feet|inches"
    r"|meters"
    r"|metres|kilomet(?:er|re)s|miles|hours|minutes|seconds|days|celsius|fahrenheit|dollars|cents"
    r"|grams|kilograms|pounds|ounces|liters|litres|gallons|radians|degrees|mixed number)"
)
_RESULT = r"(?:final |correct |numerical |exact )*(?:answer|result|solution)"


_MORE_ASKED = re.compile(
    r"\b(?:explain\w*|express|show(?:ing)?|describ\w*|discuss\w*|provid\w*|list|listing|why|step"
    r"|steps"
    r"|the user"
    r"|users|compare|round\w*|nearest|and (?:graph|plot|draw)|prove|verify|check|justify"
    r"|notation|write"
    r"|without)\b|\""
)
# In which unit or form the answer is, is not looked at.
# How a value is to be found, such as "divide the logs by four to get the trees", is not looked at.
_BY_WAY_OF = re.compile(r"\b(?:by|from|with)\b.*\bto (?:get|find|obtain|determine|calculate)\b")
_IN_A_FORM = re.compile(
    r"(?:the |an? )?(?:[a-z]+ )?(?:answer|result|solution)s? (?:in|as|to|with)\b"
)
_UNKNOWN = re.compile(r"\b(?:values? of|solve for|for) \$?([a-z])\b\$?")
_FORMULA = re.compile(r"\$[^$]*\$|\S*[=^\\<>]\S*")
_OF_FORMULA = re.compile(r"[$=^\\<>]")


def _task(found: re.Match[str], _clause: Clause) -> Rule | None:
    """The stems of the task's words, and its formulas, which begin with a dollar sign."""
    task = found["task"]
    by_way_of = " to " in task and _BY_WAY_OF.search(task)
    if by_way_of or _IN_A_FORM.match(task) or _MORE_ASKED.search(task):
        return None
    has_formula = _OF_FORMULA.search(task)
    formulas = [squeeze_formula(each) for each in _FORMULA.findall(task)] if has_formula else []
    stems = stems_of(_FORMULA.sub(" ", task) if has_formula else task)
    long = [f"${formula}" for formula in formulas if len(formula) > 1]
    # An unknown of the task, such as the y of "the value of y", is given a value.
    solved = [f"${unknown}=" for unknown in _UNKNOWN.findall(task)]
    return Rule(RuleKind.STATES_RESULT, words=(*stems, *long, *solved))


_HOW_MANY = r"how (?:many|much|long|far|old|fast)\b.{3,240}"
_NUMBERS = rf"{_QUANTITY}|{_NUMERIC}"
SUBJECTS = (
    # What is calculated is a value, whatever it is called.
    subject(r"^(?:calculate|compute)$", form(r"(?:calculate|compute) (?P<task>.{3,240})", _task)),
    subject(
        r"^(?:find|determine|work|evaluate|tell|identify|give|specify|state|list|provide)$",
        form(
            r"(?:find|determine|work out|evaluate|tell|identify) (?P<task>(?:the |an? )"
            rf"(?:[a-z]+ ){{0,2}}?{_QUANTITY}\b.{{0,240}}|(?:the )?roots of.{{0,160}})",
            _task,
        ),
        form(
            r"(?:find|determine|identify|give(?: me)?|specify|state|list|provide)"
            r" (?P<task>(?:the "
            rf"|an? |all )?(?:[a-z0-9-]+ ){{0,5}}?(?:{_NUMBERS}|\$[a-z]\$)(?!\w).{{0,240}})",
            _task,
        ),
        beside=rf"\b(?:{_NUMBERS})|\$[a-z]\$",
    ),
    subject(
        r"^(?:how|find|determine|work|tell)$",
        form(
            r"(?:(?:find|determine|work out|tell(?: [a-z]+)?|find out) )?"
            rf"(?P<task>{_HOW_MANY})",
            _task,
        ),
        beside=r"^how$",
    ),
    subject(
        r"^convert$",
        form(
            rf"convert (?P<task>.{{2,120}} (?:to|into) (?:an? |the )?{_UNIT}\b.{{0,60}})",
            _task,
        ),
    ),
    subject(
        r"^(?:solve|answer)$",
        form(
            r"solve (?P<task>(?:a |an |the |given |this )*(?:[a-z]+ ){0,3}(?:problems?|equations?"
            r"|inequality|inequalities)\b[^.:;]{0,160})",
            _task,
        ),
        form(
            r"answer (?P<task>(?:a |an |the |this |given )*(?:[a-z]+ ){0,2}?(?:math|mathematics"
            r"|mathematical|word|algebra|arithmetic|geometry|algebraic|probability) (?:[a-z]+ )?"
            r"(?:problems?|questions?)\b[^.:;]{0,120})",
            _task,
        ),
        beside=r"problem|equation|inequalit|question",
    ),
    subject(
        r"^(?:evaluate|simplify|factor|expand|add|subtract|multiply|divide|perform)$",
        form(
            r"(?:evaluate|simplify|factor|expand|add|subtract|multiply|divide|perform) (?P<task>"
            r"(?:the |an? |two )?(?:[a-z-]+ ){0,4}?(?:expressions?|polynomials?|fractions?"
            r"|quadratics?|subtraction|addition|multiplication|division|calculations?|products?"
            r"|sums?|numbers?|trinomials?|binomials?|logarithms?|radicals?|matri(?:x|ces)"
            r"|vectors?)\b.{0,160})",
            _task,
        ),
    ),
    subject(
        r"^(?:use|apply)$",
        form(
            r"(?:use|apply) (?P<task>(?:the |an? )?.{3,100} to (?:(?:calculate|compute) .{3,160}"
            rf"|(?:find|determine) .{{0,40}}?\b(?:{_NUMBERS})\b.{{0,120}}))",
            _task,
        ),
        beside=r"^(?:find|calculate|compute|determine)$",
    ),
    subject(
        r"^translate$",
        form(
            rf"translate (?:[a-z' ]+ )?(?:into|to) {SPOKEN_LANGUAGE}",
            of_language(RuleKind.TRANSLATED),
        ),
    ),
    subject(
        r"^(?:show|give|state|include|provide|report)$",
        form(
            rf"(?:show|give|state|include|provide|report) (?:the |your )?{_RESULT}"
            r"(?: (?:clearly|at the end))*",
            rule(RuleKind.STATES_RESULT),
        ),
        beside=r"answer|result|solution",
    ),
)
