"""The report: everything that is stored so far on one HTML page, and the table beside the paper."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import dagster as dg
import polars as pl

from sysgen_dagster.analysis.findings import list_flags
from sysgen_dagster.analysis.tables import ROW_QUALITY
from sysgen_dagster.defs.exported import list_training_sets, measure_costs
from sysgen_dagster.defs.multifaceted_shown import READ_FOR_REPORT, read_second_lane
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.excluded import excluded_ids, excluded_tags
from sysgen_dagster.defs.plumbing.failures import errors_as_failures
from sysgen_dagster.defs.plumbing.metadata import (
    CELL_CHARS,
    SHOWN_AT_ONCE,
    inert,
    markdown,
    story_metadata,
)
from sysgen_dagster.defs.plumbing.partitions import CATALOG, asset_key
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.reviewed import decided_rows
from sysgen_dagster.defs.plumbing.table_io import AssetRun, StoredStatistics
from sysgen_dagster.lanes.multifaceted.tables import SELECTION
from sysgen_dagster.lanes.sysgen import stories, story_rows
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.obedience.tables import (
    JUDGE_CALIBRATION,
    JUDGED_ALIGNMENT,
    JUDGED_PREFERENCES,
    OBEDIENCE,
)
from sysgen_dagster.report.comparison import compare_with_paper
from sysgen_dagster.report.contents import build_contents
from sysgen_dagster.report.kept_rows import REJECTED
from sysgen_dagster.report.page import Report, render
from sysgen_dagster.report.tables import PAPER_COMPARISON
from sysgen_dagster.report.view import is_compared
from sysgen_dagster.report.views import VIEWS
from sysgen_dagster.review.decisions import Choice, read_decisions
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import Partition, Table


@table_asset(
    PAPER_COMPARISON,
    reads=[view.table for view in VIEWS if is_compared(view)],
    kinds={"polars"},
)
def paper_comparison(run: AssetRun) -> pl.DataFrame:
    """Every figure that both the paper and we have, over all models, with the difference."""
    names = ("", *CATALOG.models)
    return compare_with_paper([StoredStatistics(run.store, name) for name in names])


_SHOWN = (*(view.table for view in VIEWS), ROW_QUALITY)
_OF_LANE = (SELECTION, *READ_FOR_REPORT) if CATALOG.multifaceted else ()


@dg.asset(
    deps=[asset_key(table) for table in (*_SHOWN, *_OF_LANE)],
    group_name=Group.REPORT.value,
    kinds={"html"},
)
@errors_as_failures
def report(context: dg.AssetExecutionContext, tables: TablesResource) -> dg.MaterializeResult[None]:
    """One page that needs no network: training sets, rows before and after, what it took.

    What is not made yet is left out and named. `sysgen report --serve` shows rows during a run.
    """
    store = tables.store()
    contents = _contents(store, context.instance)
    page = render(contents)
    written = store.write_text(store.report, page)
    context.log.info(f"the report is at {written}")
    return dg.MaterializeResult(
        metadata={
            **report_metadata(contents),
            "report": dg.MetadataValue.path(str(written)),
            "size_bytes": len(page.encode()),
            "rows_shown": len(contents.stories),
        },
        tags=excluded_tags(store, None, Partition()),
    )


def report_metadata(report: Report) -> dict[str, Any]:
    """The summary of a report: training sets, kept rows, stories of some, what must be known."""
    sets = report.training_sets
    shown: dict[str, Any] = {}
    if sets:
        rows = [(each.name, each.counted, len(each.speaks_against)) for each in sets]
        names = ["training set", "rows", "speaks against it"]
        shown["training_sets"] = markdown(pl.DataFrame(rows, names, orient="row"))
        shown["folder"] = dg.MetadataValue.path(sets[0].folder)
        if sets[0].speaks_against:
            shown["before_you_train"] = _list(sets[0].speaks_against)
    shown["kept_rows"] = markdown(pl.DataFrame(report.summary, ["what", "how many"], orient="row"))
    shown |= story_metadata(report.stories[: report.kept_rows])
    if report.notices:
        shown["notices"] = _list(report.notices)
    return shown


def _list(sentences: Iterable[str]) -> dg.MarkdownMetadataValue:
    """Sentences below each other; those that would not be shown at once are only counted."""
    lines: list[str] = []
    left = [f"- {inert(sentence, 2 * CELL_CHARS)}" for sentence in sentences]
    while left and len("\n".join([*lines, left[0]])) < SHOWN_AT_ONCE - CELL_CHARS:
        lines.append(left.pop(0))
    if left:
        lines.append(f"- and {len(left)} more, in the report")
    return dg.MetadataValue.md("\n".join(lines))


def _contents(store: Store, instance: dg.DagsterInstance) -> Report:
    """What the page shows of everything that is stored."""
    finished = {
        model: StoredEvidence(store, shards, model)
        for model in CATALOG.models
        if (shards := finished_shards(store, CATALOG, ALIGNED, model))
    }
    simulated = [
        model
        for model, evidence in finished.items()
        if "simulated" in evidence.read(ALIGNED, "engine")["engine"]
    ]
    ids = _choose_ids(store, finished.values())
    shown = [story for evidence in finished.values() for story in _build_stories(evidence, ids)]
    _flag_reviewed(store, finished.values(), shown)
    costs = [measure_costs(evidence, model, instance) for model, evidence in finished.items()]
    return build_contents(
        datetime.now().astimezone(),
        [StoredStatistics(store, model) for model in finished],
        StoredStatistics(store),
        simulated,
        stories.arrange_stories(shown),
        [notice for evidence in finished.values() for notice in _coverage_notices(evidence)],
        CATALOG.method.label,
        list_training_sets(store),
        pl.concat(costs) if costs else None,
        read_second_lane(store),
    )


def _choose_ids(store: Store, finished: Iterable[StoredEvidence]) -> set[str]:
    """The conversations of the browser; none that is excluded, though it may be stored still."""
    chosen = {
        conversation_id
        for evidence in finished
        for conversation_id in story_rows.choose_rows(
            list(evidence.by_shard()), not_obeying=_find_not_obeying(evidence)
        )
    }
    return chosen - excluded_ids(store)


def _find_not_obeying(evidence: StoredEvidence) -> list[str]:
    """The rows of a model in which a phrase is known not to be obeyed, as far as it is stored."""
    stored = _stored(evidence, OBEDIENCE)
    return [
        conversation_id
        for part in stored.by_shard()
        for conversation_id, not_obeyed in part.read(
            OBEDIENCE, "conversation_id", "not_obeyed"
        ).iter_rows()
        if not_obeyed
    ]


def _stored(evidence: StoredEvidence, table: Table) -> StoredEvidence:
    """The shards of the model for which another table is stored."""
    shards = finished_shards(evidence.store, CATALOG, table, evidence.model)
    return replace(evidence, shards=shards)


def _build_stories(evidence: StoredEvidence, ids: Collection[str]) -> list[stories.Story]:
    """The rows of the browser that one model made, each through all phases."""
    store, model = evidence.store, evidence.model or ""
    statistics = StoredStatistics(store, model)
    is_shown = pl.col("conversation_id").is_in(ids)

    def read_shown(table: Table) -> pl.DataFrame:
        stored = _stored(evidence, table).by_shard()
        parts = [part.read(table, *table.columns).filter(is_shown) for part in stored]
        return pl.concat([table.empty(), *parts])

    quality = read_shown(ROW_QUALITY)
    return stories.build_stories(
        list(evidence.by_shard()),
        model,
        ids,
        quality=quality.with_columns(flags=list_flags(quality)),
        preferences=statistics.read(JUDGED_PREFERENCES),
        alignments=statistics.read(JUDGED_ALIGNMENT),
        obedience=read_shown(OBEDIENCE),
        calibration=statistics.read(JUDGE_CALIBRATION),
    )


def _flag_reviewed(
    store: Store, finished: Iterable[StoredEvidence], shown: Iterable[stories.Story]
) -> None:
    """Say of the rows that a reviewer has rejected or edited that it is so."""
    decisions = read_decisions(store)
    flags = {
        (evidence.model, row["conversation_id"]): REJECTED
        if row["choice"] == Choice.REJECTED
        else "edited by a reviewer"
        for evidence in finished
        for shard in evidence.shards
        for row in decided_rows(store, decisions, Partition(evidence.model, shard)).to_dicts()
        if row["choice"] == Choice.REJECTED or row["system_message"] or row["new_answer"]
    }
    for story in shown:
        if flag := flags.get((story["model"], story["id"])):
            story["flags"].append(flag)


def _coverage_notices(evidence: StoredEvidence) -> Iterable[str]:
    """Which figures of a model are not of all its shards."""
    model, finished = evidence.model, len(evidence.shards)
    every = len(CATALOG.partition_values["shard"])
    measured = len(finished_shards(evidence.store, CATALOG, ROW_QUALITY, model))
    if finished < every:
        yield f"{model} has finished {finished} of {every} shards."
    if measured < finished:
        yield (
            f"Of the shards that {model} has finished, {measured} of {finished} are measured: the "
            "similarity of its answers and the findings in its rows are of those."
        )
