"""Catalogues for a trial: local files instead of the Hub's, simulated models or the user's."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from pydantic import ValidationError

from sysgen_dagster.catalog import Catalog, CatalogError, Engine, Method, Model

EXAMPLE_ROWS = Path(__file__).with_name("example_rows")
_ROWS_PER_SHARD = 2_000
_SUFFIXES = (".parquet", ".jsonl", ".json")


def local_catalog(full: Catalog, folder: Path) -> Catalog:
    """The full catalogue with each source read from `folder` and every model simulated.

    Raises:
        CatalogError: A source has no file there.
    """
    sources = {}
    for name, source in full.sources.items():
        found = [path for suffix in _SUFFIXES if (path := folder / f"{name}{suffix}").is_file()]
        if not found:
            wanted = " or ".join(f"{name}{suffix}" for suffix in _SUFFIXES)
            raise CatalogError(f"{folder} has no {wanted}: put the rows of {source.title} there")
        path = found[0].absolute()
        shards = max(2, math.ceil(_count_rows(path) / _ROWS_PER_SHARD))
        changes = {"hub": None, "path": path, "shards": shards, "rows": None, "conversations": None}
        sources[name] = source.model_copy(update=changes)
    models = {
        name: model.model_copy(update={"engine": Engine.SIMULATED})
        for name, model in full.models.items()
    }
    return full.model_copy(update={"sources": sources, "models": models})


def _count_rows(path: Path) -> int:
    """A rough count is enough: it only decides how many shards there are."""
    if path.suffix == ".parquet":
        try:
            return int(pl.scan_parquet(path).select(pl.len()).collect().item())
        except pl.exceptions.PolarsError:
            return 0  # the source asset says what is wrong with it
    with path.open("rb") as lines:
        return sum(1 for _ in lines)


def real_model(name: str, endpoint: str | None, api_key_env: str | None) -> dict[str, Model]:
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
        return {key: Model.model_validate(entry)}
    except ValidationError as error:
        faults = "; ".join(
            f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors(include_url=False)
        )
        raise CatalogError(f"--model {name} cannot be used: {faults}") from error


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
