"""The figures of the Multifaceted Collection."""

from sysgen_dagster.lanes.multifaceted import paper
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS


def test_the_rows_are_three_for_each_instruction() -> None:
    assert paper.ROWS == paper.SETS * paper.INSTRUCTIONS == 196_998


def test_a_set_has_one_preference_in_each_dimension() -> None:
    assert len(DIMENSIONS) == paper.PREFERENCES
