"""The conflict set as a suite."""

from sysgen_dagster.evaluation.conflict_set.tables import (
    CONFLICT_SET_ANSWERS,
    CONFLICT_SET_GRADINGS,
    CONFLICT_SET_ITEMS,
    CONFLICT_SET_SCORES,
)
from sysgen_dagster.evaluation.conflict_set.turns import NoSide, build_items
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.obedience.conflicts import REQUESTS_A_MESSAGE

SUITE = Suite(
    name="conflict_set",
    title="Our conflict set",
    items=CONFLICT_SET_ITEMS,
    answers=CONFLICT_SET_ANSWERS,
    gradings=CONFLICT_SET_GRADINGS,
    scores=CONFLICT_SET_SCORES,
    build_items=build_items,
    drop_reasons=(*NoSide,),
    rows_an_item=REQUESTS_A_MESSAGE,
)
