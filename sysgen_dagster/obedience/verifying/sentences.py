"""Words and sentences of a text, as few and as many as readers would count."""

import re
import unicodedata
from collections.abc import Callable
from itertools import filterfalse

_WORD = re.compile(r"\w")
# They join letters or hint at a break, and end no word.
_JOINERS = frozenset("\u200c\u200d\xad\u2060\ufeff")
_ABBREVIATED = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|st|vs|etc|e\.g|i\.e|approx|no|fig|eq|sec|min|max|inc|ltd|co|jr|sr"
    r"|p\.s|a\.m|p\.m|u\.s|cf|al|ca|dept|vol|ed|ave|univ|assoc|messrs|est|incl|excl|ext|tel|temp"
    r"|misc|para|ref|pp|op|cit|viz|resp|rev|hon|gov|sen|rep|gen|col|capt|oz|avg|rd)|\b[a-z])$",
    re.IGNORECASE,
)
_STOP = re.compile(
    r"(?<![.!?\u2026])[.!?\u2026]+[\"'\u201d\u2019\u00bb)\]*_\u300d\u300f]*(?:\[\d+\])*(?=\s|$)"
    r"|[\u3002\uff01\uff1f\uff61]+[\"\u201d\u2019\u300d\u300f\uff09]*"
    r"|[\u0964\u0965\u061f\u06d4\u0589\u1362\u104b\u17d4\u0f0d]"
    r"|(?<=[\u0370-\u03ff\u1f00-\u1fff]);(?=\s|$)"  # the question mark of Greek
)
_CLOSED = re.compile(r"[\"'\u201d\u2019\u00bb)\]\u300d\u300f\uff09]")
# A sentence that begins without a blank, or after an emoji.
_GLUED_STOP = re.compile(
    r"[.!?](?:(?<=[^\W\d_]{2}.)(?=[A-Z][^\W\d_])|(?=[\u2190-\u2bff\U0001f000-\U0001faff]))"
)
# What is between two sentences of a line.
BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])[\"'\u201d)*_]*\s+(?=[\"'\u201c(*_]*[A-Z0-9\\$])")
_LAST_TOKEN = re.compile(r"(?:[^\W\d_]+|\d+)$")
_VOWEL = re.compile(r"[aeiouy]|[^\x00-\x7f]", re.IGNORECASE)
# Words that begin a sentence and no item.
_BEGINS = re.compile(
    r"(?:The|Th[io]s|That|These|Those|Its?|He|She|They|We|You|I|His|Her|Their|Then|So|But|And|In|On"
    r"|At|If|When|Next|Therefore|Thus|Now|After|Finally|However|There)\b"
)
_ROMAN = re.compile(r"[ivx]{1,4}")
# Letters of what may be an abbreviation: "Gen.", "Sra.", "bzw."
_SHORT = 4
# Characters beside the end of a sentence: enough for any abbreviation.
_LOOKED_AT = 12
# Characters to the next number of a list in a line.
_ITEM_AT = 200


def count_sentences(line: str, is_english: Callable[[], bool]) -> tuple[int, int]:
    """Sentences that surely end in a line of prose, and parts of it that might be one.

    Args:
        line: Without marks.
        is_english: Whether the text is English, which is asked where short words matter.
    """
    begin = len(line) - len(line.lstrip())
    ends = [found for found in _STOP.finditer(line) if found.start() > begin]
    begins = [begin, *(found.end() for found in ends)]
    fewest = sum(
        _surely_ends(line, start, found, is_english)
        for start, found in zip(begins, ends, strict=False)
    )
    rest = line[begins[-1] :]
    return fewest, len(ends) + len(_GLUED_STOP.findall(line)) + bool(_WORD.search(rest))


def _surely_ends(
    line: str, start: int, stop: re.Match[str], is_english: Callable[[], bool]
) -> bool:
    """Whether no reader could take the stop of a sentence for one within it."""
    after = line[stop.end() : stop.end() + _LOOKED_AT].lstrip(" \"'\u201c(*_\ufffc")
    before = line[max(start, stop.start() - _LOOKED_AT) : stop.start()]
    if after[:1].islower() or (stop[0].startswith(".") and _ABBREVIATED.search(before)):
        return False
    if not after:
        return True
    # What is said within a sentence has its own stops: '"Stop!" Anna cried.'
    if _CLOSED.search(stop[0]) or stop[0].startswith(("..", "\u2026")):
        return False
    last = _LAST_TOKEN.search(before)
    if last is None or stop[0][0] not in ".!?":
        return True
    token, is_first = last[0], not line[start : stop.start() - len(last[0])].strip(" \"'*_(")
    if stop[0][0] != ".":  # "Yahoo! Inc." has a name
        return is_first or not token[0].isupper()
    if len(token) > _SHORT:
        return True
    if token.isdigit():
        around = line[max(0, stop.start() - _ITEM_AT) : stop.end() + _ITEM_AT]
        return len(token) > 2 or (is_english() and not _may_number(token, around, after))
    is_like_abbreviation = token[0].isupper() or not _VOWEL.search(token) or _ROMAN.fullmatch(token)
    return not is_like_abbreviation and is_english()


def _may_number(token: str, around: str, after: str) -> bool:
    """Whether a number may be that of an item in a line: "the steps are 1. Heat it, 2. Mix it"."""
    if not _BEGINS.match(after):
        return True
    beside = (f"{int(token) + step}. " for step in (-1, 1))
    return any(each in around for each in beside)


def times_said(words: str, text: str) -> int:
    """How often words stand in a text as words of their own, both in one case and folded."""
    if not words:
        return 0
    found = re.finditer(re.escape(words), text)
    return sum(
        not any(map(_is_of_word, text[max(each.start() - 1, 0) : each.start()]))
        and not any(map(_is_of_word, text[each.end() : each.end() + 1]))
        for each in found
    )


def _is_of_word(char: str) -> bool:
    """Whether a sign belongs to a word: vowel signs do, which patterns do not take for letters."""
    return char.isalnum() or char == "_" or unicodedata.category(char).startswith("M")


def without_marks(text: str) -> str:
    """The text without vowel signs and accents that are signs of their own, and without joiners."""
    if text.isascii():
        return text
    signs = filterfalse(str.isascii, set(text))
    marks = [each for each in signs if unicodedata.category(each)[0] == "M" or each in _JOINERS]
    return text.translate(dict.fromkeys(map(ord, marks))) if marks else text
