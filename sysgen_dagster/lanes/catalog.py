"""The whole catalogue: `catalog.catalog` with the sections of the lanes."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from sysgen_dagster.catalog.catalog import BaseCatalog
from sysgen_dagster.catalog.entries import Models
from sysgen_dagster.catalog.load import catalog_file, read_catalog
from sysgen_dagster.lanes.sysgen.settings import Generator, Method


class Catalog(BaseCatalog):
    """Sources, models, training sets, operations, and the settings of every lane."""

    method: Method  # of the lane `sysgen`
    models: Annotated[Models[Generator], Field(min_length=1)]


def load_catalog(file: Path | None = None) -> Catalog:
    """The catalogue in `file`, else in the file named by ``SYSGEN_CATALOG``, else the shipped one.

    Raises:
        CatalogError: The file is missing, is not YAML, or an entry is wrong.
    """
    return read_catalog(Catalog, file or catalog_file())
