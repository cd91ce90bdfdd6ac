"""The assets of every suite."""

import dagster as dg

from sysgen_dagster.defs.evaluation.sysbench import SYSBENCH

EVALUATIONS: list[dg.AssetsDefinition] = [*SYSBENCH]
