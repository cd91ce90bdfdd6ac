"""Every suite is whole: tables of its name, partitioned as they are read, settings of its own."""

import pytest

from sysgen_dagster.catalog.evaluation import BENCHES
from sysgen_dagster.evaluation.multifacet.tables import MULTIFACET_CALIBRATION
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.suites import CHECKS, SUITES, TABLES
from sysgen_dagster.evaluation.tables import ITEM_COLUMNS, SCORE_COLUMNS
from sysgen_dagster.tables.checks import Check
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By
from sysgen_dagster_tests.tables.evidence import Rows

each = pytest.mark.parametrize("suite", SUITES, ids=[suite.name for suite in SUITES])


def test_suites_have_names_of_their_own() -> None:
    assert len({suite.name for suite in SUITES}) == len(SUITES)
    assert len({table.name for table in TABLES}) == len(TABLES)


@each
def test_its_settings_and_its_tables_have_its_name(suite: Suite) -> None:
    assert suite.name in BENCHES
    assert all(table.name.startswith(f"{suite.name}_") for table in suite.tables)
    assert {table.group for table in suite.tables} == {Group.EVALUATION}


@each
def test_what_is_said_of_a_subject_is_partitioned_by_subject(suite: Suite) -> None:
    by_subject = {suite.answers, suite.gradings, suite.scores} - {None}

    assert {table.by for table in by_subject if table} == {By.SUBJECT}
    assert suite.items is None or suite.items.by is By.NOTHING


@each
def test_scores_have_the_columns_that_comparisons_read(suite: Suite) -> None:
    assert suite.scores.names[: len(SCORE_COLUMNS)] == [*SCORE_COLUMNS]


@each
def test_no_gradings_are_no_items(suite: Suite) -> None:
    assert suite.build_items(suite.gradings.empty()).columns == [*ITEM_COLUMNS]


@each
def test_its_tables_begin_with_what_identifies_an_item(suite: Suite) -> None:
    assert suite.identity or suite.items is None


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.table.name}-{check.name}")
def test_no_check_of_a_suite_passes_where_nothing_is_there(check: Check) -> None:
    """But for further tables, which need not be made, such as a translation."""
    others = {table for suite in SUITES for table in suite.others} - {MULTIFACET_CALIBRATION}
    assert check.evaluate(Rows()).passed is (check.table in others)


@each
def test_what_no_student_should_have_learned_is_known(suite: Suite) -> None:
    assert suite.items is None or set(suite.texts) & set(suite.items.columns)
