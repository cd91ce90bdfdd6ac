"""The language of a question, and the words in it that name its subject."""

import re
from collections.abc import Mapping
from functools import cache
from itertools import groupby

from sysgen_dagster.simulated.material import load_material

# The letters of a language's script, and the share of all letters above which a text is of that
# language. Japanese comes before Chinese because it uses Chinese characters too.
_SCRIPTS = (
    ("ko", re.compile(r"[\uac00-\ud7a3]"), 0.3),
    ("ja", re.compile(r"[\u3041-\u3096\u30a1-\u30fa]"), 0.2),
    ("zh", re.compile(r"[\u4e00-\u9fff]"), 0.3),
    ("ru", re.compile(r"[\u0400-\u045f]"), 0.4),
    ("ar", re.compile(r"[\u0621-\u064a]"), 0.4),
)
_LATIN = ("en", "es", "de", "fr")
# Letters that English lacks. They add to a language's score only if its words occur: a name may
# hold such letters in a text of any language.
_LETTERS_OF = (
    ("es", re.compile(r"[¿¡ñáíóú]")),
    ("de", re.compile(r"[äöüß]")),
    ("fr", re.compile(r"[àâçèêëîïôùûœ]")),
)

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*")
_LATEX = re.compile(r"\\[a-zA-Z]+")
_CLAUSE_END = re.compile(r"[.,;:!?\u061f\u060c\n()\[\]{}$|=<>\"“”«»„*`#/\\]+|\d+")
# Words of a script without spaces: a run of Han characters or of katakana.
_NO_SPACES = re.compile(r"[\u4e00-\u9fff]{2,6}|[\u30a1-\u30fc]{3,10}")
_SAMPLE = 600  # characters that are read, which keeps long questions cheap


@cache
def _load_stop_words() -> Mapping[str, frozenset[str]]:
    """Frequent short words by language."""
    words = load_material("stop_words.yaml")
    return {language: frozenset(text.split()) for language, text in words.items()}


def detect_language(text: str) -> str:
    """The two-letter code of the text's language, of nine; `en` for every other language."""
    sample = text[:_SAMPLE]
    if not sample.isascii():
        letters = sum(map(str.isalpha, sample)) or 1
        for language, script, share in _SCRIPTS:
            if len(script.findall(sample)) > share * letters:
                return language
    return _detect_latin_language(sample.lower())


def _detect_latin_language(sample: str) -> str:
    """English, Spanish, German or French, by frequent words and by letters of their own."""
    words = _WORD.findall(sample)
    stop_words = _load_stop_words()
    scores = {code: sum(word in stop_words[code] for word in words) for code in _LATIN}
    for code, letters in _LETTERS_OF:
        scores[code] += min(3, len(letters.findall(sample))) if scores[code] else 0
    best = max(scores, key=lambda code: scores[code])
    # One or two words may be a name or a quotation in an English text.
    return best if scores[best] > max(2, scores["en"]) else "en"


def find_topics(text: str, language: str) -> tuple[str, ...]:
    """Up to four subjects of the text, of one to three words each, longer ones first.

    A subject consists of words only: a bracket of the text could damage the marks of a tag.
    """
    sample = _LATEX.sub(" ", text[:_SAMPLE])
    stop = _load_stop_words()[language]
    if language in {"zh", "ja"}:
        for word in sorted(stop, key=len, reverse=True):
            sample = sample.replace(word, " ")
        return tuple(dict.fromkeys(_NO_SPACES.findall(sample)))[:4]
    shortest = 3 if language == "en" else 2
    clauses = _CLAUSE_END.split(sample)
    runs = dict.fromkeys(run for each in clauses for run in _find_runs(each, stop, shortest))
    return tuple(sorted(runs, key=lambda run: " " not in run))[:4]


def _find_runs(clause: str, stop: frozenset[str], shortest: int) -> list[str]:
    """Runs of neighbouring words that are no stop words, each cut to its last three words."""
    words = _WORD.findall(clause)
    runs = groupby(words, lambda word: len(word) >= shortest and word.lower() not in stop)
    return [" ".join(list(run)[-3:]) for is_run, run in runs if is_run]
