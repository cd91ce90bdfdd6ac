"""Which rows a report shows: some for each drop reason and verdict, the same in every run.

The choice depends on ids and outcomes alone, not on the order of the rows: two models are shown on
the same rows as far as their outcomes allow. Texts are not read here; `stories` reads those of the
chosen rows.
"""

import hashlib
from collections.abc import Collection, Sequence

import polars as pl

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.sysgen.phases import STEPS
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, VERIFIED
from sysgen_dagster.lanes.sysgen.verification import Verdict
from sysgen_dagster.obedience.contradictions import Result
from sysgen_dagster.tables.checks import Evidence
from sysgen_dagster.tables.table import kept

ROWS_PER_SOURCE = 60

# Verdicts from the rarest to the most frequent.
_VERDICTS = (Verdict.UNREADABLE, Verdict.NONE, Verdict.BAD, Verdict.GOOD)
_NOT_OBEYING = "not_obeying"
_ID = "conversation_id"


def choose_rows(
    shards: Sequence[Evidence],
    rows_per_source: int = ROWS_PER_SOURCE,
    not_obeying: Collection[str] = (),
) -> list[str]:
    """The sorted ids of the conversations of one model that a report shows.

    Up to half of a source's rows are dropped ones, taken from each drop reason in turn. The others
    have a new answer, taken in turn from those that do not obey a phrase, those whose new answer
    contradicts the original one, those with an unreadable verdict, a None, a Bad, and only Good.
    Where one half has too few rows, the other half gets their places. Rows that a pilot run left
    out are never chosen.

    Args:
        shards: The rows of one model, each shard on its own: one at a time is read.
        rows_per_source: How many rows of each source are chosen.
        not_obeying: The ids of rows whose answers do not obey a phrase of their message.
    """
    if not shards:
        return []
    broken = list(not_obeying)
    firsts = [
        _take_first_of_each_kind(_list_outcomes(shard, broken), rows_per_source) for shard in shards
    ]
    rows = _take_first_of_each_kind(pl.concat(firsts), rows_per_source)
    is_dropped = pl.col("is_dropped")
    dropped, answered = (half.sum().over("source").cast(int) for half in (is_dropped, ~is_dropped))
    for_dropped = pl.min_horizontal(
        dropped, pl.max_horizontal(rows_per_source // 2, rows_per_source - answered)
    )
    places = pl.when(is_dropped).then(for_dropped).otherwise(rows_per_source - for_dropped)
    place = pl.int_range(pl.len()).over("source", "is_dropped")
    return rows.sort("turn", "order", _ID).filter(place < places)[_ID].sort().to_list()


def choose_from_step(rows: pl.DataFrame, most: int) -> list[str]:
    """The ids of a few rows of one step: kept ones or, where there are none, dropped ones.

    Args:
        rows: One row per conversation: ``conversation_id`` and ``drop_reason``.
        most: How many are chosen.
    """
    reached = rows.filter(pl.col("drop_reason").ne_missing(NoAnswer.BEYOND_LIMIT.value))
    order = {each: shuffle_key(each) for each in reached[_ID]}
    is_dropped = dict(reached.select(_ID, pl.col("drop_reason").is_not_null()).iter_rows())
    chosen = sorted(order, key=lambda each: (is_dropped[each], order[each]))[:most]
    return [each for each in chosen if is_dropped[each] == is_dropped[chosen[0]]]


def choose_not_obeying(rows: pl.DataFrame, most: int) -> list[str]:
    """The ids of a few rows in which a phrase is not obeyed.

    Args:
        rows: ``conversation_id`` and ``not_obeyed`` of `obedience.tables.OBEDIENCE`.
        most: How many are chosen.
    """
    return sorted(rows.filter(pl.col("not_obeyed") > 0)[_ID], key=shuffle_key)[:most]


def _list_outcomes(shard: Evidence, not_obeying: Sequence[str]) -> pl.DataFrame:
    """One row per conversation: ``source``, ``is_dropped``, ``kind`` and its ``order``.

    ``kind`` is the drop reason or, of a conversation with a new answer, what speaks against the
    answer, or else the rarest verdict.
    """
    dropped = pl.concat(
        shard.read(table, _ID, "source", "drop_reason").drop_nulls("drop_reason") for table in STEPS
    ).filter(pl.col("drop_reason") != NoAnswer.BEYOND_LIMIT.value)
    answered = kept(shard.read(ALIGNED, _ID, "source", "drop_reason", "result")).join(
        shard.read(VERIFIED, _ID, "verdicts"), on=_ID, how="left"
    )
    words = pl.col("verdicts").list.eval(pl.element().struct.field("verdict"))
    kind = pl.coalesce(
        pl.when(pl.col(_ID).is_in(not_obeying)).then(pl.lit(_NOT_OBEYING)),
        pl.when(pl.col("result") == Result.CONTRADICTS.value).then("result"),
        *(
            pl.when(words.list.contains(verdict.value)).then(pl.lit(verdict.value))
            for verdict in _VERDICTS
        ),
    )
    outcomes = [
        dropped.select(_ID, "source", kind="drop_reason", is_dropped=True),
        answered.select(_ID, "source", kind=kind, is_dropped=False),
    ]
    order = pl.col(_ID).map_elements(shuffle_key, return_dtype=pl.String)
    return pl.concat(outcomes).with_columns(order=order)


def shuffle_key(conversation_id: str) -> str:
    """A key that sorts rows into a shuffled order, the same in every run and for every model."""
    digest = hashlib.blake2b(conversation_id.encode(), digest_size=8, person=b"report rows")
    return digest.hexdigest()


def _take_first_of_each_kind(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """The first rows of each kind in each source; ``turn`` is a row's place among its kind."""
    turn = pl.int_range(pl.len()).over("source", "is_dropped", "kind")
    return rows.sort("order", _ID).with_columns(turn=turn).filter(pl.col("turn") < most)
