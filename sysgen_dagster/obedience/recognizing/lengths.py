"""How long an answer is to be: words, sentences, paragraphs, lines, characters."""

import re

from sysgen_dagster.obedience.recognizing.wording import (
    AFTER,
    ANSWER,
    COUNT,
    HARMLESS,
    NUMBER,
    TAIL,
    VAGUE,
    WHOLE_ANSWER,
    Clause,
    count_rule,
    form,
    read_number,
    subject,
)
from sysgen_dagster.obedience.rules import Rule, RuleKind

_UNITS = {
    "word": RuleKind.WORDS,
    "sentence": RuleKind.SENTENCES,
    "paragraph": RuleKind.PARAGRAPHS,
    "line": RuleKind.LINES,
    "character": RuleKind.CHARACTERS,
}
_UNIT = rf"(?P<unit>{'|'.join(_UNITS)})s?"
# "Include" and "add" ask for a part of the answer and not for the length of all of it.
_VERB = (
    r"(?:(?:use|write|give|contain|have|reply|respond|answer|return|output|present|produce|create"
    rf"|make|format|be|be written|write everything|deliver|consist|speak|communicate|summarize"
    rf"|explain|describe|say it|do so)(?: {ANSWER})?"
    rf"|(?:keep|limit|restrict|cap|confine|hold|shorten)(?: {ANSWER}| yourself)?|not exceed|stay"
    r"|do not (?:exceed|write more than|use more than)|aim for)"
)
_INTO = r"(?: (?:to|in|with|of|at|as|using|a length of|a total of|a limit of))*"


def _length(found: re.Match[str], _clause: Clause) -> Rule | None:
    kind = _UNITS[found["unit"]]
    if found["number"] in {"a", "an"} and not re.search(r"\b(?:in|to|with) an? ", found[0]):
        return None  # "Write a sentence" may speak of a part of the answer.
    is_limit = re.match(r"(?:limit|restrict|cap|confine|not exceed|do not)", found[0])
    if (
        not is_limit
        or found["bound"]
        or found["second"]
        or found["more"]
        or found.groupdict().get("after")
    ):
        return count_rule(found, kind)
    return Rule(kind, None, read_number(found["number"]))


def _compound(found: re.Match[str], _clause: Clause) -> Rule:
    number = read_number(found["number"])
    return Rule(_UNITS[found["unit"]], number, number)


def _one(found: re.Match[str], _clause: Clause) -> Rule:
    return Rule(_UNITS[found["unit"]], 1, 1)


# What a length of the whole answer may be of, and what it may be said to be beside its length.
_OF_TEXT = r"of (?:text|prose|writing|plain text)"
# What follows the text that the length is of is no part of it.
_BESIDE = (
    r"(?:followed by|plus|along with|as well as|together with|then|(?:and|,)"
    rf" (?:(?:an?|one|some|{NUMBER}) (?:[a-z-]+ ){{0,2}}(?:list|table|bullet|point|example|quiz"
    r"|heading|title|question|image|link|quote|conclusion|summary|paragraph|sentence|line|step"
    r"|tip|reason|code block)|bullet point|bullet|table|heading)(?:e?s)?)"
)
_OF_ALL = rf"(?!.*\b(?:each|every|per|{_BESIDE})\b)"
_SAYING = rf"{_OF_ALL}(?:that|with|which|in|to|for|explaining|describing|about) .+"
_WHOLE_TEXT = (
    r"(?:answer|response|reply|explanation|summary|description|definition|statement|message"
    r"|solution|story|review|overview)"
)
# Words before "line" or "sentence" that make it a part of the answer, or something else in it.
_PART = (
    r"(?:per|each|every|of|in|words?|sentences?|lines?|code|comment|subject|header|heading|title"
    r"|topic|thesis|opening|closing|final|first|last|intro|introductory|introduction|concluding"
    r"|conclusion|blank|empty|extra|additional|new|separate)"
)
_MANNER = rf"(?:(?!{_PART}\b)[a-z-]+,? (?:and )?){{0,3}}?"
_FORMS = (
    form(
        rf"(?:{_VERB}{_INTO} )?(?:in |using |with )?{COUNT} {HARMLESS}{VAGUE}{_UNIT}"
        rf"(?: long| in length| {_OF_TEXT})?{AFTER}{TAIL}",
        _length,
    ),
    form(
        rf"(?:{_VERB}{_INTO} )?(?:a |an )?{HARMLESS}{VAGUE}(?P<number>{NUMBER})-(?P<unit>word"
        rf"|sentence|paragraph|line) {HARMLESS}{WHOLE_ANSWER}{TAIL}",
        _compound,
    ),
    form(
        rf"(?:{_VERB}{_INTO} )?(?:a|one) (?:single )?(?P<unit>line|sentence) (?:with|containing"
        rf"|that"
        r" (?:states|gives|contains)) (?:only )?the (?:final )?(?:answer|result)",
        lambda found, _clause: Rule(_UNITS[found["unit"]], 1, 1),
    ),
    # A phrase that only names a form speaks of the whole answer.
    form(
        r"(?:a|one) (?:simple |single |plain |complete |full )*(?P<unit>sentence|paragraph"
        r"|line)",
        _one,
    ),
    form(
        r"an? (?P<unit>sentence|paragraph|line) or two"
        rf"(?: {_OF_TEXT})?(?: {_SAYING})?",
        lambda found, _clause: Rule(_UNITS[found["unit"]], 1, 2),
        is_whole=False,
    ),
    form(
        rf"(?:an? (?:series|set) of )?{COUNT} {HARMLESS}{VAGUE}{_UNIT} (?:(?:that|which) can be"
        r" (?:read|spoken|used) [a-z ]+|for the (?:assistant|user) to read(?: out)?(?: aloud|"
        r" loud)?)",
        _length,
    ),
    form(
        rf"(?:an? (?:series|set) of )?{COUNT} {_MANNER}(?P<unit>sentence|paragraph|line)s"
        rf"(?: {_OF_TEXT})?(?P<beside>,? {_SAYING}|, each .+)?",
        _length,
        is_whole=False,
    ),
    form(
        rf"(?:a|one) (?:[a-z]+,? )?one-(?P<unit>sentence|paragraph|line) {_WHOLE_TEXT}"
        rf"{_OF_ALL}(?: .+)?",
        _one,
        is_whole=False,
    ),
    form(
        rf"(?:a|one) {_MANNER}(?P<unit>sentence|paragraph|line)(?: {_OF_TEXT})?"
        rf"(?: {_OF_ALL}(?:that|with|which|in) .+)?",
        _one,
        is_whole=False,
    ),
)
SUBJECT = subject(r"\b(?:word|sentence|paragraph|line|character)s?\b", *_FORMS)
