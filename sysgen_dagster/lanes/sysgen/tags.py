"""The eight tags of a system message's phrases; tagged text to phrases and back.

A model writes text such as::

    <<Role>>You are a patient maths tutor.<</Role>> <<Task>>Solve the word problem.<<Task>>

Both closing marks of the paper are read (its prompt closes with ``<</Role>>``, its Figure 2 with
``<<Role>>``). A tag must be closed by its own mark before another tag opens; text that breaks this
rule becomes a `Defect`. Text such as ``<<48/2=24>>`` or ``cout << x`` is not a mark.

With `Method.mend`, slips of form are corrected where nothing is guessed, and each correction is a
`Defect` of a kind of its own: a phrase of one line without a closing mark, where the next mark
opens on a new line or the text ends by itself; and decoration round a mark: ``**<<Role>>:**``.
"""

import re
from collections.abc import Iterable, Iterator
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
_TAGS = {tag.value: tag for tag in Tag}


class DefectKind(StrEnum):
    """Why a stretch of a tagged message is not a phrase, or which slip was mended."""

    UNCLOSED = "unclosed"  # the next mark opens another tag, or there is none
    MISMATCHED = "mismatched"  # the next mark closes another tag
    ORPHAN_CLOSE = "orphan_close"  # a closing mark where no tag is open
    BROKEN_BRACKET = "broken_bracket"  # <<//Role>>, <<Role>, <<Role >>
    UNKNOWN_TAG = "unknown_tag"  # not one of the eight
    UNASSIGNED_TEXT = "unassigned_text"  # outside every tag
    EMPTY_PHRASE = "empty_phrase"
    MENDED_CLOSE = "mended_close"  # no closing mark at the end of the line; the next line opens
    MENDED_LAST_CLOSE = "mended_last_close"  # no closing mark at the end of the text
    MENDED_DECORATION = "mended_decoration"  # **, ` or : round a mark


MALFORMED_BOUNDARIES = frozenset(
    {
        DefectKind.UNCLOSED,
        DefectKind.MISMATCHED,
        DefectKind.ORPHAN_CLOSE,
        DefectKind.BROKEN_BRACKET,
    }
)


MENDS = frozenset(
    {DefectKind.MENDED_CLOSE, DefectKind.MENDED_LAST_CLOSE, DefectKind.MENDED_DECORATION}
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """One tagged phrase; `text` is stripped, not empty, and holds no mark."""

    tag: Tag
    text: str


@dataclass(frozen=True, slots=True)
class Defect:
    """What was left out and why; `text` is the stretch that was lost or the mark at fault.

    Of a mend it is the phrase that was closed, or the mark with its decoration.
    """

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


# A mark is `<<Name>>` or `<</Name>>` with any name, or one of the eight names in broken brackets.
# Every repetition is bounded, so that a scan takes time in proportion to the text. A name is made
# of any characters but ASCII punctuation; the classes are written out because \w of Polars (Rust)
# and of Python differ.
_FIRST = r"[^\x00-@\[-`{-\x7f]"
_LATER = r"[^\x00-\x1f!-,./:-@\[-^`{-\x7f]"
_KNOWN = "|".join(TAG_NAMES)
# Polars has no lookahead: in its pattern the character after `<<Role` is part of the mark.
_NAME_ENDS = "(?:[^A-Za-z0-9_]|$)"
_NAME_ENDS_AHEAD = "(?![A-Za-z0-9_])"
TAG_MARK = (
    rf"<<(?P<slashes>/{{0,9}})(?P<name>{_FIRST}{_LATER}{{0,39}})>>"
    rf"|<<[/ \t]{{0,9}}(?P<broken>{_KNOWN})[ \t]{{0,9}}>{{1,2}}"
    rf"|<</{{0,9}}(?P<bare>{_KNOWN}){_NAME_ENDS}"
)
# The parser's pattern has lookahead, since the character after `<<Role` may begin the next mark.
_TAG_MARK = re.compile(TAG_MARK.replace(_NAME_ENDS, _NAME_ENDS_AHEAD))
# The same with what stands round a mark: equal signs on both sides, a colon behind it.
_DECORATED_MARK = re.compile(
    rf"(?P<sign>\*{{1,3}}|_{{1,3}}|`{{1,3}})?(?:{_TAG_MARK.pattern})"
    r"(?(sign)(?:[ \t]?[:\uff1a])?(?P=sign))(?P<colon>[ \t]?[:\uff1a](?![:\uff1a]))?"
)
# Signs near a mark: a well-formed message without any has no decoration to mend.
MAYBE_DECORATED = "[*_`]<<|>>[ \t]?[*_`:\uff1a]"
# What a phrase without a closing mark may not hold: it could be a closing mark in another form.
_MAYBE_MARK = re.compile(rf"<<|>>|</?[ \t]?(?:>|{_KNOWN})|[<\[/]$")
_OPEN_BRACKET_AT_END = re.compile(r"<<[/ \t]*$")

# The characters that `str.strip` removes; Polars strips fewer of them by itself.
BLANKS = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
_PHRASE = "|".join(
    f"<<{tag}>>[{BLANKS}]*[^<{BLANKS}][^<]*<</?{tag}>>[{BLANKS}]*" for tag in TAG_NAMES
)
# A message of nothing but phrases and blanks, where no phrase holds a `<`. Most messages are like
# this; they have no defect, and Phase 2 needs no parser for them.
WELL_FORMED = f"^[{BLANKS}]*(?:{_PHRASE})+$"


def parse_tagged_message(text: str, mend: bool = False, is_cut: bool = False) -> TaggedMessage:
    """The phrases of `text` and every stretch that is not one, in linear time; never raises.

    Args:
        text: What the model wrote.
        mend: Whether slips of form are corrected.
        is_cut: Whether the model did not end the text by itself; its last phrase is then not
            closed for it.
    """
    phrases: list[Phrase] = []
    defects: list[Defect] = []
    for piece in _split_at_marks(text, mend, closes_last=mend and not is_cut):
        if isinstance(piece, Phrase):
            phrases.append(piece)
        else:
            defects.append(piece)
    return TaggedMessage(tuple(phrases), tuple(defects))


def _split_at_marks(text: str, mend: bool, closes_last: bool) -> Iterator[Phrase | Defect]:
    """Phrases and defects, from left to right; at most one tag is open at a time."""
    opened: str | None = None
    position = 0
    for mark in (_DECORATED_MARK if mend else _TAG_MARK).finditer(text):
        stretch, position = text[position : mark.start()], mark.end()
        before = stretch.strip()
        name, fault = _classify(mark)
        if mend and _is_decorated(mark, fault):
            yield Defect(DefectKind.MENDED_DECORATION, mark[0])
        if name == opened and fault is not DefectKind.BROKEN_BRACKET:
            yield _close(name, before)
            opened = None
            continue
        if opened or before:
            opens_line = mend and name in _TAGS and stretch.rstrip(" \t").endswith("\n")
            kind = DefectKind.MENDED_CLOSE if opens_line else None
            yield from _leave_open(opened, before, fault, kind)
        # A mark that is the cause of the defect of one of the eight tags is no further defect.
        is_cause = opened in _TAGS
        opened = name if fault is DefectKind.UNCLOSED else None
        if not opened and not is_cause:
            alone = DefectKind.ORPHAN_CLOSE if fault is DefectKind.MISMATCHED else fault
            yield _defect(alone, name, mark[0])
    rest = text[position:].strip()
    if opened or rest:
        kind = DefectKind.MENDED_LAST_CLOSE if closes_last else None
        yield from _leave_open(opened, rest, DefectKind.UNCLOSED, kind)


def _is_decorated(mark: re.Match[str], fault: DefectKind) -> bool:
    has_decoration = mark["sign"] or mark["colon"]
    return bool(has_decoration) and mark["name"] in _TAGS and fault is not DefectKind.BROKEN_BRACKET


def _leave_open(
    opened: str | None, text: str, fault: DefectKind, mend: DefectKind | None
) -> Iterator[Phrase | Defect]:
    """What was lost, or the phrase and its mend where the text can only be one phrase."""
    is_one_line = len(text.splitlines()) == 1 and not _MAYBE_MARK.search(text)
    if mend and opened in _TAGS and fault is DefectKind.UNCLOSED and is_one_line:
        yield Phrase(_TAGS[opened], text)
        yield Defect(mend, text)
    else:
        yield _lose(opened, text, fault)


def _classify(mark: re.Match[str]) -> tuple[str, DefectKind]:
    """The name in a mark, and the defect if it stands where an open tag should be closed.

    Such a tag is `UNCLOSED` before an opening mark and `MISMATCHED` before a closing one.
    """
    slashes, name, broken, bare = mark.group("slashes", "name", "broken", "bare")
    if name is None:
        return broken or bare, DefectKind.BROKEN_BRACKET
    if len(slashes) > 1 or (name not in _TAGS and name.strip() in _TAGS):
        return name, DefectKind.BROKEN_BRACKET
    return name, DefectKind.MISMATCHED if slashes else DefectKind.UNCLOSED


def _close(name: str, text: str) -> Phrase | Defect:
    if name in _TAGS and text:
        return Phrase(_TAGS[name], text)
    return _defect(DefectKind.EMPTY_PHRASE, name, f"<<{name}>>{text}")


def _lose(opened: str | None, text: str, fault: DefectKind) -> Defect:
    """The defect of a tag without a closing mark of its own, or of text outside every tag."""
    if opened is None:
        return Defect(DefectKind.UNASSIGNED_TEXT, text)
    return _defect(fault, opened, f"<<{opened}>>{text}")


def _defect(kind: DefectKind, name: str, text: str) -> Defect:
    return Defect(kind if name.strip() in _TAGS else DefectKind.UNKNOWN_TAG, text)


def render_tagged_message(phrases: Iterable[Phrase]) -> str:
    """Tagged text, one phrase a line; the inverse of `parse_tagged_message`."""
    return "\n".join(f"<<{each.tag}>>{each.text}<</{each.tag}>>" for each in phrases)


def render_system_message(texts: Iterable[str]) -> str:
    """Natural text without tags: the phrases' texts joined by a space, as in the paper's Figure 2.

    Deviation: a phrase of several lines (a list, a JSON form) is a paragraph of its own.
    """
    message, before = "", ""
    for text in texts:
        # After a phrase that ends in <<, a space and the next word could look like a mark.
        is_apart = "\n" in before or "\n" in text or _OPEN_BRACKET_AT_END.search(before)
        message += ("\n\n" if is_apart else " ") * bool(message) + text
        before = text
    return message
