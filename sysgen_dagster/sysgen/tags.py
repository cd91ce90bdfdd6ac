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
TAG_MARK = (
    rf"<<(?P<slashes>/{{0,9}})(?P<name>{_FIRST}{_LATER}{{0,39}})>>"
    rf"|<<[/ \t]{{0,9}}(?P<broken>{_KNOWN})[ \t]{{0,9}}>{{1,2}}"
    rf"|<</{{0,9}}(?P<bare>{_KNOWN})(?:[^A-Za-z0-9_]|$)"
)
_TAG_MARK = re.compile(TAG_MARK)
_OPEN_END = re.compile(r"<<[/ \t]*$")


class _Kind(StrEnum):
    OPEN = "open"
    CLOSE = "close"
    BROKEN = "broken"


def _classify(mark: re.Match[str]) -> tuple[_Kind, str]:
    """The kind of a mark and the tag's name."""
    if broken := mark["broken"] or mark["bare"]:
        return _Kind.BROKEN, broken
    name, slashes = mark["name"], mark["slashes"]
    if len(slashes) > 1 or (name not in TAG_NAMES and name.strip() in TAG_NAMES):
        return _Kind.BROKEN, name
    return (_Kind.CLOSE if slashes else _Kind.OPEN), name


# What went wrong with an open phrase when a mark of this kind came instead of its own end.
_FAULTS = {
    _Kind.OPEN: DefectKind.UNCLOSED,
    _Kind.CLOSE: DefectKind.MISMATCHED,
    _Kind.BROKEN: DefectKind.BROKEN_BRACKET,
}


def parse_tagged_message(text: str) -> TaggedMessage:
    """The phrases of `text` and everything that is not one, in linear time; never raises."""
    reader = _Reader([], [])
    start = 0
    while mark := _TAG_MARK.search(text, start):
        reader.read(text[start : mark.start()].strip(), mark)
        # What follows a bare name is not part of the mark; it may begin the next one.
        start = mark.end("bare") if mark["bare"] else mark.end()
    reader.end(text[start:].strip())
    return TaggedMessage(tuple(reader.phrases), tuple(reader.defects))


@dataclass(slots=True)
class _Reader:
    """Takes the marks of a text from left to right; at most one tag is open at a time."""

    phrases: list[Phrase]
    defects: list[Defect]
    opened: str | None = None

    def read(self, before: str, mark: re.Match[str]) -> None:
        """Take a mark and the text that stands before it."""
        kind, name = _classify(mark)
        opened, self.opened = self.opened, None
        if name == opened and kind is not _Kind.BROKEN:
            self._finish(name, before)
            return
        self._leave(opened, before, _FAULTS[kind])
        if kind is _Kind.OPEN:
            self.opened = name
        elif opened not in TAG_NAMES:  # else the mark is part of what went wrong with that tag
            fault = DefectKind.ORPHAN_CLOSE if kind is _Kind.CLOSE else DefectKind.BROKEN_BRACKET
            self._lose(fault, name, mark[0])

    def end(self, rest: str) -> None:
        """Take what stands after the last mark."""
        self._leave(self.opened, rest, DefectKind.UNCLOSED)

    def _finish(self, name: str, phrase: str) -> None:
        if name in TAG_NAMES and phrase:
            self.phrases.append(Phrase(Tag(name), phrase))
        else:
            self._lose(DefectKind.EMPTY_PHRASE, name, f"<<{name}>>{phrase}")

    def _leave(self, opened: str | None, text: str, fault: DefectKind) -> None:
        """Lose what stands in a tag that has no end of its own, or outside of every tag."""
        if opened is not None:
            self._lose(fault, opened, f"<<{opened}>>{text}")
        elif text:
            self.defects.append(Defect(DefectKind.UNASSIGNED_TEXT, text))

    def _lose(self, fault: DefectKind, name: str, text: str) -> None:
        known = name.strip() in TAG_NAMES
        self.defects.append(Defect(fault if known else DefectKind.UNKNOWN_TAG, text))


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
