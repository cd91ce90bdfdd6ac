"""Every suite, in the order in which they are shown; their tables and their checks."""

from sysgen_dagster.evaluation.conflict_set.suite import SUITE as CONFLICT_SET
from sysgen_dagster.evaluation.rule_based.suites import SUITES as RULE_BASED
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.tables.checks import Check
from sysgen_dagster.tables.table import Table

SUITES: tuple[Suite, ...] = (*RULE_BASED, CONFLICT_SET)

TABLES: tuple[Table, ...] = tuple(table for suite in SUITES for table in suite.tables)
CHECKS: tuple[Check, ...] = tuple(check for suite in SUITES for check in suite.checks)
