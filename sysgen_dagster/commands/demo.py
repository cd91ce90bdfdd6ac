"""The main job from the command line: every source, phase and model, through a Dagster instance.

``python -m sysgen_dagster.commands.demo --data demo`` runs the bundled rows with the simulated models and
ends with what was kept, beside the paper's figures. ``--model`` takes a real one instead: with
``--endpoint`` on a server that runs already, without it on a vLLM that is started here. Everything
is stored under ``--data``, the Dagster instance too, so that the UI opens on what was made.
"""

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from sysgen_dagster.catalog.load import FULL_CATALOG, CatalogError
from sysgen_dagster.commands.backfill import run_everything, settle
from sysgen_dagster.commands.dagster_home import DagsterHomeError
from sysgen_dagster.commands.terminal import LEAST_WIDTH, show_outcome
from sysgen_dagster.commands.trial_catalog import (
    EXAMPLE_ROWS,
    local_catalog,
    real_model,
    with_method,
    with_models,
)
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.sysgen.settings import Method
from sysgen_dagster.storage.store import Store, is_url


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
    except (CatalogError, EngineError, DagsterHomeError) as error:
        console.print(Text(str(error), style="red"))
        return 1
    runs = run_everything(console, catalog, options.limit)
    show_outcome(console, catalog, Store(data))
    console.print(f"\n{runs.summary()}\n{time.monotonic() - started:.0f} s in all.")
    exported = sorted(path.parent for path in Store(data).export("*").parent.glob("*/README.md"))
    if exported:
        console.print(f"Training sets, each a folder that trainers load: {exported[0].parent}")
        console.print(", ".join(path.name for path in exported), soft_wrap=True)
    if (report := Store(data).report).is_file():
        console.print("The report, every figure beside the paper's and a browser of rows:")
        console.print(str(report), soft_wrap=True)
    console.print("Open the UI on it, at http://127.0.0.1:3000, with:")
    console.print(f"make dev DATA={options.data}", soft_wrap=True)
    return 1 if runs.errors else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sysgen_dagster.commands.demo", description=__doc__
    )
    add = parser.add_argument
    add("--sources", type=Path, default=EXAMPLE_ROWS, help="folder with NAME.parquet")
    add("--data", type=_folder, default=Path("demo"), help="where everything is stored")
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


def _folder(text: str) -> Path:
    if is_url(text):
        raise argparse.ArgumentTypeError(
            f"{text} is a URL, and the demo keeps everything in one folder. For object storage set "
            "SYSGEN_DATA to the URL and SYSGEN_WORK to a folder, and start `dagster dev`"
        )
    return Path(text)


def _catalog(options: argparse.Namespace) -> Catalog:
    catalog = local_catalog(load_catalog(FULL_CATALOG), options.sources)
    if options.model:
        model = real_model(options.model, options.endpoint, options.api_key_env)
        catalog = with_models(catalog, model)
    return with_method(catalog, options.method)


def _require_endpoint(console: Console, catalog: Catalog, data: Path) -> None:
    """Raises `EngineError` when the endpoint is not there: once, and not from every partition."""
    [model] = catalog.served.values()
    with Engines(data / "engines").connection(model, console.print) as connection:
        connection.connect()


if __name__ == "__main__":
    sys.exit(main())
