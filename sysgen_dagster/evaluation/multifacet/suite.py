"""Multifaceted-Bench and the bench of the second lane as suites."""

from dataclasses import dataclass
from functools import partial

from sysgen_dagster.catalog.evaluation import Evaluation, RubricBench
from sysgen_dagster.evaluation.multifacet.checks import CHECKS, build_checks
from sysgen_dagster.evaluation.multifacet.columns import assign_columns, keep_sources
from sysgen_dagster.evaluation.multifacet.items import RUBRICS_AN_ITEM, Assign
from sysgen_dagster.evaluation.multifacet.scores import COLUMNS, build_items, name_metrics
from sysgen_dagster.evaluation.multifacet.tables import (
    LANE_BENCH,
    MULTIFACET,
    MULTIFACET_CALIBRATION,
    BenchTables,
    NotGraded,
)
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.obedience.rubric_scores import Unread
from sysgen_dagster.tables.checks import Check
from sysgen_dagster.tables.table import Table


@dataclass(frozen=True, slots=True)
class GradedBench:
    """A bench whose answers are graded by rubrics.

    Attributes:
        name: That of its settings.
        title: For people.
        called: What the protocol of its scores calls it.
        tables: Its items, answers, gradings and scores.
        assign: Gives the column of each item.
        columns: That it has where it is whole; None: whichever its items have.
        checks: What is true of its tables beside what is true of those of every suite.
        others: Further tables.
    """

    name: str
    title: str
    called: str
    tables: BenchTables
    assign: Assign
    columns: frozenset[str] | None
    checks: tuple[Check, ...]
    others: tuple[Table, ...] = ()

    def settings(self, evaluation: Evaluation) -> RubricBench:
        """Its part of the catalogue."""
        settings: RubricBench = getattr(evaluation, self.name)
        return settings

    @property
    def suite(self) -> Suite:
        """It as one of the suites."""
        return Suite(
            *(self.name, self.title, *self.tables),
            partial(build_items, metrics=name_metrics(self.name), columns=self.columns),
            self.checks,
            self.others,
            drop_reasons=(*NotGraded, *Unread),
            is_share=False,
            gradings_an_item=self._count_gradings,
        )

    def _count_gradings(self, evaluation: Evaluation) -> int:
        return RUBRICS_AN_ITEM * len(self.settings(evaluation).judge_sees_message)


BENCHES = (
    GradedBench(
        *("multifacet", "Multifacet", "Multifaceted-Bench", MULTIFACET),
        assign=assign_columns,
        columns=COLUMNS,
        checks=CHECKS,
        others=(MULTIFACET_CALIBRATION,),
    ),
    GradedBench(
        *("multifaceted_bench", "The second lane's bench", "the second lane's bench", LANE_BENCH),
        assign=keep_sources,
        columns=None,
        checks=build_checks(LANE_BENCH),
    ),
)
SUITES = tuple(bench.suite for bench in BENCHES)
