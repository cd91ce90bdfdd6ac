"""Every table of the deployment, gathered from the rooms that declare them."""

import sysgen_dagster.analysis.tables
import sysgen_dagster.lanes.sysgen.tables
import sysgen_dagster.obedience.tables
import sysgen_dagster.report.tables
import sysgen_dagster.training_sets.tables
from sysgen_dagster.defs.plumbing.partitions import SOURCE_TABLES
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import Table, by_name

_ROOMS = (
    sysgen_dagster.lanes.sysgen.tables,
    sysgen_dagster.obedience.tables,
    sysgen_dagster.analysis.tables,
    sysgen_dagster.training_sets.tables,
    sysgen_dagster.report.tables,
)

# By name, the sources first.
TABLES: dict[str, Table] = by_name(
    [*SOURCE_TABLES.values(), CONVERSATIONS, *(table for room in _ROOMS for table in room.TABLES)]
)
