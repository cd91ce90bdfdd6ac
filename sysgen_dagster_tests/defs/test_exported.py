"""What the report tells of exports and of costs, found in the store."""

from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from sysgen_dagster.analysis.costs import COSTS
from sysgen_dagster.catalog.recipes import Recipe, Variant
from sysgen_dagster.defs.exported import list_training_sets, measure_costs
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster.training_sets.export.manifest import MANIFEST, render_manifest
from sysgen_dagster.training_sets.tables import MIXTURES
from sysgen_dagster_tests.lanes.sysgen.shards import Row, frame, kept
from sysgen_dagster_tests.report.stored_shards import MODEL, store_rows

SHARD = CATALOG.partition_values["shard"][0]
NAME = next(iter(CATALOG.mixtures))


def export(folder: Path, rows: list[Row], **changes: Any) -> Store:
    """A store with these rows of one shard, all of them in an export."""
    store = store_rows(folder, rows, SHARD)
    taken = [
        {"conversation_id": row.identity, "source": "capybara", "model": MODEL, "shard": SHARD}
        for row in rows
    ]
    store.write(MIXTURES, Partition(recipe=NAME), frame(MIXTURES, taken))
    file = {"sha256": "0" * 64, "bytes": 1}
    manifest = {
        "mixture": NAME,
        "sources": [{"source": "capybara", "source_license": "apache-2.0"}],
        "models": [{"model": MODEL, "model_license": "mit", "engine": "vllm"}],
        "files": [
            {"path": "data/capybara--phi-4/test-00000-of-00001.parquet", "rows": 2, **file},
            {"path": "data/capybara--phi-4/train-00000-of-00002.parquet", "rows": 30, **file},
            {"path": "data/capybara--phi-4/train-00001-of-00002.parquet", "rows": 10, **file},
            {"path": "README.md", **file},
        ],
        **changes,
    }
    place = Path(store.export(NAME))
    place.mkdir(parents=True)
    (place / MANIFEST).write_text(render_manifest(manifest))
    return store


def test_an_export_is_told_with_its_rows_licences_and_folder(tmp_path: Path) -> None:
    [told] = list_training_sets(export(tmp_path, kept(3)))
    assert (told.name, told.folder) == (NAME, str(tmp_path / "exports" / NAME))
    assert told.rows == [("train", 40), ("test", 2)]
    assert told.licenses == ["capybara: apache-2.0", f"answers of {MODEL}: mit"]


MADE_UP = [{"model": MODEL, "model_license": "mit", "engine": "simulated"}]


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        (Variant.SYSGEN, "its messages and answers are made up (phi-4)."),
        (Variant.ORIGINAL_ANSWER, "its messages are made up (phi-4)."),
        (Variant.COMMON_SYSTEM_MESSAGE, ""),
        (Variant.NO_SYSTEM_MESSAGE, ""),
    ],
)
def test_of_a_variant_is_made_up_what_it_holds_of_a_simulated_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant: Variant, said: str
) -> None:
    monkeypatch.setitem(CATALOG.mixtures, NAME, Recipe(variant=variant))
    [told] = list_training_sets(export(tmp_path, kept(3), models=MADE_UP))
    made_up = [each for each in told.speaks_against if "made up" in each]
    assert made_up == ([f"Nobody should train on it: {said}"] if said else [])


def test_made_up_texts_and_unknown_licences_speak_against_it(tmp_path: Path) -> None:
    unknown = [{"source": "capybara", "source_license": "unknown"}]
    [told] = list_training_sets(export(tmp_path, kept(3), models=MADE_UP, sources=unknown))
    assert "are made up (phi-4)" in told.speaks_against[0]
    assert "licence of a source is not known" in told.speaks_against[1]


def test_a_check_that_does_not_hold_is_told_once_in_a_sentence(tmp_path: Path) -> None:
    twice = [Row("same"), Row("same")]
    [told] = list_training_sets(export(tmp_path, twice))
    [said] = [each for each in told.speaks_against if "twice" in each]
    assert said == (
        "Expected, but not so: No conversation is in the table twice. "
        "Found 2, wanted 0 rows. This is a contract."
    )


def test_an_export_with_a_damaged_manifest_is_named_with_what_to_do(tmp_path: Path) -> None:
    store = export(tmp_path, kept(1))
    (Path(store.export(NAME)) / MANIFEST).write_text("{")
    [told] = list_training_sets(store)
    assert "is not the manifest of an export" in told.speaks_against[0]


def test_without_exports_there_are_none(tmp_path: Path) -> None:
    assert list_training_sets(Store(tmp_path)) == []


def test_tokens_and_the_time_of_all_runs_are_what_it_cost(tmp_path: Path) -> None:
    columns = {"prompt_tokens": 100, "completion_tokens": 10, "attempts": 1, "sample": 0}
    columns |= {"rejected": []}
    store = store_rows(tmp_path, kept(4, columns=columns), SHARD)
    with dg.DagsterInstance.ephemeral() as instance:
        for seconds in (1_800, 3_600):
            made = dg.AssetMaterialization(
                ALIGNED.name,
                partition=f"{MODEL}|{SHARD}",
                metadata={"engine/seconds": float(seconds)},
            )
            instance.report_runless_asset_event(made)
        costs = measure_costs(StoredEvidence(store, (SHARD,), MODEL), MODEL, instance)
    assert costs.columns == ["model", *COSTS]
    by_phase = {row["phase"]: row for row in costs.iter_rows(named=True)}
    assert by_phase[ALIGNED.name]["hours"] == pytest.approx(1.5)
    assert by_phase["annotated_system_messages"]["hours"] is None
    assert by_phase["all"]["prompt_tokens"] == 1_200
    assert by_phase["per 1,000 kept rows"]["completion_tokens"] == 120 / 4 * 1_000
    assert costs.filter(pl.col("model") != MODEL).is_empty()
