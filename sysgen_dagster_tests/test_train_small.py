"""The training sets of `make train-small`, made of the real rows that the repository holds."""

import importlib.util
from pathlib import Path
from types import ModuleType

import jinja2
import polars as pl
import pytest

from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.export.loading import load_export
from sysgen_dagster.training_sets.export.manifest import read_ids, read_manifest
from sysgen_dagster.training_sets.tables import SPLITS

FOLDER = Path(__file__).parents[1] / "train_small"
ROWS = 200


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_small", FOLDER / "train.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load_catalog(FOLDER / "catalog.yaml")


@pytest.fixture(scope="module")
def store(program: ModuleType, catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A deployment with the exports."""
    made = Store(tmp_path_factory.mktemp("small"))
    program.write_exports(made, catalog)
    return made


def test_every_training_set_holds_every_kept_row(
    store: Store, catalog: Catalog, tmp_path: Path
) -> None:
    for mixture in catalog.mixtures:
        export = Path(str(store.export(mixture)))
        assert read_manifest(export)["rows"] == ROWS
        assert len(read_ids(export)) == ROWS
        load_export(export, tmp_path)
    splits = store.read(SPLITS, Partition())
    assert splits["split"].value_counts().sort("split")["split"].to_list() == [
        "train",
        "validation",
    ]
    assert splits.filter(split="train").height > ROWS / 2


def test_what_the_student_learns_is_what_was_kept(program: ModuleType, store: Store) -> None:
    files = Path(str(store.export("sysgen"))).rglob("*.parquet")
    learned = pl.concat([pl.read_parquet(file) for file in files]).select(
        "conversation_id",
        system=pl.col("messages").list.first().struct.field("content"),
        answer=pl.col("messages").list.last().struct.field("content"),
    )
    kept = pl.read_ndjson(program.ROWS).select(
        "conversation_id", system="system_message", answer="new_answer"
    )
    assert learned.sort("conversation_id").equals(kept.sort("conversation_id"))


def test_the_same_rows_give_the_same_bytes(
    program: ModuleType, catalog: Catalog, store: Store, tmp_path: Path
) -> None:
    again = Store(tmp_path)
    program.write_exports(again, catalog)
    for mixture in catalog.mixtures:
        first, second = (Path(str(each.export(mixture))) for each in (store, again))
        assert (first / "manifest.json").read_bytes() == (second / "manifest.json").read_bytes()


def test_the_template_writes_no_persona_and_nothing_else_of_its_own() -> None:
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((FOLDER / "without_persona.jinja").read_text())
    chat = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    asked = "<|im_start|>user\nHi<|im_end|>\n"
    assert template.render(messages=chat[:1], add_generation_prompt=True) == (
        f"{asked}<|im_start|>assistant\n"
    )
    assert template.render(messages=chat, add_generation_prompt=False) == (
        f"{asked}<|im_start|>assistant\nHello<|im_end|>\n"
    )
