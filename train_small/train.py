"""Trains a small student on the real rows that are kept in this repository.

    python train_small/train.py --weights FOLDER --data WORK [--training NAME]

The rows of `real_rows/rows.jsonl` become the training sets of `catalog.yaml`, as exports of a
deployment under WORK; then the training is made there as `sysgen train` makes it. Run again after a
kill it goes on from the last saved state. `sysgen ui --data WORK` shows the student.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.train import train
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.obedience.rules import Verdict
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.columns import MESSAGES
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.export.card import CardFacts
from sysgen_dagster.training_sets.export.folder import write_folder
from sysgen_dagster.training_sets.exported_rows import to_exported
from sysgen_dagster.training_sets.rows import build_training_rows
from sysgen_dagster.training_sets.splits import build_splits
from sysgen_dagster.training_sets.tables import SPLITS, TRAINING_ROWS

HERE = Path(__file__).parent
ROWS = HERE.parent / "real_rows" / "rows.jsonl"
_TEXTS = ("question", "answer", "answer_reasoning", "system_message", "new_answer")
_CONVERSATIONS = {
    **{name: dtype for name, dtype in TRAINING_ROWS.schema.items() if name != "messages"},
    **dict.fromkeys((*_TEXTS, "duplicate_of", "same_question"), pl.String()),
    **dict.fromkeys(("history", "new_history"), MESSAGES),
    "cluster": pl.UInt32(),
}


def main() -> int:
    """What `sysgen train` returns."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--weights", type=Path, required=True, help="what is trained, as a folder")
    parser.add_argument("--data", type=Path, required=True, help="everything is stored here")
    parser.add_argument("--training", default="sysgen", help="of train_small/catalog.yaml")
    options = parser.parse_args()
    data = options.data.absolute()
    catalog = with_own_paths(load_catalog(HERE / "catalog.yaml"), options.weights.absolute())
    catalog = catalog.model_copy(update={"subjects": {}})  # which `make proof` has files for
    write_exports(begin_deployment(catalog, data), catalog)
    return train(Console(width=120), str(data), options.training)


def with_own_paths(catalog: Catalog, weights: Path) -> Catalog:
    """The catalogue with the rows, and with the weights of its student."""
    sources = {
        name: each.model_copy(update={"path": ROWS}) for name, each in catalog.sources.items()
    }
    given = {"weights": str(weights)}
    students = {name: each.model_copy(update=given) for name, each in catalog.students.items()}
    return catalog.model_copy(update={"sources": sources, "students": students})


def write_exports(store: Store, catalog: Catalog) -> None:
    """Write the export of each mixture; the same rows give the same bytes."""
    kept = _read_kept_rows()
    splits = build_splits(kept, catalog.training)
    store.write(SPLITS, Partition(), splits)  # the checks of a student look for its test rows here
    rows = _build_rows(kept, splits, catalog)
    sources = {name: f"{name}, of real_rows" for name in rows["source"].unique()}
    for name, recipe in catalog.mixtures.items():
        facts = CardFacts(recipe, catalog.training, sources, {}, version("sysgen-dagster"))
        of_variant = rows.filter(variant=recipe.variant.value).with_columns(
            reviewed=pl.lit(None, pl.String)
        )
        exported = to_exported(of_variant, recipe)
        splits = exported.partition_by(["source", "model", "split"], maintain_order=True)
        write_folder(Path(str(store.export(name))), name, splits, facts)


def _read_kept_rows() -> pl.DataFrame:
    """What training rows and splits are made of: one row per kept row."""
    lines = ROWS.read_text(encoding="utf-8").splitlines()
    return pl.DataFrame([_row(json.loads(line)) for line in lines], _CONVERSATIONS)


def _build_rows(kept: pl.DataFrame, splits: pl.DataFrame, catalog: Catalog) -> pl.DataFrame:
    """`TRAINING_ROWS`, of each variant sorted by source and split."""
    of_rows = splits.select("conversation_id", "split")
    rows = kept.drop("split").join(of_rows, on="conversation_id")
    rows = rows.sort("source", "split", "source_row")
    return build_training_rows(rows, rows.clear(), catalog.training)


def _row(line: Mapping[str, Any]) -> dict[str, Any]:
    """One kept row as `build_training_rows` reads it."""
    verdicts = [phrase["verdict"] for phrase in line["phrases"]]
    upstream, model = line["upstream"], line["model"]
    return {
        **dict.fromkeys(_CONVERSATIONS),
        **{name: line[name] for name in ("conversation_id", "source", "history", "question")},
        "answer": line["original_answer"],
        "system_message": line["system_message"],
        "new_answer": line["new_answer"],
        "tags": list(dict.fromkeys(phrase["tag"] for phrase in line["phrases"])),
        "flags": [],
        **{f"phrases_{each.value}": verdicts.count(each) for each in Verdict},
        "source_repo": ", ".join(upstream["carriers"]),
        "source_revision": "as carried",
        "source_row": upstream["row"],
        "source_turn": upstream["turn"],
        "source_license": upstream["license"],
        "model": "qwen",
        "served_name": model["name"],
        "model_license": model["license"],
        "engine": model["engine"],
    }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SysgenError as error:
        sys.exit(f"{error}")
