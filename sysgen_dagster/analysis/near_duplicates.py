"""Near-duplicates: texts of a corpus that consist of nearly the same words.

Two texts are near-duplicates when the sets of their word shingles (runs of three neighbouring
words) have a Jaccard similarity of at least 0.7. Pretraining corpora are compared by runs of five
words (Lee et al. 2022, arXiv 2107.06499), but a question here has about 50 words and a system
message less than 100. One changed word changes as many shingles as a shingle has words: with runs
of three, two texts of 50 words that differ in two words are near-duplicates; with runs of five only
those that differ in one.

Words are in lower case; punctuation and whitespace do not count, so ``3 + 4`` equals ``3 - 4``.
Numbers are words: two word problems of one template are near-duplicates if few of their numbers
differ. In scripts without blanks between words, each character is a word. A text of fewer than
three words is one shingle, so only an equal text is its near-duplicate; a text without a word has
none.

Only texts that share a bucket are compared. `rensa` computes a MinHash signature of 128 numbers,
which is cut into 32 bands of 4; a pair of similarity J shares at least one bucket with a
probability of 1 - (1 - J^4)^32, which is 0.9998 at 0.7. Within a bucket each text is compared with
the first text and with the one before it, so that the cost grows with the number of texts and not
of pairs. On 9,122 real questions this found all of the 320 pairs that comparing every pair finds.
The similarity is not estimated but computed from the shingles, kept as 32-bit hashes. Polars'
hashes may change with its version, and with them whether a pair near the threshold is found.
"""

from itertools import accumulate, chain

import polars as pl
from rensa import RMinHash  # type: ignore[import-untyped]  # a compiled module without types

from sysgen_dagster.analysis.clusters import Clusters
from sysgen_dagster.analysis.tables import NEAR_DUPLICATE_QUESTIONS
from sysgen_dagster.chat.words import WORD

LEAST_SIMILARITY = 0.7
SHINGLE_WORDS = 3
_BANDS, _BAND_NUMBERS = 32, 4
_SIGNATURE_NUMBERS = _BANDS * _BAND_NUMBERS
_SEED = 2502_11330
_COMPARED_AT_ONCE = 4_000_000  # shingles; keeps the memory of a comparison near 100 MB

# 2^64 divided by the golden ratio; odd, so that multiplication modulo 2^64 keeps hashes apart.
_MULTIPLIER = 0x9E3779B97F4A7C15


def words(text: pl.Expr) -> pl.Expr:
    """The words of a text in lower case, in their order; see `chat.words.WORD`."""
    return text.str.to_lowercase().str.extract_all(WORD)


def place_words(texts: pl.Series) -> pl.DataFrame:
    """Every word with its position: one row per word, in the order of the texts.

    Returns:
        ``row`` (number of the text, from 0), ``place`` (number of the word in the text, from 0),
        ``left`` (number of words from this one to the end of the text), ``word`` (its hash).
    """
    listed = texts.to_frame("text").select(word=words(pl.col("text"))).with_row_index("row")
    length = pl.col("word").list.len()
    return (
        listed.with_columns(place=pl.int_ranges(length, dtype=pl.UInt32), left=length)
        .filter(length > 0)
        .explode("word", "place")
        .with_columns(pl.col("word").hash(_SEED), left=pl.col("left") - pl.col("place"))
    )


def run_hash(length: int) -> pl.Expr:
    """An n-gram's hash, over `place_words`: of each word and those after it, `length` in all.

    Near the end of a text it is the hash of the words that are left.
    """
    total = pl.lit(0, pl.UInt64)
    for ahead in range(length):
        word = pl.col("word").shift(-ahead, fill_value=0)
        total = total * _MULTIPLIER + pl.when(pl.col("left") > ahead).then(word).otherwise(0)
    return total


class NearDuplicates:
    """Finds near-duplicates among texts added frame by frame; keeps only their shingles."""

    def __init__(self) -> None:
        """Start without texts."""
        self._added: list[pl.DataFrame] = []

    def add(self, texts: pl.DataFrame) -> None:
        """Add texts, one per row: ``conversation_id``, ``source`` and ``text`` (or null)."""
        is_shingle = (pl.col("left") >= SHINGLE_WORDS) | (pl.col("place") == 0)
        shingles = (
            place_words(texts["text"])
            .select("row", is_shingle=is_shingle, shingles=run_hash(SHINGLE_WORDS))
            .filter("is_shingle")
            .group_by("row", maintain_order=True)
            .agg(pl.col("shingles").unique())
        )
        comparable = texts.select("conversation_id", "source")[shingles["row"]].with_columns(
            shingles["shingles"].list.eval(_upper_half(pl.element())),
            _buckets(shingles["shingles"]),
        )
        self._added.append(comparable)

    def clusters(self) -> pl.DataFrame:
        """`tables.NEAR_DUPLICATE_QUESTIONS` of the texts added so far: one row per near-duplicate.

        Clusters are connected components: each text is a near-duplicate of another text of its
        cluster, not always of the first. Clusters are in the order of their first texts, and texts
        in the order in which they were added.
        """
        if not self._added:
            return NEAR_DUPLICATE_QUESTIONS.empty()
        texts = pl.concat(self._added, rechunk=True)
        self._added = [texts]
        first = _first_of_cluster(texts["shingles"], texts["buckets"])
        clustered = (
            texts.select("conversation_id", "source", first=first)
            .with_row_index("row")
            .filter(pl.col("first").is_duplicated())
            .sort("first", "row")
        )
        return clustered.select(
            "conversation_id",
            "source",
            cluster=pl.col("conversation_id").first().over("first"),
            cluster_rows=pl.len().over("first").cast(pl.UInt32),
            cluster_sources=pl.col("source").n_unique().over("first").cast(pl.UInt32),
            similarity=_similarity(texts["shingles"], clustered["first"], clustered["row"]),
        )


def _upper_half(number: pl.Expr) -> pl.Expr:
    return (number // 2**32).cast(pl.UInt32)


def _buckets(shingles: pl.Series) -> pl.Series:
    """For each set of shingles, a hash of each band of its MinHash signature."""
    signatures = RMinHash.digest_matrix_from_flat_token_hashes(
        shingles.explode().to_list(),
        [0, *accumulate(shingles.list.len())],
        _SIGNATURE_NUMBERS,
        _SEED,
    )
    numbers = pl.Series(chain.from_iterable(signatures.to_rows()), dtype=pl.UInt64)
    band = pl.zeros(len(shingles) * _BANDS, pl.UInt64, eager=True)
    for number in range(_BAND_NUMBERS):
        band = band * _MULTIPLIER + numbers.gather_every(_BAND_NUMBERS, number)
    hashes = pl.select(_upper_half(pl.lit(band).hash(_SEED))).to_series()
    return hashes.reshape((len(shingles), _BANDS)).alias("buckets")


def _first_of_cluster(shingles: pl.Series, buckets: pl.Series) -> pl.Series:
    """For each text the row of the first text of its cluster, which may be its own."""
    clusters = Clusters(len(shingles))
    for band in range(_BANDS):
        neighbours = (
            pl.DataFrame({"bucket": buckets.arr.get(band)})
            .with_row_index("row")
            .filter(pl.col("bucket").is_duplicated())
        )
        for other in (pl.col("row").first(), pl.col("row").shift(1)):
            pairs = neighbours.select("row", other=other.over("bucket")).drop_nulls()
            pairs = clusters.drop_joined(pairs)  # comparing them would change nothing
            similarity = _similarity(shingles, pairs["other"], pairs["row"])
            clusters.join(pairs.filter(similarity >= LEAST_SIMILARITY))
    return clusters.first()


def _similarity(shingles: pl.Series, ones: pl.Series, others: pl.Series) -> pl.Series:
    """The Jaccard similarity of the sets of shingles at each pair of rows."""
    sizes = shingles.list.len().cast(pl.UInt64)
    pairs = pl.DataFrame({"one": ones, "other": others, "both": sizes[ones] + sizes[others]})
    shared = [pl.Series(dtype=pl.UInt32)]
    parts = pairs.with_columns(part=pl.col("both").cum_sum() // _COMPARED_AT_ONCE)
    for part in parts.partition_by("part", maintain_order=True):
        sets = pl.DataFrame({"one": shingles[part["one"]], "other": shingles[part["other"]]})
        common = pl.col("one").list.set_intersection("other")
        shared.append(sets.select(common.list.len()).to_series())
    intersection = pl.concat(shared)
    return intersection / (pairs["both"] - intersection)
