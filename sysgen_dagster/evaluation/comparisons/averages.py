"""The average over tasks: a mean of means with an interval of its own, as Table 5 prints one."""

from dataclasses import replace

import polars as pl

from sysgen_dagster.evaluation.comparisons.published import UNSEEN_TASKS, name_average
from sysgen_dagster.evaluation.comparisons.tables import Evaluated
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.tables import END_OF_PART, TOTAL

_SCORE = ["metric", "of"]


def add_average(suite: Suite, evaluated: Evaluated) -> Evaluated:
    """What is stored of a subject, with the average over its tasks where the suite has tasks.

    Each task counts the same, however many items it has. Only tasks with a known item count, and
    the score is named by them: averages over other tasks are never compared.
    """
    tasks = pl.DataFrame([*UNSEEN_TASKS], schema=_SCORE, orient="row")
    items = evaluated.items.join(tasks, on=_SCORE, how="semi", maintain_order="left")
    items = items.filter(pl.col("value").count().over(_SCORE) > 0)
    known = items.select(_SCORE).unique().rows()
    if suite.name != "leaderboard" or len(known) < 2:
        return evaluated
    averaged = items.with_columns(
        metric=pl.lit(name_average(known)),
        of=pl.lit(TOTAL),
        item=pl.concat_str(pl.concat_str(*_SCORE, separator="/"), pl.lit(END_OF_PART), "item"),
        cluster=pl.concat_str("metric", "cluster", separator="/"),
    )
    said = evaluated.scores.row(0, named=True)
    kept = {name: said[name] for name in ("subject", "protocol", "judge", "worth")}
    return replace(
        evaluated,
        items=pl.concat([evaluated.items, averaged]),
        scores=pl.concat([score_items(averaged, **kept), evaluated.scores], how="vertical_relaxed"),
    )
