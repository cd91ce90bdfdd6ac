"""How an answer begins and ends."""

import re
from collections.abc import Callable

from sysgen_dagster.obedience.recognizing.wording import squeeze_formula
from sysgen_dagster.obedience.rules import Rule, RuleKind
from sysgen_dagster.obedience.verifying.answers import Answer, Line, LineKind

_CLOSERS = " \t\n*_`\"'\u201c\u201d\u2019)]}~"
_OPENERS = " \t\n*_`\"'\u201c\u2018([#>~-"
# Words in brackets, dots, or gaps stand for what an answer puts there.
_OPEN_TEXT = re.compile(r"[\[{<]|\.\.\.|\u2026|_{2,}|\bXs?\b|\bN\b")
_FAREWELL = re.compile(
    r"\b(?:let me know|feel free|i hope|hope this helps|happy to help|don't hesitate|do not"
    r" hesitate"
    r"|reach out|good luck|you're welcome)\b",
    re.IGNORECASE,
)
_SUMMING = re.compile(
    r"(?:in (?:summary|conclusion|short|brief|essence|closing)|to (?:summari[sz]e|sum up"
    r"|conclude|recap)"
    r"|overall|all in all|summing up|(?:the |a )?(?:summary|conclusion|key (?:points"
    r"|takeaways))\b)",
    re.IGNORECASE,
)
_SUMMARY_HEADING = re.compile(
    r"^\W*(?:\d+[.)]\s*)?(?:(?:final |brief |overall |quick |short )?(?:summary|conclusions?"
    r"|recap|key (?:points|takeaways)|takeaways?"
    r"|in summary|final thoughts)(?: (?:of|and) [a-z ]+)?)\W*$",
    re.IGNORECASE,
)
_CONCLUDING = re.compile(
    r"^\W*(?:in all|altogether|therefore|thus|so|hence|in total|consequently|as a result|the"
    r" (?:final )?(?:answer|result|solution|total|value)"
    r"|finally|final answer|answer|result|in conclusion)\b",
    re.IGNORECASE,
)
_STATES_ANSWER = re.compile(
    r"\\boxed|\b(?:final |correct )?(?:answer|result|solution|total)\b[^.\n]{0,40}?(?:\bis\b"
    r"|\bare\b|:|=)"
    r"|\b(?:a total of|in total|altogether)\b"
    r"|\b(?:number|value|sum|difference|distance|probability|area|volume|cost|amount|average"
    r"|mean|product|ratio) of\b.*\b(?:is|are|equals)\b[^.]*\d",
    re.IGNORECASE,
)
_VALUE = re.compile(r"\d|\\frac|\\sqrt|\\pi|\$[^$\n]+\$|\\\(|\\\[")
_NUMBER = re.compile(r"\d[\d,.]*")
_EQUALS = re.compile(
    r"(?:=|\\approx|\u2248)\s*(?:\\?\$|\u20ac"
    r"|\u00a3)?\s*(?:\\boxed\{)?(\d[\d,.]*)(?!\s*[-+*/=^(\\])"
)
_CLOSING_CHARS = 800
_GREETING = re.compile(
    r"(?:hi|hello|hey|greetings|welcome|dear|howdy|good (?:day|morning|afternoon|evening)"
    r"|bonjour|hola|ahoy|salutations|namaste)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])[\"'\u201d)*_]*\s+(?=[\"'\u201c(*_]*[A-Z0-9\\$])")
_FEWEST_WORDS = 4
_LONG_BEGINNING = 60
# Of the words of a task; answers leave some out, or use others for them.
_MOST_OF = 0.6


def _plain(text: str) -> str:
    return (
        " ".join(re.sub(r"[*_`#>]+", " ", text).split())
        .lower()
        .strip(_CLOSERS + _OPENERS + ".,!;:")
    )


def begins_with(rule: Rule, answer: Answer) -> bool | None:
    """Whether one of the texts stands first."""
    if any(map(_OPEN_TEXT.search, rule.words)):
        return None
    text = _plain(answer.text)
    starts = [_plain(word) for word in rule.words]
    if any(re.match(rf"{re.escape(start)}(?!\w)", text) for start in starts):
        return True
    begin = text[: _LONG_BEGINNING + max(map(len, starts))]
    is_near = any(re.search(rf"(?<!\w){re.escape(start)}(?!\w)", begin) for start in starts)
    return None if is_near else False


def ends_with(rule: Rule, answer: Answer) -> bool | None:
    """Whether one of the texts stands last."""
    if any(map(_OPEN_TEXT.search, rule.words)):
        return None
    text = _plain(answer.text)
    ends = [_plain(word) for word in rule.words]
    if any(text.endswith(end) for end in ends):
        return True
    last = _plain("\n".join(line.text for line in answer.last_paragraph))
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
    if first.kind in kinds:
        return True
    if part == "quote":
        return True if answer.text[0] in '"\u201c>' else None
    if part == "question":
        sentence = _SENTENCE.split(first.text)[0].rstrip(_CLOSERS)
        return sentence.endswith("?") if first.kind is LineKind.TEXT else None
    is_sentence = first.kind is LineKind.TEXT and len(first.text) > _LONG_BEGINNING
    return False if is_sentence and first.text.endswith((".", "!")) else None


def begins_with_greeting(_rule: Rule, answer: Answer) -> bool | None:
    """Whether the first word greets."""
    if _GREETING.match(answer.text.lstrip(_OPENERS)):
        return True
    first = _SENTENCE.split(answer.text[:400])[0]
    is_long = len(first.split()) > 2 * _FEWEST_WORDS
    return False if is_long and not _GREETING.search(first) and "!" not in first else None


def paragraph_begins_with(rule: Rule, answer: Answer) -> bool | None:
    """Whether the paragraph of this number begins with the word."""
    blocks = [block for block in re.split(r"\n\s*\n", answer.text) if block.strip(" *\n-")]
    assert rule.least is not None
    if rule.least > len(blocks):
        return False
    return _plain(blocks[rule.least - 1]).startswith(_plain(rule.words[0]))


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
        return None if "`" in answer.text or re.search(r"[;{}=]|\bdef\b", answer.text) else False
    position = max(at for at, line in enumerate(answer.lines) if line.kind is LineKind.CODE)
    after = [line for line in answer.lines[position + 1 :] if line.kind is not LineKind.BLANK]
    words = sum(len(line.text.split()) for line in after)
    return False if words > 2 * _FEWEST_WORDS else None


def ends_with_question(_rule: Rule, answer: Answer) -> bool | None:
    """Whether the last sign is a question mark."""
    last = re.sub(r"[^\w.!?\uff1f\u061f:;)\]}]+$", "", answer.text).rstrip(_CLOSERS)
    if last.endswith(("?", "\uff1f", "\u061f")):
        return True
    paragraph = "\n".join(line.text for line in answer.last_paragraph)
    return None if re.search(r"[?\uff1f\u061f]", paragraph) else False


def ends_with_sentence(_rule: Rule, answer: Answer) -> bool | None:
    """Whether the last thing is a sentence."""
    kind = answer.last_line.kind
    if kind in {LineKind.CODE, LineKind.TABLE}:
        return False
    is_sentence = kind is LineKind.TEXT and _last_sentence(answer).endswith((".", "!"))
    return True if is_sentence and len(_last_sentence(answer).split()) >= _FEWEST_WORDS else None


def ends_with_result(_rule: Rule, answer: Answer) -> bool | None:
    """Whether the last sentence states a value as the result."""
    last = answer.last_line
    if last.kind in {LineKind.CODE, LineKind.TABLE}:
        return None
    if _is_afterword(answer):
        return False
    if last.kind is LineKind.FORMULA:
        formula = "\n".join(line.text for line in answer.last_paragraph)
        return True if "\\boxed" in formula else None
    sentence = _last_sentence(answer)
    if not _VALUE.search(sentence):
        return None
    states = _STATES_ANSWER.search(sentence) or _CONCLUDING.match(sentence)
    return True if states or _repeats_result(sentence, answer) else None


def ends_with_result_sentence(rule: Rule, answer: Answer) -> bool | None:
    """Whether the last thing is a sentence, and it states a value as the result."""
    if ends_with_sentence(rule, answer) is False:
        return False
    states = ends_with_result(rule, answer)
    if not states:
        return states
    is_sentence = ends_with_sentence(rule, answer)
    return True if is_sentence else None


def ends_with_summary(rule: Rule, answer: Answer) -> bool | None:
    """Whether the last paragraph, or the last sentence, says that it sums up."""
    if answer.last_line.kind is LineKind.CODE or _is_afterword(answer):
        return False
    if "result" in rule.words and ends_with_result_sentence(rule, answer):
        return True
    if "sentence" in rule.words:
        return True if _SUMMING.match(_last_sentence(answer).lstrip(_OPENERS)) else None
    paragraph = answer.last_paragraph
    if paragraph and _SUMMING.match(paragraph[0].text.lstrip(_OPENERS)):
        return True
    return True if _last_heading_sums_up(answer) else None


def has_postscript(rule: Rule, answer: Answer) -> bool | None:
    """Whether there is a postscript."""
    sign = r"\W*".join(re.sub(r"\W", "", rule.words[0]))
    return bool(re.search(rf"(?im)^\W*{sign}\b", answer.text)) or (
        None if re.search(rf"(?i)\b{sign}\b|postscript", answer.text) else False
    )


def _last_sentence(answer: Answer) -> str:
    line = answer.last_line
    return _SENTENCE.split(line.text)[-1].strip().rstrip("*_ \"'\u201d")


def _repeats_result(sentence: str, answer: Answer) -> bool:
    """Whether a sentence holds the result of the last equation."""
    results = _EQUALS.findall(answer.text[-_CLOSING_CHARS:])
    return bool(results) and results[-1].rstrip(".,") in {
        number.rstrip(".,") for number in _NUMBER.findall(sentence)
    }


def _is_afterword(answer: Answer) -> bool:
    """Whether the answer ends by speaking to the user, after what it had to say."""
    last = _last_sentence(answer)
    is_question = last.rstrip(_CLOSERS).endswith("?") and answer.last_line.kind is LineKind.TEXT
    return is_question or bool(_FAREWELL.search(last))


def _last_heading_sums_up(answer: Answer) -> bool:
    heads = [line for line in answer.lines if _is_head(line)]
    return (
        bool(heads)
        and bool(_SUMMARY_HEADING.match(heads[-1].text))
        and heads[-1] is not (answer.last_line)
    )


def _is_head(line: Line) -> bool:
    return line.kind is LineKind.HEADING or (
        line.kind in {LineKind.TEXT, LineKind.NUMBERED}
        and bool(re.match(r"(?:\*\*[^*]+\*\*:?|[A-Z][^.!?]{2,40}:)$", line.text))
    )


def states_result(rule: Rule, answer: Answer) -> bool | None:
    """Whether the answer ends with a result, and speaks of what the task speaks of."""
    formulas = [word[1:] for word in rule.words if word.startswith("$")]
    words = [word for word in rule.words if not word.startswith("$")]
    squeezed = squeeze_formula(answer.text) if formulas else ""
    if not all(formula in squeezed for formula in formulas):
        return None
    if not _uses(words, answer.text, _MOST_OF):
        return None
    if ends_with_result(rule, answer):
        return True
    # A short answer need not say that it is the result: "Nico read 19 pages on Wednesday."
    sentence = _last_sentence(answer)
    is_short = len(answer.shown) == 1 and bool(words) and not _is_afterword(answer)
    states = is_short and bool(_VALUE.search(sentence)) and _uses(words, sentence, _MOST_OF)
    return True if states else None


def _uses(stems: list[str], text: str, share: float) -> bool:
    small = text.lower()
    return sum(stem in small for stem in stems) >= share * len(stems)


TESTS: dict[RuleKind, Callable[[Rule, Answer], bool | None]] = {
    RuleKind.BEGINS_WITH: begins_with,
    RuleKind.BEGINS_WITH_PART: begins_with_part,
    RuleKind.BEGINS_WITH_GREETING: begins_with_greeting,
    RuleKind.PARAGRAPH_BEGINS_WITH: paragraph_begins_with,
    RuleKind.ENDS_WITH: ends_with,
    RuleKind.ENDS_WITH_PART: ends_with_part,
    RuleKind.ENDS_WITH_CODE: ends_with_code,
    RuleKind.ENDS_WITH_QUESTION: ends_with_question,
    RuleKind.ENDS_WITH_SENTENCE: ends_with_sentence,
    RuleKind.ENDS_WITH_RESULT: ends_with_result,
    RuleKind.ENDS_WITH_RESULT_SENTENCE: ends_with_result_sentence,
    RuleKind.ENDS_WITH_SUMMARY: ends_with_summary,
    RuleKind.STATES_RESULT: states_result,
    RuleKind.POSTSCRIPT: has_postscript,
}
