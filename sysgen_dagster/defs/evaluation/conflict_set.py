"""The assets of our conflict set."""

import polars as pl

from sysgen_dagster.catalog.evaluation import EVERY_ITEM
from sysgen_dagster.defs.evaluation.asking import open_subject, pool_of_subjects
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.evaluation.conflict_set import turns
from sysgen_dagster.evaluation.conflict_set.tables import (
    CONFLICT_SET_ANSWERS,
    CONFLICT_SET_GRADINGS,
    CONFLICT_SET_ITEMS,
    CONFLICT_SET_SCORES,
)
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.obedience import conflicts, requested
from sysgen_dagster.tables.table import Partition

_PROTOCOL = "our messages, six turns each, temperature 0; whose wish an answer follows, by rules"


@table_asset(CONFLICT_SET_ITEMS, reads=[], kinds={"polars"}, code_version=turns.FINGERPRINT)
def conflict_set_items(run: AssetRun) -> pl.DataFrame:
    """What users ask under our own messages: for what they say, something else, the opposite."""
    settings = CATALOG.evaluation.conflict_set
    most = None if settings.items == EVERY_ITEM else settings.items
    items = turns.build_set(most, settings.seed)
    run.note(messages=items["message"].n_unique())
    return items


@table_asset(
    CONFLICT_SET_ANSWERS,
    reads=[CONFLICT_SET_ITEMS],
    kinds={"vllm"},
    pool=pool_of_subjects(),
    code_version=requested.FINGERPRINT,
    asks=True,
)
def conflict_set_answers(run: AssetRun) -> pl.DataFrame:
    """What a subject answers to these users."""
    items = run.store.read(CONFLICT_SET_ITEMS, Partition())
    requests = conflicts.build_conflict_requests(items)
    completions = open_subject(run).ask(requests, items.height)
    return conflicts.add_answers(items, completions).select(CONFLICT_SET_ANSWERS.names)


@table_asset(CONFLICT_SET_GRADINGS, reads=[CONFLICT_SET_ANSWERS], kinds={"polars"})
def conflict_set_gradings(run: AssetRun) -> pl.DataFrame:
    """Whose wish each answer follows, by rules."""
    return turns.grade(run.store.read(CONFLICT_SET_ANSWERS, run.at))


@table_asset(
    CONFLICT_SET_SCORES, reads=[CONFLICT_SET_GRADINGS, CONFLICT_SET_ITEMS], kinds={"polars"}
)
def conflict_set_scores(run: AssetRun) -> pl.DataFrame:
    """How often messages hold under conflict, and how often answers help where there is none."""
    items = turns.build_items(run.store.read(CONFLICT_SET_GRADINGS, run.at))
    floor = turns.build_floor(run.store.read(CONFLICT_SET_ITEMS, Partition()))
    return score_items(items, subject=str(run.at.subject), protocol=_PROTOCOL, floor=floor)


CONFLICT_SET = [
    *(conflict_set_items, conflict_set_answers),
    *(conflict_set_gradings, conflict_set_scores),
]
