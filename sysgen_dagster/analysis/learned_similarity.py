"""BERTScore and BLEURT of new answers against the original ones, as one table.

Both compare texts with a pretrained model. Their packages are optional and their weights are named
in the catalogue. If packages or weights of a metric are missing, its rows say so in ``how``.
"""

from collections.abc import Callable

import polars as pl

from sysgen_dagster.analysis.bertscore import score_bertscore
from sysgen_dagster.analysis.bleurt import score_bleurt
from sysgen_dagster.analysis.pretrained import NotComputedError, Report, Scores
from sysgen_dagster.analysis.tables import LEARNED_SIMILARITY
from sysgen_dagster.catalog.operations import LearnedSimilarity

_METRICS: dict[str, Callable[[pl.DataFrame, LearnedSimilarity, Report], Scores]] = {
    "bertscore": score_bertscore,
    "bleurt": score_bleurt,
}


def measure_learned_similarity(
    pairs: pl.DataFrame, settings: LearnedSimilarity, report: Report = lambda line: None
) -> pl.DataFrame:
    """`tables.LEARNED_SIMILARITY`: one row per source and metric.

    Scores are computed in fp32 on a CPU and in bf16 on a GPU.

    Args:
        pairs: One row per conversation: ``source``, ``answer`` (the original), ``new_answer``.
        settings: The weights. A metric without weights, or whose weights or packages do not load,
            has rows with ``computed`` false and the reason in ``how``.
        report: Receives lines of progress.
    """
    if pairs.is_empty():
        return LEARNED_SIMILARITY.empty()
    tables = [_summarize(metric, pairs, settings, report) for metric in _METRICS]
    return pl.concat(tables).sort("source", "metric")


def _summarize(
    metric: str, pairs: pl.DataFrame, settings: LearnedSimilarity, report: Report
) -> pl.DataFrame:
    values: list[float] | list[None]
    try:
        values, how = _METRICS[metric](pairs, settings, report)
    except NotComputedError as reason:
        values, how = [None] * pairs.height, str(reason)
        report(f"{metric} is not computed: {how}")
    score = pl.col("score")
    return (
        pairs.select("source", pl.Series("score", values, pl.Float64))
        .group_by("source")
        .agg(rows=score.count(), mean=score.mean(), deviation=score.std())
        .with_columns(metric=pl.lit(metric), computed=pl.col("rows") > 0, how=pl.lit(how))
        .select(LEARNED_SIMILARITY.names)
        .cast(pl.Schema(LEARNED_SIMILARITY.schema))
    )
