"""The average over tasks: a mean of means with an interval of its own, as Table 5 prints one."""

from dataclasses import replace

import polars as pl

from sysgen_dagster.evaluation.comparisons.comparing import Evaluated
from sysgen_dagster.evaluation.comparisons.published import UNSEEN_TASKS, name_average
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.tables import TOTAL

_SCORE = ["metric", "of"]


def add_average(suite: Suite, evaluated: Evaluated) -> Evaluated:
    """What is stored of a subject, with the average over its tasks where the suite has tasks.

    Each task counts the same, however many items it has. The value of an item is how far it is from
    the mean of its task, by the weight that the task's items have in the average, and from there:
    so the mean over items is the average, and drawing items gives its interval.

    Only tasks with a known item count, and the name of the score says how many these are. Averages
    over other numbers of tasks are never compared.
    """
    tasks = pl.DataFrame([*UNSEEN_TASKS], schema=_SCORE, orient="row")
    value = pl.col("value")
    items = evaluated.items.join(tasks, on=_SCORE, how="semi", maintain_order="left")
    items = items.filter(value.count().over(_SCORE) > 0)
    number = items.select(_SCORE).n_unique()
    if suite.name != "leaderboard" or number < 2:
        return evaluated
    means = items.group_by(_SCORE).agg(mean=value.mean())
    average = means["mean"].mean()
    weight = value.count() / (number * value.count().over(_SCORE))
    weighted = (
        items.join(means, on=_SCORE, how="left", maintain_order="left")
        .with_columns(value=average + weight * (value - pl.col("mean")))
        .with_columns(
            item=pl.concat_str(*_SCORE, "item", separator="/"),
            cluster=pl.concat_str("metric", "cluster", separator="/"),
        )
        .with_columns(metric=pl.lit(name_average(number)), of=pl.lit(TOTAL))
        .select(evaluated.items.columns)
    )
    said = evaluated.scores.row(0, named=True)
    kept = {name: said[name] for name in ("subject", "protocol", "judge", "worth")}
    return replace(
        evaluated,
        items=pl.concat([evaluated.items, weighted]),
        scores=pl.concat([score_items(weighted, **kept), evaluated.scores], how="vertical_relaxed"),
    )
