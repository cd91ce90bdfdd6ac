"""The assets of every suite."""

import dagster as dg

from sysgen_dagster.defs.evaluation.multifacet import MULTIFACET

EVALUATIONS: list[dg.AssetsDefinition] = [*MULTIFACET]
