"""What `sysgen run` says in the end: the training set, what was dropped, and what to look at."""

import json
from pathlib import Path

from rich.console import Console

from sysgen_dagster.commands.run.progress import RowsProgress
from sysgen_dagster.commands.terminal import count_outcomes_of
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.counts import summarize_retention
from sysgen_dagster.lanes.sysgen.phases import LABELS
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.evidence import finished_shards
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, kept
from sysgen_dagster.training_sets.splits import Split
from sysgen_dagster.training_sets.tables import MIXTURES


def count_kept(catalog: Catalog, store: Store, source: str, model: str) -> int:
    """Conversations of a source that went through all phases."""
    return sum(
        kept(store.read(ALIGNED, Partition(model, shard), "source", "drop_reason"))
        .filter(source=source)
        .height
        for shard in finished_shards(store, catalog, ALIGNED, model)
    )


def print_fate(console: Console, catalog: Catalog, store: Store, model: str) -> None:
    """A line for each phase: rows in, kept, dropped by reason."""
    counts = count_outcomes_of(catalog, store, model)
    for row in summarize_retention(counts, None).iter_rows(named=True):
        name = row["table"]
        phase = name if name == CONVERSATIONS.name else f"phase {LABELS[name]}"
        dropped = f"  dropped: {row['dropped']}" if row["dropped"] else ""
        console.print(f"  {phase:<18}{row['kept']:>9,} of {row['rows_in']:,} kept{dropped}")


def print_spent(console: Console, rows: RowsProgress, seconds: float) -> None:
    """Tokens, money and time of this run."""
    prompt, completion = rows.tokens
    price, cost = rows.price, rows.cost
    money = f", {cost:,.2f} {price.currency}" if price is not None and cost is not None else ""
    console.print(
        f"This run: {prompt:,} prompt tokens and {completion:,} completion tokens{money}, "
        f"{seconds:,.0f} s."
    )


def print_results(console: Console, catalog: Catalog, store: Store, data: str) -> None:
    """Each training set with its rows and how to load it; the report; what to do next."""
    for name in catalog.mixtures:
        folder = store.export(name)
        if not (isinstance(folder, Path) and folder.is_dir()):
            console.print(f"The recipe {name} takes none of the rows, so there is no folder.")
            continue
        splits = store.read(MIXTURES, Partition(recipe=name), "split")["split"].value_counts()
        of = dict(splits.iter_rows())
        counts = ", ".join(f"{split.value} {of[split]:,}" for split in Split if split in of)
        console.print(f"\nTraining set: {folder}\n  rows: {counts}")
        console.print(f"  load_dataset({json.dumps(str(folder), ensure_ascii=False)})")
    if store.report.is_file():
        console.print(f"Report: {store.report}")
    console.print(f"Look at it in Dagster: sysgen ui -o {data}")
    console.print(f"Review rows by hand:   sysgen review -o {data}")
