"""The tables of the pipeline, those of the sources left out."""

import sysgen_dagster.analysis.tables
import sysgen_dagster.lanes.sysgen.tables
import sysgen_dagster.obedience.tables
import sysgen_dagster.report.tables
import sysgen_dagster.training_sets.tables
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import by_name

_ROOMS = (
    sysgen_dagster.lanes.sysgen.tables,
    sysgen_dagster.obedience.tables,
    sysgen_dagster.analysis.tables,
    sysgen_dagster.training_sets.tables,
    sysgen_dagster.report.tables,
)
TABLES = by_name([CONVERSATIONS, *(table for room in _ROOMS for table in room.TABLES)])
