"""An answer as a reader sees it: its lines by what they are, its words and its sentences.

Markdown is read line by line. Code, formulas and tables are no prose: what is counted in prose
leaves them out, and what can be counted in the whole text includes them.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import polars as pl

from sysgen_dagster.chat.languages import detect_languages
from sysgen_dagster.obedience.verifying.sentences import count_sentences, without_marks

# The smallest and the largest number that a reader could count.
Span = tuple[int, int]


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
    """

    kind: LineKind
    text: str
    indent: int = 0


_NOTHING = Line(LineKind.BLANK, "")
_FENCE = re.compile(r"[ \t>]*(?P<ticks>`{3,}|~{3,})(?P<info>[^`\n]*)$")
_LINE_KINDS = re.compile(
    r"(?P<indent>[ \t]*)(?:(?P<divider>(?:[-*_=] ?){3,})\s*$|(?P<heading>#{1,6})[ \t]+"
    r"|(?P<bullet>[-*+\u2022\u25cf\u25e6\u2023])[ \t]+|(?P<numbered>\(?\d{1,3}[.)])[ \t]+"
    r"|(?P<lettered>[a-zA-Z][.)])[ \t]+"
    r"|(?P<table>\|.*\|)\s*$)"
)
_OF_TABLE_RULES = frozenset("|:- \t")
_FORMULA_BEGIN = re.compile(r"\s*(?:\\\[|\$\$|\\begin\{)")
_FORMULA_END = re.compile(r"(?:\\\]|\$\$|\\end\{[a-z*]{1,20}\})$")
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_INLINE_FORMULA = re.compile(
    r"\\\(.{1,400}?\\\)|\\\[.{1,400}?\\\]|\$\$.{1,400}?\$\$|\$[^$\n]{1,200}\$(?!\d)", re.S
)
_ADDRESS = re.compile(r"https?://\S+|www\.\S+")
_MARKS = re.compile(r"\*{1,3}|(?<!\w)_{1,3}|_{1,3}(?!\w)|^>+ ?", re.MULTILINE)
_WORD = re.compile(r"\w+")
_PROSE_WORD = re.compile(r"[^\W_](?:[\w'\u2019.,:/@&+\u00b7\u05be\u2010\u2011-]*[^\W_])?")
# Signs of scripts that are written without blanks between words.
_NO_SPACES = re.compile(
    r"[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u9fff\uff66-\uff9d"
    r"\U00020000-\U0003ffff]"
)
# The signs before the first word of a line: more of them are none that mean something.
FEW_SIGNS = r"[^\w\n]{0,20}"
_PARAGRAPH_ENDS = tuple(".!?\u2026\u3002\uff01\uff1f\u0964\u061f\u06d4\u0589")
# "a." and "b)" number the items of a list.
_ENDS_LETTER = (".", ")")
_LEAST_INDENT = 2


class Answer:
    """One answer, read as far as rules need it."""

    def __init__(self, text: str) -> None:
        """Nothing is read yet."""
        self.text = text.replace("\r\n", "\n").strip()

    @cached_property
    def language(self) -> str | None:
        """The two-letter code of its language; None if it is not certain."""
        [code] = detect_languages(pl.Series([self.text], dtype=pl.String)).to_list()
        return code if code is None else str(code)

    @cached_property
    def lines(self) -> list[Line]:
        """Its lines; the contents of code blocks and of set formulas line by line."""
        return _read_lines(self.text)

    @cached_property
    def shown(self) -> list[Line]:
        """The lines that are not blank."""
        return [line for line in self.lines if line.kind is not LineKind.BLANK]

    @cached_property
    def code(self) -> str:
        """The lines of code blocks."""
        return "\n".join(line.text for line in self.lines if line.kind is LineKind.CODE)

    @cached_property
    def code_blocks(self) -> int:
        """Fenced blocks that hold something."""
        before = [LineKind.BLANK, *(line.kind for line in self.lines)]
        return sum(
            kind is LineKind.CODE and last is not LineKind.CODE for last, kind in pairwise(before)
        )

    @cached_property
    def outside_code(self) -> str:
        """The text without code: neither blocks nor code in a line."""
        lines = "\n".join("" if line.kind is LineKind.CODE else line.text for line in self.lines)
        return _INLINE_CODE.sub(" ", lines)

    @cached_property
    def prose(self) -> str:
        """The text without code, formulas, tables, addresses and marks, line by line."""
        dropped = {LineKind.CODE, LineKind.FORMULA, LineKind.TABLE, LineKind.DIVIDER}
        lines = "\n".join("" if line.kind in dropped else line.text for line in self.lines)
        for pattern in (_INLINE_CODE, _INLINE_FORMULA, _ADDRESS):
            lines = pattern.sub(" ", lines)
        return _MARKS.sub("", lines)

    @cached_property
    def last_paragraph(self) -> list[Line]:
        """The lines after the last blank one."""
        last: list[Line] = []
        for line in reversed(self.lines):
            if line.kind is LineKind.BLANK:
                break
            last.append(line)
        return last[::-1]

    @cached_property
    def last_line(self) -> Line:
        """The last line that is not blank."""
        return self.shown[-1] if self.shown else Line(LineKind.BLANK, "")

    def count(self, *kinds: LineKind) -> Span:
        """Lines of these kinds: those that are not indented, and all.

        Lines with letters may be numbered ones. A single line with a number may be the rest of a
        sentence.
        """
        maybe = {*kinds, LineKind.LETTERED} if LineKind.NUMBERED in kinds else kinds
        found = [line for line in self.lines if line.kind in kinds]
        if sum(line.kind is LineKind.NUMBERED for line in found) == 1:
            found = [line for line in found if line.kind is not LineKind.NUMBERED]
        every = sum(line.kind in maybe for line in self.lines)
        return sum(line.indent < _LEAST_INDENT for line in found), every

    @cached_property
    def words(self) -> Span:
        """Words of the prose, and of everything, where "well-known" is two."""
        signs = len(_NO_SPACES.findall(self.text))
        fewest = len(_PROSE_WORD.findall(without_marks(self.prose)))
        return fewest, max(fewest, len(_WORD.findall(without_marks(self.text)))) + signs

    @cached_property
    def sentences(self) -> Span:
        """Sentences that surely end in the prose, and parts of the text that might be one."""
        counted = [
            count_sentences(line, lambda: self._is_english) for line in self.prose.split("\n")
        ]
        fewest, most = sum(least for least, _ in counted), sum(every for _, every in counted)
        others = {LineKind.CODE, LineKind.FORMULA, LineKind.TABLE}
        return fewest, most + sum(line.kind in others for line in self.lines)

    @cached_property
    def _is_english(self) -> bool:
        """Whether short words are those of English; of a text too short to tell by its letters."""
        return self.language == "en" or (self.language is None and self.text.isascii())

    @cached_property
    def paragraphs(self) -> Span:
        """Blocks of prose that end like sentences, and all that could be called a paragraph."""
        blocks = _blocks(self.lines)
        sure = [block for block in blocks if _is_paragraph(block)]
        return len(sure), sum(
            1 if all(line.kind is LineKind.CODE for line in block) else len(block)
            for block in blocks
        )


def read_languages(answers: Sequence[Answer]) -> None:
    """Detects the languages of answers at once, which costs less than one after the other."""
    texts = pl.Series([answer.text for answer in answers], dtype=pl.String)
    for answer, code in zip(answers, detect_languages(texts), strict=True):
        answer.language = code


def _read_lines(text: str) -> list[Line]:
    lines: list[Line] = []
    fence, formula = "", False
    raw_lines = text.split("\n")
    has_table = "|" in text and any(map(is_table_rule, raw_lines))
    for raw in raw_lines:
        stripped = raw.strip()
        fenced = _FENCE.match(raw) if "```" in raw or "~~~" in raw else None
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


def is_table_rule(line: str) -> bool:
    """Whether a line is the one below the head of a Markdown table."""
    return "|" in line and "--" in line and _OF_TABLE_RULES.issuperset(line)


def _ends_formula(line: str) -> bool:
    return bool(_FORMULA_END.search(line.rstrip(" \t.,")))


def _read_line(raw: str, *, has_table: bool) -> Line:
    if has_table and "|" in raw:
        return Line(LineKind.TABLE, raw.strip())
    # Most lines begin with a word, which no sign of another kind does.
    if raw[0].isalpha() and raw[1:2] not in _ENDS_LETTER:
        return Line(LineKind.TEXT, raw.strip())
    found = _LINE_KINDS.match(raw)
    if not found:
        return Line(LineKind.TEXT, raw.strip(), len(raw) - len(raw.lstrip()))
    kind = LineKind(found.lastgroup or LineKind.TEXT)
    if kind in {LineKind.DIVIDER, LineKind.TABLE}:
        return Line(kind, raw.strip())
    return Line(kind, raw[found.end() :].strip(), len(found["indent"]))


def _blocks(lines: list[Line]) -> list[list[Line]]:
    """The lines between blank ones."""
    blocks: list[list[Line]] = [[]]
    for line in lines:
        if line.kind is LineKind.BLANK:
            blocks.append([])
        else:
            blocks[-1].append(line)
    return [block for block in blocks if block and block[0].kind is not LineKind.DIVIDER]


def _is_paragraph(block: list[Line]) -> bool:
    return all(line.kind is LineKind.TEXT for line in block) and block[-1].text.rstrip(
        "*_\"'\u201d)"
    ).endswith(_PARAGRAPH_ENDS)
