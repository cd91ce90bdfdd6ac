"""Dagster: names, partitions, wiring, metadata. Only here and in `definitions` is it imported.

`pipeline` is the whole data flow in one file; what its assets call is a function of `sysgen`.
"""

import warnings

import dagster as dg

# Partitioned checks and dimension mappings say on every load and run that they are preview and
# beta. The version is pinned for that reason, so users need not hear of it.
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
warnings.filterwarnings("ignore", category=dg.BetaWarning)
