"""What speaks against a training row, by name: a mixture may leave such rows out.

These are the findings of one row (`analysis.findings`) and those of the whole corpus.
"""

from collections.abc import Iterable, Mapping

import polars as pl

from sysgen_dagster.analysis.findings import FINDINGS, list_flags
from sysgen_dagster.analysis.statistics import MOSTLY_HELD
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.obedience.alignment_judgement import Alignment

# Of near-duplicates the first one has no flag, so that leaving out by it keeps one of a cluster;
# none where the model did not bring the first to the end.
_OF_THE_CORPUS: Mapping[str, str] = {
    "near_duplicate_question": "An earlier question says nearly the same.",
    "contaminated": "The conversation holds at least half of an item of a benchmark.",
    "near_duplicate_message": "An earlier system message of the model says nearly the same.",
    "not_aligned": "A judge said that the new answer does not keep to its system message.",
}
FLAGS: Mapping[str, str] = {
    **{name: finding.statement for name, finding in FINDINGS.items()},
    **_OF_THE_CORPUS,
}


class FlagError(SysgenError):
    """A flag that no row can have; the message names it and the ones there are."""


def require_known(names: Iterable[str]) -> None:
    """Nothing, if all are flags.

    Raises:
        FlagError: Some are not.
    """
    if unknown := sorted(set(names) - FLAGS.keys()):
        raise FlagError(
            f"`leave_out` names {', '.join(unknown)}, which no row is ever flagged as: correct it "
            f"to some of {', '.join(FLAGS)}"
        )


def flag_rows(quality: pl.DataFrame) -> pl.DataFrame:
    """``conversation_id`` and ``flags`` of each row of `tables.ROW_QUALITY`, in their order."""
    return quality.select("conversation_id", flags=list_flags(quality))


Found = Mapping[str, pl.Series]  # flag to the ids of the conversations that have it


def find_source_flags(
    near_duplicate_questions: pl.DataFrame | None, contamination: pl.DataFrame | None
) -> Found:
    """What the tables of the sources say of conversations; nothing by a table that is not made."""
    found = {}
    if near_duplicate_questions is not None:
        found["near_duplicate_question"] = _not_first(near_duplicate_questions)
    if contamination is not None:
        held = contamination.filter(pl.col("overlap") >= MOSTLY_HELD)
        found["contaminated"] = held["conversation_id"]
    return found


def find_model_flags(
    near_duplicate_messages: pl.DataFrame | None, judged_alignment: pl.DataFrame | None
) -> Found:
    """What the tables of a model say of its rows; nothing by a table that is not made.

    Only a sample is judged: most rows cannot be flagged ``not_aligned``.
    """
    found = {}
    if near_duplicate_messages is not None:
        found["near_duplicate_message"] = _not_first(near_duplicate_messages)
    if judged_alignment is not None:
        not_aligned = pl.col("verdict") == Alignment.NOT_ALIGNED.value
        found["not_aligned"] = judged_alignment.filter(not_aligned)["conversation_id"]
    return found


def add_flags(rows: pl.DataFrame, found: Found) -> pl.DataFrame:
    """`rows` with what is found of them added to their ``flags``, after those they have."""
    if not found:
        return rows
    here = rows["conversation_id"].implode()  # so that the set is made of these rows, not of all
    of_these = {name: ids.filter(ids.is_in(here)).implode() for name, ids in found.items()}
    more = [
        pl.when(pl.col("conversation_id").is_in(ids)).then(pl.lit(name))
        for name, ids in of_these.items()
    ]
    own = pl.col("flags").fill_null([])
    return rows.with_columns(flags=pl.concat_list(own, pl.concat_list(more).list.drop_nulls()))


def _not_first(near_duplicates: pl.DataFrame) -> pl.Series:
    later = near_duplicates.filter(pl.col("conversation_id") != pl.col("cluster"))
    return later["conversation_id"]
