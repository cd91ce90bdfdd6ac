"""Every table of the deployment, gathered from the rooms that declare them."""

from sysgen_dagster.analysis.tables import TABLES as _OF_MEASURES
from sysgen_dagster.defs.plumbing.partitions import SOURCE_TABLES
from sysgen_dagster.evaluation.comparisons.tables import TABLES as _OF_COMPARISONS
from sysgen_dagster.evaluation.suites import TABLES as _OF_EVALUATION
from sysgen_dagster.lanes.multifaceted.bench.tables import TABLES as _OF_BENCH
from sysgen_dagster.lanes.multifaceted.tables import TABLES as _OF_MULTIFACETED
from sysgen_dagster.lanes.sysgen.tables import TABLES as _OF_PHASES
from sysgen_dagster.obedience.tables import TABLES as _OF_JUDGEMENTS
from sysgen_dagster.report.tables import TABLES as _OF_REPORT
from sysgen_dagster.review.tables import TABLES as _OF_REVIEW
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.students.tables import TABLES as _OF_STUDENTS
from sysgen_dagster.tables.table import Table, by_name
from sysgen_dagster.training_sets.tables import TABLES as _OF_TRAINING_SETS

# By name, the sources first.
TABLES: dict[str, Table] = by_name(
    [
        *(*SOURCE_TABLES.values(), CONVERSATIONS, *_OF_PHASES, *_OF_MULTIFACETED),
        *(*_OF_BENCH, *_OF_JUDGEMENTS, *_OF_MEASURES, *_OF_TRAINING_SETS, *_OF_STUDENTS),
        *(*_OF_EVALUATION, *_OF_COMPARISONS, *_OF_REVIEW, *_OF_REPORT),
    ]
)
