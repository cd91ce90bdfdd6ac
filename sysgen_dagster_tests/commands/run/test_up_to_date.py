"""What need not be made again: what is whole, as now set, and newer than what it is made of."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from sysgen_dagster.catalog.load import catalog_file
from sysgen_dagster.catalog.models import RequestSettings
from sysgen_dagster.commands.run.up_to_date import UpToDate
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.plumbing import asked
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES, asset_key
from sysgen_dagster.defs.plumbing.resources import InferenceResource
from sysgen_dagster.defs.sysgen_lane import PHASES, conversations
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED, FILTERED, RETENTION
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.defs.step_errors import errors_of

MODEL, SHARD = "qwen2.5-14b", "orca_math-000"
KEY, HERE = f"{MODEL}|{SHARD}", Partition(MODEL, SHARD)
SOURCE = asset_key(SOURCE_TABLES["orca_math"])
PHASE_KEYS = [phase.key for phase in PHASES]
COUNTS = asset_key(RETENTION)
STORE = Store(Path(os.environ["SYSGEN_DATA"]))
JOB = defs.resolve_implicit_global_asset_job_def()
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def _make(
    instance: dg.DagsterInstance, assets: list[dg.AssetKey], key: str, limit: int | None = None
) -> None:
    ops = {"ops": {ANNOTATED.name: {"config": {"limit": limit}}}} if "|" in key else {}
    made = JOB.execute_in_process(
        run_config=_QUIET | ops,
        instance=instance,
        partition_key=key,
        asset_selection=assets,
        raise_on_error=False,
    )
    assert made.success, errors_of(made)


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.get() as instance:
        _make(instance, [SOURCE], SHARD)
        _make(instance, [conversations.key], SHARD)
        _make(instance, PHASE_KEYS, KEY)
        _make(instance, [COUNTS], MODEL)
        yield instance


def _models() -> InferenceResource:
    return InferenceResource(root=str(STORE.root), engine="simulated")


@pytest.fixture
def now(instance: dg.DagsterInstance) -> UpToDate:
    """What is known at the beginning of another command."""
    return UpToDate(instance, STORE, _models())


@contextmanager
def _file_as(path: Path, content: bytes | None) -> Iterator[None]:
    before = path.read_bytes()
    try:
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        yield
    finally:
        path.write_bytes(before)


def test_what_was_made_and_has_not_changed_is_up_to_date(now: UpToDate) -> None:
    assert now.stale([SOURCE], SHARD) == []
    assert now.stale([conversations.key], SHARD) == []
    assert now.stale(PHASE_KEYS, KEY) == []
    assert now.stale([COUNTS], MODEL) == []


def test_what_was_never_made_is_to_be_made_in_the_order_of_the_data(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        now = UpToDate(instance, Store(tmp_path), _models())
        assert now.stale(PHASE_KEYS[::-1], KEY) == PHASE_KEYS


def test_a_file_that_is_gone_is_made_again_with_what_follows_it_in_the_run(now: UpToDate) -> None:
    with _file_as(Path(str(STORE.path(FILTERED, HERE))), None):
        assert now.stale(PHASE_KEYS, KEY) == PHASE_KEYS[1:]


def test_what_breaks_a_contract_is_tried_again(now: UpToDate) -> None:
    path = Path(str(STORE.path(FILTERED, HERE)))
    with _file_as(path, path.read_bytes()):
        STORE.write(FILTERED, HERE, STORE.read(FILTERED, HERE).head(1))
        assert now.stale(PHASE_KEYS, KEY) == PHASE_KEYS[1:]


def test_a_model_that_is_asked_otherwise_is_asked_again(
    now: UpToDate, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = CATALOG.models[MODEL].model_copy(
        update={"request": RequestSettings(temperature=0.123)}
    )
    models = {**CATALOG.models, MODEL: changed}
    monkeypatch.setattr(asked, "CATALOG", CATALOG.model_copy(update={"models": models}))
    assert now.stale(PHASE_KEYS, KEY) == PHASE_KEYS


def test_what_was_made_before_its_input_in_the_same_command_is_made_again(now: UpToDate) -> None:
    now.note([conversations.key], SHARD)
    assert now.stale(PHASE_KEYS, KEY) == PHASE_KEYS
    now.note([conversations.key], "metamath-000")
    assert now.stale([SOURCE], SHARD) == []


def test_counts_are_made_again_after_a_change_of_the_catalogue(now: UpToDate) -> None:
    file = catalog_file()
    before = file.stat()
    os.utime(file, (time.time() + 1, time.time() + 1))
    try:
        assert now.stale([COUNTS], MODEL) == [COUNTS]
        assert now.stale(PHASE_KEYS, KEY) == []
    finally:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_counts_are_made_again_after_what_they_count(instance: dg.DagsterInstance) -> None:
    _make(instance, PHASE_KEYS, KEY)
    later = UpToDate(instance, STORE, _models())
    assert later.stale(PHASE_KEYS, KEY) == []
    assert later.stale([COUNTS], MODEL) == [COUNTS]
    _make(instance, [COUNTS], MODEL)
    later.note([COUNTS], MODEL)
    assert later.stale([COUNTS], MODEL) == []


def test_of_a_pilot_as_many_rows_as_wanted_are_enough(instance: dg.DagsterInstance) -> None:
    _make(instance, PHASE_KEYS, KEY, limit=2)
    now = UpToDate(instance, STORE, _models())
    assert now.stale(PHASE_KEYS, KEY, limit=2) == []
    assert now.stale(PHASE_KEYS, KEY, limit=3) == PHASE_KEYS
    assert now.stale(PHASE_KEYS, KEY) == PHASE_KEYS
    _make(instance, PHASE_KEYS, KEY)
    assert UpToDate(instance, STORE, _models()).stale(PHASE_KEYS, KEY, limit=2) == []
