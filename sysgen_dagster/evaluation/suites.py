"""Every suite, in the order in which they are shown; their tables and their checks."""

from sysgen_dagster.evaluation.checks import build_checks
from sysgen_dagster.evaluation.conflict_set.suite import SUITE as CONFLICT_SET
from sysgen_dagster.evaluation.leaderboard.suite import SUITE as LEADERBOARD
from sysgen_dagster.evaluation.multifacet.suite import SUITES as GRADED_BY_RUBRICS
from sysgen_dagster.evaluation.nemotron_sysbench.suite import SUITE as NEMOTRON_SYSBENCH
from sysgen_dagster.evaluation.rule_based.suites import SUITES as RULE_BASED
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.sysbench.suite import SUITE as SYSBENCH
from sysgen_dagster.tables.checks import Check
from sysgen_dagster.tables.table import Table

SUITES: tuple[Suite, ...] = (
    *GRADED_BY_RUBRICS,
    SYSBENCH,
    NEMOTRON_SYSBENCH,
    *RULE_BASED,
    CONFLICT_SET,
    LEADERBOARD,
)

TABLES: tuple[Table, ...] = tuple(table for suite in SUITES for table in suite.tables)
CHECKS: tuple[Check, ...] = build_checks(SUITES)
