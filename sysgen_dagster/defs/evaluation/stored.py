"""What is stored of the evaluations of subjects, as comparisons read it."""

import polars as pl

from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.evaluation.comparisons.averages import add_average
from sysgen_dagster.evaluation.comparisons.tables import Evaluated
from sysgen_dagster.evaluation.stored_scores import is_evaluated
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.tables import SCORE_COLUMNS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition


def read_evaluated(store: Store, suite: Suite) -> dict[str, Evaluated]:
    """The subjects that are evaluated on a suite, by name, in the order of the catalogue.

    One whose scores are not those of its gradings is not.
    """
    return {
        name: _read(store, suite, Partition(subject=name))
        for name in CATALOG.subjects
        if is_evaluated(store, suite, name)
    }


def _read(store: Store, suite: Suite, at: Partition) -> Evaluated:
    gradings = store.read(suite.gradings, at)
    evaluated = Evaluated(
        # Suites may have columns of their own behind those of every suite.
        scores=store.read(suite.scores, at, *SCORE_COLUMNS),
        items=suite.build_items(gradings),
        is_made_up=_is_made_up(_engines(store, suite, gradings, at)),
    )
    return add_average(suite, evaluated)


def _engines(store: Store, suite: Suite, gradings: pl.DataFrame, at: Partition) -> set[str | None]:
    """The engines that answered, as far as the suite notes them."""
    answers = suite.answers
    if answers is not None and "engine" in answers.columns and store.holds(answers, at):
        return set(store.read(answers, at, "engine")["engine"])
    return set(gradings["engine"]) if "engine" in gradings.columns else set()


def _is_made_up(engines: set[str | None]) -> bool:
    return engines - {None} == {"simulated"}
