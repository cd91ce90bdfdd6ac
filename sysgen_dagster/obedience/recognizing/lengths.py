"""How long an answer is to be: words, sentences, paragraphs, lines, characters."""

import re

from sysgen_dagster.obedience.recognizing.wording import (
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
    if not is_limit or found["bound"] or found["second"] or found["more"]:
        return count_rule(found, kind)
    return Rule(kind, None, read_number(found["number"]))


def _compound(found: re.Match[str], _clause: Clause) -> Rule:
    number = read_number(found["number"])
    return Rule(_UNITS[found["unit"]], number, number)


def _one(found: re.Match[str], _clause: Clause) -> Rule:
    return Rule(_UNITS[found["unit"]], 1, 1)


_MANNER = r"(?:[a-z-]+,? (?:and )?){0,3}?"
_FORMS = (
    form(
        rf"(?:{_VERB}{_INTO} )?(?:in |using |with )?{COUNT} {HARMLESS}{VAGUE}{_UNIT}"
        rf"(?: long| in length| of text)?{TAIL}",
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
        r"an? (?P<unit>sentence|paragraph|line) or two(?: (?:that|with|which|of|in|about|to)"
        r" .+)?",
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
        r"(?P<beside>(?:,? (?:that|with|which|of|in|to|for|explaining|describing|about) .+)"
        r"|, each .+)?",
        _length,
        is_whole=False,
    ),
    form(
        r"(?:a|one) (?:[a-z]+,? )?one-(?P<unit>sentence|paragraph|line) [a-z]+(?: .+)?",
        _one,
        is_whole=False,
    ),
    form(
        rf"(?:a|one) {_MANNER}(?P<unit>sentence|paragraph|line)(?: (?:that|with|which|of|in)"
        rf" .+)?",
        _one,
        is_whole=False,
    ),
)
SUBJECT = subject(r"word|sentence|paragraph|line|character", *_FORMS)
