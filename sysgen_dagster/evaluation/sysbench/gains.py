"""How much longer sessions hold than under another subject: SysGen's own figure of SysBench."""

import polars as pl

from sysgen_dagster.evaluation.scores import compare_items
from sysgen_dagster.evaluation.sysbench.scores import build_items
from sysgen_dagster.evaluation.sysbench.tables import TURNS
from sysgen_dagster.evaluation.tables import DIFFERENCE_COLUMNS
from sysgen_dagster.lanes.sysgen.paper import SYSBENCH_GAINS
from sysgen_dagster.tables.columns import NUMBER
from sysgen_dagster.tables.table import Column, Columns, polars_schema

# One row per turn and kind of sessions. Shares, not percent.
GAINS: Columns = {
    **DIFFERENCE_COLUMNS,
    "paper_low": Column(
        NUMBER,
        "the smallest gain of the paper's five models in this turn, of all sessions; null: it has "
        "none of this kind",
    ),
    "paper_high": Column(NUMBER, "the largest"),
}


def build_gains(before: pl.DataFrame, after: pl.DataFrame, seed: int = 0) -> pl.DataFrame:
    """`GAINS`: R1 to R5 of one subject minus those of another, session by session.

    The paper's panels carry no model's name that is certain, and its protocol is unknown: the
    range of its five models stands beside, as context.

    Args:
        before: `sysbench_gradings` of the subject that is compared with.
        after: Those of the other one, of the same sessions.
        seed: Of the draws of whole sessions.
    """
    found = compare_items(_of_rounds(before), _of_rounds(after), seed)
    paper = pl.DataFrame(
        {
            "metric": [f"R{turn}" for turn in range(1, TURNS + 1)],
            "of": "total",
            "paper_low": [min(gains) / 100 for gains in zip(*SYSBENCH_GAINS, strict=True)],
            "paper_high": [max(gains) / 100 for gains in zip(*SYSBENCH_GAINS, strict=True)],
        }
    )
    joined = found.join(paper, on=["metric", "of"], how="left", maintain_order="left")
    return joined.select(GAINS.keys()).cast(polars_schema(GAINS))  # type: ignore[arg-type]


def _of_rounds(gradings: pl.DataFrame) -> pl.DataFrame:
    return build_items(gradings).filter(pl.col("metric").str.starts_with("R"))
