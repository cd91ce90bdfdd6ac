"""An answer as a reader sees it: its lines by what they are, its words and its sentences.

Markdown is read line by line. Code, formulas and tables are no prose: what is counted in prose
leaves them out, and what can be counted in the whole text includes them.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise

import polars as pl

from sysgen_dagster.chat.languages import detect_language, detect_languages
from sysgen_dagster.obedience.verifying.frames import FRAME
from sysgen_dagster.obedience.verifying.lines import (
    LEAST_INDENT,
    Line,
    LineKind,
    doubtful,
    has_fence,
    is_head,
    read_lines,
)
from sysgen_dagster.obedience.verifying.sentences import (
    BETWEEN_SENTENCES,
    count_sentences,
    without_marks,
)

# The smallest and the largest number that a reader could count.
Span = tuple[int, int]


_STOP_INSIDE = re.compile(r"[.!?]\W{0,4}$")
_INLINE_CODE = re.compile(r"`[^`\n]+`")
_INLINE_FORMULA = re.compile(
    r"\\\(.{1,400}?\\\)|\\\[.{1,400}?\\\]|\$\$.{1,400}?\$\$"
    # "It costs $5. Others cost 10$."
    r"|\$(?!\d[\d.,]*\s+[A-Za-z]{2})[^$\n]{1,200}\$(?!\d)",
    re.S,
)
# A stop after an address is that of a sentence. What a link leads to is not read.
_LINK_TARGET = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)|(?<=\])\((?:[^()\n]|\([^()\n]*\))*\)")
_ADDRESS = re.compile(
    r"(?:https?://|www\.)(?:[^\s()<>]|\([^\s()<>]*\)){0,2000}(?:\([^\s()<>]*\)|[\w/#=&~+-])"
)
_TAG = re.compile(
    r"</?(?:(?P<block>p|br|div|li|ul|ol|h[1-6]|t[rdh]|table|thead|tbody|hr|blockquote|pre)"
    r"|b|i|u|em|strong|span|a|code|su[bp]|mark|small|del|ins|img|font|center)\b[^<>\n]*>",
    re.IGNORECASE,
)
# Stands for what is cut out of a line: no word, and no blank either.
_CUT = "\ufffc"
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


# Words.
_LONGEST_FRAME = 12


class Answer:
    """One answer, read as far as rules need it."""

    def __init__(self, text: str) -> None:
        """Nothing is read yet."""
        self.text = text.replace("\r\n", "\n").strip()

    @cached_property
    def language(self) -> str | None:
        """The two-letter code of its language; None if it is not certain."""
        return detect_language(self.text)

    @cached_property
    def lines(self) -> list[Line]:
        """Its lines; the contents of code blocks and of set formulas line by line."""
        return read_lines(self.text)

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
        if not has_fence(self.text):
            return 0
        before = [LineKind.BLANK, *(line.kind for line in self.lines)]
        return sum(
            kind is LineKind.CODE and last is not LineKind.CODE for last, kind in pairwise(before)
        )

    @cached_property
    def outside_code(self) -> str:
        """The text without code, neither blocks nor code in a line, and without addresses."""
        lines = "\n".join("" if line.kind is LineKind.CODE else line.text for line in self.lines)
        return _without_addresses(_INLINE_CODE.sub(" ", lines), " ")

    @cached_property
    def prose(self) -> str:
        """The text without code, formulas, tables, addresses and marks, line by line."""
        return _prose_of(self.lines)

    @cached_property
    def told(self) -> str:
        """The prose without what heads a part of it."""
        return _prose_of(line for line in self.lines if not is_head(line))

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
        shown = (line for line in reversed(self.lines) if line.kind is not LineKind.BLANK)
        return next(shown, Line(LineKind.BLANK, ""))

    @cached_property
    def last_sentence(self) -> str:
        """The last sentence of the last line, without the marks that close it."""
        return BETWEEN_SENTENCES.split(self.last_line.text)[-1].strip().rstrip("*_ \"'\u201d")

    def count(self, *kinds: LineKind) -> Span:
        """Lines of these kinds: those that are not indented, and all.

        Lines with letters may be numbered ones, and some lines have a mark by chance (`doubtful`).
        """
        maybe = {*kinds, LineKind.LETTERED} if LineKind.NUMBERED in kinds else kinds
        every = sum(line.kind in maybe for line in self.lines)
        return sum(line.kind in kinds for line in self.sure), every

    @cached_property
    def sure(self) -> list[Line]:
        """The lines that are not indented and are surely of their kind."""
        doubts = doubtful(self.lines)
        return [
            line
            for at, line in enumerate(self.lines)
            if line.indent < LEAST_INDENT and at not in doubts
        ]

    @cached_property
    def words(self) -> Span:
        """Words of the prose, and of everything, where "well-known" is two."""
        signs = len(_NO_SPACES.findall(self.text))
        fewest = len(_PROSE_WORD.findall(without_marks(self.prose)))
        return fewest, max(fewest, len(_WORD.findall(without_marks(self.text)))) + signs

    @cached_property
    def sentences(self) -> Span:
        """Sentences that surely end in the prose, and parts of the text that might be one."""
        lines = filter(None, self.prose.split("\n"))
        counted = [count_sentences(line, lambda: self._is_english) for line in lines]
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
        sure = [
            block
            for at, block in enumerate(blocks)
            if _is_paragraph(block)
            and not (at in {0, len(blocks) - 1} and len(blocks) > 1 and _is_frame(block))
        ]
        return len(sure), sum(
            1 if all(line.kind is LineKind.CODE for line in block) else len(block)
            for block in blocks
        )


def _prose_of(lines: Iterable[Line]) -> str:
    dropped = {LineKind.CODE, LineKind.FORMULA, LineKind.TABLE, LineKind.DIVIDER}
    text = "\n".join("" if line.kind in dropped else line.text for line in lines)
    if "`" in text:
        text = _INLINE_CODE.sub(_cut, text)
    if "$" in text or "\\" in text:
        text = _INLINE_FORMULA.sub(_cut, text)
    if "](" in text:
        text = _LINK_TARGET.sub("", text)
    if "<" in text:
        text = _TAG.sub(lambda tag: " " if tag["block"] else "", text)
    text = _without_addresses(text, _CUT)
    return _MARKS.sub("", text) if "*" in text or "_" in text or ">" in text else text


def _without_addresses(text: str, instead: str) -> str:
    return _ADDRESS.sub(instead, text) if "http" in text or "www." in text else text


def _cut(found: re.Match[str]) -> str:
    """What stands for code or a formula; its last sign may be the stop of the sentence."""
    return f"{_CUT}\u2026" if _STOP_INSIDE.search(found[0]) else _CUT


def read_languages(answers: Sequence[Answer]) -> None:
    """Detects the languages of answers at once, which costs less than one after the other."""
    texts = pl.Series([answer.text for answer in answers], dtype=pl.String)
    for answer, code in zip(answers, detect_languages(texts), strict=True):
        answer.language = code


def _blocks(lines: list[Line]) -> list[list[Line]]:
    """The lines between blank ones."""
    blocks: list[list[Line]] = [[]]
    for line in lines:
        if line.kind is LineKind.BLANK:
            blocks.append([])
        else:
            blocks[-1].append(line)
    return [block for block in blocks if block and block[0].kind is not LineKind.DIVIDER]


def _is_frame(block: list[Line]) -> bool:
    """Whether a first or last block may be a greeting or a farewell beside the paragraphs."""
    text = " ".join(line.text for line in block)
    return len(text.split()) <= _LONGEST_FRAME and bool(FRAME.match(text))


def _is_paragraph(block: list[Line]) -> bool:
    return all(line.kind is LineKind.TEXT for line in block) and block[-1].text.rstrip(
        "*_\"'\u201d)"
    ).endswith(_PARAGRAPH_ENDS)
