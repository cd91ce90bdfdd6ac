r"""Pieces of which the patterns of clauses are made, and the forms that patterns and rules make.

A clause comes in small letters, without the words around it that change nothing ("please", "your
answer must"), and with each quoted text replaced by its number: ``end with "0"``.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from sysgen_dagster.obedience.rules import Recognized, Rule, RuleKind

_ONES = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NUMBERS = {
    **{word: number for number, word in enumerate(_ONES, 1)},
    **{word: 10 * number for number, word in enumerate(_TENS, 2)},
    **{"a": 1, "an": 1, "a single": 1, "one single": 1, "a couple of": 2, "both": 2},
    **{"a dozen": 12, "a hundred": 100, "one hundred": 100, "two hundred": 200, "once": 1},
    **{"twice": 2, "thrice": 3, "three hundred": 300, "five hundred": 500},
}
_ORDINALS = {
    word: number
    for number, words in enumerate(
        ("first 1st", "second 2nd", "third 3rd", "fourth 4th", "fifth 5th", "sixth 6th"), 1
    )
    for word in words.split()
}
_LONGEST_FIRST = sorted(_NUMBERS, key=len, reverse=True)
NUMBER = rf"(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,5}}|{'|'.join(map(re.escape, _LONGEST_FIRST))})"

_AT_LEAST = "at least|no fewer than|no less than|not less than|a minimum of|minimum of|minimum"
_AT_MOST = (
    "at most|no more than|not more than|up to|a maximum of|maximum of|maximum|a max of|max|within"
    "|not exceeding|no longer than|not longer than"
)
_ABOVE = "more than|over|above|longer than"
_BELOW = "less than|fewer than|under|below|shorter than"
_ABOUT = "about|around|approximately|roughly|some"
_EXACTLY = "exactly|precisely|only|just"
COUNT = (
    rf"(?:(?P<bound>{_AT_LEAST}|{_AT_MOST}|{_ABOVE}|{_BELOW}|{_ABOUT}|{_EXACTLY}|between|from) )?"
    rf"(?P<number>{NUMBER})(?:(?: to | and | or | ?[-\u2013\u2014] ?)(?P<second>{NUMBER}))?"
    r"(?P<more>\+| or (?:more|fewer|less))?"
)
# What may stand after that which is counted.
AFTER = r"(?P<after> or (?:more|fewer|less)| at (?:least|most)| max(?:imum)?| min(?:imum)?| tops)?"
_BOUNDS: tuple[tuple[str, Callable[[int], tuple[int | None, int | None]]], ...] = (
    (rf"{_AT_LEAST}|\+|or more|min", lambda number: (number, None)),
    (rf"{_AT_MOST}|or fewer|or less|tops", lambda number: (None, number)),
    (_ABOVE, lambda number: (number + 1, None)),
    (_BELOW, lambda number: (None, max(number - 1, 0))),
)
# How far from a number "about" reaches for every reader, and beyond what it reaches for none.
ABOUT = "about"
# A word of a rule about lists: the items must stand on lines of their own.
ON_LINES = "on lines"
# The word of a rule about JSON that must be an object, of any fields.
OBJECT = "{}"

QUOTE = r'"\d+"'
QUOTES = rf"{QUOTE}(?:(?:, ?| and | or |, and |, or ){QUOTE})*"

WHOLE_ANSWER = (
    r"(?:(?:your|the|each|every|all|any|all your|each of your|this|its|an?) )?"
    r"(?:entire |whole |full |complete |overall )?"
    r"(?:responses?|answers?|repl(?:y|ies)|outputs?|messages?|text)"
)
ANSWER = rf"(?:{WHOLE_ANSWER}|it|them|everything)"
DO = (
    r"(?:use|write|provide|give|include|contain|have|reply|respond|answer|return|output|present"
    r"|produce|create|add|offer|make|format|be|be written|write everything|organize|structure"
    r"|deliver|generate|display|consist|insert|incorporate|employ|speak|communicate|keep)"
)
_OBJECT = (
    rf"(?: (?:{ANSWER}|(?:the|your|all|any)(?: [a-z]+)? (?:data|information|results?|findings|steps"
    r"|points|comparison|content|items|options|instructions|ideas|details)))?"
)
IN = rf"(?:{DO}{_OBJECT}(?: (?:in|as|with|using|into|of|by using))*|in|as|with)"
# What can be asked along with a form and changes nothing about it.
HARMLESS = (
    r"(?:(?:clear|simple|plain|proper|single|complete|full|separate|distinct|neat|valid|different"
    r"|well-formatted|properly formatted|formatted|standard|markdown|simple and clear"
    r"|well-structured|structured|organized|well-organized|final),? (?:and )?){0,2}"
)
# What rules cannot tell; with it a clause is not covered wholly.
VAGUE = (
    r"(?P<vague>(?:(?:short|brief|concise|succinct|detailed|descriptive|informative|descriptive"
    r"|relevant|helpful|thorough|comprehensive|well-written|flowing|coherent|easy-to-read"
    r"|meaningful|catchy|appropriate|engaging|bold|direct|compact|polished|friendly|polite|warm"
    r"|formal|key|main|important|short and clear|clear and concise),? (?:and )?){1,3})?"
)
# What is said besides of how a thing looks, as long as it says nothing of how many.
LOOKS = (
    r"(?:(?!\b(?:at (?:least|most)|(?:more|fewer|less) than|no (?:more|fewer|less)|up to|exactly"
    r"|(?:max|min)imum|but)\b).)*"
)
TAIL = (
    rf"(?: in {ANSWER}| throughout(?: {WHOLE_ANSWER})?| for (?:clarity|readability"
    r"|easy reading|better readability|ease of reading)| at all times| always| please"
    r"| where you write| in total| total| overall| of any kind| whatsoever| at all| anywhere)*"
)
NOT = (
    r"(?:do not|don't|never|you are not allowed to|you must not|must not|should not|shall not"
    r"|cannot|can not|may not|not) "
)
NO = (
    rf"(?:(?:{NOT}(?:use|include|write|add|contain|have|say|mention|insert|give|provide|output"
    r"|put|employ|utter|write in|use any of)|avoid(?: using| the use of| writing| including)?"
    r"|refrain from (?:using|writing|including)|without(?: using| any)?"
    r"|(?:use|have|contain|include|write|with|be free of|be without|omit|leave out|skip)"
    r"(?= (?:no|zero)\b)|(?:omit|leave out|skip|be free of|be without))"
    r"(?: (?:no|any|the|zero|a|an))?|no)"
)


# Signs that look like one another to a reader, and some that nobody sees.
_SAME_SIGNS = str.maketrans(
    {
        **dict.fromkeys("\u201c\u201d\u201e\u201f\uff02", '"'),
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\uff07", "'"),
        **dict.fromkeys("\u2010\u2011", "-"),
        **dict.fromkeys("\xa0\u202f\u2009", " "),
        **dict.fromkeys("\xad\u200b\u2060\ufeff"),
    }
)


def fold(text: str) -> str:
    """A text whose apostrophes, quotation marks, blanks and accents are of one form.

    Phrases and answers are compared in this form, since each may have its own apostrophes.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text).translate(_SAME_SIGNS)


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


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause in small letters, and the quoted texts that numbers in it stand for."""

    text: str
    quotes: Sequence[str] = field(default=())

    def unquote(self, text: str) -> tuple[str, ...]:
        """The quoted texts whose numbers stand in a part of the clause."""
        return tuple(self.quotes[int(number)] for number in re.findall(r'"(\d+)"', text))


Make = Callable[[re.Match[str], Clause], Iterable[Rule] | Rule | Recognized | None]


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, compiled when it is first looked for: most processes read no phrase."""
    return re.compile(pattern)


@dataclass(frozen=True, slots=True)
class Form:
    """A pattern of whole clauses, and what rules a clause of it stands for."""

    pattern: str
    make: Make
    is_whole: bool = True

    def recognize(self, clause: Clause) -> Recognized | None:
        """What the clause asks; None if it is not of this form."""
        found = compiled(self.pattern).fullmatch(clause.text)
        if found is None:
            return None
        made = self.make(found, clause)
        if made is None or isinstance(made, Recognized):
            return made
        rules = (made,) if isinstance(made, Rule) else tuple(made)
        is_vague = bool(found.groupdict().get("vague"))
        return Recognized(rules, self.is_whole and not is_vague)


@dataclass(frozen=True, slots=True)
class Subject:
    """The forms of one subject.

    Attributes:
        needs: Found in a single word of every clause of one of the forms; in the first one if it
            begins with "^". Others are soon done with (`lookup`).
        forms: Tried in this order.
        beside: Found in a single word too, maybe in the same one.
    """

    needs: str
    forms: tuple[Form, ...]
    beside: str | None = None

    def recognize(self, clause: Clause) -> Recognized | None:
        """What the clause asks; None if it is of none of the forms."""
        for form in self.forms:
            if found := form.recognize(clause):
                return found
        return None


def subject(needs: str, *forms: Form, beside: str | None = None) -> Subject:
    """A subject of these forms."""
    return Subject(needs, forms, beside)


def form(pattern: str, make: Make, *, is_whole: bool = True) -> Form:
    """A form, of a pattern that must match a whole clause."""
    return Form(pattern, make, is_whole)


def rule(kind: RuleKind, *words: str, least: int | None = None, most: int | None = None) -> Make:
    """Makes the same rule of every clause."""
    made = Rule(kind, least, most, words)
    return lambda _found, _clause: made


def has(kind: RuleKind) -> Make:
    """Makes the rule that an answer has at least one."""
    return rule(kind, least=1)


def has_no(kind: RuleKind) -> Make:
    """Makes the rule that an answer has none."""
    return rule(kind, most=0)


def counted(kind: RuleKind) -> Make:
    """Makes the rule that an answer has as many as the clause says (`COUNT`)."""
    return lambda found, _clause: count_rule(found, kind)


def count_rule(found: re.Match[str], kind: RuleKind, *words: str) -> Rule | None:
    """The rule with the bounds that a match of `COUNT` states; None if they are no bounds.

    A bound may stand after what is counted too (`AFTER`).
    """
    number, bound = read_number(found["number"]), found["bound"] or ""
    if found["second"]:
        second = read_number(found["second"])
        return Rule(kind, number, second, words) if second > number else None
    suffix = (found["more"] or found.groupdict().get("after") or "").strip()
    for pattern, bounds in _BOUNDS:
        if re.fullmatch(pattern, suffix or bound):
            least, most = bounds(number)
            return Rule(kind, least, most, words)
    if re.fullmatch(_ABOUT, bound):
        return Rule(kind, number, number, (*words, ABOUT))
    # "Between" and "from" need a second number.
    is_exact = not bound or re.fullmatch(_EXACTLY, bound)
    return Rule(kind, number, number, words) if is_exact else None


def stems_of(text: str) -> tuple[str, ...]:
    """The beginnings of the words that say what a text is about, each once."""
    words = re.findall(r"[a-z]{3,}", text)
    return tuple(dict.fromkeys(word[:_STEM] for word in words if word not in _UNSPECIFIC))


_SETTING = re.compile(r"\\(?:left|right|[,;!() \[\]])")


def squeeze_formula(text: str) -> str:
    """A formula in small letters without blanks and without marks that only set it."""
    bare = _SETTING.sub("", text) if "\\" in text else text
    return "".join(bare.split()).replace("$", "").lower()


def read_number(text: str) -> int:
    """The number that a match of `NUMBER` states."""
    return _NUMBERS[text] if text in _NUMBERS else int(text.replace(",", ""))


def read_ordinal(text: str) -> int | None:
    """The number of "first", "2nd" and so on; None if it is none that is known."""
    return _ORDINALS.get(text)
