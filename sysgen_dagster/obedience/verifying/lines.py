"""The lines of an answer in Markdown, by what they are."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class LineKind(StrEnum):
    """What a line of Markdown is."""

    BLANK = "blank"
    TEXT = "text"
    HEADING = "heading"
    BULLET = "bullet"
    NUMBERED = "numbered"
    LETTERED = "lettered"  # "a)", or a sentence that begins "A. Smith"
    TABLE = "table"
    CODE = "code"
    FORMULA = "formula"
    DIVIDER = "divider"


class Line(NamedTuple):
    """One line.

    Attributes:
        kind: What it is.
        text: Without the marks of its kind.
        indent: Characters before it.
        mark: The mark of its kind.
    """

    kind: LineKind
    text: str
    indent: int = 0
    mark: str = ""


# Characters; a line that stands farther in belongs to the one above.
LEAST_INDENT = 2
_NOTHING = Line(LineKind.BLANK, "")
# What a line with a fence begins with.
_BEFORE_FENCE = ("`", "~", ">")
_FENCE = re.compile(r"[ \t>]*(?P<ticks>`{3,}|~{3,})(?P<info>[^`\n]*)$")
_LINE_KINDS = re.compile(
    r"(?P<indent>[ \t]*)(?:(?P<divider>(?:[-*_=] ?){3,})\s*$|(?P<heading>#{1,6})[ \t]+"
    r"|(?P<bullet>[-*+\u2022\u25cf\u25e6\u2023])[ \t]+|(?P<numbered>\(?\d{1,3}[.)])[ \t]+"
    r"|(?P<lettered>[a-zA-Z][.)])[ \t]+"
    r"|(?P<table>\|.*\|)\s*$)"
)
_KINDS = {kind.value: kind for kind in LineKind}
_OF_TABLE_RULES = frozenset("|:- \t")
_FORMULA_BEGIN = re.compile(r"\s*(?:\\\[|\$\$|\\begin\{)")
_ENVIRONMENT_END = re.compile(r"\\end\{[a-z*]{1,20}\}$")
# "a." and "b)" number the items of a list.
_ENDS_LETTER = (".", ")")


def read_lines(text: str) -> list[Line]:
    """The lines; the contents of code blocks and of set formulas line by line."""
    lines: list[Line] = []
    fence, formula = "", False
    raw_lines = text.split("\n")
    has_table = "|" in text and any(map(is_table_rule, raw_lines))
    may_fence = has_fence(text)
    for raw in raw_lines:
        stripped = raw.strip()
        fenced = _FENCE.match(raw) if may_fence and stripped[:1] in _BEFORE_FENCE else None
        if fence:
            if fenced and fenced["ticks"].startswith(fence) and not fenced["info"].strip():
                fence = ""
            else:
                lines.append(Line(LineKind.CODE, raw))
        elif fenced:
            fence = fenced["ticks"]
            # Two blocks without a line between them are two.
            lines.append(_NOTHING)
        elif formula:
            lines.append(Line(LineKind.FORMULA, stripped))
            formula = not _ends_formula(raw)
        elif not stripped:
            lines.append(_NOTHING)
        elif stripped[0] in "\\$" and _FORMULA_BEGIN.match(raw):
            lines.append(Line(LineKind.FORMULA, stripped))
            formula = not _ends_formula(stripped[2:])
        else:
            lines.append(_read_line(raw, has_table=has_table))
    return lines


def has_fence(text: str) -> bool:
    """Whether a text has the marks that begin and end blocks of code."""
    return "```" in text or "~~~" in text


def is_table_rule(line: str) -> bool:
    """Whether a line is the one below the head of a Markdown table."""
    return "|" in line and "--" in line and _OF_TABLE_RULES.issuperset(line)


def _ends_formula(line: str) -> bool:
    bare = line.rstrip(" \t.,")
    return bare.endswith(("\\]", "$$")) or (
        bare.endswith("}") and bool(_ENVIRONMENT_END.search(bare))
    )


def _read_line(raw: str, *, has_table: bool) -> Line:
    if has_table and "|" in raw:
        return Line(LineKind.TABLE, raw.strip())
    # Most lines begin with a word, which no sign of another kind does.
    if raw[0].isalpha() and raw[1:2] not in _ENDS_LETTER:
        return Line(LineKind.TEXT, raw.strip())
    found = _LINE_KINDS.match(raw)
    if not found:
        return Line(LineKind.TEXT, raw.strip(), len(raw) - len(raw.lstrip()))
    kind = _KINDS[found.lastgroup or LineKind.TEXT]
    if kind is LineKind.DIVIDER or kind is LineKind.TABLE:
        return Line(kind, raw.strip())
    indent, mark = found["indent"], found[0].strip()
    return Line(kind, raw[found.end() :].strip(), len(indent), mark)


_MARKED = (LineKind.BULLET, LineKind.NUMBERED, LineKind.HEADING)
# Code that stands in no block, and a number in a column of a sum.
_RAW_CODE = re.compile(
    r"\s*(?:def |class |import |from \w+ import|(?:for|if|while|elif|else|try|with)\b.*:$|return\b"
    r"|#include|public |const |let |var |function |SELECT |[$>] |@\w|\w[\w.]*(?:\[.*\])? ?[-+*/]?="
    r"|\w[\w.]*\(.*\)[;:]?$|[a-z_.-]+: \S+$|.*[;{}]$"
    r"|(?:sudo|pip3?|npm|git|apt|cd|ls|docker|brew|conda|curl|make|python3?|echo|int|export)\s)"
)
_ONLY_NUMBER = re.compile(r"[^\w\s]*\d[\d.,]*%?(?: \w+\.?)?$")
_BOLD_HEAD = re.compile(r"(?:\*\*[^*]+\*\*|__[^_]+__):?$")
_OF_SOMETHING = re.compile(r"(?:\d+ )?of\b")


def doubtful(lines: Sequence[Line]) -> frozenset[int]:
    """The numbers of the lines that have the mark of a list or a heading perhaps by chance.

    A single item may be the rest of a sentence, who is quoted, or a note; so may items that each
    end a block of text. A "#" beside lines of code begins a comment.
    """
    kinds = {kind: [at for at, line in enumerate(lines) if line.kind is kind] for kind in _MARKED}
    bullets, numbered = kinds[LineKind.BULLET], kinds[LineKind.NUMBERED]
    found = {at for at in bullets if _ONLY_NUMBER.match(lines[at].text)}
    found |= {at for at in kinds[LineKind.HEADING] if _may_be_comment(lines, at)}
    if all(at in found or _ends_text(lines, at) for at in bullets):
        found.update(bullets)
    if len(numbered) == 1:
        found.update(numbered)
    return frozenset(found)


def _ends_text(lines: Sequence[Line], at: int) -> bool:
    """Whether a line stands alone below text that does not lead to it."""
    above = (line for line in reversed(lines[:at]) if line.kind is not LineKind.BLANK)
    before = next(above, _NOTHING)
    after = lines[at + 1] if at + 1 < len(lines) else _NOTHING
    is_below = before.kind is LineKind.TEXT and not before.text.endswith(":")
    return is_below and after.kind is LineKind.BLANK


def _may_be_comment(lines: Sequence[Line], at: int) -> bool:
    beside = [lines[near] for near in (at - 1, at + 1) if 0 <= near < len(lines)]
    is_by_code = any(line.kind is LineKind.TEXT and _RAW_CODE.match(line.text) for line in beside)
    return is_by_code or bool(_OF_SOMETHING.match(lines[at].text) and lines[at].mark == "#")


def is_head(line: Line) -> bool:
    """Whether a line is a heading, or is set as one in bold."""
    return line.kind is LineKind.HEADING or bool(_BOLD_HEAD.match(line.text))
