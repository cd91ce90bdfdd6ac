"""The rows of a mixture as JSON lines, each with everything that it came from."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cut_rows import CUTS
from kept_rows import Row, write_lines

from sysgen_dagster.inference.local.gguf import read_gguf
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.obedience.tables import OBEDIENCE
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import By, Partition, Table
from sysgen_dagster.training_sets.tables import MIXTURES

# What is written of each table that has one row per conversation, in this order.
_TEXTS: Mapping[Table, Sequence[str]] = {
    CONVERSATIONS: ("history", "question", "answer"),
    ANNOTATED: ("annotated_message", "sample", "repaired", "rejected"),
    FILTERED: ("defects",),
    VERIFIED: ("verdicts", "removed"),
    ALIGNED: (
        *("system_message", "new_answer", "answers", "rejected_answers", "result", "result_kind"),
        "is_original",
    ),
    OBEDIENCE: ("phrases",),
}
_NAMED = {"answer": "original_answer", "rejected": "rejected_messages"}
# How a model was asked, of each table that it was asked for.
_ASKED = ("seed", "temperature", "max_tokens", "prompt_fingerprint")


def write_rows(
    store: Store,
    catalog: Catalog,
    places: Mapping[str, Sequence[int]],
    target: Path,
    kept: Sequence[Row] = (),
) -> int:
    """How many rows are in the file `target` from now on.

    Args:
        store: The tables.
        catalog: Of them.
        places: Of the rows of each source, in the file that they were cut of.
        target: A JSON object on each line: of `kept`, then of the catalogue's only mixture, both in
            their order.
        kept: Rows that were made before.
    """
    [mixture] = catalog.mixtures
    taken = store.read(MIXTURES, Partition(recipe=mixture))
    written = list(kept)
    for (model, shard), rows in taken.group_by(["model", "shard"], maintain_order=True):
        stored = _read(store, Partition(str(model), str(shard)))
        made_by = {"model": _describe(catalog.models[str(model)])}
        for conversation in rows["conversation_id"]:
            of = {table: by_id[conversation] for table, by_id in stored.items()}
            written.append(_line(of, places) | made_by)
    write_lines(written, target)
    return len(written)


def _read(store: Store, at: Partition) -> dict[Table, dict[str, Row]]:
    """The rows of a partition by conversation, of each table."""
    places = {
        table: at if table.by is By.MODEL_SHARD else Partition(shard=at.shard) for table in _TEXTS
    }
    return {
        table: {
            row["conversation_id"]: row for row in store.read(table, place).iter_rows(named=True)
        }
        for table, place in places.items()
    }


def _line(of: Mapping[Table, Row], places: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    """A row as it is written, without its model, made of its rows in the tables."""
    source, came_from = of[CONVERSATIONS]["source"], of[CONVERSATIONS]
    upstream = {
        "carriers": CUTS[source].carriers,
        "license": CUTS[source].license,
        "file": f"{source}.parquet",
        "row": places[source][came_from["source_row"]],
        "turn": came_from["turn"],
    }
    identity = {"conversation_id": came_from["conversation_id"], "source": source}
    texts = {
        _NAMED.get(name, name): of[table][name] for table, names in _TEXTS.items() for name in names
    }
    asked = {
        table.name: {name: of[table][name] for name in _ASKED}
        for table in (ANNOTATED, VERIFIED, ALIGNED)
    }
    return identity | {"upstream": upstream} | texts | {"asked": asked}


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
