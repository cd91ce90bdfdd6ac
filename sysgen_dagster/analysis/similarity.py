r"""ROUGE and GLEU of a new answer against the original one: the n-gram columns of Table 1.

Source: SysGen (arXiv 2502.11330), Table 1, which names ROUGE-1, -2, -L and GLEU but neither the
implementation nor the tokens. Ours equal, for every text, the F-measures of `rouge-score` 0.1.2
without stemming (tokens: ``[a-z0-9]+`` of the text in lower case) and `sentence_gleu` of `nltk`
3.10 (n-grams of 1 to 4 words split by ``str.split()``, with their case and punctuation).

rouge-score drops signs, accents and all other scripts: ``2+2=4`` and ``2-2=4`` are equal, ``naïve``
is two words, a Japanese answer scores 0. The columns that end in ``_unicode`` are the same measures
over other tokens, of the text after NFKC and in lower case:

* words: letters, digits and marks of any script. Whatever separates words in rouge-score does here,
  also ``_`` and ``'``: English prose without signs has the scores of rouge-score;
* single letters with their marks in the scripts without blanks between words: Han, kana, Thai, Lao,
  Khmer and Burmese. Korean has blanks, so Hangul makes words;
* LaTeX commands with their backslash: ``\in`` is not the word ``in``;
* signs, one by one: symbols, ``- * / % ^`` and ``·``. Not ``$ | &``, which are delimiters in LaTeX
  and Markdown; not Markdown's bullets, rules and bold; not a hyphen after a word of two letters or
  more. The typographic minus sign is ``-``.

A superscript is a power: ``x²`` is ``x^2``, whereas NFKC alone would give ``x2``.

Cost: n-grams are sorted, so nearly linear. The longest common subsequence takes as many steps as
the product of both token counts divided by 64: milliseconds for the longest answers that models
write, up to a minute for two texts of 1 MB. It is exact.
"""

from collections.abc import Iterator
from functools import reduce
from operator import add

import polars as pl
from rapidfuzz.distance import LCSseq

from sysgen_dagster.analysis.tables import SIMILARITY
from sysgen_dagster.chat.words import UNSPACED
from sysgen_dagster.tables.table import polars_schema

_BATCH_BYTES = 1_000_000  # of text per batch; limits the memory

_ROUGE_WORD = "[a-z0-9]+"
_BLANK_WORD = r"[^\s\x1c-\x1f]+"  # str.split() parts at these four control characters as well

_UNSPACED = rf"[[{UNSPACED}]&&\p{{L}}]"
# The two joiners stand inside words of Persian and of Indian scripts.
_JOINED = r"\p{L}\p{N}\p{M}\x{200C}\x{200D}"
_WORD = rf"[[\p{{L}}\p{{N}}]--{_UNSPACED}][[{_JOINED}]--{_UNSPACED}]*"
_COMMAND = r"\\[a-z]+"
_SIGN = r"[[\p{Sm}\p{Sc}\p{So}\-*/%^·]--[$|]]"
_UNICODE_WORD = rf"{_WORD}|{_UNSPACED}\p{{M}}*|{_COMMAND}|{_SIGN}"

_SUPERSCRIPT = "[⁰¹²³⁴-⁹⁺⁻ⁿ]+"
_BULLET = r"(?m:^)[ \t>]*[-*] "
_HYPHENATED = r"(?P<word>\p{L}\p{M}*\p{L}\p{M}*)-"
_NO_SIGN = rf"{_BULLET}|\*\*+|--+|{_HYPHENATED}"


def measure_similarity(original: pl.Series, new: pl.Series) -> pl.DataFrame:
    """`tables.SIMILARITY` of the new answers against the original ones, one row per pair.

    Args:
        original: Original answers, the references.
        new: New answers, the hypotheses, as many.

    Returns:
        The seven scores, each in [0, 1] and the same either way round, in the order of the pairs.
        Null where either answer is; 0, as in the libraries, where a text has no such n-gram.

    Raises:
        polars.exceptions.ShapeError: There are not as many new answers as original ones.
    """
    pairs = pl.DataFrame({"original": original.cast(pl.String), "new": new.cast(pl.String)})
    size = pl.sum_horizontal(pl.all().str.len_bytes().cast(pl.UInt64))
    batches = pairs.with_columns(batch=size.cum_sum() // _BATCH_BYTES).partition_by(
        "batch", maintain_order=True, include_key=False
    )
    return pl.concat([_NO_SCORES, *map(_scores, batches)])


_NO_SCORES = pl.DataFrame(schema=polars_schema(SIMILARITY))


def _scores(pairs: pl.DataFrame) -> pl.DataFrame:
    # The two texts of a pair follow one another: original, new, original, new.
    texts = pairs.select(text=pl.concat_list(pl.all().fill_null(""))).explode("text")
    text = pl.col("text").str
    words = texts.select(
        rouge=text.to_lowercase().str.extract_all(_ROUGE_WORD),
        gleu=text.extract_all(_BLANK_WORD),
        unicode=_unicode_form().str.extract_all(_UNICODE_WORD),
    ).select(pl.all().list.eval(pl.element().cast(pl.Categorical).to_physical()))
    scores = _rouge(words["rouge"]) | {"gleu": _gleu(words["gleu"])}
    scores |= {f"{name}_unicode": score for name, score in _rouge(words["unicode"]).items()}
    both = pairs.select(pl.all_horizontal(pl.all().is_not_null())).to_series()
    return pl.DataFrame(scores).select(pl.when(both).then(pl.all()))


def _unicode_form() -> pl.Expr:
    """The text that `_UNICODE_WORD` is matched against."""
    text = pl.col("text")
    # An ASCII text is null here: NFKC would not change it, but skipping it saves time.
    non_ascii = pl.when(text.str.len_bytes() > text.str.len_chars()).then(text)
    powers = non_ascii.str.replace_all(_SUPERSCRIPT, "^${0}").str.normalize("NFKC")
    minus = powers.str.replace_all("\N{MINUS SIGN}", "-", literal=True)
    return pl.coalesce(minus, text).str.to_lowercase().str.replace_all(_NO_SIGN, "${word} ")


def _rouge(texts: pl.Series) -> dict[str, pl.Series]:
    one, two = _count_ngrams(texts, longest=2)
    numbers = texts.to_list()
    common = map(LCSseq.similarity, numbers[::2], numbers[1::2])
    subsequence = one.with_columns(shared=pl.Series(common, dtype=pl.Int64))
    f1 = (2 * pl.col("shared") / (pl.col("original") + pl.col("new"))).fill_nan(0.0)
    frames = {"rouge1": one, "rouge2": two, "rougeL": subsequence}
    return {name: frame.select(f1).to_series() for name, frame in frames.items()}


def _gleu(texts: pl.Series) -> pl.Series:
    ngrams = reduce(add, _count_ngrams(texts, longest=4))
    larger = pl.max_horizontal("original", "new")
    return ngrams.select((pl.col("shared") / larger).fill_nan(0.0)).to_series()


def _count_ngrams(texts: pl.Series, longest: int) -> list[pl.DataFrame]:
    """For each n from 1 a frame, one row per pair: the numbers of n-grams.

    ``original`` and ``new`` count the n-grams of each text, ``shared`` those in both. A repeated
    n-gram is shared as many times as it is in the text that has fewer of it.
    """
    lengths = texts.list.len().cast(pl.Int64)
    return [
        pl.DataFrame(
            {
                "original": (lengths.gather_every(2) - before).clip(0),
                "new": (lengths.gather_every(2, 1) - before).clip(0),
                "shared": shared,
            }
        )
        for before, shared in enumerate(_count_shared(_sorted_keys(texts, longest), longest))
    ]


# A key packs `longest` consecutive words, and in its lowest bit whether their text is the new one.
# When keys are sorted, those that begin with the same n words are neighbours, for any n.
_WORD_BITS = 31  # two words and the lowest bit fit into 64 bits, four into 128


def _sorted_keys(texts: pl.Series, longest: int) -> pl.DataFrame:
    """``pair`` and ``key``, one row per word, in the order of both columns."""
    lists = pl.DataFrame({"word": texts}).with_row_index("text")
    words = lists.explode("word", empty_as_null=True)  # so that a pair of empty texts has a key too
    whole = pl.Int64 if longest <= 2 else pl.Int128
    text, word = pl.col("text"), pl.col("word").cast(whole)
    is_new = (text % 2).cast(whole)
    key = pl.lit(0, whole)
    for ahead in range(longest):
        within = text == text.shift(-ahead)
        # After the end of a text the word is 0 or 1, by text, so such runs are never shared.
        following = pl.when(within).then(word.shift(-ahead) + 2)
        key = key * 2**_WORD_BITS + following.fill_null(is_new)
    keys = words.select(pair=text // 2, key=key * 2 + is_new)
    return keys.group_by("pair", maintain_order=True).agg(pl.col("key").sort()).explode("key")


def _count_shared(keys: pl.DataFrame, longest: int) -> Iterator[pl.Series]:
    """For n from 1, how many n-grams the two texts of each pair share."""
    pair, key = pl.col("pair"), pl.col("key")
    running = keys.select(
        "pair",
        both=pl.int_range(1, pl.len() + 1),
        new=(key & 1).cast(pl.Int64).cum_sum(),
        is_other_pair=pair != pair.shift(),
        difference=key ^ key.shift(),
    )
    both, new = (pl.col(name) - pl.col(name).shift(fill_value=0) for name in ("both", "new"))
    for words_behind in reversed(range(longest)):
        differs = pl.col("difference") >= 2 ** (words_behind * _WORD_BITS + 1)
        is_last = (pl.col("is_other_pair") | differs).shift(-1, fill_value=True)
        ngrams = running.filter(is_last).select("pair", shared=pl.min_horizontal(new, both - new))
        yield ngrams.group_by("pair", maintain_order=True).agg(pl.col("shared").sum())["shared"]
