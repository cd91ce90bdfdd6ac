"""The whole catalogue: `catalog.catalog` with the sections of the lanes."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from sysgen_dagster.catalog.catalog import BaseCatalog
from sysgen_dagster.catalog.entries import Models
from sysgen_dagster.catalog.load import catalog_file, read_catalog
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.lanes.sysgen.settings import Generator, Method
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT, JUDGED_PREFERENCES
from sysgen_dagster.sources.tables import SOURCE_ROW

# The tables whose rows a model is asked for, each with settings of its own. Of planted faults the
# judge of Phase 3 is asked as in Phase 3.
ASKED_FOR = (
    *(phase.table.name for phase in PHASES if phase.asks),
    *(table.name for table in (JUDGED_PREFERENCES, JUDGED_ALIGNMENT)),
)


class Catalog(BaseCatalog):
    """Sources, models, training sets, operations, and the settings of every lane."""

    method: Method  # of the lane `sysgen`
    models: Annotated[Models[Generator], Field(min_length=1)]

    @model_validator(mode="after")
    def _require_other_columns_than_ours(self) -> Self:
        for name, source in self.sources.items():
            if ours := sorted(SOURCE_ROW.keys() & source.columns.keys()):
                raise ValueError(
                    f"`columns` of {name} names {ours}, which the pipeline adds to each row: leave "
                    "them out, or give a file that calls them otherwise"
                )
        return self

    @model_validator(mode="after")
    def _require_known_phases(self) -> Self:
        for name, model in self.served.items():
            if unknown := sorted(model.request.phases.keys() - set(ASKED_FOR)):
                raise ValueError(
                    f"`request.phases` of {name} names {unknown}: give names of tables that a "
                    f"model is asked for, {', '.join(ASKED_FOR)}"
                )
        return self


def load_catalog(file: Path | None = None) -> Catalog:
    """The catalogue in `file`, else in the file named by ``SYSGEN_CATALOG``, else the shipped one.

    Raises:
        CatalogError: The file is missing, is not YAML, or an entry is wrong.
    """
    return read_catalog(Catalog, file or catalog_file())
