"""How an answer begins and ends."""

import re
from collections.abc import Callable, Sequence

from sysgen_dagster.obedience.recognizing.wording import fold
from sysgen_dagster.obedience.rules import Rule, RuleKind
from sysgen_dagster.obedience.verifying.answers import FEW_SIGNS, Answer
from sysgen_dagster.obedience.verifying.lines import LineKind
from sysgen_dagster.obedience.verifying.measures import MAYBE_CODE
from sysgen_dagster.obedience.verifying.sentences import BETWEEN_SENTENCES, times_said
from sysgen_dagster.obedience.verifying.signs import MAYBE_QUESTION

CLOSERS = " \t\n*_`\"'\u201c\u201d\u2019)]}~"
OPENERS = " \t\n*_`\"'\u201c\u2018([#>~-"
# Words in brackets, dots, or gaps stand for what an answer puts there.
_OPEN_TEXT = re.compile(r"[\[{<]|\.\.\.|\u2026|_{2,}|\bXs?\b|\bN\b")
_GREETINGS = (
    r"(?:hi|hello|hey|greetings|welcome|dear|howdy|good (?:day|morning|afternoon|evening)"
    r"|bonjour|hola|ahoy|salutations|namaste)\b"
)
# A greeting is a sentence of its own, or the reader is called by a name: "Hello, Ann", and not
# "Hello World programs print ...".
_GREETING = re.compile(
    rf"{_GREETINGS}(?: [^\W_]+)?\s*(?:[,!.\n\u2014-]|$)"
    rf"|(?:welcome|greetings) (?:to|from|back|everyone|all)\b|dear(?: [^\W_.]+\.?){{1,4}},",
    re.IGNORECASE,
)
_MAYBE_GREETING = re.compile(
    rf"\b{_GREETINGS}|\b(?:thanks?|nice to|good to|great to|glad to|pleas(?:ed|ure)|happy to"
    r"|morning|evening|afternoon|aloha|ciao|salut|hail|yo|hiya|g'day|well met|what's up)\b",
    re.IGNORECASE,
)
FEWEST_WORDS = 4
_LONG_BEGINNING = 60
# At an end they are those of a sentence.
_STOPS = ".,!; "
_ENDS = re.compile(r"[\w.!?\uff1f\u061f:;)\]}]")


_LIKE_QUESTION = re.compile(
    r"\W*(?:would|will|do|does|did|are|is|can|could|should|shall|may|have|has|what|how|why|who|where)"
    r" (?:you|i|we|it|there|this|that|they)\b",
    re.IGNORECASE,
)
_SURELY_ENDED = re.compile(r"\b[a-z]{5,}[.!]$")
# A line above a paragraph.
_HEADS = re.compile(r"#{1,6} [^\n]+|\*\*[^*\n]+\*\*:?|[^.!?\n]{1,80}|[-*_ ]{3,}")
# What heads a part of an answer and is no title of all of it.
LABEL = re.compile(
    r"\W*(?:(?:final |short |quick )?(?:answer|response|solution|result|output|introduction|summary"
    r"|explanation|conclusion|overview|note|example|question|analysis|reply)s?\W*$"
    r"|(?:step|part|section|chapter|question|problem|example|reason|option|tip|day|week) ?#?\d"
    r"|\d+[.)]|[a-z]+ (?:is|are)\b[^\n]*:\W*$|q:|a:)",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """A text in small letters, without marks, and without signs around it."""
    return (
        " ".join(re.sub(r"[*_`#>]+", " ", fold(text)).split())
        .lower()
        .strip(CLOSERS + OPENERS + ".,!;:")
    )


def has_own_signs(word: str) -> bool:
    """Whether more than the stop of a sentence is lost where only words are compared."""
    bare = plain(word)
    is_bare = bare[:1].isalnum() and bare[-1:].isalnum()
    return not is_bare or bare != " ".join(fold(word).split()).lower().strip(_STOPS)


def written(text: str) -> tuple[str, str]:
    """A text in small letters, with all its signs and without those that only set it."""
    small = " ".join(fold(text).split()).lower()
    return small, re.sub(r"[*_`]+", "", small).strip("\"'\u201c\u201d ")


def begins_with(rule: Rule, answer: Answer) -> bool | None:
    """Whether one of the texts stands first; without one of its signs it is not sure."""
    if any(map(_OPEN_TEXT.search, rule.words)):
        return None
    text = plain(answer.text)
    starts = [plain(word) for word in rule.words]
    begin = text[: _LONG_BEGINNING + max(map(len, starts))]
    found = [word for word, start in zip(rule.words, starts, strict=True) if _leads(start, text)]
    if any(map(has_own_signs, rule.words)):
        length = 2 * _LONG_BEGINNING + max(map(len, rule.words))
        heads = written(answer.text[:length])
        if any(head.startswith(start) for head in heads for start in map(_signed, rule.words)):
            return True
        is_near = found or any(_signed(word) in heads[0] for word in rule.words)
        return None if is_near else _says_none(starts, begin)
    return True if found else _says_none(starts, begin)


def _signed(word: str) -> str:
    return " ".join(fold(word).split()).lower().rstrip(".,") or word


def _leads(start: str, text: str) -> bool:
    return text.startswith(start) and times_said(start, text[: len(start) + 1]) > 0


def _says_none(words: Sequence[str], text: str) -> bool | None:
    return None if any(times_said(word, text) for word in words) else False


def ends_with(rule: Rule, answer: Answer) -> bool | None:
    """Whether one of the texts stands last; without one of its signs it is not sure."""
    if any(map(_OPEN_TEXT.search, rule.words)):
        return None
    text = plain(answer.text)
    ends = [plain(word) for word in rule.words]
    found = any(text.endswith(end) and times_said(end, text[-len(end) - 1 :]) for end in ends)
    if any(map(has_own_signs, rule.words)):
        length = 2 * _LONG_BEGINNING + max(map(len, rule.words))
        tails = [tail.rstrip(_STOPS) for tail in written(answer.text[-length:])]
        signed = [_signed(word).rstrip(_STOPS) or _signed(word) for word in rule.words]
        if any(tail.endswith(end) for tail in tails for end in signed):
            return True
        if found or any(end in tails[0] for end in signed):
            return None
    elif found:
        return True
    last = plain("\n".join(line.text for line in answer.last_paragraph))
    return None if any(end in last for end in ends) else False


def begins_with_part(rule: Rule, answer: Answer) -> bool | None:
    """Whether the first thing is a question, a heading, a list, a table, code or a quotation."""
    if not answer.shown:
        return None
    first, [part] = answer.shown[0], rule.words
    kinds = {
        "heading": (LineKind.HEADING,),
        "title": (LineKind.HEADING,),
        "headline": (LineKind.HEADING,),
        "list": (LineKind.BULLET, LineKind.NUMBERED),
        "table": (LineKind.TABLE,),
        "code block": (LineKind.CODE,),
    }.get(part, ())
    if first.kind in kinds and (part not in {"title", "headline"} or not LABEL.match(first.text)):
        return True
    if part == "quote":
        return True if answer.text[0] in '"\u201c>' else None
    if part == "question":
        sentence = BETWEEN_SENTENCES.split(first.text)[0].rstrip(CLOSERS)
        if first.kind is not LineKind.TEXT or sentence.endswith("?"):
            return first.kind is LineKind.TEXT or None
        # The stop of "Dr." is none, and a greeting may stand before.
        is_sure = "?" not in first.text or _SURELY_ENDED.search(sentence)
        return False if is_sure and not _GREETING.match(sentence) else None
    is_sentence = first.kind is LineKind.TEXT and len(first.text) > _LONG_BEGINNING
    return False if is_sentence and first.text.endswith((".", "!")) else None


def begins_with_greeting(_rule: Rule, answer: Answer) -> bool | None:
    """Whether the first words greet; without one that is known, only English is sure."""
    if _GREETING.match(fold(answer.text[:_LONG_BEGINNING]).lstrip(OPENERS)):
        return True
    first = BETWEEN_SENTENCES.split(answer.text[:400])[0]
    is_long = len(first.split()) > 2 * FEWEST_WORDS
    is_none = is_long and not _MAYBE_GREETING.search(fold(first)) and "!" not in first
    return False if is_none and answer.language == "en" else None


def paragraph_begins_with(rule: Rule, answer: Answer) -> bool | None:
    """Whether the paragraph of this number begins with the word."""
    every = [block for block in re.split(r"\n\s*\n", answer.text) if block.strip(" *\n-")]
    # A title may count as one, or not.
    bare = [block for block in every if not _HEADS.fullmatch(block.strip())]
    assert rule.least is not None
    said = {_paragraph_begins(rule.words[0], blocks[rule.least - 1 :]) for blocks in (every, bare)}
    return said.pop() if len(said) == 1 else None


def _paragraph_begins(word: str, blocks: Sequence[str]) -> bool | None:
    if not blocks or not _leads(plain(word), plain(blocks[0])):
        return False
    return None if has_own_signs(word) else True


def ends_with_part(rule: Rule, answer: Answer) -> bool | None:
    """Whether the last thing is a list or a table."""
    kind, [part] = answer.last_line.kind, rule.words
    if part == "table":
        return True if kind is LineKind.TABLE else None if kind is LineKind.CODE else False
    return True if kind in {LineKind.BULLET, LineKind.NUMBERED} else None


def ends_with_code(_rule: Rule, answer: Answer) -> bool | None:
    """Whether nothing follows the last code block."""
    if answer.last_line.kind is LineKind.CODE:
        return True
    if not answer.code_blocks:
        return None if MAYBE_CODE.search(answer.text) else False
    position = max(at for at, line in enumerate(answer.lines) if line.kind is LineKind.CODE)
    after = [line for line in answer.lines[position + 1 :] if line.kind is not LineKind.BLANK]
    words = sum(len(line.text.split()) for line in after)
    return False if words > 2 * FEWEST_WORDS else None


def ends_with_question(_rule: Rule, answer: Answer) -> bool | None:
    """Whether the last sign is a question mark."""
    end = len(answer.text)
    while end and not _ENDS.match(answer.text[end - 1]):  # emoji, dashes and blanks
        end -= 1
    last = answer.text[:end].rstrip(CLOSERS)
    if last.endswith(("?", "\uff1f", "\u061f")):
        return True
    paragraph = "\n".join(line.text for line in answer.last_paragraph)
    is_like_one = _LIKE_QUESTION.match(BETWEEN_SENTENCES.split(last)[-1])
    return None if is_like_one or MAYBE_QUESTION.search(paragraph) else False


def has_postscript(rule: Rule, answer: Answer) -> bool | None:
    """Whether there is a postscript."""
    sign = r"\W*".join(re.sub(r"\W", "", rule.words[0]))
    # At the top it comes after nothing.
    return bool(re.search(rf"(?i)(?<=\n){FEW_SIGNS}{sign}\b", answer.text)) or (
        None if re.search(rf"(?i)\b{sign}\b|postscript", answer.text) else False
    )


TESTS: dict[RuleKind, Callable[[Rule, Answer], bool | None]] = {
    RuleKind.BEGINS_WITH: begins_with,
    RuleKind.BEGINS_WITH_PART: begins_with_part,
    RuleKind.BEGINS_WITH_GREETING: begins_with_greeting,
    RuleKind.PARAGRAPH_BEGINS_WITH: paragraph_begins_with,
    RuleKind.ENDS_WITH: ends_with,
    RuleKind.ENDS_WITH_PART: ends_with_part,
    RuleKind.ENDS_WITH_CODE: ends_with_code,
    RuleKind.ENDS_WITH_QUESTION: ends_with_question,
    RuleKind.POSTSCRIPT: has_postscript,
}
