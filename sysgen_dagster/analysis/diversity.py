"""How varied the system messages are, and how many begin with the same words.

Shares of different words fall as text is added, so every figure is computed from a sample, of the
same number of messages for each source: as many as the source with the fewest has. Two rows can be
compared if the messages are about equally long. The sample is chosen by a hash of
``conversation_id``, so that neither the order of the rows nor the messages themselves change it.

Distinct-n (Li et al. 2016, arXiv 1510.03055) is the number of different n-grams divided by the
number of all n-grams, over the sample as a whole. Compression (Shaib et al. 2024, arXiv 2403.00553)
is bytes divided by compressed bytes: the higher, the more the messages repeat one another. zlib
finds repetitions within 32 KiB, which is about 50 messages, in the order of the sample.
"""

import zlib

import polars as pl

from sysgen_dagster.analysis.near_duplicates import place_words, run_hash, words
from sysgen_dagster.analysis.sampling import hash_texts
from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.analysis.tables import MESSAGE_DIVERSITY

SAMPLE = 20_000
_SEED = 2502_11330
_ZLIB_LEVEL = 6  # zlib's own default
_OPENING_WORDS, _TOP_OPENING_WORDS = 5, 3


def measure_message_diversity(
    messages: pl.DataFrame, sample: int = SAMPLE, seed: int = _SEED
) -> pl.DataFrame:
    """`tables.MESSAGE_DIVERSITY`: one row per source, sorted by name, then one over all (`ALL`).

    Args:
        messages: ``conversation_id``, ``source``, ``system_message``; null messages are ignored.
        sample: The largest number of messages that the figures of a row are computed from; fewer
            where a source has fewer. Sources without a message are not counted.
        seed: Chooses the sample.

    Returns:
        Words are those of `near_duplicates.words`; n-grams do not span messages. The opening of a
        message that is shorter than an opening is the whole message; of equally frequent openings
        the first in alphabetical order is shown. A figure is null if the sample has nothing to
        compute it from.
    """
    written = messages.filter(pl.col("system_message").is_not_null())
    # Stored figures were made with these ranks: compression depends on the order.
    ranks = hash_texts(written["conversation_id"], key=str(seed))
    ranked = written.select("source", rank=ranks).with_row_index("row").sort("rank")
    sample = min([sample, *written["source"].value_counts()["count"]])
    rows = []
    for source in [*messages["source"].unique().sort(), ALL]:
        of_source = ranked if source == ALL else ranked.filter(pl.col("source") == source)
        texts = written["system_message"][of_source["row"].head(sample)]
        rows.append({"source": source, "messages": of_source.height, **_figures(texts)})
    return pl.DataFrame(rows, schema=MESSAGE_DIVERSITY.schema, orient="row")


def _figures(texts: pl.Series) -> dict[str, int | float | str | None]:
    """The columns of one row after ``messages``."""
    word_lists = texts.to_frame("text").select(words(pl.col("text"))).to_series()
    openings = word_lists.list.head(_OPENING_WORDS).list.join(" ")
    top_openings = word_lists.list.head(_TOP_OPENING_WORDS).list.join(" ").value_counts()
    top_opening, top_count = next(
        top_openings.sort(["count", "text"], descending=[True, False]).iter_rows(), (None, 0)
    )
    places, raw = place_words(texts), "\n".join(texts).encode()
    return {
        "sampled": len(texts),
        "distinct": _share(texts.n_unique(), len(texts)),
        **{f"distinct_{n}": _distinct_ngrams(places, n) for n in (1, 2, 3)},
        "openings": _share(openings.n_unique(), len(texts)),
        "top_opening": top_opening,
        "top_opening_share": _share(top_count, len(texts)),
        "compression": len(raw) / len(zlib.compress(raw, _ZLIB_LEVEL)) if raw else None,
    }


def _distinct_ngrams(places: pl.DataFrame, length: int) -> float | None:
    ngrams = places.select("left", ngram=run_hash(length)).filter(pl.col("left") >= length)
    return _share(ngrams["ngram"].n_unique(), ngrams.height)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
