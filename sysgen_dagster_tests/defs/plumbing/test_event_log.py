"""Dagster's event log holds the same, for less."""

import importlib
from collections import Counter
from pathlib import Path

import dagster as dg
import pytest

from sysgen_dagster.defs.plumbing import event_log


@dg.asset(check_specs=[dg.AssetCheckSpec("fine", asset="made")])
def made() -> dg.MaterializeResult:
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


def events_of_a_run(home: Path) -> Counter[dg.DagsterEventType | None]:
    """The types of the stored events, read by an instance of its own."""
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        result = dg.materialize([made], instance=instance)
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        entries = instance.all_logs(result.run_id)
        assert instance.get_latest_materialization_event(made.key) is not None
    return Counter(entry.dagster_event_type for entry in entries if entry.is_dagster_event)


def test_what_is_stored_is_the_same_and_each_file_has_one_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, urls = event_log.create_engine, []
    monkeypatch.setattr(
        event_log, "create_engine", lambda url, **given: urls.append(url) or make(url, **given)
    )
    event_log._engine_of.cache_clear()
    event_log.keep_engines()
    with_kept = events_of_a_run(tmp_path / "kept")
    assert len(urls) == len(set(urls)) == 2  # of the index and of the run

    monkeypatch.setattr(event_log.sqlite_event_log, "create_engine", make)
    assert events_of_a_run(tmp_path / "by itself") == with_kept


def test_definitions_keep_engines() -> None:
    importlib.import_module("sysgen_dagster.definitions")
    assert event_log.sqlite_event_log.create_engine is event_log._kept_engine


def test_files_are_not_tidied_up_after_each_event_while_they_are_connected(tmp_path: Path) -> None:
    index = tmp_path / "history" / "runs" / "index.db"
    left_to_tidy = index.with_name("index.db-wal")
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        with event_log.connected(tmp_path):
            dg.materialize([made], instance=instance)
            assert left_to_tidy.stat().st_size > 0
        assert not left_to_tidy.exists()
        assert instance.get_latest_materialization_event(made.key) is not None


def test_where_no_file_is_there_is_nothing_to_connect(tmp_path: Path) -> None:
    with event_log.connected(tmp_path):
        assert not [*tmp_path.iterdir()]
