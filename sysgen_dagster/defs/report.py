"""The report: everything that is made so far on one HTML page."""

from collections.abc import Sequence
from datetime import datetime

import dagster as dg
import polars as pl

from sysgen_dagster.defs.corpus import CORPUS
from sysgen_dagster.defs.judgements import JUDGEMENTS
from sysgen_dagster.defs.operations.forecast import FORECASTS
from sysgen_dagster.defs.plumbing.failures import told_plainly
from sysgen_dagster.defs.plumbing.metadata import column_metadata
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.table_io import StoredStatistics, evidence_of_model, publish
from sysgen_dagster.defs.quality import QUALITY
from sysgen_dagster.defs.statistics import STATISTICS
from sysgen_dagster.lanes.sysgen import stories
from sysgen_dagster.report.comparison import compare_with_paper
from sysgen_dagster.report.contents import build_contents
from sysgen_dagster.report.page import render
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import TABLES


@dg.asset(
    deps=[*STATISTICS, *JUDGEMENTS],
    group_name="report",
    kinds={"polars"},
    metadata=column_metadata(TABLES["paper_comparison"]),
)
@told_plainly
def paper_comparison(
    context: dg.AssetExecutionContext, tables: TablesResource
) -> dg.MaterializeResult[None]:
    """Every figure that both the paper and we have, over all models, with the difference."""
    store = tables.store()
    made = [StoredStatistics(store), *(StoredStatistics(store, name) for name in CATALOG.models)]
    return publish(context, tables, compare_with_paper(made))


@dg.asset(
    deps=[*STATISTICS, *QUALITY, *CORPUS, *JUDGEMENTS, *FORECASTS, paper_comparison],
    group_name="report",
    kinds={"html"},
)
@told_plainly
def report(context: dg.AssetExecutionContext, tables: TablesResource) -> dg.MaterializeResult[None]:
    """One self-contained page: every statistic beside the paper's, and a browser of rows.

    What is not made yet is left out and named; the page needs no network to be read.
    """
    store = tables.store()
    models = [name for name in CATALOG.models if finished_shards(store, CATALOG, name)]
    shards = {name: list(evidence_of_model(tables, name).by_shard()) for name in models}
    ids = {each for name in models for each in stories.choose_rows(shards[name])}
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
    measured = len(finished_shards(store, CATALOG, model, "row_quality"))
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
    made = StoredStatistics(store, model)
    measured = set(store.shards("row_quality", model))
    quality = [
        shard.read("row_quality", *TABLES["row_quality"]).filter(
            pl.col("conversation_id").is_in(ids)
        )
        for shard in shards
        if measured.issuperset(shard.shards)
    ]
    return stories.build_stories(
        shards,
        model,
        ids,
        quality=pl.concat(quality) if quality else None,
        preferences=made.read("judged_preferences"),
        alignments=made.read("judged_alignment"),
    )


def _engines(shards: Sequence[StoredEvidence]) -> list[str]:
    """What served the model, as its rows say."""
    found = (shard.read("aligned_responses", "engine")["engine"].unique() for shard in shards)
    return sorted({str(engine) for engines in found for engine in engines.drop_nulls()})
