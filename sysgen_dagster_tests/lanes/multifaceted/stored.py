"""A stored shard of the second lane: two instructions with two sets each, one of them dropped."""

from pathlib import Path
from typing import Any

import polars as pl

from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
)
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS, load_taxonomy
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS

MODEL, SHARD = "phi-4", "multifaceted-000"


def preferences(place: int = 0) -> list[dict[str, Any]]:
    """A set with the subdimension at this place of each dimension."""
    taxonomy = load_taxonomy()
    return [
        {
            "dimension": dimension,
            "subdimension": list(taxonomy[dimension])[place],
            "preference": "plain words",
            "description": f"About {dimension}.",
        }
        for dimension in DIMENSIONS
    ]


def rows(table: Table, *given: dict[str, Any]) -> pl.DataFrame:
    """Rows of a table; a column that is not given is null."""
    return pl.DataFrame(given, table.schema, orient="row", strict=False)


def _of_sets(table: Table, **columns: list[Any]) -> pl.DataFrame:
    ids = ["chats-a-0#0", "chats-a-0#1", "coding-b-0#0", "coding-b-0#1"]
    return rows(
        table,
        *(
            {
                "conversation_id": identity,
                "source": identity.split("-")[0],
                "engine": "simulated",
                **{name: values[at] for name, values in columns.items()},
            }
            for at, identity in enumerate(ids)
            if any(values[at] is not None for values in columns.values())
        ),
    )


FRAMES = {
    INSTRUCTIONS.name: rows(
        INSTRUCTIONS,
        {"conversation_id": "chats-a-0", "source": "chats", "question": "Why a?"},
        {"conversation_id": "coding-b-0", "source": "coding", "question": "Why b?"},
    ),
    PREFERENCE_SETS.name: _of_sets(
        PREFERENCE_SETS, preference_set=[preferences(at) for at in (0, 1, 0, 2)]
    ),
    PREFERENCE_MESSAGES.name: _of_sets(
        PREFERENCE_MESSAGES,
        system_message=["m" * 700, "n" * 700, "o" * 812, None],
        drop_reason=[None, None, None, "names_taxonomy"],
    ),
    GOLD_ANSWERS.name: _of_sets(
        GOLD_ANSWERS,
        system_message=["m" * 700, "n" * 700, "o" * 812, None],
        answer=["So.", "Thus.", "a" * 900, None],
    ),
    MULTIFACETED_PAIRS.name: rows(
        MULTIFACETED_PAIRS,
        {"conversation_id": "chats-a-0#0"},
        {"conversation_id": "chats-a-0#1", "drop_reason": "tie"},
        {"conversation_id": "coding-b-0#0", "drop_reason": "no_sibling"},
    ),
}


_TABLES = (INSTRUCTIONS, PREFERENCE_SETS, PREFERENCE_MESSAGES, GOLD_ANSWERS, MULTIFACETED_PAIRS)


def store_lane(folder: Path, upto: Table = MULTIFACETED_PAIRS) -> Store:
    """The store in the folder, after `FRAMES` were stored as a shard of each table up to one."""
    store = Store(folder)
    for table in _TABLES[: _TABLES.index(upto) + 1]:
        model = MODEL if "model" in table.by.value else None
        store.write(table, Partition(model, SHARD), FRAMES[table.name])
    return store


class Stored:
    """`FRAMES` as the rows of a shard, some of them changed."""

    model = MODEL

    def __init__(self, **changed: pl.DataFrame) -> None:
        """With other rows of a table, by its name without the lane's."""
        self._frames = {
            **FRAMES,
            **{f"multifaceted/{name}": each for name, each in changed.items()},
        }

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        """The rows of a table, with these columns."""
        return self._frames[table.name].select(columns)
