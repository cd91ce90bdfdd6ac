"""Every suite, in the order in which they are shown; their tables and their checks."""

from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.tables.checks import Check
from sysgen_dagster.tables.table import Table

SUITES: tuple[Suite, ...] = ()

TABLES: tuple[Table, ...] = tuple(table for suite in SUITES for table in suite.tables)
CHECKS: tuple[Check, ...] = tuple(check for suite in SUITES for check in suite.checks)
