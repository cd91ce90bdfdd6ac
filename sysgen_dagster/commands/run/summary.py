"""What `sysgen run` says in the end: the training set, what was dropped, and what to look at."""

import json
import shlex

from rich.console import Console

from sysgen_dagster.commands.printing import say
from sysgen_dagster.commands.results import used_tokens
from sysgen_dagster.commands.run.progress import RowsProgress
from sysgen_dagster.commands.terminal import count_outcomes_of
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.counts import summarize_retention
from sysgen_dagster.lanes.sysgen.phases import LABELS
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.training_sets.export.manifest import count_rows
from sysgen_dagster.training_sets.splits import Split


def print_fate(console: Console, catalog: Catalog, store: Store, model: str) -> None:
    """A line for each phase: rows in, kept, dropped by reason."""
    counts = count_outcomes_of(catalog, store, model)
    for row in summarize_retention(counts, None).iter_rows(named=True):
        name = row["table"]
        phase = name if name == CONVERSATIONS.name else f"phase {LABELS[name]}"
        dropped = f"  dropped: {row['dropped']}" if row["dropped"] else ""
        say(console, f"  {phase:<18}{row['kept']:>9,} of {row['rows_in']:,} kept{dropped}")


def print_spent(
    console: Console, catalog: Catalog, store: Store, rows: RowsProgress, seconds: float
) -> None:
    """Tokens, money and time: of the rows in all, and of this run."""
    used = used_tokens(store, catalog).select("prompt_tokens", "completion_tokens").sum().row(0)
    say(console, f"Tokens of these rows: {_tokens(rows, *used)}.")
    say(console, f"This run: {_tokens(rows, *rows.tokens)}; {seconds:,.0f} s.")


def _tokens(rows: RowsProgress, prompt: int, completion: int) -> str:
    said = f"{prompt:,} in, {completion:,} out"
    return said if rows.price is None else f"{said}, {rows.cost_of(prompt, completion)}"


def print_results(console: Console, catalog: Catalog, store: Store, data: str) -> None:
    """Each training set with its rows and how to load it; the report; what to do next."""
    for name in catalog.mixtures:
        folder = store.export(name)
        if not folder.is_dir():
            say(console, f"The recipe {name} takes none of the rows, so there is no folder.")
            continue
        counts = count_rows(folder)
        of_splits = ", ".join(
            f"{split.value} {counts[split]:,}" for split in Split if counts.get(split)
        )
        say(console, f"Training set {name}: {of_splits} rows in {folder}")
        say(console, f"  load_dataset({json.dumps(str(folder), ensure_ascii=False)})")
    if store.report.is_file():
        say(console, f"Report: {store.report}")
    place = shlex.quote(data)
    say(console, f"Open it in Dagster: sysgen ui -o {place}")
    say(console, f"Review its rows:    sysgen review -o {place}")
