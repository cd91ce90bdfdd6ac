"""Every suite, in the order in which they are shown; their tables and their checks."""

from sysgen_dagster.evaluation.nemotron_sysbench.suite import SUITE as _NEMOTRON_SYSBENCH
from sysgen_dagster.evaluation.rule_based.suites import SUITES as RULE_BASED
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.sysbench.suite import SUITE as _SYSBENCH
from sysgen_dagster.tables.checks import Check
from sysgen_dagster.tables.table import Table

SUITES: tuple[Suite, ...] = (_SYSBENCH, _NEMOTRON_SYSBENCH, *RULE_BASED)

TABLES: tuple[Table, ...] = tuple(table for suite in SUITES for table in suite.tables)
CHECKS: tuple[Check, ...] = tuple(check for suite in SUITES for check in suite.checks)
