"""What the lane asks for, declared once."""

from itertools import pairwise
from typing import Any

import pytest

from sysgen_dagster.lanes.catalog import ASKED_FOR
from sysgen_dagster.lanes.multifaceted.steps import ANSWERS, MESSAGES, SETS, STEPS, Step
from sysgen_dagster_tests.lanes.multifaceted.instructions import settings


def test_a_step_reads_the_table_before_it() -> None:
    for before, after in pairwise(STEPS):
        assert after.reads[0] == before.table


def test_a_catalogue_can_say_how_each_table_is_asked_for() -> None:
    assert {step.table.name for step in STEPS} <= {*ASKED_FOR}


@pytest.mark.parametrize(
    ("step", "changes", "is_other"),
    [
        (SETS, {"sets": 2}, True),
        (SETS, {"seed": 1}, True),
        (SETS, {"most_alike": 0.5}, True),
        (SETS, {"subdimensions": {"style": {"humour": "it is fun"}}}, True),
        (SETS, {"message_characters": [1, 9]}, False),
        (SETS, {"instructions": 5}, False),
        (MESSAGES, {"message_characters": [1, 9]}, True),
        (MESSAGES, {"most_alike": 0.5}, False),
        (ANSWERS, {"attempts": 5, "seed": 1, "sets": 2}, False),
    ],
)
def test_rows_are_out_of_date_by_the_settings_that_they_depend_on_and_no_others(
    step: Step, changes: dict[str, Any], is_other: bool
) -> None:
    versions = step.code_version(settings()), step.code_version(settings(**changes))

    assert (versions[0] != versions[1]) is is_other
