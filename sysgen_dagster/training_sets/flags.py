"""The flags of training rows: named reasons to leave a row out of a mixture.

A flag is a finding of one row (`analysis.findings`), of its answer (`obedience`), or of the whole
corpus; the last two are declared here.
"""

from collections.abc import Callable, Collection, Mapping

import polars as pl

from sysgen_dagster.analysis import tables
from sysgen_dagster.analysis.findings import FINDINGS, list_flags
from sysgen_dagster.analysis.row_quality import measure_without_original
from sysgen_dagster.analysis.statistics import MOSTLY_HELD
from sysgen_dagster.catalog.recipes import (
    DECLINES,
    JUDGES_DISAGREE,
    MAY_DECLINE,
    NOT_OBEYED,
    OF_MESSAGE,
    Flag,
    Recipe,
)
from sysgen_dagster.lanes.sysgen.refusals import may_refuse
from sysgen_dagster.obedience.alignment_judgement import Alignment
from sysgen_dagster.obedience.several_judges import contradict
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT
from sysgen_dagster.tables.table import By, Table

# The first row of a cluster of near-duplicates has no flag, so that leaving out by the flag keeps
# one of the cluster; it keeps none where the model did not finish the first.
_IS_LATER = pl.col("conversation_id") != pl.col("cluster")
# By flag: the table with a row of each conversation that may have it, and which rows have it.
_CORPUS_FLAGS: Mapping[Flag, tuple[Table, pl.Expr]] = {
    "near_duplicate_question": (tables.NEAR_DUPLICATE_QUESTIONS, _IS_LATER),
    "contaminated": (tables.CONTAMINATION, pl.col("overlap") >= MOSTLY_HELD),
    "near_duplicate_message": (tables.NEAR_DUPLICATE_MESSAGES, _IS_LATER),
    # Only a sample is judged: most rows cannot have this flag.
    "not_aligned": (JUDGED_ALIGNMENT, pl.col("verdict") == Alignment.NOT_ALIGNED.value),
}
# By flag: which rows of `obedience.tables.OBEDIENCE` have it.
OBEDIENCE_FLAGS: Mapping[Flag, pl.Expr] = {
    NOT_OBEYED: pl.col("not_obeyed") > 0,
    DECLINES: pl.col("declines"),
    MAY_DECLINE: pl.col("may_decline") & pl.col("declines").is_null(),
    JUDGES_DISAGREE: pl.col("judged").list.eval(contradict(pl.element())).list.any(),
}
FLAGS: tuple[Flag, ...] = (*FINDINGS, *OBEDIENCE_FLAGS, *_CORPUS_FLAGS)

Flagged = Mapping[str, pl.Series]  # flag to the ids of the conversations that have it


def tables_of_flags(recipe: Recipe, by: By) -> Mapping[str, Table]:
    """By flag that a recipe leaves out, the table that says which rows have it.

    Only of flags of the whole corpus, in tables that are partitioned like this. Findings of a row
    stand in the row itself.
    """
    return {
        name: table
        for name, (table, _) in _CORPUS_FLAGS.items()
        if name in recipe.leave_out and table.by is by
    }


def looks_at_every_row(table: Table) -> bool:
    """Whether the table has looked at every row of its shards, and not at a sample of them."""
    return table != JUDGED_ALIGNMENT


def find_flagged(
    read: Callable[[Table], pl.DataFrame | None], by: By, wanted: Collection[str] = FLAGS
) -> Flagged:
    """The conversations with a flag of the whole corpus.

    Args:
        read: Returns a stored table, or None where it was not made; then no row has its flag.
        by: Only the flags of tables that are partitioned like this are looked for: `By.NOTHING` for
            those of conversations, `By.MODEL` for those of a model's rows.
        wanted: Only these flags are looked for.
    """
    return {
        name: stored.filter(has_flag)["conversation_id"]
        for name, (table, has_flag) in _CORPUS_FLAGS.items()
        if name in wanted and table.by is by and (stored := read(table)) is not None
    }


def add_flags(rows: pl.DataFrame, flagged: Flagged) -> pl.DataFrame:
    """`rows` with these flags appended to their ``flags``; null there means none."""
    here = rows["conversation_id"].implode()  # makes the sets below as small as `rows`
    added = [
        pl.when(pl.col("conversation_id").is_in(ids.filter(ids.is_in(here)).implode())).then(
            pl.lit(name)
        )
        for name, ids in flagged.items()
    ]
    own = pl.col("flags").fill_null([])
    more = [pl.concat_list(added).list.drop_nulls()] if added else []
    return rows.with_columns(flags=pl.concat_list(own, *more))


def flag_answers_to_conflicts(pairs: pl.DataFrame) -> pl.Series:
    """The column ``flags`` of pairs whose chosen answer is not the conversation's new answer.

    These are the conversation's flags of `OF_MESSAGE`, and of the others those that the chosen
    answer has itself, as far as anybody looks.

    Args:
        pairs: ``conversation_id``, ``source``, ``system_message``, ``flags`` of the conversation,
            and ``prompt`` and ``chosen_answer`` of the pair.
    """
    answered = pairs.with_columns(
        question=pl.col("prompt").list.last().struct.field("content"), new_answer="chosen_answer"
    )
    own = list_flags(measure_without_original(answered)).alias("own")
    of_message = pl.col("flags").list.filter(pl.element().is_in(OF_MESSAGE))
    declines = pl.when(may_refuse(pl.col("chosen_answer"))).then(pl.lit([MAY_DECLINE]))
    nothing = pl.lit([], pl.List(pl.String()))
    every = (each.fill_null(nothing) for each in (of_message, pl.col("own"), declines))
    return pairs.with_columns(own).select(flags=pl.concat_list(*every)).to_series()
