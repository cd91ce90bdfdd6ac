"""The assets of every suite."""

import dagster as dg

from sysgen_dagster.defs.evaluation.conflict_set import CONFLICT_SET
from sysgen_dagster.defs.evaluation.rule_based import RULE_BASED

EVALUATIONS: list[dg.AssetsDefinition] = [*RULE_BASED, *CONFLICT_SET]
