"""The rows of a mixture as JSON lines, each with everything that it came from."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from cut_rows import CUTS

from sysgen_dagster.inference.local.gguf import read_gguf
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, VERIFIED
from sysgen_dagster.obedience.tables import OBEDIENCE
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster.training_sets.tables import MIXTURES

# What is written of each table that has one row per conversation, in this order.
_TEXTS: Mapping[Table, Sequence[str]] = {
    CONVERSATIONS: ("source_row", "turn", "history", "question", "answer"),
    ANNOTATED: ("annotated_message", "sample", "repaired"),
    VERIFIED: ("verdicts", "removed"),
    ALIGNED: (
        *("system_message", "new_answer", "answers", "rejected_answers", "result", "result_kind"),
        "is_original",
    ),
    OBEDIENCE: ("phrases",),
}
# How a model was asked, of each table that it was asked for.
_ASKED = ("seed", "temperature", "max_tokens", "prompt_fingerprint")


def write_rows(
    store: Store, catalog: Catalog, places: Mapping[str, Sequence[int]], target: Path
) -> int:
    """How many rows of the catalogue's only mixture are in the file `target` from now on.

    Args:
        store: The tables.
        catalog: Of them.
        places: Of the rows of each source, in the file that they were cut of.
        target: A JSON object on each line, in the order of the mixture.
    """
    [mixture] = catalog.mixtures
    taken = store.read(MIXTURES, Partition(recipe=mixture))
    lines = []
    for (model, shard), rows in taken.group_by(["model", "shard"], maintain_order=True):
        at, generator = Partition(str(model), str(shard)), catalog.models[str(model)]
        made_by = _describe(generator)
        for row in _read(store, at, rows.select("conversation_id", "source")):
            lines.append(json.dumps(_line(row, places, made_by), ensure_ascii=False))
    target.write_text("".join(f"{line}\n" for line in lines))
    return len(lines)


def _read(store: Store, at: Partition, rows: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Some conversations of a partition, each with the columns of all tables."""
    for table, columns in _TEXTS.items():
        place = Partition(shard=at.shard) if table is CONVERSATIONS else at
        asked = [name for name in _ASKED if table in (ANNOTATED, VERIFIED, ALIGNED)]
        read = store.read(table, place, "conversation_id", *columns, *asked)
        named = read.rename({name: f"{table.name}/{name}" for name in asked})
        rows = rows.join(named, on="conversation_id", maintain_order="left", validate="1:1")
    return rows.iter_rows(named=True)


def _line(
    row: Mapping[str, Any], places: Mapping[str, Sequence[int]], made_by: Mapping[str, Any]
) -> dict[str, Any]:
    """A row as it is written."""
    source = row["source"]
    upstream = {
        "carriers": CUTS[source].carriers,
        "license": CUTS[source].license,
        "file": f"{source}.parquet",
        "row": places[source][row["source_row"]],
        "turn": row["turn"],
    }
    asked = {
        table.name: {name: row[f"{table.name}/{name}"] for name in _ASKED}
        for table in (ANNOTATED, VERIFIED, ALIGNED)
    }
    written = [name for names in _TEXTS.values() for name in names]
    texts = {name: row[name] for name in written if name not in ("source_row", "turn", "answer")}
    identity = {"conversation_id": row["conversation_id"], "source": source, "upstream": upstream}
    return (
        identity | {"original_answer": row["answer"]} | texts | {"model": made_by, "asked": asked}
    )


def _describe(model: Generator) -> dict[str, Any]:
    """Which model wrote a row, as its catalogue and its weights say."""
    file = Path(model.weights or "")
    return {
        "name": model.served_name,
        "license": model.license,
        "engine": model.engine.value,
        "file": file.name or None,
        "quantisation": read_gguf(file).quantisation if file.suffix == ".gguf" else None,
    }
