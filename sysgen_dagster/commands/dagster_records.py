"""Dagster's records of runs: removed with what they say of rows, and none left in free pages.

A record of a run holds a few rows of each partition that it made, as the UI shows them.
"""

import shutil
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

import dagster as dg

from sysgen_dagster.commands.dagster_home import DagsterHomeError

_PARTITION = "dagster/partition"
_CHECKS = "asset_check_executions"  # a table that Dagster keeps when a run is deleted


def require_no_run(home: Path) -> None:
    """Do nothing where no run is going.

    Raises:
        DagsterHomeError: One is.
    """
    from sysgen_dagster.defs.operations.automation import UNFINISHED

    with dg.DagsterInstance.get() as instance:
        if going := instance.get_runs(dg.RunsFilter(statuses=UNFINISHED), limit=1):
            raise DagsterHomeError(
                f"run {going[0].run_id} is going in {home}: end the daemon and wait for the run, "
                "or terminate it"
            )


def forget_runs(home: Path, keep: Collection[str], before: float) -> int:
    """Remove the records of runs, and return of how many.

    Args:
        home: The Dagster home.
        keep: Runs of partitions of these shards stay.
        before: Runs that were created later stay, in seconds of Unix time.

    Raises:
        DagsterHomeError: The database is in use.
    """
    with dg.DagsterInstance.get() as instance:
        gone = [
            record.dagster_run.run_id
            for record in instance.get_run_records()
            if record.create_timestamp.timestamp() < before
            and record.dagster_run.tags.get(_PARTITION, "").rpartition("|")[-1] not in keep
        ]
        for run_id in gone:
            instance.delete_run(run_id)
    for run_id in gone:
        shutil.rmtree(home / "storage" / run_id, ignore_errors=True)
        for file in (home / "history" / "runs").glob(f"{run_id}.db*"):
            file.unlink()
    for file in sorted(home.rglob("*.db")):
        _erase(file, gone)
    return len(gone)


def _erase(database: Path, gone: Collection[str]) -> None:
    """Remove what a database still says of these runs, also from pages that are free."""
    try:
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            tables = "SELECT name FROM sqlite_master WHERE name = ?"
            if connection.execute(tables, (_CHECKS,)).fetchone():
                runs = [(run_id,) for run_id in gone]
                connection.executemany(f"DELETE FROM {_CHECKS} WHERE run_id = ?", runs)  # noqa: S608
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        raise DagsterHomeError(
            f"{database} is in use ({error}): end `sysgen ui`, and run this again"
        ) from error
