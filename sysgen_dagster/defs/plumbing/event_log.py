"""What Dagster's records in SQLite cost, which is most of a run that asks no model.

Dagster makes an SQLAlchemy engine for every read and write of an event. An engine keeps the
statements that it has compiled, so each was compiled anew. And SQLite tidies up a file whenever the
last connection to it is closed, which was after every event (decision 71).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import lru_cache
from pathlib import Path

from dagster._core.storage.event_log.sqlite import sqlite_event_log
from sqlalchemy import Engine, NullPool, create_engine

_KEPT = 16  # engines: of the index, and of the runs that are written at the same time


@lru_cache(_KEPT)
def _engine_of(url: str, timeout: float) -> Engine:
    return create_engine(url, poolclass=NullPool, connect_args={"timeout": timeout})


def _kept_engine(url: str, *, poolclass: type[NullPool], connect_args: dict[str, float]) -> Engine:
    """As Dagster calls `sqlalchemy.create_engine`; in another way, it is an error."""
    return _engine_of(url, **connect_args)


def keep_engines() -> None:
    """Have Dagster's event log use the engine of a file again, from now on in this process."""
    setattr(sqlite_event_log, "create_engine", _kept_engine)  # noqa: B010 - no public name


@contextmanager
def connected(home: Path) -> Iterator[None]:
    """Keeps a connection to each file that all runs of a DAGSTER_HOME write to: SQLite's alone."""
    with ExitStack() as open_ones:
        for file in (*home.glob("history/*.db"), *home.glob("history/runs/index.db")):
            kept = open_ones.enter_context(closing(sqlite3.connect(file)))
            kept.execute("SELECT 1 FROM sqlite_master").fetchall()  # it is opened by a first read
        yield
