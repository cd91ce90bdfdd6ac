"""Every comparison is shown once, in the part of the page that is about students."""

from sysgen_dagster.evaluation.comparisons.tables import OF_SUITES, TABLES
from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.report.score_views import GRADE, SCORE_VIEWS, SHARE
from sysgen_dagster.report.view import Part, is_compared


def test_every_comparison_is_shown_and_none_is_held_to_the_paper() -> None:
    assert [view.table for view in SCORE_VIEWS] == [*TABLES]
    assert {view.part for view in SCORE_VIEWS} == {Part.STUDENTS}
    assert not any(map(is_compared, SCORE_VIEWS))


def test_shares_are_shown_in_percent_and_grades_as_they_are() -> None:
    formats = {view.table: view.number_format for view in SCORE_VIEWS}

    for suite in SUITES:
        assert formats[OF_SUITES[suite.name]] == (SHARE if suite.is_share else GRADE)
