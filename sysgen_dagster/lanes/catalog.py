"""The whole catalogue: `catalog.catalog` with the sections of the lanes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from sysgen_dagster.catalog.catalog import BaseCatalog
from sysgen_dagster.catalog.entries import Models
from sysgen_dagster.catalog.evaluation import ASKED_TABLES
from sysgen_dagster.catalog.load import catalog_file, read_catalog
from sysgen_dagster.catalog.references import Misnamed, forbidden_names, other_names
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.lanes.sysgen.settings import Generator, Method, Preset
from sysgen_dagster.obedience.tables import (
    CONFLICT_TURNS,
    JUDGED_ALIGNMENT,
    JUDGED_PREFERENCES,
    OBEDIENCE,
)
from sysgen_dagster.sources.left_out import complete_sources
from sysgen_dagster.sources.tables import SOURCE_ROW

# The tables whose rows a model is asked for, each with settings of its own. Of planted faults the
# judge of Phase 3 is asked as in Phase 3.
ASKED_FOR = (
    *(phase.table.name for phase in PHASES if phase.asks),
    *(table.name for table in (JUDGED_PREFERENCES, JUDGED_ALIGNMENT, OBEDIENCE, CONFLICT_TURNS)),
    *ASKED_TABLES,
)


class Catalog(BaseCatalog):
    """Sources, models, training sets, operations, and the settings of every lane."""

    # Of the lane `sysgen`; what has fields and no preset is the paper's.
    method: Method = Method(preset=Preset.BEST)
    models: Annotated[Models[Generator], Field(min_length=1)]

    @classmethod
    def find_misnamed(cls, values: Any) -> Iterator[Misnamed]:
        """The names in a document that refer to nothing, or stand where they must not."""
        yield from super().find_misnamed(values)
        what = (
            "is a column that the pipeline adds to each row: leave it out, or give a file that "
            "calls it otherwise"
        )
        yield from forbidden_names(values, "sources.*.columns", SOURCE_ROW, what)
        for section in ("models", "judges", "subjects"):
            place = f"{section}.*.request.phases"
            yield from other_names(values, place, ASKED_FOR, "table that a model is asked for")


def load_catalog(file: Path | None = None) -> Catalog:
    """The catalogue in `file`, else in the file named by ``SYSGEN_CATALOG``, else the shipped one.

    Raises:
        CatalogError: The file is missing, is not YAML, or an entry is wrong.
    """
    return read_catalog(Catalog, file or catalog_file(), complete_sources)
