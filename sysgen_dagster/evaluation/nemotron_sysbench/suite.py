"""Nemotron-RL-SysBench-v1 as a suite."""

from sysgen_dagster.evaluation.nemotron_sysbench.scores import build_items
from sysgen_dagster.evaluation.nemotron_sysbench.tables import (
    NEMOTRON_SYSBENCH_ANSWERS,
    NEMOTRON_SYSBENCH_GRADINGS,
    NEMOTRON_SYSBENCH_ITEMS,
    NEMOTRON_SYSBENCH_SCORES,
    NotGraded,
)
from sysgen_dagster.evaluation.suite import Suite, asks_judge_once

SUITE = Suite(
    "nemotron_sysbench",
    "Nemotron-RL-SysBench-v1",
    NEMOTRON_SYSBENCH_ITEMS,
    NEMOTRON_SYSBENCH_ANSWERS,
    NEMOTRON_SYSBENCH_GRADINGS,
    NEMOTRON_SYSBENCH_SCORES,
    build_items,
    drop_reasons=(*NotGraded,),
    gradings_an_item=asks_judge_once,
)
