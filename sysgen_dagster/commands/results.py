"""What a finished command ends with: training sets, what to do next, tokens that were used."""

import json
import shlex

import polars as pl
from rich.console import Console

from sysgen_dagster.analysis.measured_work import FIGURES
from sysgen_dagster.commands.printing import add_lines, new_table, say
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.phases import LABELS
from sysgen_dagster.lanes.sysgen.tables import PLANTED_FAULTS
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT, JUDGED_PREFERENCES
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster.training_sets.export.manifest import count_rows, read_manifest

# Asked beside the phases, one table for each model: what its line is called.
_BESIDE: dict[Table, str] = {
    JUDGED_PREFERENCES: "judged preferences",
    JUDGED_ALIGNMENT: "judged alignment",
    PLANTED_FAULTS: "planted faults",
}
_PURPOSE = "asked for"
_USED = {
    **dict.fromkeys(("model", _PURPOSE), pl.String()),
    **dict.fromkeys(FIGURES, pl.Int64()),
}


def print_results(console: Console, store: Store, catalog: Catalog) -> None:
    """Print each training set with its rows and how to load it, the report, and what to do next.

    Raises:
        ExportError: The manifest of an export is damaged.
    """
    for name in catalog.mixtures:
        folder = store.export(name)
        if not folder.is_dir():
            say(console, f"The recipe {name} takes none of the rows, so there is no folder.")
            continue
        counts = count_rows(read_manifest(folder))
        of_splits = ", ".join(f"{split} {rows:,}" for split, rows in counts.items())
        say(console, f"Training set {name}: {of_splits} rows in {folder}")
        say(console, f"  load_dataset({json.dumps(str(folder), ensure_ascii=False)})")
    if store.report.is_file():
        say(console, f"Report: {store.report}")
    place = shlex.quote(str(store.root))
    say(console, f"Open it in Dagster: sysgen ui -o {place}")
    say(console, f"Review its rows:    sysgen review -o {place}")


def show_tokens(console: Console, store: Store, catalog: Catalog) -> None:
    """Print the requests and tokens that the stored rows took; nothing where none was sent.

    A line for each model or, where there is one model, for each phase; the last is the sum.

    Raises:
        StoreError: A stored table cannot be read.
    """
    used = used_tokens(store, catalog)
    if used.is_empty():
        return
    models = used["model"].unique(maintain_order=True)
    by = _PURPOSE if models.len() == 1 else "model"
    lines = used.group_by(by, maintain_order=True).agg(pl.col(FIGURES).sum())
    title = f"Tokens used by {models[0]}" if models.len() == 1 else "Tokens used"
    table = new_table(title, words=(by,), numbers=("requests", "tokens in", "tokens out"))
    add_lines(table, lines.iter_rows())
    add_lines(table, [("all", *used.select(pl.col(FIGURES).sum()).row(0))])
    console.print(table)


def used_tokens(store: Store, catalog: Catalog) -> pl.DataFrame:
    """What the stored rows of the phases and of judges took.

    Answers that were read from the ledger count as often as they are used, since the rows hold
    them; requests that were sent again after an error are counted once.

    Returns:
        ``model``, ``asked for``, ``requests``, ``prompt_tokens`` and ``completion_tokens`` as whole
        numbers: one row per model of the catalogue and phase or kind of judgement.
    """
    # Here, because partitions are read from the catalogue when these are imported.
    from sysgen_dagster.defs.operations.forecast import work_done

    parts = [pl.DataFrame(schema=_USED)]
    for name in catalog.models:
        work = work_done(store, name).with_columns(model=pl.lit(name))
        parts.append(work.with_columns(pl.col("phase").replace(LABELS)).rename({"phase": _PURPOSE}))
        parts += [
            _asked_beside(store.read(table, Partition(name)), purpose)
            for table, purpose in _BESIDE.items()
            if store.holds(table, Partition(name))
        ]
    lines = pl.concat([part.select(*_USED).cast(pl.Schema(_USED)) for part in parts])
    used = lines.group_by("model", _PURPOSE, maintain_order=True).agg(pl.col(FIGURES).sum())
    in_order = pl.col("model").cast(pl.Enum([*catalog.models, *catalog.judges]), strict=False)
    return used.filter(pl.col("requests") > 0).sort(in_order, nulls_last=True, maintain_order=True)


def _asked_beside(rows: pl.DataFrame, purpose: str) -> pl.DataFrame:
    """The same of a table of verdicts; ``model`` is the one that gave them.

    Rows of one reply, such as the verdicts on the tags of one message, are one request.
    """
    one_each = rows.unique(["message"]) if "message" in rows.columns else rows
    return one_each.group_by("model").agg(
        pl.lit(purpose).alias(_PURPOSE),
        requests=(pl.col("attempts") > 0).sum(),
        prompt_tokens=pl.col("prompt_tokens").sum(),
        completion_tokens=pl.col("completion_tokens").sum(),
    )
