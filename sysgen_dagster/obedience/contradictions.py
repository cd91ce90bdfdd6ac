"""Whether a new answer has the result of the original one, where rules can tell.

Two kinds of results are looked at: the final answer of a maths text, and whether Python parses. A
new answer without such a result is no contradiction: nothing was found to compare.
"""

from enum import StrEnum

import polars as pl

from sysgen_dagster.obedience.final_answers import compare_final_answers
from sysgen_dagster.obedience.python_blocks import count_python_blocks


class Result(StrEnum):
    """What comparing a new answer with the original one gives."""

    SAME = "same"
    CONTRADICTS = "contradicts"
    UNREAD = "unread"  # the original answer states a result, and the new one none of its kind
    NONE = "none"  # the original answer states nothing that can be compared


class ResultKind(StrEnum):
    """What is compared."""

    FINAL_ANSWER = "final_answer"
    PYTHON = "python"


# Of two kinds in one pair of answers, the first of these is what the pair gives.
WORST_FIRST = (Result.CONTRADICTS, Result.SAME, Result.UNREAD)
RESULTS = {"result": pl.String(), "result_kind": pl.String()}


def compare_results(original: pl.Series, new: pl.Series) -> pl.DataFrame:
    """Whether each new answer has the result of its original one.

    A final answer contradicts if it is not equal to the original one and both are numbers, choices
    or others that cannot be one in two notations (`final_answers`); Python contradicts if a block
    of it does not parse, while there are blocks in the original answer and all of them do.

    Args:
        original: The original answers.
        new: The new ones, in the same order; null where there is none.

    Returns:
        One row per pair, in their order: ``result``, a `Result`, null where an answer is null; and
        ``result_kind``, a `ResultKind`, null where no result is stated.
    """
    found = {
        ResultKind.FINAL_ANSWER: _compare_final_answers(original, new),
        ResultKind.PYTHON: _compare_python(original, new),
    }
    kinds = pl.DataFrame({kind.value: result for kind, result in found.items()})
    both = pl.DataFrame({"is_pair": original.is_not_null() & new.is_not_null()}).hstack(kinds)
    is_given = pl.col("is_pair")
    said = [
        (pl.when(is_given & (pl.col(kind) == result)), result.value, kind.value)
        for result in WORST_FIRST
        for kind in ResultKind
    ]
    none = pl.when(is_given).then(pl.lit(Result.NONE.value))
    return both.select(
        result=pl.coalesce(*(when.then(pl.lit(result)) for when, result, _ in said), none),
        result_kind=pl.coalesce(when.then(pl.lit(kind)) for when, _, kind in said),
    ).cast(pl.Schema(RESULTS))


def _compare_final_answers(original: pl.Series, new: pl.Series) -> pl.Series:
    is_same = pl.col("final_answer_same")
    is_stated = pl.col("final_answer").is_not_null()
    return _say(compare_final_answers(original, new), is_stated, is_same.is_null(), is_same)


def _compare_python(original: pl.Series, new: pl.Series) -> pl.Series:
    before, after = count_python_blocks(original), count_python_blocks(new)
    counts = before.hstack(after.rename(lambda name: f"new_{name}"))
    blocks, parsed, new_blocks, new_parsed = (pl.col(name) for name in counts.columns)
    is_stated = (blocks > 0) & (blocks == parsed)
    return _say(counts, is_stated, new_blocks == 0, new_blocks == new_parsed)


def _say(
    pairs: pl.DataFrame, is_stated: pl.Expr, is_unread: pl.Expr, is_same: pl.Expr
) -> pl.Series:
    """A `Result` for each pair; null where the original answer states none."""
    return pairs.select(
        pl.when(~is_stated.fill_null(value=False))
        .then(None)
        .when(is_unread)
        .then(pl.lit(Result.UNREAD.value))
        .when(is_same)
        .then(pl.lit(Result.SAME.value))
        .otherwise(pl.lit(Result.CONTRADICTS.value))
        .alias("result")
    )["result"].cast(pl.String)
