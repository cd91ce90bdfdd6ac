"""Objects that one verb lists: "use bullets and headings", "end with a summary and a question".

What holds of an object alone need not hold of it in a list. Under a verb that forbids it is
forbidden, a length beside something else is that of a part, and of two endings only one is last.
"""

import re
from collections.abc import Callable

from sysgen_dagster.obedience.recognizing.beside import LENGTHS, lengths_of_part
from sysgen_dagster.obedience.rules import NOTHING, Recognized, Rule, RuleKind

_VERB = re.compile(
    r"^(?P<verb>use|include|add|provide|give|write|avoid(?: using)?|do not use|don't use|never"
    r" use|do not include"
    r"|be|without|no|have|contain|answer in|reply in|respond in"
    r"|respond with|answer with|in) (?P<objects>.+)$"
)
_OBJECTS = re.compile(r",? and |, or | or |, ")
# Of objects after another verb, "or" leaves a choice.
FORBIDS = re.compile(r"(?:avoid|do not|don't|never|without|no)\b")
_MOST_OBJECTS = 5
# The last object may tell when all are asked for: "headings and lists to organize long answers".
_PURPOSE = re.compile(r" (?:to|for|when) ")
# Of what is forbidden it may tell where, or that only all of it together is.
_JOINTLY = re.compile(r" (?:in|at|on|within) | together\b")
_ENDS = re.compile(
    r"(?:end|finish|conclude|close|wrap up|sign off|complete|the (?:very )?(?:last|end))\b"
    r"(?: off)?(?:(?! (?:with|by|be)\b) [a-z]+){0,4}(?: (?:with|by|be|read))+ "
)
_BEGINS = re.compile(
    r"(?:begin|start|open|lead|the (?:very )?first)\b(?: off)?"
    r"(?:(?! (?:with|by|be)\b) [a-z]+){0,4}(?: (?:with|by|be|read))+ "
)
# Between two things that follow one another; "the" and "your" may go on with the first of them.
_FOLLOWED = re.compile(
    r",? (?:and|followed by|plus|then|along with|together with|as well as|before) (?:then |also )?"
    r"(?=(?:an?|one|two|three|another|some|any|further|thanks?|[a-z]+ing)\b)"
    r"|,? (?:and|followed by|plus),? (?=\"\d+\")|, (?=an? |one |\"\d+\" and )"
    r"|,? (?:followed by|plus) "
)
_LookUp = Callable[[str], Recognized | None]


def recognize_edge(clause: str, look_up: _LookUp) -> Recognized | None:
    """What is asked of an end or a beginning of several things; None if the clause names one.

    Only the last thing stands at the end, and only the first at the beginning.
    """
    for edge, verb, at in ((_ENDS, "end with", -1), (_BEGINS, "begin with", 0)):
        found = edge.match(clause)
        things = _FOLLOWED.split(clause[found.end() :]) if found else []
        if len(things) > 1:
            asked = look_up(f"{verb} {things[at]}")
            return Recognized(asked.rules if asked else ())
    return None


def recognize_objects(clause: str, look_up: _LookUp) -> Recognized:
    """What the objects ask that a verb lists."""
    shared = _VERB.match(clause)
    objects = _OBJECTS.split(shared["objects"]) if shared else []
    if not shared or not 1 < len(objects) <= _MOST_OBJECTS:
        return NOTHING
    forbids = bool(FORBIDS.match(shared["verb"]))
    if " or " in shared["objects"] and not forbids:
        return NOTHING
    parts = [
        look_up(f"{shared['verb']} {each}")
        # Without a verb that forbids it, a thing would be asked for.
        or (None if forbids and not FORBIDS.match(each) else look_up(each))
        for each in objects
    ]
    bound = (_PURPOSE, _JOINTLY) if forbids else (_PURPOSE,)
    if parts[-1] is None and any(words.search(objects[-1]) for words in bound):
        return NOTHING
    rules = tuple(rule for part in parts if part for rule in part.rules)
    has_exception = any(
        part is None and each.startswith("with ") for part, each in zip(parts, objects, strict=True)
    )
    if has_exception or len({rule.words for rule in rules if rule.kind is RuleKind.CASE}) > 1:
        rules = tuple(rule for rule in rules if rule.kind is not RuleKind.CASE)
    is_manner = (
        forbids or shared["verb"] == "be" or all(part and _is_manner(part) for part in parts)
    )
    if not is_manner:
        rules = lengths_of_part(rules)
    is_whole = all(part and part.is_whole and set(part.rules) <= set(rules) for part in parts)
    return Recognized(rules, is_whole)


def _is_manner(part: Recognized) -> bool:
    """Whether it says how the whole answer is to be written, and names nothing beside it."""
    manners = LENGTHS | {RuleKind.LANGUAGE, RuleKind.CASE}
    return all(rule.kind in manners or _forbids(rule) for rule in part.rules)


def _forbids(rule: Rule) -> bool:
    return rule.is_forbidden or rule.most == 0
