"""The assets of every suite."""

import dagster as dg

from sysgen_dagster.defs.evaluation.leaderboard import LEADERBOARD_ASSETS
from sysgen_dagster.defs.evaluation.multifacet import MULTIFACET
from sysgen_dagster.defs.evaluation.rule_based import RULE_BASED

EVALUATIONS: list[dg.AssetsDefinition] = [*MULTIFACET, *RULE_BASED, *LEADERBOARD_ASSETS]
