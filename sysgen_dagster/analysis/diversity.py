"""How varied are the system messages, and how many begin alike?

Shares of different words fall as text is added, so every figure is taken of a sample of one size.
Two rows can be compared where ``sampled`` is the same and the messages are about as long. The
sample is chosen by a keyed hash of ``conversation_id``: neither the order of the rows nor the
messages themselves decide.

Distinct-n is Li et al.'s (2016, arXiv 1510.03055): different n-grams by all n-grams, over the
sample as a whole. Compression is that of Shaib et al. (2024, arXiv 2403.00553), bytes by compressed
bytes: the higher, the more the messages repeat one another. zlib sees what repeats within 32 KiB,
some 50 messages, which stand in the order of the sample.
"""

import zlib
from hashlib import blake2b

import polars as pl

from sysgen_dagster.analysis.near_duplicates import place_words, run_hash, words
from sysgen_dagster.analysis.tables import MESSAGE_DIVERSITY

SAMPLE = 20_000
ALL_SOURCES = "all"
_SEED = 2502_11330
_ZLIB_LEVEL = 6  # zlib's own default
_OPENING_WORDS, _TOP_OPENING_WORDS = 5, 3


def measure_message_diversity(
    messages: pl.DataFrame, sample: int = SAMPLE, seed: int = _SEED
) -> pl.DataFrame:
    """`tables.MESSAGE_DIVERSITY`: a row per source by name, then one over all of them as ``all``.

    Args:
        messages: ``conversation_id``, ``source``, ``system_message``; null messages do not count.
        sample: How many messages the figures of a row are of, at most.
        seed: Chooses them.

    Returns:
        Words are those of `near_duplicates.words`; n-grams do not cross messages. A message of
        fewer words than an opening opens with all it has; of equally frequent openings the first
        by alphabet is shown. A figure is null where there is nothing to take it of.
    """
    there = messages.filter(pl.col("system_message").is_not_null())
    drawn = there.select("source", rank=_ranks(there["conversation_id"], seed))
    drawn = drawn.with_row_index("row").sort("rank")
    rows = []
    for source in [*messages["source"].unique().sort(), ALL_SOURCES]:
        of_source = drawn if source == ALL_SOURCES else drawn.filter(pl.col("source") == source)
        texts = there["system_message"][of_source["row"].head(sample)]
        rows.append({"source": source, "messages": of_source.height, **_figures(texts)})
    return pl.DataFrame(rows, schema=MESSAGE_DIVERSITY.schema, orient="row")


def _ranks(conversation_ids: pl.Series, seed: int) -> pl.Series:
    key = str(seed).encode()
    hashed = [blake2b(name.encode(), digest_size=8, key=key).digest() for name in conversation_ids]
    return pl.Series([int.from_bytes(rank) for rank in hashed], dtype=pl.UInt64)


def _figures(texts: pl.Series) -> dict[str, int | float | str | None]:
    """The columns of one row after ``messages``."""
    first_words = texts.to_frame("text").select(words(pl.col("text"))).to_series()
    openings = first_words.list.head(_OPENING_WORDS).list.join(" ")
    top_openings = first_words.list.head(_TOP_OPENING_WORDS).list.join(" ").value_counts()
    top_opening, top_count = next(
        top_openings.sort(["count", "text"], descending=[True, False]).iter_rows(), (None, 0)
    )
    return {
        "sampled": len(texts),
        "distinct": _share(texts.n_unique(), len(texts)),
        **_distinct_ngrams(texts),
        "openings": _share(openings.n_unique(), len(texts)),
        "top_opening": top_opening,
        "top_opening_share": _share(top_count, len(texts)),
        "compression": _compression(texts),
    }


def _distinct_ngrams(texts: pl.Series) -> dict[str, float | None]:
    places = place_words(texts)
    shares = {}
    for n in (1, 2, 3):
        ngrams = places.select("left", ngram=run_hash(n)).filter(pl.col("left") >= n)["ngram"]
        shares[f"distinct_{n}"] = _share(ngrams.n_unique(), len(ngrams))
    return shares


def _compression(texts: pl.Series) -> float | None:
    raw = "\n".join(texts).encode()
    return len(raw) / len(zlib.compress(raw, _ZLIB_LEVEL)) if raw else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
