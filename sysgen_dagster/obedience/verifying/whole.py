"""What an answer is as a whole: its language, JSON, case, and words that it avoids."""

import json
import re

from sysgen_dagster.chat.words import count_words
from sysgen_dagster.obedience.recognizing.wording import OBJECT, fold
from sysgen_dagster.obedience.rules import Rule, RuleKind
from sysgen_dagster.obedience.verifying.answers import Answer
from sysgen_dagster.obedience.verifying.edges import (
    FEWEST_WORDS,
    LABEL,
    has_own_signs,
    plain,
    written,
)
from sysgen_dagster.obedience.verifying.frames import SPOKEN, sentences_told
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
_LIKE_QUOTES = '"\u201c\u201d\u201e\u201f\xab\xbb\uff02\u300c\u300e'
# The signs of units and addresses have their own case.
_OF_OWN_CASE = re.compile(
    r"[\w.+-]{1,64}@\S+|\d ?\xb0?[^\W\d_]{1,3}\b|\xb0[CFK]\b|\b\w{1,64}\.(?:com|org|net)\b"
)
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
_MOST_NAMES = 0.6


def is_in_language(rule: Rule, answer: Answer) -> bool | None:
    """Whether the detected language is the one that is asked for."""
    [asked] = rule.words
    found = answer.language
    if found is None or found in _CLOSE_TO.get(asked, set()) - {asked}:
        return None
    # What is quoted, named or listed in another language is none of the answer's own.
    own = _own_words(answer)
    if found == asked:
        is_other = own is not None and own.language not in {None, asked}
        return None if is_other else not rule.is_forbidden
    is_short = (own or answer).words[1] < _FEWEST_WORDS
    return None if is_short or (own and own.language != found) else rule.is_forbidden


def _own_words(answer: Answer) -> Answer | None:
    """The lines of words that say something, without quotations; None if these are all lines."""
    told = SPOKEN.sub(" ", answer.told)
    lines = told.split("\n")
    own = [line for line in lines if not _is_list_of_names(line)]
    return None if told == answer.prose and own == lines else Answer("\n".join(own))


def _is_list_of_names(line: str) -> bool:
    words = count_words(line)
    signs = sum(map(line.count, ",;\u3001\uff0c\u060c"))
    if words < _FEWEST_WORDS and " - " in line:
        return True
    names = sum(word.istitle() for word in line.split())
    return words > 2 and (signs * 4 > words or names > _MOST_NAMES * words)


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
        return None
    if not rule.words:
        return True
    if not isinstance(value, dict):
        return None
    if rule.words == (OBJECT,) or _has_keys(rule, value):
        return True
    inside = [each for each in value.values() if isinstance(each, dict)]
    return None if any(_has_keys(rule, each) for each in inside) else False


def _has_keys(rule: Rule, value: dict[str, object]) -> bool:
    keys = {_letters(key) for key in value}
    return all(_letters(word) in keys for word in rule.words)


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
    if LABEL.match(first.text) or first.kind in {LineKind.BULLET, LineKind.NUMBERED}:
        return None
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
        bare = text.strip("*_")
        return None if bare[:1] in _LIKE_QUOTES and bare[-1:] in _LIKE_QUOTES else False
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
    prose = "".join(_UPPER.findall(_OF_OWN_CASE.sub(" ", answer.prose)))
    if not any(letter.isupper() or letter.islower() for letter in prose):
        return None
    is_other = str.isupper if rule.words == ("lower",) else str.islower
    # The signs of "1\xba" and \xdf have one case only.
    if any(
        is_other(letter) and letter.swapcase().swapcase() == letter != letter.swapcase()
        for letter in prose
    ):
        return False
    return None if any(map(is_other, answer.text)) else True


def uses_one_of(rule: Rule, answer: Answer) -> bool | None:
    """Whether one of the texts stands in the answer."""
    said = [word for word in rule.words if _is_said(word, answer)]
    return None if said and all(map(has_own_signs, said)) else bool(said)


def is_one_of(rule: Rule, answer: Answer) -> bool | None:
    """Whether the answer is one of the texts; if words beside it are not forbidden, not sure."""
    same = [word for word in rule.words if plain(word) == plain(answer.text)]
    if same:
        texts = {each.strip(".,! ") for each in written(answer.text)}
        signed = [word for word in same if has_own_signs(word)]
        is_same = len(signed) < len(same) or any(
            each.strip(".,! ") in texts for word in signed for each in written(word)
        )
        return True if is_same else None
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
