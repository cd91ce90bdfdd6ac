"""Held-out instructions that a training instruction repeats, or nearly.

Found as items of benchmarks are found in rows (`contamination`): by runs of 13 words, and of a text
of 5 to 12 words by all of it. Each held-out instruction is searched for by itself, so that what it
shares with other held-out ones counts, too: to a model that has learned the form of a task it is no
new one. A text of fewer words is repeated where a training instruction has no other words.
"""

import polars as pl

from sysgen_dagster.analysis.contamination import (
    LEAST_ITEM_WORDS,
    find_contamination,
    index_items,
)
from sysgen_dagster.analysis.near_duplicates import words
from sysgen_dagster.analysis.statistics import MOSTLY_HELD

_AT_ONCE = 10_000  # training instructions; keeps the words in memory few
_FOUND = {"conversation_id": pl.String(), "repeats": pl.String(), "overlap": pl.Float64()}


def find_repeats(held_out: pl.DataFrame, training: pl.DataFrame) -> pl.DataFrame:
    """The held-out instructions of which a training one holds half or more.

    Args:
        held_out: ``conversation_id`` and ``question``.
        training: ``conversation_id``, ``source`` and ``question``.

    Returns:
        One row per such held-out instruction: its ``conversation_id``, ``repeats`` (that of the
        training instruction that holds most of it) and ``overlap`` (how much of it, in [0.5, 1]).
    """
    index = index_items(
        held_out.select(
            benchmark="conversation_id", item=pl.lit(0, pl.UInt32), text=pl.col("question")
        )
    )
    found = [pl.DataFrame(schema=_FOUND), _find_short(held_out, training)]
    for part in training.iter_slices(_AT_ONCE):
        texts = part.with_columns(answer=pl.lit(None, pl.String))
        hits = find_contamination(index, texts).filter(pl.col("overlap") >= MOSTLY_HELD)
        found.append(
            hits.select(conversation_id="benchmark", repeats="conversation_id", overlap="overlap")
        )
    return (
        pl.concat(found)
        .sort("conversation_id", "overlap", "repeats", descending=[False, True, False])
        .unique("conversation_id", keep="first", maintain_order=True)
    )


def _find_short(held_out: pl.DataFrame, training: pl.DataFrame) -> pl.DataFrame:
    """The same of texts that are too short to be searched for."""
    said = words(pl.col("question"))
    short = held_out.with_columns(words=said).filter(
        pl.col("words").list.len().is_between(1, LEAST_ITEM_WORDS - 1)
    )
    same = training.select(repeats="conversation_id", words=said)
    return short.join(same, on="words").select("conversation_id", "repeats", overlap=pl.lit(1.0))
