"""Every check of the deployment, gathered from the rooms that state them."""

from sysgen_dagster.analysis.checks import CHECKS as _OF_MEASURES
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.evaluation import checks as evaluation
from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.lanes.multifaceted import checks as multifaceted
from sysgen_dagster.lanes.multifaceted.bench import checks as multifaceted_bench
from sysgen_dagster.lanes.sysgen import checks as sysgen
from sysgen_dagster.obedience.checks import CHECKS as _OF_JUDGEMENTS
from sysgen_dagster.obedience.conflict_checks import CHECKS as _OF_CONFLICTS
from sysgen_dagster.review.bench_reviews import CHECKS as _OF_REVIEWED_BENCH
from sysgen_dagster.sources.checks import CHECKS as _OF_SOURCES
from sysgen_dagster.tables.checks import Check
from sysgen_dagster.training_sets import multifaceted_checks
from sysgen_dagster.training_sets.checks import CHECKS as _OF_TRAINING_SETS

CHECKS: tuple[Check, ...] = (
    *_OF_SOURCES,
    *sysgen.build_checks(CATALOG.method, CATALOG.models),
    *multifaceted.build_checks(CATALOG.multifaceted),
    *multifaceted_bench.build_checks(CATALOG.multifaceted),
    *(_OF_REVIEWED_BENCH if CATALOG.bench_writer else ()),
    *_OF_MEASURES,
    *_OF_TRAINING_SETS,
    *multifaceted_checks.build_checks(CATALOG.multifaceted),
    *_OF_JUDGEMENTS,
    *_OF_CONFLICTS,
    *evaluation.build_checks(SUITES, CATALOG.names_of_same),
)
