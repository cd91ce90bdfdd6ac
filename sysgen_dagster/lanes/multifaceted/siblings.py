"""Which answer a preference pair rejects: that to another message of the same instruction.

The paper takes such answers as they are. Here the two must be about as long, or a model that is
trained on the pairs learns which lengths are preferred, and not which messages are obeyed.
"""

import polars as pl

from sysgen_dagster.chat.messages import derive_seed
from sysgen_dagster.lanes.multifaceted.drop_reasons import Unpaired
from sysgen_dagster.lanes.multifaceted.tables import instruction_of

MOST_TIMES = 2.0  # as long as the other, in characters; ours


def choose_rejected(gold: pl.DataFrame) -> pl.DataFrame:
    """For each answer the one that its pair would reject, in the order of `gold`.

    Of several that are about as long one is drawn, by the two ids alone: the same in every run, and
    so that it does not depend on how many others there are which of two comes first.

    Args:
        gold: Kept rows of `tables.GOLD_ANSWERS`, all of each instruction.

    Returns:
        The columns of `gold`, and ``instruction_id``, ``rejected_set`` (whose answer it is),
        ``rejected_answer`` and ``unpaired``: why there is none, a value of `Unpaired`.
    """
    rows = gold.with_columns(instruction_id=instruction_of("conversation_id"))
    others = rows.select("instruction_id", rejected_set="conversation_id", rejected_answer="answer")
    length = pl.col("answer").str.len_chars(), pl.col("rejected_answer").str.len_chars()
    is_as_long = pl.max_horizontal(length) <= MOST_TIMES * pl.min_horizontal(length)
    siblings = (
        rows.select("conversation_id", "instruction_id", "answer")
        .join(others, on="instruction_id")
        .filter(
            pl.col("conversation_id") != pl.col("rejected_set"),
            pl.col("answer").str.strip_chars() != pl.col("rejected_answer").str.strip_chars(),
        )
        .with_columns(is_as_long=is_as_long)
    )
    draws = [
        derive_seed(f"{chosen}/{rejected}", "rejected_set")
        for chosen, rejected in siblings.select("conversation_id", "rejected_set").iter_rows()
    ]
    drawn = (
        siblings.with_columns(draw=pl.Series(draws, dtype=pl.Int64))
        .sort("conversation_id", "is_as_long", "draw", descending=[False, True, False])
        .unique("conversation_id", keep="first", maintain_order=True)
        .drop("instruction_id", "answer", "draw")
    )
    is_other = pl.col("is_as_long").is_not_null()
    return (
        rows.join(drawn, on="conversation_id", how="left", maintain_order="left")
        .with_columns(
            pl.when("is_as_long").then(pl.col("rejected_set", "rejected_answer")),
            unpaired=pl.when(~is_other)
            .then(pl.lit(Unpaired.NO_SIBLING.value))
            .when(~pl.col("is_as_long"))
            .then(pl.lit(Unpaired.LENGTHS_DIFFER.value)),
        )
        .drop("is_as_long")
    )
