"""The deployment that a command works on: its tables, its catalogue and its Dagster home.

A deployment is a folder, or a URL of object storage. Other modules read its place from environment
variables; only this module sets them.
"""

import os
from pathlib import Path

import yaml

from sysgen_dagster.catalog.load import use_catalog_of
from sysgen_dagster.commands.dagster_home import DagsterHomeError, write_settings
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.storage.store import Store, StoreError, is_url, open_store, working_folder

_CATALOG, _HOME = "catalog.yaml", "dagster_home"
# Variables that name a part of one deployment.
_OF_A_DEPLOYMENT = ("SYSGEN_WORK", "SYSGEN_CATALOG", "DAGSTER_HOME")


def use_deployment(data: str, must_exist: bool = True) -> Store:
    """The tables at `data`, after this process was pointed at them and at their catalogue.

    Sets ``SYSGEN_DATA`` and, where a catalogue lies among the data, ``SYSGEN_CATALOG``.

    Raises:
        DagsterHomeError: The environment names another deployment.
        StoreError: `data` is a folder that is not there, or a URL that cannot be used.
    """
    _require_one_deployment(data)
    store = open_store(data)
    if must_exist and isinstance(store.root, Path) and not store.root.is_dir():
        raise StoreError(f"there is no folder {store.root}: correct --data")
    use_catalog_of(data)
    os.environ["SYSGEN_DATA"] = _place(data)
    return store


def begin_deployment(catalog: Catalog, data: Path) -> Store:
    """The tables under `data`, which has this catalogue and a Dagster home of its own from now on.

    Raises:
        DagsterHomeError: Dagster's state cannot be kept where it should be.
        StoreError: The folder holds a deployment that is no trial of these sources.
    """
    file = catalog_of(data)
    if data.is_dir() and any(data.iterdir()) and not _is_trial(file, catalog):
        raise StoreError(
            f"{data} is not empty and holds no trial of these sources: its tables and its "
            f"{_CATALOG} would be replaced. Name another folder with --data"
        )
    data.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(catalog.model_dump(mode="json"), sort_keys=False)
    if not file.is_file() or file.read_text() != text:  # what is older than it is made again
        file.write_text(text)
    return enter_deployment(data)


def enter_deployment(data: Path) -> Store:
    """The tables under `data`, which has a catalogue, and a Dagster home of its own from now on.

    Raises:
        DagsterHomeError: Dagster's state cannot be kept where it should be.
    """
    write_settings(data / _HOME)
    os.environ |= {
        "DAGSTER_HOME": str(data / _HOME),
        "SYSGEN_DATA": str(data),
        "SYSGEN_CATALOG": str(catalog_of(data)),
    }
    return Store(data)


def catalog_of(data: Path) -> Path:
    """The catalogue of a deployment in a folder, where it has its own."""
    return data / _CATALOG


def work_of(store: Store) -> Path:
    """The local folder for ledgers, engines and downloads of a deployment.

    Raises:
        StoreError: Its tables are in object storage, and ``SYSGEN_WORK`` names no folder.
    """
    return working_folder(str(store.root), os.environ.get("SYSGEN_WORK", ""))


def _is_trial(file: Path, catalog: Catalog) -> bool:
    """Whether a catalogue has the sources of this one, all of them local files."""
    if not file.is_file():
        return False
    sources = load_catalog(file).sources
    are_local = all(source.path is not None for source in sources.values())
    return are_local and sources.keys() == catalog.sources.keys()


def use_dagster_home(store: Store) -> Path:
    """The Dagster home of a deployment, which this process uses and which has its settings now.

    It is what ``DAGSTER_HOME`` names, else a folder among the tables.

    Raises:
        DagsterHomeError: ``DAGSTER_HOME`` is not set and the tables are in object storage, or
            Dagster's state cannot be kept where it should be.
    """
    if named := os.environ.get("DAGSTER_HOME"):
        home = Path(named).absolute()
    elif isinstance(store.root, Path):
        home = store.root / _HOME
    else:
        raise DagsterHomeError(
            "DAGSTER_HOME is not set: set it to a folder of this machine, for Dagster's settings"
        )
    write_settings(home)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def _require_one_deployment(data: str) -> None:
    here = os.environ.get("SYSGEN_DATA")
    others = [name for name in _OF_A_DEPLOYMENT if os.environ.get(name)]
    if here and others and _place(here) != _place(data):
        raise DagsterHomeError(
            f"--data is {data}, but SYSGEN_DATA is {here} and {', '.join(others)} may belong to "
            "that: set SYSGEN_DATA to the same place, or unset them all"
        )


def _place(data: str) -> str:
    return data.rstrip("/") if is_url(data) else str(Path(data).absolute())
