"""SysBench as a suite."""

from sysgen_dagster.evaluation.suite import Suite, asks_judge_once
from sysgen_dagster.evaluation.sysbench.scores import build_items
from sysgen_dagster.evaluation.sysbench.tables import (
    SYSBENCH_ANSWERS,
    SYSBENCH_GRADINGS,
    SYSBENCH_ITEMS,
    SYSBENCH_SCORES,
    SYSBENCH_TRANSLATION,
    TURNS,
    NotAsked,
    NoVerdict,
)

SUITE = Suite(
    "sysbench",
    "SysBench",
    SYSBENCH_ITEMS,
    SYSBENCH_ANSWERS,
    SYSBENCH_GRADINGS,
    SYSBENCH_SCORES,
    build_items,
    others=(SYSBENCH_TRANSLATION,),
    drop_reasons=(*NoVerdict, *NotAsked),
    gradings_an_item=asks_judge_once,
    rows_an_item=TURNS,
)
