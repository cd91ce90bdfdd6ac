"""What `sysgen run` says of the rows in the end: what was kept, dropped, and spent."""

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
