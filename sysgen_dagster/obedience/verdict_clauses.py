"""Which verdict a clause claims, by the words of `verdict_words.yaml`.

Belongs here: clauses and the words of each verdict. Does not: where in a reply a verdict stands
(`stated_verdicts`). Nothing is understood: a clause claims a verdict where it is made of known
words from its beginning to its end, apart from a reason.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import yaml

_FILE = Path(__file__).with_name("verdict_words.yaml")
A, B, TIE = "A", "B", "tie"
ALIGNED, NOT_ALIGNED, UNKNOWN = "ALIGNED", "NOT_ALIGNED", "UNKNOWN"


@cache
def words(kind: str) -> tuple[str, ...]:
    """The words of a kind, the longest first."""
    listed = _all_words()[kind].split(",")
    return tuple(sorted({word.strip() for word in listed if word.strip()}, key=len, reverse=True))


@cache
def _all_words() -> Mapping[str, str]:
    words: Mapping[str, str] = yaml.safe_load(_FILE.read_text("utf-8"))
    return words


def any_of(*kinds: str) -> str:
    """A regular expression of the words of these kinds; a blank stands for any blanks."""
    listed = sorted({word for kind in kinds for word in words(kind)}, key=len, reverse=True)
    return "(?:" + "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in listed) + ")"


# Of a word; Chinese and Japanese are written without blanks.
_END = r"(?:(?!\w)|(?<=[\u3040-\u30ff\u3400-\u9fff]))"
_CHOOSES = (
    r"(?:i|we)(?:'d|'ll)?\s+(?:(?:therefore|thus|hence|would|will|must|clearly|finally|ultimately)\s+){0,2}"
    r"(?:choose|pick|select|prefer|favou?r|go\s+with|vote\s+for|declare|judge)"
)
_CONCLUSIVE: Final = re.compile(rf"(?:{any_of('conclusive')}|{_CHOOSES}){_END}")
_LEAD: Final = re.compile(rf"(?:{any_of('conclusive', 'lead')}|{_CHOOSES}){_END}[\s:]*")
_NOUN, _ADVERBS = any_of("nouns"), rf"(?:{any_of('adverbs')}\s+)*"
_ARTICLE = "(?:the|la|le|il|el|die|das|de|het|den)"
_REASON = rf"\s*(?:$|{any_of('reason')}{_END})"
_WELL = r"(?:better|best|more\s+closely|more\s+faithfully|besser|mieux|mejor|melhor|meglio|beter)"
# What sentences of other languages end in.
_COPULA = r"(?:\s?(?:\u3067\u3059|\u3067\u3042\u308b|\u3060|\uc785\ub2c8\ub2e4|\uc774\ub2e4))?"
_PLACES = {A: ("a", "first|former", "1|one"), B: ("b", "second|latter", "2|two")}


def _named(name: str) -> str:
    """What an answer is called: ``a``, ``response a``, ``the first answer``, ``option 1``."""
    letter, ordinal, number = _PLACES[name]
    return (
        rf"(?:(?:(?:{_ARTICLE}\s+)?(?:(?:[ao]\s+)?{_NOUN}[\s-]*)?)\#?{letter}(?:'s|\s?的)?(?:\s*{_NOUN})?"
        rf"|the\s+(?:{ordinal})(?:\s+(?:{_NOUN}|one))?|(?:{ordinal})\s+(?:{_NOUN}|one)"
        rf"|{_NOUN}\s+\#?(?:{number}))"
    )


def _prefers(name: str, other: str) -> str:
    """Clauses that say that an answer is better, or the other one worse."""
    this, that = _named(name), _named(other)
    ends = rf"(?:{_REASON}|\s(?:for|at|on)\s)"
    better = rf"{_ADVERBS}(?:is\s+{_ADVERBS}better|{_better()})"
    over = (
        r"(?:>{1,3}|over|rather\s+than|instead\s+of|beats|outperforms|wins\s+over|not"
        r"|is\s+preferred\s+(?:over|to))"
    )
    superlative = r"(?:better|best|winning|preferred|superior|stronger|chosen|winner)"
    inferior = r"(?:worse|worst|weaker|inferior|poorer|losing|loser)"
    edge = (
        r"(?:with\s+)?(?:an?\s+|the\s+)?(?:\w+\s+)?(?:edge|advantage|nod)\s+(?:goes\s+)?(?:to|for)"
    )
    return (
        rf"{this}(?:{ends}|\s+{over}\s+{that}$|\s?{better}(?!.*\b(?:and|but|or)\s+{that}\b)(?:\W|$))"
        rf"|{that}\s*(?:<{{1,3}}\s*{this}$|\s{_ADVERBS}{any_of('worse')}(?:\W|$))"
        rf"|(?:the\s+)?{superlative}(?:\s+(?:{_NOUN}|one))?\s+(?:is|=)\s+{this}{_REASON}"
        rf"|(?:the\s+)?{inferior}(?:\s+(?:{_NOUN}|one))?\s+(?:is|=)\s+{that}{_REASON}"
        rf"|{edge}\s+{this}$"
        rf"|(?:the\s+)?(?:{_NOUN}|one)\s+that\s+(?:[\w']+\s+){{1,8}}?{_WELL}\s+is\s+{this}{_REASON}"
    )


def _better() -> str:
    spread = (
        rf"is\s+{_ADVERBS}(?:the\s+)?(?:better|best|superior|stronger|preferred|preferable|winner)"
    )
    follows = rf"{any_of('follows')}\s+(?:[\w']+\s+){{0,8}}?{_WELL}"
    alone = rf"better(?:$|\s+than|\s+(?=\w+s\b){any_of('follows')})"
    return rf"(?:{any_of('better')}|{spread}|{follows}|{alone})"


def _ties() -> str:
    """Clauses that say that neither answer is better."""
    follow = rf"(?:{any_of('follows')}\s+(?:[\w']+\s+){{0,8}}?)?equally\s+(?:well|good)"
    both = rf"(?:both(?:\s+{_NOUN})?|they|(?:{_NOUN}\s+)?a\s+and\s+(?:{_NOUN}\s+)?b)\s+{follow}"
    return rf"{_states('tie')}|neither\s+(?:{_NOUN}\s+)?{_better()}|{both}"


def _states(kind: str) -> str:
    """Clauses that say what is so: ``aligned``, ``the answer is aligned with its message``."""
    subject = rf"(?:(?:(?:the|this|its|new|assistant's)\s+)*(?:{_NOUN}|it)\s+)?"
    is_so = r"(?:(?:is|was|are|seems|=)\s+)?"
    toward = (
        r"(?:\s+(?:with|to)\s+"
        r"(?:(?:the|its|this|that|all|of|given|system|whole|entire|assistant's|every|what)\s+){0,4}"
        r"(?:message|prompt|instructions?|requirements?|it|them|persona|role)(?:'s\s+\w+)?"
        r"|\u7cfb\u7edf(?:\u6d88\u606f|\u63d0\u793a))?"
    )
    return rf"{subject}{is_so}{any_of(kind)}{_COPULA}{toward}{_REASON}"


@dataclass(frozen=True, slots=True)
class Clause:
    """What a clause does: it claims a verdict, or takes back the one before it.

    Attributes:
        claims: The name of the verdict; None: it claims none.
        takes_back: Whether a claim before it holds no longer.
        spoils: Whether it claims one in some cases only, or not for sure.
        denies: The name of the verdict that it says is not so.
        is_conclusive: Whether the words before the claim say that it is the last one.
    """

    claims: str | None
    takes_back: bool = False
    spoils: bool = False
    denies: str | None = None
    is_conclusive: bool = False


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The verdicts that a judge can give, each with the pattern of the clauses that claim it.

    Patterns are compiled when a clause is first read: that takes long, and few processes read any.
    """

    patterns: Mapping[str, str]

    def read(self, clause: str, *, begins_sentence: bool) -> Clause:
        """What a clause does, in lower case, without blanks around it."""
        if _CONCEDES.match(clause):
            return Clause(None)
        took_back = TAKES_BACK.match(clause)
        if took_back or clause in _DOUBTS or (not begins_sentence and _CONDITION.match(clause)):
            rest = clause[took_back.end() :].lstrip() if took_back else ""
            return Clause(self._claimed(rest), takes_back=True)
        is_conclusive = bool(_CONCLUSIVE.match(clause))
        claimed = self._claimed(clause)
        if claimed is None and (unsure := _UNSURE.search(clause)):
            certain = " ".join(_UNSURE.sub(" ", clause).split())
            about = self._claimed(certain) or self._claimed(clause[: unsure.start()].strip())
            if _NEGATION.fullmatch(unsure[0]):
                return Clause(None, denies=about)
            return Clause(None, spoils=about is not None)
        return Clause(claimed, is_conclusive=is_conclusive)

    def _claimed(self, clause: str) -> str | None:
        """The one verdict that a clause claims, whatever harmless words stand before it."""
        for _ in range(6):
            for name, pattern in self.patterns.items():
                if _compiled(pattern).match(clause) and not _UNSURE_TAIL.search(clause):
                    return name
            lead = _LEAD.match(clause)
            if not lead:
                return None
            clause = clause[lead.end() :]
        return None


def names_alone(clause: str, name: str) -> bool:
    """Whether a clause names an answer, A or B, and says nothing of it: "and likewise b"."""
    found = _ALONE[name].fullmatch(clause)
    return found is not None and not _COMPARED.search(found["before"])


def denies(value: str) -> bool:
    """Whether a value, in lower case, says of what stands before it that it is not so: "false"."""
    return _DENIES.match(value) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_CONCEDES = re.compile(rf"{any_of('conceding')}{_END}")
# The words behind which a claim holds no longer, at the beginning of a clause.
TAKES_BACK: Final = re.compile(
    rf"(?:(?:but|or|oh|and)\s+)?{any_of('taken_back')}{_END}(?!\s+(?:than|of|que)\b)"
)
_ALONE = {
    name: re.compile(
        rf"(?P<before>(?:\S+\s+){{0,3}})(?:{_NOUN}\s+)?{name.lower()}"
        r"(?:\s+(?:too|also|as\s+well|equally|likewise|so|similarly|again|instead|indeed|though))*"
    )
    for name in (A, B)
}
# Before the name of an answer that is only compared.
_COMPARED = re.compile(
    r"(?<!\w)(?:than|unlike|over|against|not|beats|outdoes|to|of|from|without|compared\s+with)\s+$"
)
_CONDITION = re.compile(rf"(?:but\s+)?{any_of('conditions')}{_END}")
_DOUBTS = frozenset(words("doubts"))
_DENIES = re.compile(rf"(?:{any_of('denials')}|0(?:\.0+)?\s?%?)$")
_UNSURE = re.compile(rf"(?<!\w)(?:{any_of('unsure')}|\w+n't){_END}")
_NEGATION = re.compile(r"not|no|never|\w*n't|nicht|pas|\u043d\u0435")
_UNSURE_TAIL = re.compile(
    r"(?<!\w)(?:would|might|may|maybe|perhaps|could|if|unless|depending|when"
    r"|(?<!without )(?:an )?(?:exceptions?|reservations?|caveats?)|in part|partly|partially)(?!\w)"
)

# Which of two answers, shown as A and B, is better. A tie is looked for first: "a tie".
PREFERENCES: Final = Vocabulary({TIE: _ties(), A: _prefers(A, B), B: _prefers(B, A)})
# Whether an answer keeps to its system message.
ALIGNMENTS: Final = Vocabulary(
    {
        NOT_ALIGNED: _states("not_aligned"),
        ALIGNED: _states("aligned"),
        UNKNOWN: _states("unknown"),
    }
)
