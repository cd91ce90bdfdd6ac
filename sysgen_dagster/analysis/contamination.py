"""Which conversations hold the words of a benchmark's items?

An item is found where 13 neighbouring words of it stand in a question or an answer. The authors of
GPT-3 looked for 8 to 13 words (Brown et al. 2020, arXiv 2005.14165, appendix C);
lm-evaluation-harness and NeMo Curator take 13. An item of 5 to 12 words is found where it stands
whole; a shorter one is never looked for. An n-gram that stands in more than 10 items of its
benchmark ("Answer the following multiple choice question ...") is the benchmark's form, not an
item's content, and finds nothing.

One n-gram of a long item is weak evidence: a loop over the divisors of a number or the words of
Pythagoras' theorem are held by many conversations, with overlaps below 0.11 on real rows. How large
an overlap disqualifies is the reader's to decide; conversations are told, never dropped.

Words are those of `near_duplicates.words`: lower case, digits, no signs. A paraphrase is not
found, and neither is a translation.
"""

from dataclasses import dataclass

import polars as pl

from sysgen_dagster.analysis.near_duplicates import place_words, run_hash, words
from sysgen_dagster.analysis.tables import CONTAMINATION

NGRAM_WORDS = 13
LEAST_ITEM_WORDS = 5
MOST_ITEMS_OF_AN_NGRAM = 10
EXCERPT_CHARACTERS = 200
_REMAINDERS = 2**26  # 8 MiB of bits: with 5 million n-grams, 93 % of other words are passed over
_TEXTS = ("question", "answer")


@dataclass(frozen=True, slots=True)
class ItemIndex:
    """The n-grams by which the items of the benchmarks are found.

    Attributes:
        ngrams: One row per item and n-gram: ``benchmark``, ``item``, ``length`` (words of the
            n-gram), ``ngram`` (its hash) and ``of_ngrams`` (of the item). Items that cannot be
            found have none.
        remainders: For each remainder, whether an n-gram has it: tells quickly that it is none.
    """

    ngrams: pl.DataFrame
    remainders: pl.Series

    def look_up(self, ngrams: pl.DataFrame) -> pl.DataFrame:
        """The rows whose ``ngram`` may be one of an item."""
        return ngrams.filter(self.remainders[ngrams["ngram"] % _REMAINDERS])


def index_items(items: pl.DataFrame) -> ItemIndex:
    """The index of some benchmarks.

    Args:
        items: One row per item: ``benchmark``, ``item`` (its row, UInt32), ``text`` (or null).
    """
    found_by = [_item_ngrams(group) for group in items.partition_by("benchmark") or [items]]
    ngrams = pl.concat(found_by, rechunk=True)
    remainders = pl.zeros(_REMAINDERS, pl.UInt8, eager=True)
    remainders.scatter(ngrams["ngram"] % _REMAINDERS, 1)
    return ItemIndex(ngrams, remainders.cast(pl.Boolean))


def find_contamination(index: ItemIndex, conversations: pl.DataFrame) -> pl.DataFrame:
    """`tables.CONTAMINATION`: for each conversation and benchmark the item it overlaps with most.

    Args:
        index: What `index_items` gives.
        conversations: ``conversation_id``, ``source``, ``question``, ``answer``.

    Returns:
        One row per conversation and benchmark of which it holds an n-gram, in the order of the
        conversations. ``overlap`` is the share of the item's n-grams (without the benchmark's form)
        that stand in the question, or in the answer where that holds more; ``excerpt`` is the
        first stretch of words that both hold, as words, at most 200 characters.
    """
    hits = pl.concat([_hits(index, conversations[where], where) for where in _TEXTS])
    overlaps = hits.group_by("row", "where", "benchmark", "item").agg(
        overlap=pl.col("ngram").n_unique() / pl.col("of_ngrams").first(),
        start=pl.col("place").min(),
        stretch=_first_stretch(pl.col("place").sort()) + pl.col("length").first() - 1,
    )
    most = overlaps.sort(
        *("row", "benchmark", "overlap", "where", "item"),
        descending=[False, False, True, True, False],  # the question before the answer
    ).unique(["row", "benchmark"], keep="first", maintain_order=True)
    told = conversations.select("conversation_id", "source", *_TEXTS)[most["row"]]
    text = pl.when(pl.col("where") == "question").then("question").otherwise("answer")
    shared = words(text).list.slice(pl.col("start"), pl.col("stretch")).list.join(" ")
    return (
        pl.concat([told, most], how="horizontal")
        .with_columns(excerpt=shared.str.head(EXCERPT_CHARACTERS))
        .select(CONTAMINATION.names)
    )


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
    own = pl.concat(ngrams).filter(pl.len().over("ngram") <= MOST_ITEMS_OF_AN_NGRAM)
    item = items.select("benchmark", "item").with_row_index("row")
    return item.join(own, on="row").select(
        "benchmark", "item", "length", "ngram", of_ngrams=pl.len().over("row")
    )


def _ngrams(places: pl.DataFrame, length: int) -> pl.DataFrame:
    ngrams = places.select("row", "place", "left", ngram=run_hash(length))
    return ngrams.filter(pl.col("left") >= length)


def _hits(index: ItemIndex, texts: pl.Series, where: str) -> pl.DataFrame:
    """One row per place of a text, item and n-gram of it that stands there."""
    places = place_words(texts)
    lengths = range(LEAST_ITEM_WORDS, NGRAM_WORDS + 1)
    possible = pl.concat([index.look_up(_ngrams(places, length)) for length in lengths])
    return possible.join(index.ngrams, on="ngram").with_columns(where=pl.lit(where))


def _first_stretch(places: pl.Expr) -> pl.Expr:
    """How many of some rising places follow the first one without a gap."""
    return (places - places.first() == pl.int_range(pl.len())).sum()
