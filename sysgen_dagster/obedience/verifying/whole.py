"""What an answer is as a whole: its language, JSON, case, and words that it avoids."""

import json
import re

from sysgen_dagster.obedience.recognizing.wording import OBJECT, fold
from sysgen_dagster.obedience.rules import Rule, RuleKind
from sysgen_dagster.obedience.verifying.answers import Answer
from sysgen_dagster.obedience.verifying.edges import FEWEST_WORDS, plain
from sysgen_dagster.obedience.verifying.frames import sentences_told
from sysgen_dagster.obedience.verifying.lines import LineKind
from sysgen_dagster.obedience.verifying.measures import MAYBE_CODE
from sysgen_dagster.obedience.verifying.sentences import times_said

_FENCED = re.compile(r"^```[a-zA-Z]*\s*\n(?P<inside>.*?)\n?```$", re.S)
_UPPER = re.compile(r"[^\W\d_]")
_EXAMPLE = re.compile(
    r"\b(?:for example|for instance|e\.g\.|an example|examples?:|example \d|such as)", re.I
)
# Where an example is asked for, or there is none.
_NO_EXAMPLE = re.compile(
    r"\?\W*$|\b(?:can ?not|can't|could|unable|no|not|n't|without|please|if you|need|would like|want"
    r"|provide me|give me|send)\b",
    re.I,
)
# Braces alone may be those of LaTeX.
_MAYBE_JSON = re.compile(r"\{\s*[\"'}]|(?<!\\)\[|json", re.I)
_LONG_LINE = 100
# At least three items of one to four words, perhaps after what says of what they are; words of a
# sentence are none.
_NO_ITEM = r"(?!(?:\S{1,40} ){0,3}(?i:i|you|we|it|he|she|they|is|are|was|were|has|have|will|can)\b)"
_ITEM = rf"{_NO_ITEM}[^\s,.!?:;]+(?: [^\s,.!?:;]+){{0,3}}"
_COMMA_LIST = re.compile(rf"(?:[^,.!?:\n]{{1,80}}:\s*)?{_ITEM}(?:, ?{_ITEM}){{2,}}\.?")
# Below these, differences between the detector's languages that are close to one another count.
_CLOSE = (
    {"no", "da", "sv"},
    {"id", "ms"},
    {"hr", "sr", "bs", "sh"},
    {"cs", "sk"},
    {"es", "gl", "ca", "pt"},
)
_CLOSE_TO = {code: group for group in _CLOSE for code in group}
_FEWEST_WORDS = 6


def is_in_language(rule: Rule, answer: Answer) -> bool | None:
    """Whether the detected language is the one that is asked for."""
    [asked] = rule.words
    found = answer.language
    if found is None or found == asked:
        return None if found is None else not rule.is_forbidden
    is_short = answer.words[1] < _FEWEST_WORDS
    return None if is_short or found in _CLOSE_TO.get(asked, ()) else rule.is_forbidden


def is_translated(rule: Rule, answer: Answer) -> bool | None:
    """Whether the whole answer is in the language; an answer around a translation is not sure."""
    return True if is_in_language(rule, answer) else None


def is_json(rule: Rule, answer: Answer) -> bool | None:
    """Whether the answer, or the one block that it is, parses as JSON and has the fields."""
    fenced = _FENCED.match(answer.text)
    text = (fenced["inside"] if fenced else answer.text).strip()
    try:
        # Python refuses to read very long numbers, which JSON may have.
        value = json.loads(text, parse_int=str, parse_constant=_refuse)
    except ValueError:
        return _is_no_json(answer, text)
    except RecursionError:
        return None
    if not isinstance(value, dict | list):
        return False
    if not rule.words:
        return True
    if not isinstance(value, dict):
        return None
    keys = {_letters(key) for key in value}
    return rule.words == (OBJECT,) or all(_letters(word) in keys for word in rule.words)


def _refuse(constant: str) -> None:
    """JSON has no NaN and no Infinity."""
    raise ValueError(constant)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _is_no_json(answer: Answer, text: str) -> bool | None:
    if not _MAYBE_JSON.search(text):
        return False
    is_all_braces = text.startswith(("{", "[")) and text.endswith(("}", "]"))
    return False if is_all_braces and "```" not in text else None


def has_title(rule: Rule, answer: Answer) -> bool | None:
    """Whether the answer has a title: between angular brackets, or as its first line."""
    if rule.words:
        return bool(re.search(r"<<[^<>\n]+>>", answer.text))
    if not answer.shown:
        return None
    first = answer.shown[0]
    if first.kind is LineKind.HEADING or re.match(r"\*\*[^*]+\*\*:?$|title:", first.text, re.I):
        return True
    is_sentence = first.kind is LineKind.TEXT and len(first.text) > _LONG_LINE
    return False if is_sentence and first.text.endswith((".", ":", "!")) else None


def is_code_only(_rule: Rule, answer: Answer) -> bool | None:
    """Whether there is code and no sentence outside it."""
    if not answer.code_blocks:
        return None
    sentences, _ = answer.sentences
    if sentences:
        return False
    return True if not answer.prose.strip(" \n\ufffc") else None


def is_prose(_rule: Rule, answer: Answer) -> bool | None:
    """Whether there are no lists, headings, tables or code, and it is no JSON."""
    forms = (LineKind.BULLET, LineKind.NUMBERED, LineKind.HEADING, LineKind.TABLE, LineKind.CODE)
    outer, every = answer.count(*forms)
    if outer > 1 or is_json(Rule(RuleKind.JSON), answer):
        return False
    return True if every == 0 else None


def is_quoted(_rule: Rule, answer: Answer) -> bool | None:
    """Whether the whole answer stands between double quotation marks."""
    text = answer.text
    if len(text) < 2 or text[0] not in '"\u201c' or text[-1] not in '"\u201d':
        return False
    # '"Yes," he said, "go."' holds two quotations.
    return None if re.search('["\u201c\u201d]', text[1:-1]) else True


def is_comma_list(_rule: Rule, answer: Answer) -> bool | None:
    """Whether there are only items between commas; of sentences with commas it is not sure."""
    outer, _ = answer.count(LineKind.BULLET, LineKind.NUMBERED)
    if outer or "," not in answer.text:
        return False
    return True if _COMMA_LIST.fullmatch(answer.text) else None


def is_in_case(rule: Rule, answer: Answer) -> bool | None:
    """Whether no letter outside code and formulas has the other case."""
    prose = "".join(_UPPER.findall(answer.prose))
    if not any(letter.isupper() or letter.islower() for letter in prose):
        return None
    other = str.isupper if rule.words == ("lower",) else str.islower
    if any(map(other, prose)):
        return False
    return None if any(map(other, answer.text)) else True


def uses_one_of(rule: Rule, answer: Answer) -> bool | None:
    """Whether one of the texts stands in the answer."""
    return any(_is_said(word, answer) for word in rule.words)


def is_one_of(rule: Rule, answer: Answer) -> bool | None:
    """Whether the answer is one of the texts; if words beside it are not forbidden, not sure."""
    if any(plain(word) == plain(answer.text) for word in rule.words):
        return True
    said = [word for word in rule.words if _is_said(word, answer)]
    if not said:
        return False
    beside = answer.words[0] - max(len(word.split()) for word in said)
    return False if rule.most == 0 and beside >= FEWEST_WORDS else None


def _is_said(word: str, answer: Answer) -> bool:
    return times_said(plain(word), plain(answer.text)) > 0


def avoids_words(rule: Rule, answer: Answer) -> bool | None:
    """Whether none of the words is used; a longer word that has it as a part is not sure."""
    text = " ".join(fold(answer.text).split()).lower()
    words = [word.lower().rstrip(".,") for word in rule.words]
    if any(times_said(word, text) for word in words):
        return False
    return None if any(word in text for word in words) else True


def has_example(_rule: Rule, answer: Answer) -> bool | None:
    """Whether the answer says that something is an example."""
    given = (s for s in sentences_told(answer.prose) if not _NO_EXAMPLE.search(s))
    return True if any(map(_EXAMPLE.search, given)) else None


def has_code(_rule: Rule, answer: Answer) -> bool | None:
    """Whether there is any code; what it does is not looked at."""
    if answer.code_blocks:
        return True
    return None if MAYBE_CODE.search(answer.text) else False


TESTS = {
    RuleKind.LANGUAGE: is_in_language,
    RuleKind.TRANSLATED: is_translated,
    RuleKind.JSON: is_json,
    RuleKind.TITLE: has_title,
    RuleKind.CODE_ONLY: is_code_only,
    RuleKind.PROSE: is_prose,
    RuleKind.QUOTED: is_quoted,
    RuleKind.COMMA_LIST: is_comma_list,
    RuleKind.CASE: is_in_case,
    RuleKind.USES_ONE_OF: uses_one_of,
    RuleKind.IS_ONE_OF: is_one_of,
    RuleKind.AVOIDS_WORDS: avoids_words,
    RuleKind.EXAMPLE: has_example,
    RuleKind.HAS_CODE: has_code,
}
