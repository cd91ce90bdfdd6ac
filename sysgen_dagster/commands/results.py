"""What a finished command ends with: training sets, what to do next, tokens that were used."""

import json
import shlex

import polars as pl
from rich.console import Console

from sysgen_dagster.analysis.measured_work import FIGURES
from sysgen_dagster.commands.printing import add_lines, new_table, say
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    JUDGED_PAIRS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
)
from sysgen_dagster.lanes.sysgen.tables import PLANTED_FAULTS
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT, JUDGED_PREFERENCES, OBEDIENCE
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.export.manifest import count_rows, read_manifest

# Asked beside the phases, one table for each model.
_BESIDE = (JUDGED_PREFERENCES, JUDGED_ALIGNMENT, PLANTED_FAULTS)
# The same for each shard, and what the second lane asks.
_OF_SHARDS = (OBEDIENCE, PREFERENCE_SETS, PREFERENCE_MESSAGES, GOLD_ANSWERS, JUDGED_PAIRS)
_USED = pl.Schema({"model": pl.String(), **dict.fromkeys(FIGURES, pl.Int64())})


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

    Raises:
        StoreError: A stored table cannot be read.
    """
    used = used_tokens(store, catalog)
    if used.is_empty():
        return
    headings = ("requests", "tokens in", "tokens out")
    table = new_table("Tokens used", words=("model",), numbers=headings)
    add_lines(table, used.iter_rows())
    add_lines(table, [("all", *used.select(pl.col(FIGURES).sum()).row(0))])
    console.print(table)


def used_tokens(store: Store, catalog: Catalog) -> pl.DataFrame:
    """What the stored rows of both lanes and of judges took.

    Answers that were read from the ledger count as often as they are used, since the rows hold
    them; requests that were sent again after an error are counted once.

    Returns:
        ``model``, ``requests``, ``prompt_tokens`` and ``completion_tokens`` as whole numbers: one
        row per model that was asked, in the order of the catalogue.
    """
    # Here, because partitions are read from the catalogue when these are imported.
    from sysgen_dagster.defs.operations.forecast import work_done

    parts = [pl.DataFrame(schema=_USED)]
    for name in catalog.models:
        parts.append(work_done(store, name).with_columns(model=pl.lit(name)))
        beside = [table for table in _BESIDE if store.holds(table, Partition(name))]
        parts += [_asked_beside(store.read(table, Partition(name))) for table in beside]
        parts += [
            _asked_beside(store.read(table, Partition(name, shard)))
            for table in _OF_SHARDS
            for shard in store.shards(table, name)
        ]
    lines = pl.concat([part.select(_USED.names()).cast(_USED) for part in parts])
    used = lines.group_by("model", maintain_order=True).agg(pl.col(FIGURES).sum())
    in_order = pl.col("model").cast(pl.Enum([*catalog.models, *catalog.judges]), strict=False)
    return used.filter(pl.col("requests") > 0).sort(in_order, nulls_last=True)


def _asked_beside(rows: pl.DataFrame) -> pl.DataFrame:
    """The same of a table of verdicts; ``model`` is the one that gave them.

    Rows of one reply, such as the verdicts on the tags of one message, are one request.
    """
    asked = rows.filter(pl.col("model").is_not_null())
    one_each = asked.unique(["message"]) if "message" in rows.columns else asked
    return one_each.group_by("model").agg(
        requests=(pl.col("attempts") > 0).sum(),
        prompt_tokens=pl.col("prompt_tokens").sum(),
        completion_tokens=pl.col("completion_tokens").sum(),
    )
