"""Catalogues for a trial: local files instead of the Hub's, simulated models or the user's."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from sysgen_dagster.catalog.load import CatalogError
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.catalog.sources import Benchmark, Source
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.settings import Generator, Method

EXAMPLE_ROWS = Path(__file__).parents[1] / "example_rows"
_BENCHMARKS = "benchmarks"  # a folder beside the sources
# Where the text of an item stands, the first of these that a file has.
_ITEM_TEXT = (
    *("question", "problem", "prompt", "instruction", "input"),
    *("turns", "text", "ctx", "messages"),
)
_ROWS_PER_SHARD = 2_000
_SUFFIXES = (".parquet", ".jsonl", ".json")


def local_catalog(full: Catalog, folder: Path) -> Catalog:
    """The full catalogue with each source read from `folder` and every model simulated.

    The files of ``benchmarks`` in it take the place of the catalogue's benchmarks.

    Raises:
        CatalogError: A source has no file there.
    """
    sources: dict[str, Source] = {}
    for name, source in full.sources.items():
        found = [path for suffix in _SUFFIXES if (path := folder / f"{name}{suffix}").is_file()]
        if not found:
            wanted = " or ".join(f"{name}{suffix}" for suffix in _SUFFIXES)
            raise CatalogError(f"{folder} has no {wanted}: put the rows of {source.title} there")
        path = found[0].absolute()
        shards = max(2, math.ceil(_count_rows(path) / _ROWS_PER_SHARD))
        local = {"hub": None, "path": path, "shards": shards, "rows": None, "conversations": None}
        sources[name] = source.model_copy(update=local)
    simulated = {"engine": Engine.SIMULATED}
    changes: dict[str, object] = {
        "sources": sources,
        "models": {name: each.model_copy(update=simulated) for name, each in full.models.items()},
        "judges": {name: each.model_copy(update=simulated) for name, each in full.judges.items()},
        "benchmarks": _local_benchmarks(folder / _BENCHMARKS),
    }
    return full.model_copy(update=changes)


def _local_benchmarks(folder: Path) -> dict[str, Benchmark]:
    """An entry for each file that has a column of items' text."""
    entries = {}
    for path in sorted(path for path in folder.glob("*") if path.suffix in _SUFFIXES):
        columns = _columns(path)
        text = [column for column in _ITEM_TEXT if column in columns][:1]
        if not text:
            raise CatalogError(f"{path} has none of the columns {', '.join(_ITEM_TEXT)}: remove it")
        name = re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_")
        entries[name] = Benchmark(
            name=name, title=path.name, license="unknown", path=path.absolute(), text=text
        )
    return entries


def _columns(path: Path) -> list[str]:
    try:
        if path.suffix == ".parquet":
            return list(pl.read_parquet_schema(path))
        return (pl.read_json if path.suffix == ".json" else pl.read_ndjson)(path).columns
    except pl.exceptions.PolarsError as error:
        raise CatalogError(f"{path} cannot be read as a benchmark ({error}): remove it") from error


def _count_rows(path: Path) -> int:
    """A rough count is enough: it only decides how many shards there are."""
    if path.suffix == ".parquet":
        try:
            return int(pl.scan_parquet(path).select(pl.len()).collect().item())
        except pl.exceptions.PolarsError:
            return 0  # the source asset says what is wrong with it
    with path.open("rb") as lines:
        return sum(1 for _ in lines)


def real_model(name: str, endpoint: str | None, api_key_env: str | None) -> dict[str, Generator]:
    """One catalogue entry for a model of the user's, of which nothing is expected.

    Args:
        name: As the server at `endpoint` says; without one, what vLLM loads: a name on the Hub or a
            folder.
        endpoint: A server that runs already; ``/v1`` may be left out.
        api_key_env: The variable that holds its key.

    Raises:
        CatalogError: The endpoint is no URL, or the variable's name is none.
    """
    folder = Path(name).absolute()
    served = folder.name if not endpoint and folder.is_dir() else name
    entry: dict[str, object] = {
        "served_name": served,
        "license": "unknown",
        "engine": Engine.ENDPOINT if endpoint else Engine.VLLM,
        "weights": str(folder) if served != name else None,
        "api_key_env": api_key_env,
        "bounds": {"filtered": (0, 1), "aligned": (0, 1), "tag_share_within": 1},
    }
    if endpoint:
        entry["base_urls"] = [f"{endpoint.rstrip('/').removesuffix('/v1')}/v1"]
    key = re.sub(r"[^a-z0-9._-]+", "-", served.rpartition("/")[2].lower()).strip("-._") or "model"
    try:
        return {key: Generator.model_validate({"name": key, **entry})}
    except ValidationError as error:
        faults = "; ".join(
            f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors(include_url=False)
        )
        raise CatalogError(f"--model {name} cannot be used: {faults}") from error


def with_models(catalog: Catalog, models: Mapping[str, Generator]) -> Catalog:
    """The catalogue with these models alone; each judges itself: no other is known to be there."""
    judging = catalog.judging.model_copy(update={"judge": None})
    mixtures = {
        name: recipe.model_copy(update={"models": ()}) for name, recipe in catalog.mixtures.items()
    }
    changes = {"models": models, "judges": {}, "judging": judging, "mixtures": mixtures}
    return catalog.model_copy(update=changes)


def with_method(catalog: Catalog, settings: Sequence[str]) -> Catalog:
    """The catalogue with settings of the method such as ``repair=true``.

    Raises:
        CatalogError: There is no such setting, or it does not take the value.
    """
    changes = dict(setting.partition("=")[::2] for setting in settings)
    try:
        method = Method.model_validate({**catalog.method.model_dump(), **changes})
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )
        raise CatalogError(f"--method {' '.join(settings)} cannot be used: {faults}") from error
    return catalog.model_copy(update={"method": method})
