"""The whole catalogue: `catalog.catalog` with the sections of the lanes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from sysgen_dagster.catalog.catalog import BaseCatalog
from sysgen_dagster.catalog.entries import Models
from sysgen_dagster.catalog.evaluation import ASKED_TABLES
from sysgen_dagster.catalog.load import catalog_file, read_catalog
from sysgen_dagster.catalog.recipes import Lane
from sysgen_dagster.catalog.references import (
    Misnamed,
    forbidden_names,
    other_names,
    unknown_names,
)
from sysgen_dagster.catalog.rules import rule
from sysgen_dagster.catalog.sources import Source, UpstreamFile
from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_RUBRICS
from sysgen_dagster.lanes.multifaceted.left_out import complete_shards
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.steps import STEPS
from sysgen_dagster.lanes.multifaceted.tables import JUDGED_PAIRS, LANE
from sysgen_dagster.lanes.sysgen.paper import SCORED
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
    *(*(step.table.name for step in STEPS), JUDGED_PAIRS.name, BENCH_RUBRICS.name),
    *ASKED_TABLES,
)


class Catalog(BaseCatalog):
    """Sources, models, training sets, operations, and the settings of every lane."""

    # Of the lane `sysgen`; what has fields and no preset is the paper's.
    method: Method = Method(preset=Preset.BEST)
    models: Annotated[Models[Generator], Field(min_length=1)]
    multifaceted: Multifaceted | None = None  # without it that lane makes nothing

    @property
    def instruction_sources(self) -> list[Source]:
        """What the second lane reads instructions from, as sources of conversations."""
        own = self.multifaceted.sources.values() if self.multifaceted else ()
        return [each.as_source for each in own]

    @property
    def upstream_files(self) -> list[UpstreamFile]:
        """Everything that is fetched, or read from a copy of what is published."""
        return [*super().upstream_files, *self.instruction_sources]

    @property
    def lane_shards(self) -> Mapping[str, list[str]]:
        """By lane, its shards where they are not those of the sources; they look like these."""
        number = self.multifaceted.shards if self.multifaceted else 0
        return {LANE: [f"{LANE}-{index:03d}" for index in range(number)]}

    @property
    def shards_of(self) -> Mapping[str, int]:
        """Into how many shards each source is cut, and the instructions of the second lane."""
        own = {LANE: self.multifaceted.shards} if self.multifaceted else {}
        return {**super().shards_of, **own}

    @property
    def bench_writer(self) -> Generator | None:
        """The model that writes the second lane's bench; None where there is no bench."""
        bench = self.multifaceted.bench if self.multifaceted else None
        return self.models[bench.writer or next(iter(self.models))] if bench else None

    @rule("mixtures", "multifaceted")
    def _require_the_lane_of_mixtures(self) -> str | None:
        named = [name for name, each in self.mixtures.items() if each.lane is Lane.MULTIFACETED]
        if not named or self.multifaceted:
            return None
        return (
            f"`lane` of {', '.join(named)} is {Lane.MULTIFACETED}, and there is no section "
            f"`{LANE}`: say there which instructions are read, or leave these mixtures out"
        )

    @classmethod
    def find_misnamed(cls, values: Any) -> Iterator[Misnamed]:
        """The names in a document that refer to nothing, or stand where they must not."""
        yield from super().find_misnamed(values)
        what = (
            "is a column that the pipeline adds to each row: leave it out, or give a file that "
            "calls it otherwise"
        )
        for sources in ("sources", f"{LANE}.sources"):
            yield from forbidden_names(values, f"{sources}.*.columns", SOURCE_ROW, what)
        if isinstance(values, Mapping) and values.get(LANE) is not None:
            what = f"is what shards of the lane `{LANE}` are called: give the source another name"
            yield from forbidden_names(values, "sources", {LANE}, what)
            what = "is said by the entry's key: leave the field out"
            yield from forbidden_names(values, f"{LANE}.sources.*", {"name"}, what)
        yield from unknown_names(values, f"{LANE}.bench.writer", "models")
        for section in ("models", "judges", "subjects"):
            place = f"{section}.*.request.phases"
            yield from other_names(values, place, ASKED_FOR, "table that a model is asked for")
        rows = "row of the paper's tables of scores"
        yield from other_names(values, "subjects.*.published", SCORED, rows)


def load_catalog(file: Path | None = None) -> Catalog:
    """The catalogue in `file`, else in the file named by ``SYSGEN_CATALOG``, else the shipped one.

    Raises:
        CatalogError: The file is missing, is not YAML, or an entry is wrong.
    """
    return read_catalog(Catalog, file or catalog_file(), _complete)


def _complete(values: Any) -> list[Misnamed]:
    return [*complete_sources(values), *complete_shards(values)]
