"""Tagged system messages: the eight key functionalities, and text to phrases and back.

A model writes text such as::

    <<Role>>You are a patient maths tutor.<</Role>> <<Task>>Solve the word problem.<<Task>>

Both closing forms of the paper are read (its prompt closes with ``<</Role>>``, its Figure 2 with
``<<Role>>``). An opening tag must be closed by its own tag before any other tag appears; whatever
breaks that rule becomes a `Defect`. Text like ``<<48/2=24>>`` or ``cout << x`` is not a tag.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Tag(StrEnum):
    """The eight key functionalities, in canonical order.

    Source: SysGen (arXiv 2502.11330), section 3.1; the order is Figure 2's.
    """

    ROLE = "Role"
    CONTENT = "Content"
    TASK = "Task"
    ACTION = "Action"
    STYLE = "Style"
    BACKGROUND = "Background"
    TOOL = "Tool"
    FORMAT = "Format"


TAG_NAMES = tuple(tag.value for tag in Tag)
_NAMES = {tag.value: tag for tag in Tag}
_CANONICAL_POSITION = {tag: position for position, tag in enumerate(Tag)}


class DefectKind(StrEnum):
    """Why a stretch of a tagged message is not a phrase."""

    UNCLOSED = "unclosed"  # opened, then another tag or the end came
    MISMATCHED = "mismatched"  # closed by another tag's end
    ORPHAN_CLOSE = "orphan_close"  # an end with nothing open
    BROKEN_BRACKET = "broken_bracket"  # <<//Role>>, <<Role>, <<Role >>
    UNKNOWN_TAG = "unknown_tag"  # not one of the eight
    UNASSIGNED_TEXT = "unassigned_text"  # outside every tag
    EMPTY_PHRASE = "empty_phrase"


MALFORMED_BOUNDARIES = frozenset(
    {
        DefectKind.UNCLOSED,
        DefectKind.MISMATCHED,
        DefectKind.ORPHAN_CLOSE,
        DefectKind.BROKEN_BRACKET,
    }
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """One tagged phrase; `text` is stripped, not empty, and holds no tag mark."""

    tag: Tag
    text: str


@dataclass(frozen=True, slots=True)
class Defect:
    """What was left out and why; `text` is the stretch that was lost or the mark at fault."""

    kind: DefectKind
    text: str


@dataclass(frozen=True, slots=True)
class TaggedMessage:
    """Phrases and defects of one text, each in the order of the text."""

    phrases: tuple[Phrase, ...]
    defects: tuple[Defect, ...]

    @property
    def has_malformed_boundary(self) -> bool:
        """Whether any of the eight tags was opened or closed wrongly."""
        return any(defect.kind in MALFORMED_BOUNDARIES for defect in self.defects)


# A whole mark has a word for a name; a broken one is a known name whose brackets are not whole.
# Every repetition is bounded, so scanning is linear in the text.
# Names are any characters but ASCII punctuation, spelled so that Polars reads the same ones.
_FIRST = r"[^\x00-@\[-`{-\x7f]"
_LATER = r"[^\x00-\x1f!-,./:-@\[-^`{-\x7f]"
_KNOWN = "|".join(TAG_NAMES)
# Polars cannot look ahead, so there the sign after a bare name is part of the mark.
_NO_NAME_GOES_ON = "(?:[^A-Za-z0-9_]|$)"
_NO_NAME_FOLLOWS = "(?![A-Za-z0-9_])"
TAG_MARK = (
    rf"<<(?P<slashes>/{{0,9}})(?P<name>{_FIRST}{_LATER}{{0,39}})>>"
    rf"|<<[/ \t]{{0,9}}(?P<broken>{_KNOWN})[ \t]{{0,9}}>{{1,2}}"
    rf"|<</{{0,9}}(?P<bare>{_KNOWN}){_NO_NAME_GOES_ON}"
)
# With the mark itself, then its four parts; what follows a bare name may begin the next mark.
_TAG_MARK = re.compile(f"({TAG_MARK.replace(_NO_NAME_GOES_ON, _NO_NAME_FOLLOWS)})")
_PARTS = 1 + _TAG_MARK.groups
_OPEN_END = re.compile(r"<<[/ \t]*$")

# What `str.strip` takes away, spelled out for Polars, which knows fewer of them.
BLANKS = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_A_PHRASE = "|".join(
    f"<<{tag}>>[{BLANKS}]*[^<{BLANKS}][^<]*<</?{tag}>>[{BLANKS}]*" for tag in TAG_NAMES
)
# A message of phrases and blanks alone, none of which holds a `<`: most are, and it has no defect.
WELL_FORMED = f"^[{BLANKS}]*(?:{_A_PHRASE})+$"


def parse_tagged_message(text: str) -> TaggedMessage:
    """The phrases of `text` and everything that is not one, in linear time; never raises."""
    reader = _Reader([], [])
    *pieces, rest = _TAG_MARK.split(text)
    for start in range(0, len(pieces), _PARTS):
        reader.read(*pieces[start : start + _PARTS])
    reader.end(rest.strip())
    return TaggedMessage(tuple(reader.phrases), tuple(reader.defects))


@dataclass(slots=True)
class _Reader:
    """Takes the marks of a text from left to right; at most one tag is open at a time."""

    phrases: list[Phrase]
    defects: list[Defect]
    opened: str | None = None

    def read(
        self,
        before: str,
        mark: str,
        slashes: str | None,
        name: str | None,
        broken: str | None,
        bare: str | None,
    ) -> None:
        """Take a mark, its parts, and the text that stands before it."""
        before, opened = before.strip(), self.opened
        name, fault = _classify(slashes, name, broken or bare)
        self.opened = None
        if name == opened and fault is not DefectKind.BROKEN_BRACKET:
            self._finish(name, before)
            return
        self._leave(opened, before, fault)
        if fault is DefectKind.UNCLOSED:
            self.opened = name
        elif opened not in _NAMES:  # else the mark is part of what went wrong with that tag
            alone = DefectKind.ORPHAN_CLOSE if fault is DefectKind.MISMATCHED else fault
            self._lose(alone, name, mark)

    def end(self, rest: str) -> None:
        """Take what stands after the last mark."""
        self._leave(self.opened, rest, DefectKind.UNCLOSED)

    def _finish(self, name: str, phrase: str) -> None:
        if name in _NAMES and phrase:
            self.phrases.append(Phrase(_NAMES[name], phrase))
        else:
            self._lose(DefectKind.EMPTY_PHRASE, name, f"<<{name}>>{phrase}")

    def _leave(self, opened: str | None, text: str, fault: DefectKind) -> None:
        """Lose what stands in a tag that has no end of its own, or outside of every tag."""
        if opened is not None:
            self._lose(fault, opened, f"<<{opened}>>{text}")
        elif text:
            self.defects.append(Defect(DefectKind.UNASSIGNED_TEXT, text))

    def _lose(self, fault: DefectKind, name: str, text: str) -> None:
        known = name.strip() in _NAMES
        self.defects.append(Defect(fault if known else DefectKind.UNKNOWN_TAG, text))


def _classify(slashes: str | None, name: str | None, broken: str | None) -> tuple[str, DefectKind]:
    """The name in a mark, and what is wrong when it comes instead of the end of an open phrase.

    An opening mark leaves that phrase `UNCLOSED`, a closing one `MISMATCHED`.
    """
    if name is None:
        return broken or "", DefectKind.BROKEN_BRACKET
    if len(slashes or "") > 1 or (name not in _NAMES and name.strip() in _NAMES):
        return name, DefectKind.BROKEN_BRACKET
    return name, DefectKind.MISMATCHED if slashes else DefectKind.UNCLOSED


def in_canonical_order(phrases: Iterable[Phrase]) -> tuple[Phrase, ...]:
    """The same phrases by `Tag` order; phrases of one tag keep their order."""
    return tuple(sorted(phrases, key=lambda phrase: _CANONICAL_POSITION[phrase.tag]))


def render_tagged_message(phrases: Iterable[Phrase]) -> str:
    """Tagged text, one phrase a line; the inverse of `parse_tagged_message`."""
    return "\n".join(f"<<{tag}>>{text}<</{tag}>>" for tag, text in map(_parts, phrases))


def render_system_message(phrases: Iterable[Phrase]) -> str:
    """Natural text without tags: phrases joined by a space, as in the paper's Figure 2.

    Deviation: a phrase of several lines (a list, a JSON form) stands on lines of its own.
    """
    message, before = "", ""
    for text in (phrase.text for phrase in phrases):
        # A phrase that ends in << could make a mark of the next one's first word.
        apart = "\n" in before or "\n" in text or _OPEN_END.search(before)
        message += ("\n\n" if apart else " ") * bool(message) + text
        before = text
    return message


def _parts(phrase: Phrase) -> tuple[str, str]:
    return phrase.tag.value, phrase.text
