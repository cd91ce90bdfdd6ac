"""Asks a model for a reply to each row, and again where the reply is not sound.

What is sound is said by the caller, which builds the rows of its table from the replies. A reply
that was cut may end with another seed. Other answers of the engine's, such as that the request is
too long, would be the same again: they are final.
"""

from collections.abc import Callable, Iterator

import polars as pl

from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.lanes.multifaceted.drop_reasons import ASKED_AGAIN, Dropped
from sysgen_dagster.tables.table import kept

# Asks a model: takes the requests and their number, returns `COMPLETIONS` with one row per request.
Ask = Callable[[Iterator[ChatRequest], int], pl.DataFrame]
BuildRequests = Callable[[pl.DataFrame, int], Iterator[ChatRequest]]
# Of rows and the completions of one attempt: those rows of the table, without comparing them.
BuildRows = Callable[[pl.DataFrame, pl.DataFrame, int], pl.DataFrame]
# Of all rows of the table: the same, with what speaks against some beside the others.
Compare = Callable[[pl.DataFrame], pl.DataFrame]

_ID = "conversation_id"


def ask_until_sound(
    inputs: pl.DataFrame,
    ask: Ask,
    attempts: int,
    build_requests: BuildRequests,
    build_rows: BuildRows,
    compare: Compare,
) -> pl.DataFrame:
    """The rows of a table, one for each input, in their order.

    Of each row stands there the last reply that was sound alone, or the first one where none was.

    Args:
        inputs: One row per request, with ``conversation_id``.
        ask: Asks the model.
        attempts: How often a row is asked for at most.
        build_requests: Of some inputs and the number of the attempt, from 0.
        build_rows: Of some inputs, their completions and the number of the attempt.
        compare: Says of rows that are sound alone what speaks against them beside the others.
    """
    rows = compare(build_rows(inputs, ask(build_requests(inputs, 0), inputs.height), 0))
    for attempt in range(1, attempts):
        failed = rows.filter(pl.col("drop_reason").is_in(ASKED_AGAIN)).select(_ID)
        again = inputs.join(failed, on=_ID, how="semi", maintain_order="left")
        if again.is_empty():
            break
        newer = build_rows(again, ask(build_requests(again, attempt), again.height), attempt)
        newer = kept(newer)
        stay = rows.join(newer, on=_ID, how="anti")
        together = pl.concat([stay, newer]).with_columns(
            drop_reason=pl.when(~_is_compared()).then("drop_reason")
        )
        rows = compare(inputs.select(_ID).join(together, on=_ID, maintain_order="left"))
        rows = rows.select(stay.columns)
    return rows


def _is_compared() -> pl.Expr:
    """Whether a row was dropped beside others, which may be others now."""
    return (pl.col("drop_reason") == Dropped.TOO_ALIKE.value).fill_null(value=False)
