"""The signs and words of an answer, counted: those that all readers see, and all that some do."""

import re
import sys
import unicodedata
from collections.abc import Callable

from sysgen_dagster.obedience.recognizing.wording import ABOUT, fold
from sysgen_dagster.obedience.rules import Rule, RuleKind
from sysgen_dagster.obedience.verifying.answers import Answer, Span
from sysgen_dagster.obedience.verifying.frames import SPOKEN, is_labelled, sentences_told
from sysgen_dagster.obedience.verifying.sentences import times_said

Measure = Callable[[Rule, Answer], Span]
# Pronouns are counted in English. Of a text that is too short to tell its language, those that are
# found count, but others may be there; in other languages any number may.
_MAYBE_ENGLISH = {"en", None}
_ANY_NUMBER: Span = (0, sys.maxsize)
_CAPITAL_WORD = re.compile(r"(?<![\w'])[A-Z][A-Z'-]*[A-Z](?![\w'])")
_MAYBE_CAPITALS = re.compile(r"[^\W\d_]+")
# Signs that are shown as emoji unless a variation selector says otherwise, and others with one.
_EMOJI_SIGN = (
    "(?:[\U0001f300-\U0001f64f\U0001f680-\U0001f6ff\U0001f7e0-\U0001f7eb\U0001f7f0"
    "\U0001f900-\U0001f9ff\U0001fa70-\U0001faff\U0001f004\U0001f0cf\U0001f18e\U0001f191-\U0001f19a"
    "\u231a\u231b\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2614\u2615\u2648-\u2653\u267f\u2693\u26a1"
    "\u26aa\u26ab\u26bd\u26be\u26c4\u26c5\u26ce\u26d4\u26ea\u26f2\u26f3\u26f5\u26fa\u26fd\u2705"
    "\u270a\u270b\u2728\u274c\u274e\u2753-\u2755\u2757\u2795-\u2797\u27b0\u27bf\u2b1b\u2b1c\u2b50"
    "\u2b55](?!\ufe0e)|[\xa9\xae\u203c-\u3299](?=\ufe0f))"
)
# What is shown as one sign: flags, digits in a frame, shades of skin, people that are joined.
_ONE_EMOJI = (
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3"
    f"|{_EMOJI_SIGN}\ufe0f?[\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]*)"
)
_EMOJI = re.compile(f"{_ONE_EMOJI}(?:\u200d(?:{_ONE_EMOJI}|[\u2600-\u27bf]\ufe0f?))*")
_PARTS_OF_EMOJI = re.compile(f"{_ONE_EMOJI}|(?<=\u200d)[\u2600-\u27bf]")
_MAYBE_EMOJI = re.compile(
    "[\u203c\u2049\u2190-\u21ff\u2300-\u23ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d"
    "\u3297\u3299\U0001f000-\U0001faff]"
    "|(?<![\\w:;])[:;=]-?[)D(P3]|<3|:[a-z_]+:|[(][^\\w\\s()]{1,5}[)]|\\^_+\\^|(?<!\\w)x[dD]\\b"
)
_CONTRACTION = re.compile(
    r"\b\w+n['\u2019]t\b|\b\w{1,12}['\u2019](?:re|ll|ve|m|d)\b"
    r"|\b(?:it|that|he|she|what|there|here|let|who|how|where)['\u2019]s\b",
    re.IGNORECASE,
)
# "John's going" is one, "John's dog" is none.
_MAYBE_CONTRACTION = re.compile(
    r"\b\w+['\u2019]s (?:an?|the|not|been|so|too|very|just|always|never|\w+(?:ing|ed))\b"
    r"|\w['\u2019]\w(?<!['\u2019][sS])|\b(?:gonna|wanna|gotta)\b",
    re.IGNORECASE,
)
_MAYBE_HASHTAG = re.compile(r"(?<![\w#&])#[^\W\d_]\w*")
# A colour, a line of C, and a place on a page are none.
_HASHTAG = re.compile(
    r"(?<![\w#&/(\"'=])#(?![0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?\b)(?!(?:include|define|undef|ifn?def|if"
    r"|elif|else|endif|pragma|error|import|region|main|id)\b)[^\W\d_]\w*(?!\w*\s*\{)"
)
# "?" and its like, ";" after Greek, and signs that stand beside them.
MAYBE_QUESTION = re.compile(
    r"[?\uff1f\u061f\u037e\u055e\u1367\u203d\u2047-\u2049\ufe56\xbf]"
    r"|(?<=[\u0370-\u03ff\u1f00-\u1fff]);"
)
_ASKED = re.compile(r"(?:^|(?<=[.!?\n]))([^.!?\n]*)\?")
_ADDRESSED = re.compile(r"\byou(?:r|rs)?\b", re.IGNORECASE)
_WORD = re.compile(r"\w")
_DIGIT = re.compile(r"\d(?!\ufe0f?\u20e3)")
_MAYBE_DIGIT = re.compile(
    r"[\xb2\xb3\xb9\xbc-\xbe\u2070-\u2089\u2150-\u218b\u2460-\u24ff\u2776-\u2793\u3007]|\d"
)
# Signs that some call by the same name, beside those that Unicode says are one of another shape.
_LIKE_SIGNS = {
    ",": "\u3001\u060c\u055d\u1363\u1802\u2e41",
    "!": "\xa1\u203d\u055c",
    "?": "\xbf\u061f\u203d\u055e\u1367\u037e",
    ";": "\u061b\u037e\u1364",
    ":": "\u2236\u02d0\u1365\u0589",
    "(": "\u3010\u3014\u2768",
    ")": "\u3011\u3015\u2769",
    "*": "\u2217\u204e\u2731\xd7",
    "\u2014": "\u2013\u2015\u2e3a\u2e3b\ufe58",
}
_LIKE_QUOTES = re.compile(
    r"[\u2018-\u201f\xab\xbb\u2039\u203a\u300c-\u300f\u301d-\u301f]|(?<!\w)'|'(?!\w)"
)
# Where a sign is none of the text: it groups digits, is an operator, or a face.
_NO_SIGN = {
    ",": re.compile(r"(?<=\d),(?=\d)"),
    ".": re.compile(r"(?<=\d)\.(?=\d)"),
    ":": re.compile(
        r"(?<=\w):(?=[\w\\/])|(?<=\d) :(?= \d)|(?<=\d): (?=\d)|(?<!\w):(?=-?[)D(P3])|::|:[a-z_]+:"
    ),
    '"': re.compile(r"(?<=\d)\"|(?<=\\)\""),  # inches, and what code escapes
    ";": re.compile(r"(?<!\w);(?=-?[)D(P])|(?<=&)\w{2,8};"),
    "!": re.compile(r"(?<=[\d)])!|(?<![^\W_])(?<=[A-Za-z])!|!(?==)|(?<=\b[A-Za-z])!"),
    "(": re.compile(r"(?<=[:;=])\(|(?<=[:;]-)\("),
    # "1)" numbers what follows.
    ")": re.compile(r"(?<=[:;=])\)|(?<=[:;]-)\)|(?<!\()\b(?:\d{1,2}|[a-z])\)"),
}
# "World War I was long", "where I is the current", and a mine do not speak of the writer.
_FIRST_PERSON = re.compile(
    r"\b(?:I['\u2019](?:m|ve|d|ll)|my|me|myself)\b"
    r"|(?:^|(?<=[.!?,;:\u2014] )|(?<=\b(?:as|so|if|or) )|(?<=\b(?:and|but) )"
    r"|(?<=\b(?:that|when|what|then|Then) ))I (?!is\b|=)[a-z]",
    re.MULTILINE,
)
_MAYBE_FIRST_PERSON = re.compile(
    r"\b(?:i|my|me|mine|myself|we|our|ours|us|ourselves|let['\u2019]?s)\b", re.IGNORECASE
)
_SECOND_PERSON = re.compile(r"\b(?:you|your|yours|yourself)\b", re.IGNORECASE)
_LEAST_SHARE_OF_PERSON = 1 / 3


def _capital_words(_rule: Rule, answer: Answer) -> Span:
    found = len(_CAPITAL_WORD.findall(answer.text))
    every = sum(word.isupper() for word in _MAYBE_CAPITALS.findall(answer.text))
    return found, max(found, every)


def _signs(rule: Rule, answer: Answer) -> Span:
    """Those of prose, and all that look like them or are called so in other scripts."""
    if rule.words == ("#",):  # "C#" and "#1" are no hashtags, nor is the sign of a heading
        found = len(_HASHTAG.findall(answer.outside_code))
        every = len(_MAYBE_HASHTAG.findall(answer.text)) + answer.text.count("\uff03")
        return found, max(found, every)
    sure = sum(answer.prose.count(sign) - _count_no_sign(sign, answer.prose) for sign in rule.words)
    most = sum(map(answer.text.count, rule.words))
    if not answer.text.isascii():
        shapes = "".join(
            char for char in answer.text if not char.isascii() and char not in rule.words
        )
        like = "".join(_LIKE_SIGNS.get(sign, "") for sign in rule.words)
        most += sum(map(shapes.count, like))
        most += sum(map(unicodedata.normalize("NFKC", shapes).count, rule.words))
        # Of all punctuation, each sign of another script is one.
        if "." in rule.words:
            most += sum(unicodedata.category(char).startswith("P") for char in shapes)
    if '"' in rule.words:
        most += len(_LIKE_QUOTES.findall(answer.text))
    if "\u2014" in rule.words:
        most += answer.text.count("--")
    if "." in rule.words:
        most += len(re.findall(r"[^\w\s]", answer.text))
    if "?" in rule.words:
        most += len(MAYBE_QUESTION.findall(answer.text))
    return max(sure, 0), max(sure, most)


def _count_no_sign(sign: str, text: str) -> int:
    pattern = _NO_SIGN.get(sign)
    return sum(found.count(sign) for found in pattern.findall(text)) if pattern else 0


def _letter(rule: Rule, answer: Answer) -> Span:
    found = answer.text.lower().count(rule.words[0])
    return found, found


def _uses_words(rule: Rule, answer: Answer) -> Span:
    """How often the rarest of the words is used: as a word of its own, and as a part of others."""
    words = [word.lower().rstrip(".,") for word in rule.words if word != ABOUT]
    text = " ".join(fold(answer.text).split()).lower()
    exact = [times_said(word, text) for word in words]
    letters = re.sub(r"[\W_]+", "", text)
    loose = [letters.count(re.sub(r"[\W_]+", "", word)) for word in words]
    return min(exact), max(min(exact), min(loose))


def _first_person(rule: Rule, answer: Answer) -> Span:
    if answer.language not in _MAYBE_ENGLISH:
        return _ANY_NUMBER
    found = _told_with(_FIRST_PERSON, rule, answer)
    every = max(found, len(_MAYBE_FIRST_PERSON.findall(answer.text)))
    return found, every if answer.language else sys.maxsize


def _told_with(person: re.Pattern[str], rule: Rule, answer: Answer) -> int:
    """How often a person is named; of what is to be told in it, only where most of it is."""
    told = SPOKEN.sub(" ", answer.told)
    if rule.most == 0:
        return len(person.findall(told))
    sentences = sentences_told(told)
    found = sum(bool(person.search(sentence)) for sentence in sentences)
    return found if found >= _LEAST_SHARE_OF_PERSON * len(sentences) else 0


def _second_person(rule: Rule, answer: Answer) -> Span:
    if answer.language not in _MAYBE_ENGLISH:
        return _ANY_NUMBER
    found = _told_with(_SECOND_PERSON, rule, answer)
    every = len(_SECOND_PERSON.findall(answer.text))
    return found, every if answer.language else sys.maxsize


def of_pattern(sure: re.Pattern[str], maybe: re.Pattern[str] | None = None) -> Measure:
    """Counts a pattern outside code; in code, or where only another matches, it is not sure."""

    def count(_rule: Rule, answer: Answer) -> Span:
        found = len(sure.findall(answer.outside_code))
        others = len(maybe.findall(answer.outside_code)) if maybe else 0
        return found, max(found, len(sure.findall(answer.text))) + others

    return count


def _questions(_rule: Rule, answer: Answer) -> Span:
    """Those put to the reader; of others, in headings or of a speaker, it is not sure."""
    lines = SPOKEN.sub(" ", answer.told).split("\n")
    told = "\n".join(line for line in lines if not is_labelled(line))
    last = max(map(told.rfind, "?\uff1f\u061f"))
    ends = last >= 0 and not _WORD.search(told, last)
    addressed = sum(bool(_ADDRESSED.search(asked)) for asked in _ASKED.findall(told))
    every = len(MAYBE_QUESTION.findall(SPOKEN.sub(" ", answer.text)))
    return min(every, max(int(ends), addressed)), every


def _emoji(_rule: Rule, answer: Answer) -> Span:
    """As they are shown; joined ones may be shown apart, and others not as emoji."""
    others = len(_MAYBE_EMOJI.findall(_EMOJI.sub(" ", answer.outside_code)))
    most = len(_PARTS_OF_EMOJI.findall(answer.text))
    return len(_EMOJI.findall(answer.outside_code)), most + others


MEASURES: dict[RuleKind, Measure] = {
    RuleKind.CAPITAL_WORDS: _capital_words,
    RuleKind.SIGNS: _signs,
    RuleKind.DIGITS: of_pattern(_DIGIT, _MAYBE_DIGIT),
    RuleKind.EMOJI: _emoji,
    RuleKind.QUESTIONS: _questions,
    RuleKind.CONTRACTIONS: of_pattern(_CONTRACTION, _MAYBE_CONTRACTION),
    RuleKind.USES_WORDS: _uses_words,
    RuleKind.LETTER: _letter,
    RuleKind.FIRST_PERSON: _first_person,
    RuleKind.SECOND_PERSON: _second_person,
}
