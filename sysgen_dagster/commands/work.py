"""What commands make of partitions, in the data's order: a printed name, assets, a partition."""

from collections.abc import Collection, Iterator, Sequence

import dagster as dg

from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.multifaceted.bench.tables import TABLES as OF_BENCH
from sysgen_dagster.lanes.multifaceted.tables import SELECTION
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.tables import MIXTURES

Work = tuple[str, list[dg.AssetKey], str | None]  # printed name, assets, partition


def work_on_rows(catalog: Catalog, shards: Sequence[str]) -> Iterator[Work]:
    """What is made of these shards, and of all shards of a model together, in the data's order."""
    from sysgen_dagster.defs.planted_faults import planted_faults
    from sysgen_dagster.defs.plumbing.partitions import SOURCE_TABLES, asset_key
    from sysgen_dagster.defs.training_sets import preference_pairs

    for shard in shards:
        rows = SOURCE_TABLES[catalog.source_of(shard).name]
        yield f"source {shard}", [asset_key(rows)], shard
    for shard in shards:
        yield f"conversations {shard}", [asset_key(CONVERSATIONS)], shard
    of_shards, of_models, of_sources = after_conversations()
    # In a trial of a few rows, where nobody judges, they would be half of all that is asked.
    if not catalog.judging.asks_anything:
        of_models = [key for key in of_models if key != planted_faults.key]
    yield "sources", of_sources, None
    *others, last = catalog.models
    for model in catalog.models:
        # Pairs have answers of all models, which are there when the last one has made its own.
        made = [*of_shards, preference_pairs.key] if model == last else of_shards
        yield from ((f"{model} {shard}", made, f"{model}|{shard}") for shard in shards)
        yield f"{model} statistics", of_models, model
    for model in others:
        for shard in shards:
            yield f"{model} {shard} pairs", [preference_pairs.key], f"{model}|{shard}"


def work_of_lane(
    catalog: Catalog, shards: Sequence[str], wholes: Collection[str] = ()
) -> Iterator[Work]:
    """What the second lane makes of these shards of its own, in the data's order.

    So, too, its selection and its bench where these are among `wholes`, tables without partitions.
    """
    from sysgen_dagster.defs.multifaceted_bench import BENCH
    from sysgen_dagster.defs.multifaceted_lane import STEPS, instructions, selection
    from sysgen_dagster.defs.multifaceted_training import AFTER_ANSWERS

    of_shards = [asset.key for asset in (*STEPS, *AFTER_ANSWERS)]
    if shards or (catalog.multifaceted and SELECTION.name in wholes):
        yield "selection", [selection.key], None
    for shard in shards:
        yield f"instructions {shard}", [instructions.key], shard
    for model in catalog.models:
        for shard in shards:
            yield f"{model} {shard}", of_shards, f"{model}|{shard}"
    if BENCH and {table.name for table in OF_BENCH} & {*wholes}:
        yield "bench", [asset.key for asset in BENCH], None


def work_at_the_end(catalog: Catalog) -> Iterator[Work]:
    """Every training set, and the report."""
    from sysgen_dagster.defs.exports import exports
    from sysgen_dagster.defs.report import paper_comparison, report
    from sysgen_dagster.defs.training_sets import mixtures

    for recipe in catalog.mixtures:
        yield f"training set {recipe}", [mixtures.key, exports.key], recipe
    yield "report", [paper_comparison.key, report.key], None


def after_conversations() -> tuple[list[dg.AssetKey], list[dg.AssetKey], list[dg.AssetKey]]:
    """Keys of the assets made for each model and shard, for each model, and once."""
    from sysgen_dagster.defs.conflicts import CONFLICTS
    from sysgen_dagster.defs.judgements import JUDGEMENTS
    from sysgen_dagster.defs.measures import CORPUS, QUALITY, STATISTICS
    from sysgen_dagster.defs.obedience import obedience, obedience_counts
    from sysgen_dagster.defs.operations.forecast import forecast
    from sysgen_dagster.defs.planted_faults import planted_faults
    from sysgen_dagster.defs.plumbing.partitions import MODEL_SHARDS, MODELS
    from sysgen_dagster.defs.sysgen_lane import PHASES
    from sysgen_dagster.defs.training_sets import splits, training_rows

    measured = [*STATISTICS, *QUALITY, *CORPUS, forecast]
    judged = [obedience, obedience_counts, *JUDGEMENTS, *CONFLICTS, planted_faults]
    every = [*PHASES, *measured, *judged, splits, training_rows]
    of_shards, of_models, of_sources = (
        [asset.key for asset in every if asset.partitions_def == partitions]
        for partitions in (MODEL_SHARDS, MODELS, None)
    )
    return of_shards, of_models, of_sources


def stored_recipes(store: Store, catalog: Catalog) -> Iterator[Work]:
    """The mixtures that are stored, to be made again, and their exports."""
    from sysgen_dagster.defs.exports import exports
    from sysgen_dagster.defs.training_sets import mixtures

    for recipe in catalog.mixtures:
        if store.holds(MIXTURES, Partition(recipe=recipe)):
            is_exported = (store.export(recipe) / "manifest.json").is_file()
            assets = [mixtures.key, *([exports.key] if is_exported else [])]
            yield f"again {recipe}", assets, recipe
