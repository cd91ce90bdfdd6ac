"""Dagster: names, partitions, wiring, metadata.

Each lane's data flow stands in one file: `sysgen_lane`, `multifaceted_lane`. What assets compute is
in the rooms below this one, which do not know Dagster.
"""

import warnings

import dagster as dg

# Partitioned checks and dimension mappings say on every load and run that they are preview and
# beta. The version is pinned for that reason, so users need not hear of it.
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
warnings.filterwarnings("ignore", category=dg.BetaWarning)
