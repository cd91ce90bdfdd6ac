"""Counts over the lane's tables: what each step kept, what sets are about, how long messages are.

Every function takes the rows of one model, each shard on its own, and reads the columns that it
needs of one shard after the other: few texts are in memory, however many rows there are.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.multifaceted import paper
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    LANE,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
    instruction_of,
)
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS
from sysgen_dagster.tables.checks import Evidence
from sysgen_dagster.tables.rates import count_drops, kept_rate
from sysgen_dagster.tables.table import Table, kept

Shards = Mapping[Table, Sequence[Evidence]]  # by table, the shards of it that are stored

_BIN = 50  # characters that a bar of the lengths stands for


def name_of(table: Table) -> str:
    """A step as people name it, such as ``gold answers``."""
    return table.name.removeprefix(f"{LANE}/").replace("_", " ")


def count_outcomes(shards: Shards) -> pl.DataFrame:
    """What became of the rows of each table, in the order of the tables that have a shard.

    Returns:
        ``step``, ``shards`` (how many are stored), ``rows``, ``kept``, ``kept_share`` and
        ``dropped`` (``reason count`` pairs). Rows that a pilot run left out are in no figure.
    """
    schema = {"step": pl.String, "shards": pl.Int64, "rows": pl.Int64, "kept": pl.Int64}
    counted = [
        (name_of(table), len(stored), *_outcome_of(_reasons(table, stored)))
        for table, stored in shards.items()
        if stored
    ]
    return pl.DataFrame(
        counted, schema | {"kept_share": pl.Float64, "dropped": pl.String}, orient="row"
    )


def count_by_source(rows: pl.DataFrame) -> pl.DataFrame:
    """What became of the rows of each source: ``source``, and `count_outcomes` from ``rows`` on.

    Args:
        rows: ``source`` and ``drop_reason`` of one table.
    """
    counted = [
        (source, *_outcome_of(part))
        for (source,), part in rows.group_by("source", maintain_order=True)
    ]
    schema = {"source": pl.String, "rows": pl.Int64, "kept": pl.Int64, "kept_share": pl.Float64}
    return pl.DataFrame(counted, schema | {"dropped": pl.String}, orient="row")


def _reasons(table: Table, stored: Sequence[Evidence]) -> pl.DataFrame:
    rows = pl.concat(shard.read(table, "drop_reason") for shard in stored)
    return rows.filter(pl.col("drop_reason").ne_missing(NoAnswer.BEYOND_LIMIT.value))


def _outcome_of(rows: pl.DataFrame) -> tuple[int, int, float | None, str]:
    """Rows, kept ones, their share (null of no rows), and the others by their reasons."""
    rate = kept_rate(rows)
    dropped = ", ".join(
        f"{reason.replace('_', ' ')} {count:,}" for reason, count in count_drops(rows).items()
    )
    return rate.whole, rate.part, rate.share if rate.whole else None, dropped


def count_subdimensions(shards: Sequence[Evidence]) -> pl.DataFrame:
    """What kept sets are about: one row per subdimension that any is about.

    Returns:
        ``dimension``, ``subdimension``, ``sets`` and ``share`` of all kept sets; in the order of
        the dimensions, the most frequent first.
    """
    parts, sets = [], 0
    for shard in shards:
        rows = kept(shard.read(PREFERENCE_SETS, "preference_set", "drop_reason"))
        sets += rows.height
        preferences = rows["preference_set"].explode().struct.unnest()
        parts.append(preferences.group_by("dimension", "subdimension").len("sets"))
    counted = pl.concat(parts).group_by("dimension", "subdimension").agg(pl.col("sets").sum())
    return counted.sort(
        pl.col("dimension").cast(pl.Enum(DIMENSIONS)),
        "sets",
        "subdimension",
        descending=[False, True, False],
    ).with_columns(share=pl.col("sets") / sets)


def measure_messages(shards: Sequence[Evidence]) -> pl.DataFrame:
    """Kept messages: one row each, its ``characters`` and a ``digest`` that equal ones share."""
    text = pl.col("system_message")
    return pl.concat(
        kept(shard.read(PREFERENCE_MESSAGES, "system_message", "drop_reason")).select(
            characters=text.str.len_chars(), digest=text.hash()
        )
        for shard in shards
    )


def count_lengths(messages: pl.DataFrame) -> pl.DataFrame:
    """How long the messages are: one row per `_BIN` characters, from the shortest to the longest.

    Args:
        messages: `measure_messages`.

    Returns:
        ``from_characters``, ``to_characters`` (not included), ``messages`` and ``share``.
    """
    first = pl.col("characters") // _BIN * _BIN
    counted = messages.group_by(from_characters=first.cast(pl.Int64)).agg(messages=pl.len())
    return counted.sort("from_characters").select(
        "from_characters",
        to_characters=pl.col("from_characters") + _BIN,
        messages="messages",
        share=pl.col("messages") / messages.height,
    )


def compare_with_paper(
    answers: Sequence[Evidence], about: pl.DataFrame, messages: pl.DataFrame, pairs: int | None
) -> pl.DataFrame:
    """``figure``, ``ours`` and ``paper``: what is published of the data set, beside what is stored.

    Args:
        answers: The shards of `GOLD_ANSWERS`.
        about: `count_subdimensions`.
        messages: `measure_messages`.
        pairs: How many preference pairs are kept; None where none are made.
    """
    ids = pl.concat(
        kept(shard.read(GOLD_ANSWERS, "conversation_id", "drop_reason")) for shard in answers
    )
    instructions = ids.select(instruction_of("conversation_id").n_unique()).item()
    characters, (shortest, longest) = messages["characters"], paper.MESSAGE_CHARACTERS
    figures = {
        "instructions": (instructions, paper.INSTRUCTIONS),
        "rows": (ids.height, paper.ROWS),
        "rows an instruction": (_ratio(ids.height, instructions), paper.SETS),
        "preferences a set": (about["share"].sum(), paper.PREFERENCES),
        "different messages, as a share": (
            _ratio(messages["digest"].n_unique(), messages.height),
            None,
        ),
        "characters of the shortest message": (characters.min(), shortest),
        "characters of the median message": (characters.median(), None),
        "characters of the longest message": (characters.max(), longest),
        "preference pairs": (pairs, paper.DPO_PAIRS),
        "preference pairs an instruction": (
            None if pairs is None else _ratio(pairs, instructions),
            paper.DPO_PAIRS / paper.INSTRUCTIONS,
        ),
    }
    schema = {"figure": pl.String, "ours": pl.Float64, "paper": pl.Float64}
    rows = [(figure, *both) for figure, both in figures.items()]
    compared = pl.DataFrame(rows, schema, orient="row", strict=False)
    return compared.with_columns(pl.col("ours", "paper").round(3))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
