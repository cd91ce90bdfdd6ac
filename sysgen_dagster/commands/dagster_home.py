"""A DAGSTER_HOME: the instance's settings, and where its state is kept.

Dagster keeps runs, events and schedules in SQLite under DAGSTER_HOME, or in the Postgres that
``SYSGEN_POSTGRES_URL`` names. ``dagster.yaml`` knows no conditions, so it is written here: as it
is shipped and, for Postgres, with a storage that names the variable. No file holds the password.
"""

import os
import sys
from errno import EACCES
from importlib.util import find_spec
from pathlib import Path

import yaml

from sysgen_dagster.errors import SysgenError
from sysgen_dagster.tables.file_errors import explain

POSTGRES_URL = "SYSGEN_POSTGRES_URL"
# In a wheel these files lie inside the package, in a checkout beside it.
_PACKAGE = Path(__file__).parents[1]
_SHIPPED, SHIPPED_WORKSPACE = (
    next(path for folder in (_PACKAGE, _PACKAGE.parent) if (path := folder / name).is_file())
    for name in ("dagster.yaml", "workspace.yaml")
)
_ON_POSTGRES = {"storage": {"postgres": {"postgres_url": {"env": POSTGRES_URL}}}}
_FORM = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_CONNECT_S = 10
# Concurrency pools: steps that use the GPU, the Hub, or a judge that is served elsewhere.
_POOLS = ("gpu", "hub", "judge")


class DagsterHomeError(SysgenError):
    """Dagster's state cannot be kept where it should be."""


def write_settings(home: Path) -> None:
    """Write ``dagster.yaml`` under `home`: on Postgres where the variable is set, else on SQLite.

    A file that is there already stays as it is, but for the storage.

    Raises:
        DagsterHomeError: The Postgres that the variable names cannot be used, or the state of
            `home` is on one and the variable is not set.
    """
    url, file = os.environ.get(POSTGRES_URL, ""), home / "dagster.yaml"
    before = file.read_text(encoding="utf-8") if file.is_file() else None
    settings = before or _SHIPPED.read_text(encoding="utf-8")
    stored = (yaml.safe_load(settings) or {}).get("storage")
    if url:
        _require_postgres(url)
        settings += "" if stored else f"\n{yaml.safe_dump(_ON_POSTGRES)}"
    elif stored == _ON_POSTGRES["storage"]:
        # An empty SQLite in its place would look as if everything was lost.
        raise DagsterHomeError(
            f"the state of {home} is on Postgres: set {POSTGRES_URL} as before, or delete {file} "
            "to begin anew on SQLite"
        )
    home.mkdir(parents=True, exist_ok=True)
    _require_writable(home)
    if settings != before:  # an unchanged file may be on a read-only volume
        file.write_text(settings, encoding="utf-8")


def _require_writable(home: Path) -> None:
    """Raises `DagsterHomeError` where SQLite's files are another user's: it does not say whose."""
    databases = [file for file in home.rglob("*.db*") if not os.access(file, os.W_OK)]
    folders = [file.parent for file in home.rglob("*.db") if not os.access(file.parent, os.W_OK)]
    for barred in (*databases, *folders):
        raise DagsterHomeError(explain(PermissionError(EACCES, "not allowed"), barred).message)


def _require_postgres(url: str) -> None:
    """Raises `DagsterHomeError`, which never shows the password."""
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.exc import ArgumentError, OperationalError
    from sqlalchemy.pool import NullPool

    try:
        place = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number
        raise DagsterHomeError(f"{POSTGRES_URL} is no URL: give {_FORM}") from None
    if place.drivername not in {"postgresql", "postgresql+psycopg2"} or not place.database:
        raise DagsterHomeError(f"{POSTGRES_URL} must have the form {_FORM}")
    if "@" in f"{place.host}{place.database}":
        raise DagsterHomeError(f"{POSTGRES_URL}: write @ in a password as %40, / as %2F")
    missing = "the extra is not installed: pip install 'sysgen-dagster[postgres]'"
    if find_spec("dagster_postgres") is None:
        raise DagsterHomeError(f"{POSTGRES_URL} is set, but {missing}")
    try:
        engine = create_engine(
            place, poolclass=NullPool, connect_args={"connect_timeout": _CONNECT_S}
        )
        engine.connect().close()
    except ImportError as error:  # SQLAlchemy 2.1 takes a driver that Dagster does not bring
        raise DagsterHomeError(f"{POSTGRES_URL} is set, but {missing}") from error
    except OperationalError as error:
        reason = " ".join(str(error.orig).split())
        raise DagsterHomeError(f"the Postgres of {POSTGRES_URL} cannot be used: {reason}") from None


def limit_pools(home: Path) -> None:
    """Give each pool its default limit, unless it has one.

    Dagster does so itself, but only after its queue has seen the pool once: until then it would
    start two models at the same time.
    """
    import dagster as dg  # here, because nothing else needs it

    with dg.DagsterInstance.from_config(str(home)) as instance:
        storage = instance.event_log_storage
        limited = {limit.name for limit in storage.get_pool_limits()}
        for pool in _POOLS:
            if pool not in limited:
                storage.initialize_concurrency_limit_to_default(pool)


def mend_runs(home: Path) -> None:
    """End the runs whose process is gone, such as those of a machine that went down, and say so."""
    import dagster as dg

    from sysgen_dagster.defs.operations.dead_runs import end_dead_runs

    with dg.DagsterInstance.from_config(str(home)) as instance:
        for ended in end_dead_runs(instance):
            print(f"The process of a run is gone: {ended}", file=sys.stderr)
