"""The assets of every suite."""

import dagster as dg

from sysgen_dagster.defs.evaluation.conflict_set import CONFLICT_SET

EVALUATIONS: list[dg.AssetsDefinition] = [*CONFLICT_SET]
