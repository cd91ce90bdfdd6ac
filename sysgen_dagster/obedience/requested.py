"""What a user asks for in a conflict turn, in words: what a rule says, or the opposite of it.

Belongs here: the opposite of each rule, and the wordings of what a rule asks. Does not: which rule
is put to the test and how the answer is looked at (`conflicts`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from sysgen_dagster.obedience.recognizing.marks import LANGUAGES
from sysgen_dagster.obedience.recognizing.wording import ABOUT
from sysgen_dagster.obedience.rules import Rule, RuleKind

_FILE = Path(__file__).with_name("requests.yaml")
# Changes with the wordings.
FINGERPRINT = sha256(_FILE.read_bytes()).hexdigest()[:12]
_TEXTS: Mapping[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))

UNRELATED: Sequence[str] = _TEXTS["unrelated"]
CLAIMS: Sequence[str] = _TEXTS["claims"]
_THINGS: Mapping[RuleKind, str] = {
    RuleKind(kind): things for kind, things in _TEXTS["things"].items()
}
_SIGNS: Mapping[str, str] = _TEXTS["signs"]
# The first name of each language is the plain one.
_NAMES = {code: name.title() for name, code in reversed(LANGUAGES.items())}

# How much of each an answer can be asked for: what needs more than about 900 tokens is cut.
_LENGTHS = {
    RuleKind.WORDS: 600,
    RuleKind.SENTENCES: 30,
    RuleKind.PARAGRAPHS: 12,
    RuleKind.LINES: 40,
    RuleKind.CHARACTERS: 3_600,
}
_MOST_PARTS = 20  # of what is not a length
_SOME_SIGNS = 3
_OTHER_BEGINNING = Rule(RuleKind.BEGINS_WITH, words=("Well then",))
_OTHER_END = Rule(RuleKind.ENDS_WITH, words=("That is all there is to say.",))
_PROSE = Rule(RuleKind.PROSE)
_LOWER, _UPPER = (Rule(RuleKind.CASE, words=(case,)) for case in ("lower", "upper"))
# Kinds whose rules all have the same opposite.
_OPPOSITES: Mapping[RuleKind, Rule] = {
    RuleKind.JSON: _PROSE,
    RuleKind.CODE_ONLY: _PROSE,
    RuleKind.PROSE: Rule(RuleKind.BULLETS, least=3),
    RuleKind.BEGINS_WITH: _OTHER_BEGINNING,
    RuleKind.BEGINS_WITH_GREETING: _OTHER_BEGINNING,
    RuleKind.ENDS_WITH: _OTHER_END,
    RuleKind.ENDS_WITH_QUESTION: _OTHER_END,
    RuleKind.ENDS_WITH_CODE: _OTHER_END,
}


def opposite_of(rule: Rule) -> Rule | None:
    """A rule that no answer can keep together with this one; None where none is known.

    An answer that breaks the one by a hair does not keep the other: a limit of 50 words has the
    opposite of at least 100.
    """
    if rule.kind in _THINGS:
        return _opposite_number(rule)
    match rule:
        case Rule(kind=RuleKind.LANGUAGE, words=(code,)) if code in _NAMES:
            return Rule(RuleKind.LANGUAGE, words=("es" if code == "en" else "en",))
        case Rule(kind=RuleKind.CASE):
            return {_LOWER: _UPPER, _UPPER: _LOWER}.get(rule)
        case Rule(kind=RuleKind.FIRST_PERSON):
            return Rule(rule.kind, most=0) if rule.least else Rule(rule.kind, least=1)
        case Rule(kind=RuleKind.QUESTIONS, most=0):
            return Rule(RuleKind.ENDS_WITH_QUESTION)
    other = _OPPOSITES.get(rule.kind, _opposite_words(rule))
    return None if other == rule else other


def _opposite_words(rule: Rule) -> Rule | None:
    """Without what must be there, or with what must not."""
    match rule:
        case Rule(kind=RuleKind.USES_WORDS, least=1, words=(word,)):
            return Rule(RuleKind.AVOIDS_WORDS, words=(word,), is_forbidden=True)
        case Rule(kind=RuleKind.AVOIDS_WORDS, words=(word, *_)):
            return Rule(RuleKind.USES_WORDS, least=1, words=(word,))
        case Rule(kind=RuleKind.SIGNS, most=0, words=(sign,)) if sign in _SIGNS:
            return Rule(RuleKind.SIGNS, least=_SOME_SIGNS, words=(sign,))
    return None


def _opposite_number(rule: Rule) -> Rule | None:
    """More than twice as many, less than half as many, or none of what must be there."""
    is_length = rule.kind in _LENGTHS
    if rule.most is not None and (is_length or not rule.least):
        least = max(1, 2 * rule.most)
        is_possible = least <= _LENGTHS.get(rule.kind, _MOST_PARTS)
        return Rule(rule.kind, least=least) if is_possible else None
    if rule.least and is_length:
        return Rule(rule.kind, most=rule.least // 2) if rule.least > 1 else None
    return Rule(rule.kind, most=0) if rule.least else None


def wordings_of(rule: Rule) -> list[str]:
    """What a user may write who wants what a rule asks; the first is recognised as that rule."""
    word = rule.words[0] if rule.words else ""
    slots = {
        "things": _things(rule),
        "least": str(rule.least),
        "most": str(rule.most),
        "word": _NAMES.get(word, word),
        "quoted": f'"{word}"',
        "sign": _SIGNS.get(word, word),
    }
    return [text.format_map(slots) for text in _templates(rule)]


def _things(rule: Rule) -> str:
    things = _THINGS.get(rule.kind, "")
    return things.removesuffix("s") if rule.most == 1 else things


def _templates(rule: Rule) -> Sequence[str]:
    texts: Mapping[str, Sequence[str]] = _TEXTS["kinds"]
    if rule.kind in _THINGS:
        counted: Mapping[str, Sequence[str]] = _TEXTS["counted"]
        return counted[_how_many(rule)]
    if rule.kind is RuleKind.CASE:
        return texts["_".join([*rule.words, "case"])]
    return texts[f"no_{rule.kind.value}" if rule.most == 0 else rule.kind.value]


def _how_many(rule: Rule) -> str:
    if rule.most == 0:
        return "none"
    if rule.least is None:
        return "most"
    if rule.most is None:
        return "some" if rule.least == 1 else "least"
    if rule.least < rule.most:
        return "between"
    return ABOUT if ABOUT in rule.words else "exactly"


def can_be_requested(rule: Rule) -> bool:
    """Whether there are wordings for what a rule asks."""
    try:
        return bool(_templates(rule))
    except KeyError:
        return False


def read_request(text: str) -> Rule | None:
    """The rule that a text asks for in one of the wordings of `wordings_of`; None for others."""
    for kind, name, pattern in _patterns():
        if found := pattern.fullmatch(text):
            return _rule_of(kind, name, found.groupdict())
    return None


@cache
def _patterns() -> list[tuple[RuleKind, str, re.Pattern[str]]]:
    """A pattern for each wording, with the kind of its rule and the name of its list."""
    return [(kind, name, _pattern(text, kind)) for kind, name, text in _wordings()]


def _wordings() -> Iterator[tuple[RuleKind, str, str]]:
    for kind in _THINGS:
        for name, texts in _TEXTS["counted"].items():
            yield from ((kind, name, text) for text in texts)
    for name, texts in _TEXTS["kinds"].items():
        kind = RuleKind.CASE if name.endswith("_case") else RuleKind(name.removeprefix("no_"))
        yield from ((kind, name, text) for text in texts)


_SLOTS = {
    "{least}": r"\d+",
    "{most}": r"\d+",
    "{word}": "|".join(_NAMES.values()),
    "{quoted}": r'".+"',
    "{sign}": "|".join(_SIGNS.values()),
}


def _pattern(text: str, kind: RuleKind) -> re.Pattern[str]:
    """The pattern of a wording; a slot that comes twice holds the same twice."""
    things = f"{re.escape(_THINGS.get(kind, ''))}?"  # without the s of the plural, too
    pattern = re.escape(text).replace(re.escape("{things}"), things)
    for slot, values in _SLOTS.items():
        name = slot.strip("{}")
        pattern = pattern.replace(re.escape(slot), f"(?P<{name}>{values})", 1)
        pattern = pattern.replace(re.escape(slot), f"(?P={name})")
    return re.compile(pattern, re.DOTALL)


def _rule_of(kind: RuleKind, name: str, found: Mapping[str, str]) -> Rule:
    least, most = (int(found[each]) if each in found else None for each in ("least", "most"))
    if kind is RuleKind.CASE:
        return Rule(kind, words=(name.removesuffix("_case"),))
    if kind is RuleKind.LANGUAGE:
        return Rule(kind, words=(LANGUAGES[found["word"].lower()],))
    if kind is RuleKind.SIGNS:
        signs = {plural: sign for sign, plural in _SIGNS.items()}
        return Rule(kind, least, 0 if name == "no_signs" else None, (signs[found["sign"]],))
    if kind in _THINGS:
        return _number_of(kind, name, least, most)
    words = (found["quoted"][1:-1],) if "quoted" in found else ()
    is_none = name.startswith("no_")
    is_some = kind in {RuleKind.USES_WORDS, RuleKind.FIRST_PERSON} and not is_none
    is_avoided = kind is RuleKind.AVOIDS_WORDS
    return Rule(kind, 1 if is_some else None, 0 if is_none else None, words, is_avoided)


def _number_of(kind: RuleKind, name: str, least: int | None, most: int | None) -> Rule:
    if name in {"none", "some"}:
        return Rule(kind, most=0) if name == "none" else Rule(kind, least=1)
    if name in {"exactly", ABOUT}:
        return Rule(kind, least, least, (ABOUT,) if name == ABOUT else ())
    return Rule(kind, least, most)
