"""Every suite, in the order in which they are shown; their tables and their checks."""

from sysgen_dagster.evaluation.checks import build_checks
from sysgen_dagster.evaluation.multifacet.suite import SUITE as MULTIFACET
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.tables.checks import Check
from sysgen_dagster.tables.table import Table

SUITES: tuple[Suite, ...] = (MULTIFACET,)

TABLES: tuple[Table, ...] = tuple(table for suite in SUITES for table in suite.tables)
CHECKS: tuple[Check, ...] = build_checks(SUITES)
