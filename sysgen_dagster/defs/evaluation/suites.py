"""The assets of every suite."""

import dagster as dg

EVALUATIONS: list[dg.AssetsDefinition] = []
