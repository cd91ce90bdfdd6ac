"""How much likelier an answer is to a model under its own system message than under another one.

No judge and no rule: the answer is given, and the model says how likely it is. `students.program`
computes that (`PYTHON -m program.likelihood`). Belongs here: the chats that are put to it, and what
is computed of what it says.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

import polars as pl

from sysgen_dagster.chat.messages import Role, derive_seed
from sysgen_dagster.evaluation.tables import ITEM_COLUMNS
from sysgen_dagster.tables.columns import MESSAGES, TEXT
from sysgen_dagster.tables.table import polars_schema

# Differences of the mean natural logarithm of an answer's tokens (nats a token), and the mean.
OWN_MINUS_OTHER, OWN_MINUS_NONE, OWN = "own_minus_other", "own_minus_none", "own"


class Shown(StrEnum):
    """The message that an answer is put under."""

    OWN = "own"  # for which it was written
    OTHER = "other"  # that of another row of the same source
    NONE = "none"  # none at all


class NotComparable(StrEnum):
    """Why an answer counts for no difference."""

    NO_OTHER_MESSAGE = "no_other_message"  # its source has no second row
    DOES_NOT_FIT = "does_not_fit"  # the chat is longer than the model reads


CHATS: Final = {
    **dict.fromkeys(("id", "conversation_id", "answer", "shown", "message_of"), TEXT),
    "messages": MESSAGES,
}
_COMPARED: Final = {
    OWN_MINUS_OTHER: (Shown.OWN, Shown.OTHER),
    OWN_MINUS_NONE: (Shown.OWN, Shown.NONE),
    OWN: (Shown.OWN,),
}


def build_chats(rows: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """The chats that a model is to say the likelihood of: three for each answer.

    The other message is of the same source, so that it does not differ by its topic alone; every
    message is another one's once. Where a source has one row, there is none.

    Args:
        rows: Of chats that no training has seen: ``conversation_id``, ``source``, ``answer``
            (which of a conversation's answers), and ``messages``, which begin with the system
            message and end with the answer.
        seed: Of the order of each source's messages.

    Returns:
        `CHATS`: ``id``; ``conversation_id``; ``answer``; ``shown``, a `Shown`; ``message_of``, the
        conversation whose message is shown; ``messages``.
    """
    chats = [chat for row in rows.iter_rows(named=True) for chat in _chats_of(row, rows, seed)]
    return pl.DataFrame(chats, schema=CHATS)


def _chats_of(row: dict[str, Any], rows: pl.DataFrame, seed: int) -> Iterator[dict[str, Any]]:
    message, *rest = row["messages"]
    assert message["role"] == Role.SYSTEM, "rows begin with their system message"
    other = _other_of(row, rows, seed)
    shown = {Shown.OWN: (row["conversation_id"], message), Shown.NONE: (None, None)}
    if other is not None:
        shown[Shown.OTHER] = (other["conversation_id"], other["messages"][0])
    for what in Shown:
        if what in shown:
            of, first = shown[what]
            yield {
                "id": f"{row['conversation_id']}/{row['answer']}/{what}",
                "conversation_id": row["conversation_id"],
                "answer": row["answer"],
                "shown": what.value,
                "message_of": of,
                "messages": [*([] if first is None else [first]), *rest],
            }


def _other_of(row: dict[str, Any], rows: pl.DataFrame, seed: int) -> dict[str, Any] | None:
    """The next row of the same source in an order that is drawn; after the last comes the first."""
    peers = rows.filter(source=row["source"], answer=row["answer"])
    draws = [derive_seed(name, "message_likelihood", seed) for name in peers["conversation_id"]]
    ordered = peers.with_columns(draw=pl.Series(draws, dtype=pl.Int64)).sort(
        "draw", "conversation_id"
    )
    if ordered.height < 2:
        return None
    at = ordered["conversation_id"].to_list().index(row["conversation_id"])
    return ordered.row((at + 1) % ordered.height, named=True)


def build_items(chats: pl.DataFrame, likelihoods: pl.DataFrame) -> pl.DataFrame:
    """`ITEM_COLUMNS`, an item for each answer: nats a token, of each kind of answer on its own.

    Args:
        chats: Of `build_chats`.
        likelihoods: ``id``, ``tokens`` of the answer, and ``log_likelihood``, the sum over them,
            null where the chat does not fit; one row for each chat.

    Raises:
        ValueError: A chat has no likelihood yet.
    """
    said = chats.join(likelihoods, on="id", how="left", maintain_order="left", validate="1:1")
    if said["tokens"].null_count():
        missing = said.filter(pl.col("tokens").is_null())["id"]
        raise ValueError(
            f"{missing.len()} of {said.height} chats have no likelihood, such as {missing[0]}: run "
            "the program again, which goes on where it ended"
        )
    per_token = said.with_columns(mean=pl.col("log_likelihood") / pl.col("tokens"))
    wide = per_token.pivot(
        "shown", index=["conversation_id", "answer"], values="mean", maintain_order=True
    )
    missing_columns = [pl.lit(None, pl.Float64).alias(each) for each in Shown if each not in wide]
    wide = wide.with_columns(missing_columns)
    without_other = chats.filter(shown=Shown.OTHER.value).select(
        "conversation_id", "answer", has_other=True
    )
    wide = wide.join(without_other, on=["conversation_id", "answer"], how="left")
    items = [
        wide.select(
            metric=pl.lit(metric),
            of="answer",
            item="conversation_id",
            cluster="conversation_id",
            value=pl.col(compared[0]) - (pl.col(compared[1]) if compared[1:] else 0.0),
            drop_reason=_reason(compared),
        )
        for metric, compared in _COMPARED.items()
    ]
    return pl.concat(items).cast(polars_schema(ITEM_COLUMNS))  # type: ignore[arg-type]


def _reason(compared: tuple[Shown, ...]) -> pl.Expr:
    lacks_other = pl.lit(Shown.OTHER in compared) & pl.col("has_other").is_null()
    is_unknown = pl.any_horizontal(pl.col(each).is_null() for each in compared)
    return (
        pl.when(lacks_other)
        .then(pl.lit(NotComparable.NO_OTHER_MESSAGE.value))
        .when(is_unknown)
        .then(pl.lit(NotComparable.DOES_NOT_FIT.value))
    )
