"""The assets of every suite, and those that compare what came of them."""

import dagster as dg

from sysgen_dagster.defs.evaluation.comparisons import COMPARISONS

EVALUATIONS: list[dg.AssetsDefinition] = [*COMPARISONS]
