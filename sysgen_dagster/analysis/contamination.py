"""Contamination: conversations that contain the words of a benchmark's items.

An item is found where 13 consecutive words of it are in a question or an answer. The authors of
GPT-3 searched for 8 to 13 words (Brown et al. 2020, arXiv 2005.14165, appendix C);
lm-evaluation-harness and NeMo Curator take 13. An item of 5 to 12 words is found where all of it is
in a text; a shorter item is not searched for. An n-gram that is in more than 10 items of its
benchmark ("Answer the following multiple choice question ...") is a form that the items share, not
their content, and is not searched for either.

One shared n-gram of a long item is weak evidence: many conversations contain a loop over the
divisors of a number or the words of Pythagoras' theorem, with overlaps below 0.11 on real rows.
Users decide how large an overlap disqualifies a row; nothing is dropped here.

Words are those of `near_duplicates.words`: lower case, without signs. Paraphrases and translations
are not found.
"""

from dataclasses import dataclass

import polars as pl

from sysgen_dagster.analysis.near_duplicates import place_words, run_hash, words
from sysgen_dagster.analysis.tables import CONTAMINATION

NGRAM_WORDS = 13
LEAST_ITEM_WORDS = 5
MOST_ITEMS_OF_AN_NGRAM = 10
EXCERPT_CHARACTERS = 200
_REMAINDERS = 2**26  # 8 MiB of bits; with 5 million n-grams they rule out 93 % of other hashes
_TEXTS = ("question", "answer")


@dataclass(frozen=True, slots=True)
class ItemIndex:
    """The n-grams that are searched for, made by `index_items`.

    Attributes:
        ngrams: One row per item and n-gram: ``benchmark``, ``item``, ``length`` (words of the
            n-gram), ``ngram`` (its hash) and ``of_ngrams`` (how many n-grams the item has). Items
            without an n-gram to search for have no row.
        remainders: For each remainder of a hash, whether one of the n-grams has it: a fast filter
            before the join, with false positives only.
    """

    ngrams: pl.DataFrame
    remainders: pl.Series

    def look_up(self, ngrams: pl.DataFrame) -> pl.DataFrame:
        """The rows whose ``ngram`` may be an n-gram of an item."""
        return ngrams.filter(self.remainders[ngrams["ngram"] % _REMAINDERS])


def index_items(items: pl.DataFrame) -> ItemIndex:
    """The index of some benchmarks.

    Args:
        items: One row per item: ``benchmark``, ``item`` (its row in the benchmark's file, UInt32),
            ``text`` (or null).
    """
    by_benchmark = [_item_ngrams(group) for group in items.partition_by("benchmark") or [items]]
    ngrams = pl.concat(by_benchmark, rechunk=True)
    remainders = pl.zeros(_REMAINDERS, pl.UInt8, eager=True)
    remainders.scatter(ngrams["ngram"] % _REMAINDERS, 1)
    return ItemIndex(ngrams, remainders.cast(pl.Boolean))


def find_contamination(index: ItemIndex, conversations: pl.DataFrame) -> pl.DataFrame:
    """`tables.CONTAMINATION`: for each conversation and benchmark the item with the most overlap.

    Args:
        index: The n-grams of the items, from `index_items`.
        conversations: ``conversation_id``, ``source``, ``question``, ``answer``.

    Returns:
        One row per conversation and benchmark that share an n-gram, in the order of the
        conversations. ``overlap`` is the share of the item's n-grams that are in the question, or
        in the answer if more of them are there; ``excerpt`` is the first run of words that text
        and item share, at most `EXCERPT_CHARACTERS`.
    """
    hits = pl.concat([_hits(index, conversations[where], where) for where in _TEXTS])
    overlaps = hits.group_by("row", "where", "benchmark", "item").agg(
        overlap=pl.col("ngram").n_unique() / pl.col("of_ngrams").first(),
        start=pl.col("place").min(),
        length=_first_run(pl.col("place").sort()) + pl.col("length").first() - 1,
    )
    most = overlaps.sort(
        *("row", "benchmark", "overlap", "where", "item"),
        descending=[False, False, True, True, False],  # "question" before "answer"
    ).unique(["row", "benchmark"], keep="first", maintain_order=True)
    identity = conversations.select("conversation_id", "source", *_TEXTS)[most["row"]]
    text = pl.when(pl.col("where") == "question").then("question").otherwise("answer")
    shared = words(text).list.slice(pl.col("start"), pl.col("length")).list.join(" ")
    found = identity.hstack(most).with_columns(excerpt=shared.str.head(EXCERPT_CHARACTERS))
    return found.select(CONTAMINATION.names)


def _item_ngrams(items: pl.DataFrame) -> pl.DataFrame:
    """`ItemIndex.ngrams` of one benchmark."""
    places = place_words(items["text"]).with_columns(
        length=pl.min_horizontal(pl.len().over("row"), NGRAM_WORDS)
    )
    ngrams = [
        _ngrams(places.filter(pl.col("length") == length), length)
        .unique(["row", "ngram"], maintain_order=True)
        .select("row", "ngram", length=pl.lit(length, pl.UInt32))
        for length in range(LEAST_ITEM_WORDS, NGRAM_WORDS + 1)
    ]
    content = pl.concat(ngrams).filter(pl.len().over("ngram") <= MOST_ITEMS_OF_AN_NGRAM)
    item = items.select("benchmark", "item").with_row_index("row")
    return item.join(content, on="row").select(
        "benchmark", "item", "length", "ngram", of_ngrams=pl.len().over("row")
    )


def _ngrams(places: pl.DataFrame, length: int) -> pl.DataFrame:
    """The n-grams of `length` words: one row per place of `place_words` where one begins."""
    ngrams = places.select("row", "place", "left", ngram=run_hash(length))
    return ngrams.filter(pl.col("left") >= length)


def _hits(index: ItemIndex, texts: pl.Series, where: str) -> pl.DataFrame:
    """One row per place in a text and item that has the n-gram at that place."""
    places = place_words(texts)
    lengths = range(LEAST_ITEM_WORDS, NGRAM_WORDS + 1)
    possible = pl.concat([index.look_up(_ngrams(places, length)) for length in lengths])
    return possible.join(index.ngrams, on="ngram").with_columns(where=pl.lit(where))


def _first_run(places: pl.Expr) -> pl.Expr:
    """How many of the sorted places follow the first one without a gap, including it."""
    return (places - places.first() == pl.int_range(pl.len())).sum()
