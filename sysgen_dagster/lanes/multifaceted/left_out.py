"""How many shards the lane has where its section does not say, by the rows of its sources.

Instructions are cut before it is known how many the sources have. Where all are files of this
machine, or say how many ``rows`` they have, a small collection is not cut for the paper's number.
"""

from pathlib import Path
from typing import Any

from sysgen_dagster.catalog.references import Misnamed, entries_of
from sysgen_dagster.lanes.multifaceted import paper
from sysgen_dagster.lanes.multifaceted.settings import INSTRUCTIONS_PER_SHARD, shards_for
from sysgen_dagster.lanes.multifaceted.tables import LANE
from sysgen_dagster.sources.heads import rows_of_source
from sysgen_dagster.sources.recognition import SourceError


def complete_shards(values: Any) -> list[Misnamed]:
    """Fill in ``shards`` of the section, and say which file cannot be read for it.

    Nothing is filled in where the instructions fit into one shard, or where it is not known how
    many rows a source has: they are then cut by the number that the catalogue asks for.

    Args:
        values: Of the document of a catalogue; they are changed.
    """
    section = values.get(LANE) if isinstance(values, dict) else None
    if not isinstance(section, dict) or section.get("shards") is not None:
        return []
    wanted = section.get("instructions")
    wanted = paper.INSTRUCTIONS if wanted is None else wanted
    sources = [*entries_of(values, f"{LANE}.sources")]
    is_known = all(_says_rows(entry) or _path_of(entry) for _, entry in sources)
    if type(wanted) is not int or wanted <= INSTRUCTIONS_PER_SHARD or not is_known:
        return []
    faults, rows = [], 0
    for place, entry in sources:
        try:
            rows += _count(str(place[-1]), entry)
        except SourceError as error:
            what = str(error).removeprefix(f"{place[-1]}: ")
            faults.append(Misnamed((*place, "path"), "", what))
    section["shards"] = shards_for(min(wanted, rows))
    return faults


def _says_rows(entry: dict[str, Any]) -> bool:
    return type(entry.get("rows")) is int


def _path_of(entry: dict[str, Any]) -> str:
    path = entry.get("path")
    return path if isinstance(path, str) else ""


def _count(name: str, entry: dict[str, Any]) -> int:
    """The rows of a source, as the catalogue says or as its file seems to have.

    Raises:
        SourceError: The file cannot be read.
    """
    if _says_rows(entry):
        return int(entry["rows"])
    path = Path(_path_of(entry))
    try:
        return rows_of_source(name, path)
    except OSError as error:  # such as of a name that is too long
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
