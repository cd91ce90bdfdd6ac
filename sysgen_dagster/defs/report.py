"""The report: everything that is made so far on one HTML page."""

from collections.abc import Sequence
from datetime import datetime

import dagster as dg
import polars as pl

from sysgen_dagster.analysis.findings import list_flags
from sysgen_dagster.analysis.tables import ROW_QUALITY
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.failures import errors_as_failures
from sysgen_dagster.defs.plumbing.partitions import CATALOG, asset_key
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.table_io import (
    AssetRun,
    StoredStatistics,
    evidence_of_shards,
)
from sysgen_dagster.lanes.sysgen import stories, story_rows
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT, JUDGED_PREFERENCES
from sysgen_dagster.report.comparison import compare_with_paper
from sysgen_dagster.report.contents import build_contents
from sysgen_dagster.report.page import render
from sysgen_dagster.report.tables import PAPER_COMPARISON
from sysgen_dagster.report.views import VIEWS
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.groups import Group


@table_asset(
    PAPER_COMPARISON,
    reads=[view.table for view in VIEWS if view.published_in],
    kinds={"polars"},
)
def paper_comparison(run: AssetRun) -> pl.DataFrame:
    """Every figure that both the paper and we have, over all models, with the difference."""
    store = run.store
    return compare_with_paper([StoredStatistics(store, name) for name in ("", *CATALOG.models)])


@dg.asset(
    deps=[asset_key(table) for table in (*(view.table for view in VIEWS), ROW_QUALITY)],
    group_name=Group.REPORT,
    kinds={"html"},
)
@errors_as_failures
def report(context: dg.AssetExecutionContext, tables: TablesResource) -> dg.MaterializeResult[None]:
    """One self-contained page: every statistic beside the paper's, and a browser of rows.

    What is not made yet is left out and named; the page needs no network to be read.
    """
    store = tables.store()
    models = [name for name in CATALOG.models if finished_shards(store, CATALOG, ALIGNED, name)]
    shards = {name: list(evidence_of_shards(store, ALIGNED, name).by_shard()) for name in models}
    ids = {each for name in models for each in story_rows.choose_rows(shards[name])}
    told = [story for name in models for story in _tell(store, name, shards[name], ids)]
    page = render(
        build_contents(
            datetime.now().astimezone(),
            [StoredStatistics(store, name) for name in models],
            StoredStatistics(store),
            {name: _engines(shards[name]) for name in models},
            stories.arrange_stories(told),
            [each for name in models for each in _coverage(store, name, len(shards[name]))],
        )
    )
    written = store.write_report(page)
    context.log.info(f"the report is at {written}")
    return dg.MaterializeResult(
        metadata={
            "report": dg.MetadataValue.path(str(written)),
            "open": dg.MetadataValue.url(written.as_uri()),
            "size_bytes": len(page.encode()),
            "rows_shown": len(told),
            "models": ", ".join(models),
        }
    )


def _coverage(store: Store, model: str, finished: int) -> list[str]:
    """What of a model is not of all its shards."""
    every = sum(source.shards for source in CATALOG.sources.values())
    measured = len(finished_shards(store, CATALOG, ROW_QUALITY, model))
    said = []
    if finished < every:
        said.append(f"{model} has finished {finished} of {every} shards.")
    if measured < finished:
        said.append(
            f"Of the shards that {model} has finished, {measured} of {finished} are measured: the "
            "similarity of its answers and the findings in its rows are of those."
        )
    return said


def _tell(
    store: Store, model: str, shards: Sequence[StoredEvidence], ids: set[str]
) -> list[stories.Story]:
    statistics = StoredStatistics(store, model)
    measured = set(store.shards(ROW_QUALITY, model))
    quality = [
        rows.with_columns(flags=list_flags(rows))
        for shard in shards
        if measured.issuperset(shard.shards)
        for every in [shard.read(ROW_QUALITY, *ROW_QUALITY.columns)]
        for rows in [every.filter(pl.col("conversation_id").is_in(ids))]
    ]
    return stories.build_stories(
        shards,
        model,
        ids,
        quality=pl.concat(quality) if quality else None,
        preferences=statistics.read(JUDGED_PREFERENCES),
        alignments=statistics.read(JUDGED_ALIGNMENT),
    )


def _engines(shards: Sequence[StoredEvidence]) -> list[str]:
    """What served the model, as its rows say."""
    found = (shard.read(ALIGNED, "engine")["engine"].unique() for shard in shards)
    return sorted({str(engine) for engines in found for engine in engines.drop_nulls()})
