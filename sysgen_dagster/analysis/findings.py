"""Findings: named faults of a row, computed from the columns of `tables.ROW_QUALITY`.

Each finding has a condition under which a row can have it: a new answer can only state another
final answer where the original answer states one. Rows are not dropped because of a finding; a
training set may leave them out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from sysgen_dagster.analysis.tables import QUALITY_COUNTS
from sysgen_dagster.catalog.recipes import Flag
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.sysgen.drop_reasons import Dropped

# Smallest ``repeated_share`` of a text that counts as repetitive. Our choice: none of 9,122 answers
# of the sources reaches it, 99 of 100 are below 0.17, and texts that loop are above 0.95.
REPETITIVE = 0.50
# Smallest ``content_copied_share`` that counts as copied from the original answer. Our choice.
COPIED = 0.50
# Smallest ``prompt_copied_share`` that counts as copied from the prompt. Our choice: of 44 messages
# of a real model that copied a demonstration all are above it, of 85 that did not none is.
PROMPT_COPIED = 0.50


COPIED_FROM_PROMPT: Final = "copied_from_prompt"


@dataclass(frozen=True, slots=True)
class RowFinding:
    """One finding.

    Attributes:
        found: Whether a row of `tables.ROW_QUALITY` has it; null if the row cannot have it.
        statement: What it means, for users.
        most: The largest expected share of the rows that can have it; None: there is no bound.
    """

    found: pl.Expr
    statement: str
    most: float | None = None


def _some_do_not_parse(prefix: str) -> pl.Expr:
    """Whether one of the Python blocks of an answer does not parse; its columns begin so."""
    blocks, parsed = pl.col(f"{prefix}python_blocks"), pl.col(f"{prefix}python_blocks_parsed")
    return pl.when(blocks > 0).then(parsed < blocks)


# There is no bound for `original_python_does_not_parse`, which is about the source, nor for
# `personal_data`, which many sources contain on purpose.
FINDINGS: Mapping[Flag, RowFinding] = {
    "final_answer_differs": RowFinding(
        ~pl.col("final_answer_same"), "The new answer states another final answer.", 0.10
    ),
    "final_answer_missing": RowFinding(
        pl.when(pl.col("final_answer").is_not_null()).then(pl.col("new_final_answer").is_null()),
        "The original answer states a final answer, the new answer does not.",
        0.25,
    ),
    "final_answer_leaked": RowFinding(
        pl.col("final_answer_leaked"), "The system message contains the final answer.", 0.02
    ),
    "content_copied": RowFinding(
        pl.col("content_copied_share") >= COPIED,
        "Content phrases are copied from the original answer.",
        0.20,
    ),
    "foreign_equation": RowFinding(
        pl.col("foreign_equation"),
        "The system message has an equation of another task.",
        0.10,
    ),
    COPIED_FROM_PROMPT: RowFinding(
        (pl.col("prompt_copied_share") >= PROMPT_COPIED) | (pl.col("prompt_phrases_copied") > 0),
        "The system message is copied from the prompt of Phase 1.",
        0.02,
    ),
    "repaired": RowFinding(
        pl.col("repaired"),
        "The system message was written under the grammar of a repair, no other was well-formed.",
    ),
    "python_does_not_parse": RowFinding(
        _some_do_not_parse("new_"), "A fenced Python block of the new answer does not parse.", 0.05
    ),
    "original_python_does_not_parse": RowFinding(
        _some_do_not_parse(""), "A fenced Python block of the original answer does not parse."
    ),
    "languages_differ": RowFinding(
        ~pl.col("languages_match"),
        "System message or new answer is in another language than the question.",
        0.05,
    ),
    "repetitive": RowFinding(
        pl.col("repeated_share") >= REPETITIVE, "The new answer repeats itself.", 0.02
    ),
    "personal_data": RowFinding(
        pl.col("personal_data").list.len() > 0,
        "A text contains what looks like personal data.",
    ),
}

# The columns of `tables.ROW_QUALITY` that `count_findings` reads.
COLUMNS = (
    "source",
    *sorted({name for each in FINDINGS.values() for name in each.found.meta.root_names()}),
)

# Drop reasons of Phase 4 that are counted as findings too: its table keeps these answers.
_DROPPED_IN_PHASE_4 = (Dropped.REFUSED.value, NoAnswer.TRUNCATED.value)


def list_flags(quality: pl.DataFrame) -> pl.Series:
    """The names of the findings of each row of `tables.ROW_QUALITY`: a list per row, in order."""
    flags = [pl.when(each.found).then(pl.lit(name)) for name, each in FINDINGS.items()]
    return quality.select(flags=pl.concat_list(flags).list.drop_nulls()).to_series()


def count_findings(quality: pl.DataFrame, aligned: pl.DataFrame) -> pl.DataFrame:
    """`tables.QUALITY_COUNTS`: one row per source and finding.

    Args:
        quality: Rows of `tables.ROW_QUALITY`, with `COLUMNS`.
        aligned: ``source`` and ``drop_reason`` of all rows of Phase 4's table, in which refused and
            truncated answers are counted.
    """
    found = [_count_rows(quality, name, each.found) for name, each in FINDINGS.items()]
    dropped = [
        _count_rows(aligned, reason, pl.col("drop_reason").eq_missing(pl.lit(reason)))
        for reason in _DROPPED_IN_PHASE_4
    ]
    kinds = quality.select("source", "personal_data").explode("personal_data")
    kinds = kinds.drop_nulls("personal_data").unnest("personal_data")
    rows = quality.group_by("source", maintain_order=True).agg(of_rows=pl.len().cast(pl.UInt32))
    by_kind = (
        kinds.group_by("source", finding=pl.format("personal_data: {} in {}", "kind", "where"))
        .agg(rows=pl.len().cast(pl.UInt32))
        .sort("source", "finding")
        .join(rows, on="source", how="left", maintain_order="left")
        .select(QUALITY_COUNTS.names)
    )
    return pl.concat([*found, *dropped, by_kind])


def _count_rows(rows: pl.DataFrame, name: str, found: pl.Expr) -> pl.DataFrame:
    counts = rows.group_by("source", maintain_order=True).agg(
        finding=pl.lit(name),
        rows=found.sum().cast(pl.UInt32),
        of_rows=found.count().cast(pl.UInt32),
    )
    return counts.select(QUALITY_COUNTS.names)


def summarize_findings(counts: pl.DataFrame) -> pl.DataFrame:
    """`tables.QUALITY_COUNTS` added up over all sources: one row per finding.

    Returns:
        ``finding``, ``rows``, ``of_rows``, ``share`` (``rows`` / ``of_rows``; null if that is 0).
    """
    totals = counts.group_by("finding", maintain_order=True).agg(pl.col("rows", "of_rows").sum())
    share = pl.when(pl.col("of_rows") > 0).then(pl.col("rows") / pl.col("of_rows"))
    return totals.with_columns(share=share)
