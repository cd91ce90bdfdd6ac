"""One shard through everything with its tables in a bucket: same job, same rows."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import datasets
import polars as pl
import pytest
from fsspec.core import url_to_fs

from sysgen_dagster.commands.work import after_conversations
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.exports import exports, hub_datasets
from sysgen_dagster.defs.plumbing.partitions import SOURCE_TABLES, asset_key
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.defs.report import report
from sysgen_dagster.defs.sysgen_lane import PHASES
from sysgen_dagster.defs.training_sets import mixtures
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.processes.state import running
from sysgen_dagster.storage.store import Store, open_store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.storage.s3_server import new_bucket, objects_under

SOURCE, SHARD, MODEL = "magicoder", "magicoder-001", "phi-4"
KEY = f"{MODEL}|{SHARD}"
HERE = Partition(MODEL, SHARD)
JOB = defs.resolve_implicit_global_asset_job_def()
OF_SHARDS, _, OF_SOURCES = after_conversations()
PHASE_KEYS = [phase.key for phase in PHASES]


@dataclass(frozen=True)
class Place:
    """A root, with the working folder beside it."""

    root: str
    work: Path

    @property
    def store(self) -> Store:
        return open_store(self.root)

    def run(self, partition: str | None, assets: list[dg.AssetKey], **config: object) -> str:
        """What went wrong."""
        given = {"config": {"root": self.root, "work": str(self.work)}}
        with dg.DagsterInstance.get() as instance:
            result = JOB.execute_in_process(
                run_config={
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                    "resources": {"tables": given, "models": given},
                    **config,
                },
                instance=instance,
                partition_key=partition,
                asset_selection=assets,
                raise_on_error=False,
            )
        failures = (event.step_failure_data for event in result.get_step_failure_events())
        return "\n".join(str(each.user_failure_data or each.error) for each in failures)

    def make(self, partition: str | None, assets: list[dg.AssetKey]) -> None:
        assert self.run(partition, assets) == ""


def through_the_phases(place: Place) -> Place:
    place.make(SHARD, [asset_key(SOURCE_TABLES[SOURCE])])
    place.make(SHARD, [dg.AssetKey("conversations")])
    place.make(KEY, PHASE_KEYS)
    return place


@pytest.fixture(scope="module")
def bucket_of_all(s3: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A bucket in which everything is made of one shard and model."""
    place = Place(f"{new_bucket(s3)}/sysgen", tmp_path_factory.mktemp("work"))
    through_the_phases(place)
    place.make(None, OF_SOURCES)
    place.make(KEY, [key for key in OF_SHARDS if key not in PHASE_KEYS])
    place.make("sysgen", [mixtures.key, exports.key])
    place.make(None, [report.key])
    yield place
    for name in running(place.work / "engines"):
        stop(place.work / "engines", name)


@pytest.fixture(scope="module")
def folder() -> Place:
    """The phases of the same shard and model, in the folder of the session."""
    data = os.environ["SYSGEN_DATA"]
    return through_the_phases(Place(data, Path(data)))


@pytest.mark.parametrize("phase", [key.path[-1] for key in PHASE_KEYS])
def test_the_rows_of_a_phase_are_those_of_a_folder(
    bucket_of_all: Place, folder: Place, phase: str
) -> None:
    found, expected = (place.store.read(TABLES[phase], HERE) for place in (bucket_of_all, folder))
    assert found.height > 0
    assert found.equals(expected)


def test_the_bucket_holds_tables_and_what_leaves_and_the_working_folder_the_rest(
    bucket_of_all: Place,
) -> None:
    bucket = bucket_of_all.root.removesuffix("/sysgen")
    stored = [key.removeprefix("sysgen/") for key in objects_under(bucket)]
    assert {key.split("/")[0] for key in stored} <= {
        *TABLES,
        *{"source", "exports", "report.html"},
    }
    assert "report.html" in stored
    assert {path.name for path in bucket_of_all.work.iterdir()} <= {
        *{"engines", "ledger", "downloads", "exports"}
    }
    left = [path for path in (bucket_of_all.work / "exports").iterdir() if path.suffix != ".lock"]
    assert left == []


def test_the_export_is_loaded_from_the_bucket(bucket_of_all: Place, tmp_path: Path) -> None:
    made = bucket_of_all.store.read(TABLES["training_rows"], HERE)
    taken = bucket_of_all.store.read(TABLES["mixtures"], Partition(recipe="sysgen"))
    url = str(bucket_of_all.store.export("sysgen"))
    with_polars = pl.read_parquet(f"{url}/data/**/*.parquet", credential_provider=None)
    assert with_polars.height == taken.height > 0
    assert set(with_polars["conversation_id"]) <= set(made["conversation_id"])
    fs, path = url_to_fs(url)
    files = {
        split: [f"s3://{name}" for name in fs.glob(f"{path}/data/**/{split}-*.parquet")]
        for split in ("train", "validation", "test")
    }
    loaded = datasets.load_dataset(
        "parquet",
        data_files={split: names for split, names in files.items() if names},
        cache_dir=str(tmp_path),
    )
    assert sum(loaded.num_rows.values()) == taken.height


def test_a_push_reads_the_bucket_and_refuses_what_a_folder_would(bucket_of_all: Place) -> None:
    config = {"hub_datasets": {"config": {"repo": "somebody/sysgen"}}}
    assert "it holds rows that no model wrote" in bucket_of_all.run(
        "sysgen", [hub_datasets.key], ops=config
    )
    manifest = bucket_of_all.store.export("sysgen") / "manifest.json"
    before = manifest.read_bytes()
    (manifest.parent / "more.txt").write_bytes(b"not ours")
    said = bucket_of_all.run("sysgen", [hub_datasets.key], ops=config)
    assert "not in manifest.json: export again (more.txt)" in said
    bucket_of_all.make("sysgen", [exports.key])
    assert manifest.read_bytes() == before
    assert not (manifest.parent / "more.txt").is_file()


def test_a_url_without_a_working_folder_is_told_when_it_is_used_and_not_before() -> None:
    program = (
        "from sysgen_dagster.definitions import defs\n"
        "from sysgen_dagster.storage.store import StoreError\n"
        "try: defs.resolve_asset_graph(), defs.resources['tables'].store()\n"
        "except StoreError as error: print(error)"
    )
    said = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={**os.environ, "SYSGEN_DATA": "s3://bucket", "SYSGEN_WORK": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "set SYSGEN_WORK to a folder" in said.stdout
