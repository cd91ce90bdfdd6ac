"""The assets that compare subjects: one for each suite, the ablation, and the message's place."""

from collections.abc import Callable

import dagster as dg
import polars as pl

from sysgen_dagster.defs.evaluation.stored import read_evaluated
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.evaluation.comparisons.across_suites import (
    NothingToCompareError,
    build_ablation,
    build_user_role,
    evaluated_suites,
)
from sysgen_dagster.evaluation.comparisons.comparing import compare_subjects
from sysgen_dagster.evaluation.comparisons.subjects import list_pairs, list_subjects
from sysgen_dagster.evaluation.comparisons.tables import ABLATION, OF_SUITES, USER_ROLE
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.suites import SUITES
from sysgen_dagster.tables.table import Partition


def _comparing(suite: Suite) -> Callable[[AssetRun], pl.DataFrame]:
    def compare(run: AssetRun) -> pl.DataFrame:
        evaluated = read_evaluated(run.store, suite)
        if not evaluated:
            raise NothingToCompareError(
                f"no subject of the catalogue is evaluated on {suite.title}: "
                f"`sysgen evaluate {suite.name}` asks them, or materialize {suite.scores.name}"
            )
        missing = [name for name in CATALOG.subjects if name not in evaluated]
        run.note(not_evaluated=", ".join(missing) or "none")
        return compare_subjects(suite.name, list_subjects(CATALOG), evaluated)

    compare.__name__ = OF_SUITES[suite.name].name
    return compare


_OF_SUITES = [
    table_asset(
        OF_SUITES[suite.name],
        reads=[suite.gradings, suite.scores],
        kinds={"polars"},
        description=(
            f"{suite.title}: every subject beside the one that it is compared with, item by item, "
            "and beside the paper's figure where it prints one. Made of what is stored; a subject "
            "that is not evaluated is named."
        ),
    )(_comparing(suite))
    for suite in SUITES
]


@table_asset(ABLATION, reads=OF_SUITES.values(), kinds={"polars"})
def ablation_comparison(run: AssetRun) -> pl.DataFrame:
    """What each part of the training rows is worth (Table 6): a student by what it was trained on.

    Against the student before any training, over all items of every suite that is compared.
    """
    compared = {
        name: run.store.read(table, Partition())
        for name, table in OF_SUITES.items()
        if run.store.holds(table, Partition())
    }
    if not compared:
        tables = ", ".join(table.name for table in OF_SUITES.values())
        raise NothingToCompareError(f"no suite is compared: materialize one of {tables}")
    return build_ablation(compared, list_subjects(CATALOG))


@table_asset(
    USER_ROLE,
    reads=[table for suite in SUITES for table in (suite.gradings, suite.scores)],
    kinds={"polars"},
)
def user_role_comparison(run: AssetRun) -> pl.DataFrame:
    """What it costs to say the message in the user turn (Table 7), for each pair of subjects.

    A pair shares a model, or a training and its epoch. Suites on which none is evaluated have no
    rows; the metadata name them.
    """
    evaluated = {suite.name: read_evaluated(run.store, suite) for suite in SUITES}
    pairs = [*list_pairs(CATALOG)]
    there = evaluated_suites(evaluated, pairs)
    run.note(not_evaluated=", ".join(each for each in evaluated if each not in there) or "none")
    rows = build_user_role(evaluated, pairs, list_subjects(CATALOG))
    if rows["score"].count():
        return rows
    named = ", ".join(f"{each.name} and {each.against}" for each in pairs)
    raise NothingToCompareError(
        f"no pair of subjects is evaluated ({named}): `sysgen evaluate SUITE` asks them"
    )


COMPARISONS: list[dg.AssetsDefinition] = [*_OF_SUITES, ablation_comparison, user_role_comparison]
