"""Words to use and to avoid, and in whose person to write."""

import re

from sysgen_dagster.obedience.recognizing.wording import (
    ANSWER,
    COUNT,
    DO,
    NO,
    NOT,
    NUMBER,
    QUOTES,
    TAIL,
    Clause,
    count_rule,
    form,
    has,
    read_number,
    rule,
    subject,
)
from sysgen_dagster.obedience.rules import Rule, RuleKind

_NOUN = (
    r"(?:(?:the |these |this |following |exact |key|single |each of the |all of the |any of the )*"
    r"(?:words?|keywords?|phrases?|terms?|names?|expressions?|text|hashtags?):? )"
)
_MUST = r"(?:(?:must|should|has to|needs to|shall|will) )?"
_TIMES = rf"(?: {COUNT}(?: times?)?)?"
# Words that are listed without quotation marks, after a colon.
_BARE = r"(?P<bare>[a-z][a-z'-]*(?:(?:, and |, | and |, or | or )[a-z][a-z'-]*)*)"


def _uses(found: re.Match[str], clause: Clause) -> Rule | None:
    words = _words(found, clause)
    if "number" in found.groupdict() and found["number"]:
        return count_rule(found, RuleKind.USES_WORDS, *words)
    return Rule(RuleKind.USES_WORDS, least=1, words=words)


def _avoids(found: re.Match[str], clause: Clause) -> Rule:
    return Rule(RuleKind.AVOIDS_WORDS, words=_words(found, clause), is_forbidden=True)


def _words(found: re.Match[str], clause: Clause) -> tuple[str, ...]:
    groups = found.groupdict()
    if groups.get("bare"):
        return tuple(re.split(r", and |, or |, | and | or ", groups["bare"]))
    return clause.unquote(groups["quotes"])


_QUOTED = rf"(?P<quotes>{QUOTES})"
_ALL_QUOTED = r'(?P<quotes>"\d+"(?:(?:, and |, | and )"\d+")*)'
_USE = r"(?:use|include|contain|have|mention|say|incorporate|insert|write|add|repeat)"
_USES = (
    form(rf"{_USE} {_NOUN}?{_ALL_QUOTED}{_TIMES}{TAIL}", _uses),
    form(
        rf"{_NOUN}?{_ALL_QUOTED} {_MUST}(?:appears?|be used|be included|occurs?|be"
        rf" mentioned){_TIMES}{TAIL}",
        _uses,
    ),
    form(rf"(?:{_USE} )?(?:the |these |following )+(?:key)?words?: {_BARE}{_TIMES}{TAIL}", _uses),
    form(
        rf"the (?:key)?word (?P<bare>[a-z'-]+) {_MUST}(?:appears?|be used"
        rf"|occurs?){_TIMES}{TAIL}",
        _uses,
    ),
    form(
        rf"(?:{NOT}(?:use|include|say|mention|write|contain|utter|output) |avoid (?:using "
        rf"|saying )?"
        rf"|{NO} )(?:any of )?{_NOUN}?{_QUOTED}(?: or similar)?{TAIL}",
        _avoids,
    ),
    form(rf"{NO} (?:following )?(?:key)?words: {_BARE}{TAIL}", _avoids),
    form(
        rf"{_NOUN}?{_QUOTED} (?:must not|should not|may not|cannot|not) (?:appear|be used|occur)"
        rf"{TAIL}",
        _avoids,
    ),
    form(
        r"(?:only )?(?:answer|reply|respond)(?P<only> only)? with (?P<just>exactly |only |just )?"
        rf"{_QUOTED}(?P<nothing>(?:,? and)? nothing else)?",
        lambda found, clause: Rule(
            RuleKind.IS_ONE_OF,
            most=0 if "only" in found[0] or found["just"] or found["nothing"] else None,
            words=clause.unquote(found["quotes"]),
        ),
    ),
    form(
        r"(?:answer|reply|respond)(?: only)? with (?:exactly |only |just )?one of (?:the"
        r" following"
        rf"(?: exact)?(?: phrases| words| options)?:?|these:?) {_QUOTED}"
        r"|(?:contain|include|choose) (?:exactly )?one of the following (?:exact )?phrases:? "
        r'(?P<other>"\d+"(?:(?:, or |, | or |, and )"\d+")*)',
        lambda found, clause: Rule(
            RuleKind.USES_ONE_OF, least=1, words=clause.unquote(found["quotes"] or found["other"])
        ),
    ),
    form(
        rf"(?:address|call|greet) (?:the user|users|them|me|the reader|the customer|customers)"
        rf" (?:as|by|with)? ?{_QUOTED}{TAIL}",
        _uses,
    ),
    form(
        rf"the letter (?P<letter>[a-z]) {_MUST}(?:appears?|shows? up|occurs?) {COUNT}(?:"
        rf" times?)?{TAIL}",
        lambda found, _clause: count_rule(found, RuleKind.LETTER, found["letter"]),
    ),
    form(
        rf"avoid (?:using )?the letter (?P<letter>[a-z]) more than (?P<number>{NUMBER})(?: times)?",
        lambda found, _clause: Rule(
            RuleKind.LETTER, most=read_number(found["number"]), words=(found["letter"],)
        ),
    ),
    form(
        rf"{NO} (?:the )?letter (?P<letter>[a-z]){TAIL}",
        lambda found, _clause: Rule(RuleKind.LETTER, most=0, words=(found["letter"],)),
    ),
)
_PERSON = (
    r"(?:in |use |using |from )*(?:the )?{}[- ]person(?: (?:perspective|point of view"
    r"|voice|narration|narrative))*"
)
_PERSONS = (
    form(
        rf"(?:(?:{DO}|tell|narrate)(?: {ANSWER}| the story)? )?{_PERSON.format('first')}{TAIL}",
        has(RuleKind.FIRST_PERSON),
    ),
    form(
        rf"(?:(?:{DO}|tell|narrate)(?: {ANSWER}| the story)? )?{_PERSON.format('second')}{TAIL}",
        has(RuleKind.SECOND_PERSON),
    ),
    form(
        rf"{NO} (?:the )?first[- ]person(?: pronouns| language)?{TAIL}",
        rule(RuleKind.FIRST_PERSON, most=0),
    ),
)
_EXAMPLES = (
    form(
        rf"(?:{DO}|illustrate(?: it| this)? with) (?:at least one |an? |some |the )?"
        rf"(?:example|examples){TAIL}",
        rule(RuleKind.EXAMPLE),
    ),
)
SUBJECTS = (
    subject(r'"|words?\b|\bletter\b', *_USES),
    subject(r"\bperson\b", *_PERSONS),
    subject(r"\bexamples?\b", *_EXAMPLES),
)
