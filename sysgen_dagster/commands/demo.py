"""The main job from the command line: every source, phase and model, through a Dagster instance.

Everything is stored in one folder, the Dagster home too, so that the UI opens on what was made.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands import trial_catalog
from sysgen_dagster.commands.backfill import run_everything
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.real_model import prepare_real_model
from sysgen_dagster.commands.results import print_results, show_tokens
from sysgen_dagster.commands.terminal import show_outcome
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.storage.store import StoreError, is_url

# Of each source, with a real model: done within minutes by a small one on two cores.
REAL_ROWS = 3
_REAL_METHOD = ("preset=best",)


@dataclass(frozen=True, slots=True)
class Trial:
    """What is run instead of the full catalogue.

    Attributes:
        sources: Folder with a file for each source; the rows of the package when left out.
        model: A real one instead of the simulated ones: a name on the Hub, a folder, or as the
            server at `endpoint` says.
        endpoint: A server that runs already; without one vLLM is started for `model`.
        api_key_env: The variable that holds the endpoint's key.
        real: A model for a short demo of real text: a GGUF file, a folder or a name on the Hub.
        method: Settings of the method, such as ``repair=true``. Those of a real model change the
            preset `best`.
    """

    sources: Path | None = None
    model: str | None = None
    endpoint: str | None = None
    api_key_env: str | None = None
    real: str | None = None
    method: Sequence[str] = ()

    def catalog(self, real: Mapping[str, Generator] | None = None) -> Catalog:
        """The full catalogue with these changes, and `real` as its only model if there is one.

        Both lanes, with `real` the first one alone: it would be asked twice as much.

        Raises:
            CatalogError: A source, the model or a setting cannot be used.
        """
        full = load_catalog(FULL_CATALOG)
        folder = self.sources or trial_catalog.EXAMPLE_ROWS
        # A shard takes a run of each model, however few rows it has: one each shows them all.
        catalog = trial_catalog.local_catalog(full, folder, least_shards=1)
        if self.model:
            catalog = trial_catalog.with_models(
                catalog, trial_catalog.real_model(self.model, self.endpoint, self.api_key_env)
            )
        if real:
            catalog = trial_catalog.one_shard_each(catalog)
            catalog = trial_catalog.with_models(catalog, real)
        else:
            catalog = trial_catalog.with_second_lane(catalog, full)
        of_real = _REAL_METHOD if self.model or real else ()
        return trial_catalog.with_method(catalog, [*of_real, *self.method])


def run_demo(console: Console, data: str, trial: Trial, limit: int | None = None) -> int:
    """0 when every partition was made and no contract was broken, else 1.

    Raises:
        CatalogError: The trial cannot be run as it is.
        DagsterHomeError: Dagster's state cannot be kept under `data`.
        EngineError: Nothing answers at the endpoint, or there is no engine for a real model.
        StoreError: `data` is no folder for a trial.
    """
    started = time.monotonic()
    if is_url(data):
        raise StoreError(
            f"{data} is a URL, and the demo keeps everything in one folder. For object storage set "
            "SYSGEN_DATA to the URL and SYSGEN_WORK to a folder, and start `sysgen ui`"
        )
    real = prepare_real_model(console, trial.real) if trial.real else None
    catalog = trial.catalog(real)
    store = begin_deployment(catalog, Path(data).absolute())
    if trial.endpoint:
        _require_endpoint(console, catalog, Path(data).absolute())
    runs = run_everything(console, catalog, limit or (REAL_ROWS if real else None))
    show_outcome(console, catalog, store)
    console.print(f"\n{runs.summary()}\n{time.monotonic() - started:.0f} s in all.")
    show_tokens(console, store, catalog)
    print_results(console, store, catalog)
    return 1 if runs.errors else 0


def _require_endpoint(console: Console, catalog: Catalog, data: Path) -> None:
    """Raises `EngineError` when the endpoint is not there: once, and not from every partition."""
    [model] = catalog.served.values()
    with Engines(data / "engines").connection(model, console.print) as connection:
        connection.connect()
