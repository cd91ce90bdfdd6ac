"""The main job from the command line: every source, phase and model, through a Dagster instance.

``python -m sysgen_dagster.demo --data demo`` runs the bundled rows with the simulated models and
ends with what was kept, beside the paper's figures. ``--model`` takes a real one instead: with
``--endpoint`` on a server that runs already, without it on a vLLM that is started here. Everything
is stored under ``--data``, the Dagster instance too, so that the UI opens on what was made.
"""

import argparse
import logging
import math
import os
import re
import shutil
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import polars as pl
import yaml
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from sysgen_dagster.catalog import (
    FULL_CATALOG,
    Catalog,
    CatalogError,
    Engine,
    Method,
    Model,
    load_catalog,
)
from sysgen_dagster.console import show_outcome
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.storage.store import Store

EXAMPLE_ROWS = Path(__file__).with_name("example_rows")
# In a wheel the file lies inside the package, in a checkout beside it.
_PACKAGE = Path(__file__).parent
INSTANCE_SETTINGS = next(
    path for folder in (_PACKAGE, _PACKAGE.parent) if (path := folder / "dagster.yaml").is_file()
)
_ROWS_PER_SHARD = 2_000
LEAST_WIDTH = 96  # of the tables
_SUFFIXES = (".parquet", ".jsonl", ".json")


def main(arguments: list[str] | None = None) -> int:
    """0 when every partition was made and no contract was broken, else 1."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.endpoint and not options.model:
        parser.error("--endpoint needs --model: which of its models is to be asked")
    console = Console(width=max(Console().width, LEAST_WIDTH))
    data, started = options.data.absolute(), time.monotonic()
    try:
        catalog = _catalog(options)
        settle(catalog, data)
        if options.endpoint:
            _require_endpoint(console, catalog, data)
    except (CatalogError, EngineError) as error:
        console.print(Text(str(error), style="red"))
        return 1
    runs = run_everything(console, catalog, options.limit)
    show_outcome(console, catalog, Store(data))
    console.print(f"\n{runs.summary()}\n{time.monotonic() - started:.0f} s in all.")
    console.print("Open the UI on it, at http://127.0.0.1:3000, with:")
    console.print(f"make dev DATA={options.data}", soft_wrap=True)
    return 1 if runs.errors else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sysgen_dagster.demo", description=__doc__)
    add = parser.add_argument
    add("--sources", type=Path, default=EXAMPLE_ROWS, help="folder with NAME.parquet")
    add("--data", type=Path, default=Path("demo"), help="where everything is stored")
    add("--model", metavar="NAME", help="on the Hub, a folder of weights, or as the server says")
    add("--endpoint", metavar="URL", help="an OpenAI-compatible server that serves --model")
    add("--api-key-env", metavar="VARIABLE", help="the variable that holds the endpoint's key")
    add("--limit", type=int, metavar="ROWS", help="conversations taken of each shard")
    add(
        "--method",
        action="extend",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help=f"settings of the method: {', '.join(Method.model_fields)}",
    )
    return parser


def _catalog(options: argparse.Namespace) -> Catalog:
    catalog = local_catalog(load_catalog(FULL_CATALOG), options.sources)
    if options.model:
        model = real_model(options.model, options.endpoint, options.api_key_env)
        catalog = catalog.model_copy(update={"models": model})
    return with_method(catalog, options.method)


def _require_endpoint(console: Console, catalog: Catalog, data: Path) -> None:
    """Raises `EngineError` when the endpoint is not there: once, and not from every partition."""
    [name] = catalog.models
    with Engines(catalog.models, data / "engines").connection(name, console.print) as connection:
        connection.connect()


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


def _count_rows(path: Path) -> int:
    """A rough count is enough: it only decides how many shards there are."""
    if path.suffix == ".parquet":
        try:
            return int(pl.scan_parquet(path).select(pl.len()).collect().item())
        except pl.exceptions.PolarsError:
            return 0  # the source asset says what is wrong with it
    with path.open("rb") as lines:
        return sum(1 for _ in lines)


def settle(catalog: Catalog, data: Path) -> None:
    """Write the catalogue and the instance's settings under `data` and point this process there."""
    home = data / "dagster_home"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(INSTANCE_SETTINGS, home / "dagster.yaml")
    (data / "catalog.yaml").write_text(
        yaml.safe_dump(catalog.model_dump(mode="json"), sort_keys=False)
    )
    os.environ |= {
        "DAGSTER_HOME": str(home),
        "SYSGEN_DATA": str(data),
        "SYSGEN_CATALOG": str(data / "catalog.yaml"),
    }


@dataclass(slots=True)
class Runs:
    """What became of the runs."""

    partitions: int = 0
    passed: int = 0
    warned: Counter[str] = field(default_factory=Counter)  # by check
    broken: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    def take(self, partition: str, result: dg.ExecuteInProcessResult) -> None:
        """Count the run of one partition."""
        self.partitions += 1
        for check in result.get_asset_check_evaluations():
            failed = self.broken if check.severity is dg.AssetCheckSeverity.ERROR else self.warned
            if check.passed:
                self.passed += 1
            else:
                failed[f"{check.asset_key.to_user_string()}: {check.check_name}"] += 1
        for event in result.get_step_failure_events():
            self.errors.append(f"{partition}, {event.step_key}: {_root_cause(event)}")

    def summary(self) -> str:
        """A line for the runs, one for the checks, and one for each check that did not pass."""
        lines = [
            f"{self.partitions} runs, {len(self.errors)} failed",
            f"{self.passed} checks passed, {self.warned.total()} warn, "
            f"{self.broken.total()} broken contracts",
        ]
        for word, checks in (("warns", self.warned), ("broken", self.broken)):
            lines += [f"  {word}: {name}, {n} partitions" for name, n in checks.most_common()]
        return "\n".join(lines)


def _root_cause(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else "no reason was recorded"


Work = tuple[str, list[dg.AssetKey], str]  # what it is, which assets, which partition


def _work(catalog: Catalog) -> Iterator[Work]:
    from sysgen_dagster.defs.partitions import source_key
    from sysgen_dagster.defs.pipeline import PHASES

    shards = [shard for source in catalog.sources for shard in catalog.shards(source)]
    for shard in shards:
        source, _ = catalog.locate(shard)
        yield f"source {shard}", [source_key(source)], shard
    for shard in shards:
        yield f"conversations {shard}", [dg.AssetKey("conversations")], shard
    for model in catalog.models:
        for shard in shards:
            yield f"{model} {shard}", [phase.key for phase in PHASES], f"{model}|{shard}"
        yield f"{model} statistics", [dg.AssetKey("retention"), dg.AssetKey("tag_counts")], model


class _Lines(logging.Handler):
    """Prints what engines say above the progress bar."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(Text(record.getMessage(), style="dim"))


def run_everything(console: Console, catalog: Catalog, limit: int | None = None) -> Runs:
    """What became of one run for each partition, while a bar or a line a run shows how far it is.

    The catalogue is the one this process was settled on; `limit` is how many conversations of each
    shard are taken.
    """
    # Partitioned checks and dimension mappings say on every run that they are preview and beta;
    # the versions are pinned for that reason.
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    from sysgen_dagster.definitions import defs
    from sysgen_dagster.defs.resources import ENGINE_LOG

    job = defs.resolve_implicit_global_asset_job_def()
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    pilot = {"ops": {"annotated_system_messages": {"config": {"limit": limit}}}}
    work, runs = list(_work(catalog)), Runs()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with dg.DagsterInstance.get() as instance, Progress(*columns, console=console) as progress:
        task = progress.add_task("starting", total=len(work))
        if Engine.SIMULATED not in {model.engine for model in catalog.models.values()}:
            ENGINE_LOG.addHandler(_Lines(progress.console))  # a real one takes its time
            ENGINE_LOG.setLevel(logging.INFO)
        for name, assets, partition in work:
            progress.update(task, description=f"{name:<32}")
            result = job.execute_in_process(
                run_config=quiet | (pilot if "|" in partition else {}),
                instance=instance,
                partition_key=partition,
                asset_selection=assets,
                raise_on_error=False,
            )
            runs.take(name, result)
            progress.advance(task)
            if not console.is_terminal:  # where no bar can be drawn, a line a run
                console.print(f"{runs.partitions:>4}/{len(work)}  {name}", highlight=False)
            if not result.success:
                progress.console.print(Text(f"failed: {runs.errors[-1]}", style="red"))
    return runs


if __name__ == "__main__":
    sys.exit(main())
