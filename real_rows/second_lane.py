"""Twenty instructions that a real model took through the second lane, with all that was dropped.

    python real_rows/second_lane.py --sources FOLDER --model FILE.gguf --data WORK

FOLDER has the Parquet files that `second_lane.yaml` names. Everything is made by the lane's assets,
up to the preference pairs. Killed at any moment and run again, the command goes on where it ended.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from sysgen_dagster.commands.backfill import run_partitions
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.engines import show_engines
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    JUDGED_PAIRS,
    LANE,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
    SELECTION,
)
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS, MULTIFACETED_ROWS

Row = dict[str, Any]

HERE = Path(__file__).parent
SHARD = f"{LANE}-000"
_WRITTEN = (PREFERENCE_SETS, PREFERENCE_MESSAGES, GOLD_ANSWERS, JUDGED_PAIRS)
_ID = "conversation_id"


def main() -> int:
    """0 when all is made, 1 when no pair is kept; the sets are written down either way."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sources", type=Path, required=True, help="the files of instructions")
    parser.add_argument("--model", type=Path, help="its weights; left out: as the catalogue says")
    parser.add_argument("--data", type=Path, required=True, help="everything is stored here")
    parser.add_argument("--to", type=Path, default=HERE / "second_lane.jsonl", help="the sets")
    parser.add_argument("--catalog", type=Path, default=HERE / "second_lane.yaml")
    options = parser.parse_args()
    console, data = Console(width=120), options.data.absolute()
    catalog = _with_own_paths(
        load_catalog(options.catalog), options.sources.absolute(), options.model
    )
    store = begin_deployment(catalog, data)
    [model] = catalog.models
    try:
        has_pairs = _make(console, model)
    finally:
        show_engines(console, str(data), end=True)
    rows = build_rows(store, model)
    options.to.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows))
    console.print(f"{len(rows)} preference sets: {options.to}")
    return 0 if has_pairs else 1


def _with_own_paths(catalog: Catalog, folder: Path, model: Path | None) -> Catalog:
    """The catalogue with its files in a folder, and the weights of `model`."""
    sources = {
        name: each.model_copy(update={"path": folder / Path(str(each.path)).name})
        for name, each in catalog.sources.items()
    }
    lane = catalog.multifaceted
    assert lane is not None, f"the catalogue has no section {LANE}"
    of_lane = {
        name: each.model_copy(update={"path": folder / Path(str(each.path)).name})
        for name, each in lane.sources.items()
    }
    weights = {"weights": str(model.absolute())} if model else {}
    models = {name: each.model_copy(update=weights) for name, each in catalog.models.items()}
    return catalog.model_copy(
        update={
            "sources": sources,
            "models": models,
            "multifaceted": lane.model_copy(update={"sources": of_lane}),
        }
    )


def _make(console: Console, model: str) -> bool:
    """Make every asset of the lane up to the pairs; whether the last one keeps to its contracts.

    Raises:
        SysgenError: One before it does not, or is not made.
    """
    # Here, because partitions are read from the catalogue when this is imported.
    from sysgen_dagster.defs.plumbing.partitions import asset_key

    def work(tables: Sequence[Table], partition: str | None) -> list[Any]:
        return [(table.name, [asset_key(table)], partition) for table in tables]

    of_model = (*_WRITTEN, MULTIFACETED_ROWS, MULTIFACETED_PAIRS)
    steps = [
        *work([SELECTION], None),
        *work([INSTRUCTIONS], SHARD),
        *work(of_model, f"{model}|{SHARD}"),
    ]
    for step in steps:
        runs = run_partitions(console, [step], show_engines=True)
        if not runs.errors:
            continue
        console.print(runs.summary())
        if step is not steps[-1]:
            raise SysgenError("Run the same command again: it goes on from here")
        return False
    return True


def build_rows(store: Store, model: str) -> list[Row]:
    """One for each preference set that was asked for: all that was written for it, or why not.

    A step that a set did not reach is null. `verdicts` are those of the pair whose chosen answer is
    the set's own.
    """
    at = Partition(model, SHARD)
    questions = store.read(INSTRUCTIONS, Partition(shard=SHARD)).select(
        instruction_id=_ID, instruction="question"
    )
    sets = store.read(PREFERENCE_SETS, at).join(
        questions, on="instruction_id", maintain_order="left"
    )
    messages, answers, verdicts, pairs = (
        _by_id(store.read(table, at))
        for table in (PREFERENCE_MESSAGES, GOLD_ANSWERS, JUDGED_PAIRS, MULTIFACETED_PAIRS)
    )
    return [
        {
            **_part(row, _ID, "source", "instruction"),
            "set": _part(row, "preference_set", "reply", "attempt", "drop_reason"),
            "message": _only(messages, row, "system_message", "reply", "attempt", "drop_reason"),
            "answer": _only(answers, row, "answer", "finish_reason", "drop_reason"),
            "verdicts": [
                _part(each, "rejected_set", "shown_first", "verdict", "verdict_text", "judge")
                for each in verdicts.get(row[_ID], [])
            ],
            "pair": _only(pairs, row, "rejected_set", "drop_reason"),
        }
        for row in sets.iter_rows(named=True)
    ]


def _by_id(rows: pl.DataFrame) -> dict[str, list[Row]]:
    of: dict[str, list[Row]] = {}
    for row in rows.iter_rows(named=True):
        of.setdefault(row[_ID], []).append(row)
    return of


def _part(row: Row, *names: str) -> Row:
    return {name: row[name] for name in names}


def _only(of: dict[str, list[Row]], row: Row, *names: str) -> Row | None:
    """Of the only row of a set in a table; null where there is none."""
    rows = of.get(row[_ID], [])
    return _part(rows[0], *names) if rows else None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SysgenError as error:
        sys.exit(f"{error}")
