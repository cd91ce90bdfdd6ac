"""The assets of every suite."""

import dagster as dg

from sysgen_dagster.defs.evaluation.leaderboard import LEADERBOARD_ASSETS

EVALUATIONS: list[dg.AssetsDefinition] = [*LEADERBOARD_ASSETS]
