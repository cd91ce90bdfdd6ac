"""Catalogues for a trial: local files instead of the Hub, simulated models or the user's own."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from sysgen_dagster.catalog.entries import UNKNOWN
from sysgen_dagster.catalog.load import CatalogError
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.catalog.plain_yaml import read_plain
from sysgen_dagster.catalog.recipes import Lane
from sysgen_dagster.catalog.sources import Benchmark, Source
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.sources.finding import source_name
from sysgen_dagster.sources.folders import FORMATS, format_of
from sysgen_dagster.sources.heads import estimate_rows, read_head
from sysgen_dagster.sources.recognition import SourceError
from sysgen_dagster.sources.seen import Seen

EXAMPLE_ROWS = Path(__file__).parents[1] / "example_rows"
# Names of columns that hold the text of an item; the first one that a file has is read.
_ITEM_TEXT = (
    *("question", "problem", "prompt", "instruction", "input"),
    *("turns", "text", "ctx", "messages"),
)
_ROWS_PER_SHARD = 2_000
# Of the second lane: few instructions, since each takes about fifteen requests of each model, and
# one mixture of each kind of rows; the others of the full catalogue differ from these by a field.
_INSTRUCTIONS = 12
_OF_SECOND_LANE = ("multifaceted", "multifaceted_pairs", "multifaceted_published")


def local_catalog(full: Catalog, folder: Path, least_shards: int = 2) -> Catalog:
    """The full catalogue with every source read from `folder` and every model simulated.

    Its benchmarks are the files in ``benchmarks`` in the folder. The second lane is left out, and
    so are its mixtures and what is trained on them.

    Args:
        full: The full catalogue.
        folder: Has a file for each source.
        least_shards: Into how many each source is cut, however few rows it has.

    Raises:
        CatalogError: The folder has no file for a source.
        SourceError: A benchmark cannot be read.
    """
    simulated = {"engine": Engine.SIMULATED}
    mixtures = {
        name: recipe for name, recipe in full.mixtures.items() if recipe.lane is Lane.SYSGEN
    }
    changes: dict[str, object] = {
        "sources": {
            name: _local_source(source, folder, least_shards)
            for name, source in full.sources.items()
        },
        "models": {name: each.model_copy(update=simulated) for name, each in full.models.items()},
        "judges": {name: each.model_copy(update=simulated) for name, each in full.judges.items()},
        "benchmarks": _local_benchmarks(folder / "benchmarks"),
        "multifaceted": None,
        "mixtures": mixtures,
        "trainings": {
            name: each for name, each in full.trainings.items() if each.mixture in mixtures
        },
    }
    return full.model_copy(update=changes)


def with_second_lane(catalog: Catalog, full: Catalog) -> Catalog:
    """The catalogue with a few instructions of its own sources, and mixtures of the second lane.

    Args:
        catalog: Of local files.
        full: The full catalogue, which has these mixtures.
    """
    sources = {
        name: source.model_dump(mode="json", include={"title", "license", "path", "shape"})
        for name, source in catalog.sources.items()
    }
    section = {"sources": sources, "instructions": _INSTRUCTIONS}
    own = {name: full.mixtures[name] for name in _OF_SECOND_LANE}
    changes = {
        "multifaceted": Multifaceted.model_validate(section),
        "mixtures": {**catalog.mixtures, **own},
    }
    return catalog.model_copy(update=changes)


def _local_source(source: Source, folder: Path, least_shards: int) -> Source:
    files = (folder / f"{source.name}{ending}" for ending in FORMATS)
    path = next((file.absolute() for file in files if file.is_file()), None)
    if path is None:
        wanted = source.name + ", ".join(FORMATS)
        raise CatalogError(f"{folder} has no {wanted}: put the rows of {source.title} there")
    shards = max(least_shards, math.ceil(estimate_rows(path) / _ROWS_PER_SHARD))
    local = {"hub": None, "path": path, "shards": shards, "rows": None, "conversations": None}
    return source.model_copy(update=local)


def _local_benchmarks(folder: Path) -> dict[str, Benchmark]:
    """An entry for each data file in the folder."""
    entries = {}
    for path in sorted(path for path in folder.glob("*") if format_of(path)):
        columns = _read_columns(path)
        text = [column for column in _ITEM_TEXT if column in columns][:1]
        if not text:
            raise CatalogError(f"{path} has none of the columns {', '.join(_ITEM_TEXT)}: remove it")
        name = source_name(path.name)
        entries[name] = Benchmark(name=name, title=path.name, path=path.absolute(), text=text)
    return entries


def _read_columns(path: Path) -> list[str]:
    try:
        return Seen(read_head(path.name, path).rows).columns
    except SourceError as error:
        raise CatalogError(f"{path} cannot be read as a benchmark ({error}): remove it") from error


def real_model(name: str, endpoint: str | None, api_key_env: str | None) -> dict[str, Generator]:
    """A catalogue entry for the user's model, under its key; nothing is expected of the model.

    Args:
        name: The model's name on the server at `endpoint`. Without an endpoint, what vLLM loads: a
            name on the Hub or a folder.
        endpoint: The URL of a running server; ``/v1`` may be left out.
        api_key_env: The environment variable that holds the server's key.

    Raises:
        CatalogError: The endpoint is not a URL, or `api_key_env` is not the name of a variable.
    """
    folder = Path(name).absolute()
    served = folder.name if not endpoint and folder.is_dir() else name
    return generator(
        served,
        name,
        license=UNKNOWN,
        engine=Engine.ENDPOINT if endpoint else Engine.VLLM,
        weights=str(folder) if served != name else None,
        base_urls=[endpoint] if endpoint else [],
        api_key_env=api_key_env,
    )


def generator(served: str, named: str, **fields: object) -> dict[str, Generator]:
    """A catalogue entry of a model of which nothing is expected, under a key made of its name.

    Args:
        served: Its name on its server.
        named: What the user wrote, for the message of an error.
        **fields: Of the entry.

    Raises:
        CatalogError: A field has a value that it does not take.
    """
    key = re.sub(r"[^a-z0-9._-]+", "-", served.rpartition("/")[2].lower()).strip("-._") or "model"
    entry: dict[str, object] = {
        "name": key,
        "served_name": served,
        **fields,
    }
    try:
        return {key: Generator.model_validate(entry)}
    except ValidationError as error:
        raise CatalogError(f"--model {named} cannot be used: {_faults(error)}") from None


def one_shard_each(catalog: Catalog) -> Catalog:
    """The catalogue with every source whole and no sample judged: a few rows, soon done.

    All rows of a source are then in flight together, and judges would double what there is to do.
    """
    sources = {
        name: source.model_copy(update={"shards": 1}) for name, source in catalog.sources.items()
    }
    none = dict.fromkeys(("preference_rows", "alignment_rows", "obedience"), 0)
    judging = catalog.judging.model_copy(update=none)
    return catalog.model_copy(update={"sources": sources, "judging": judging})


def with_models(catalog: Catalog, models: Mapping[str, Generator]) -> Catalog:
    """The catalogue with these models alone; each judges itself, since no other may be running.

    Students learn what the catalogue's own models wrote, so there are none.
    """
    mixtures = {
        name: recipe.model_copy(update={"models": ()}) for name, recipe in catalog.mixtures.items()
    }
    judging = catalog.judging.model_copy(update={"judge": None})
    changes = {"models": models, "judges": {}, "judging": judging, "mixtures": mixtures}
    return catalog.model_copy(update={**changes, "students": {}, "trainings": {}})


def with_method(catalog: Catalog, settings: Sequence[str]) -> Catalog:
    """The catalogue with these settings of the method, each such as ``repair=true``.

    Raises:
        CatalogError: There is no such setting, or it does not take the value.
    """
    written = dict(setting.partition("=")[::2] for setting in settings)
    # A setting without a value is wrong, not left out.
    changes = {
        name: value if (of := read_plain(value)) is None else of for name, value in written.items()
    }
    try:
        method = catalog.method.changed(changes)
    except ValidationError as error:
        culprit = f"--method {' '.join(settings)}"
        raise CatalogError(f"{culprit} cannot be used: {_faults(error)}") from None
    return catalog.model_copy(update={"method": method})


def _faults(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        for fault in error.errors(include_url=False)
    )
