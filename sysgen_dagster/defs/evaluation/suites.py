"""The assets of every suite."""

import dagster as dg

from sysgen_dagster.defs.evaluation.conflict_set import CONFLICT_SET
from sysgen_dagster.defs.evaluation.leaderboard import LEADERBOARD_ASSETS
from sysgen_dagster.defs.evaluation.multifacet import MULTIFACET
from sysgen_dagster.defs.evaluation.nemotron_sysbench import NEMOTRON_SYSBENCH
from sysgen_dagster.defs.evaluation.rule_based import RULE_BASED
from sysgen_dagster.defs.evaluation.sysbench import SYSBENCH

EVALUATIONS: list[dg.AssetsDefinition] = [
    *MULTIFACET,
    *SYSBENCH,
    *NEMOTRON_SYSBENCH,
    *RULE_BASED,
    *CONFLICT_SET,
    *LEADERBOARD_ASSETS,
]
