"""Multifaceted-Bench as one of the suites."""

from sysgen_dagster.evaluation.multifacet.checks import CHECKS
from sysgen_dagster.evaluation.multifacet.items import RUBRICS_AN_ITEM
from sysgen_dagster.evaluation.multifacet.scores import build_items
from sysgen_dagster.evaluation.multifacet.tables import (
    MULTIFACET_ANSWERS,
    MULTIFACET_CALIBRATION,
    MULTIFACET_GRADINGS,
    MULTIFACET_ITEMS,
    MULTIFACET_SCORES,
    NotGraded,
)
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.obedience.rubric_scores import Unread

SUITE = Suite(
    name="multifacet",
    title="Multifacet",
    items=MULTIFACET_ITEMS,
    answers=MULTIFACET_ANSWERS,
    gradings=MULTIFACET_GRADINGS,
    scores=MULTIFACET_SCORES,
    build_items=build_items,
    checks=CHECKS,
    others=(MULTIFACET_CALIBRATION,),
    drop_reasons=(*NotGraded, *Unread),
    is_share=False,
    gradings_an_item=lambda settings: RUBRICS_AN_ITEM * len(settings.multifacet.judge_sees_message),
)
