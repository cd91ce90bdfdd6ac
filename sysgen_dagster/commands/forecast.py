"""Before you spend: what the phases are still going to ask of a model, and what that costs.

``python -m sysgen_dagster.commands.forecast --data DATA`` prints a table for each model of the
deployment: requests, tokens in and out, GPU-hours and money, how each was found, and beside
them what was forecast before of what is finished by now. Nothing is stored and no engine is
started; the asset ``forecast`` keeps one to be compared with.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sysgen_dagster.analysis.forecast import compute_ratios, summarize_forecast
from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.analysis.tables import FORECAST_AGAINST_ACTUAL
from sysgen_dagster.catalog.load import CatalogError, use_catalog_of
from sysgen_dagster.inference.chat_api import EngineError
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.sysgen.phases import LABELS
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.tables.table import TableError

_LEAST_WIDTH = 120
_LABELS = {**LABELS, ALL: ALL}


def main(arguments: list[str] | None = None) -> int:
    """0 when every model that was asked for has its table, else 1."""
    options = _parser().parse_args(arguments)
    console = Console(width=max(Console().width, _LEAST_WIDTH))
    try:
        use_catalog_of(options.data)
        catalog = load_catalog()
        models = _known(options.models, catalog)
    except CatalogError as error:
        console.print(Text(str(error), style="red"))
        return 1
    # One after the other: a model whose tokens cannot be counted keeps nobody else's back.
    return max(_show(console, catalog, name, options) for name in models)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sysgen_dagster.commands.forecast", description=__doc__
    )
    add = parser.add_argument
    where = os.environ.get("SYSGEN_DATA", "data")
    add("--data", default=where, help="where everything is stored")
    add("--models", nargs="+", default=[], metavar="NAME", help="of the catalogue; all when unset")
    add("--sources", nargs="+", default=[], metavar="NAME", help="of the catalogue; all when unset")
    add("--shards", nargs="+", default=[], metavar="KEY", help="such as capybara-003; or these")
    add("--only", choices=["missing", "all"], default="missing", help="all: as if nothing was done")
    add("--rows", type=int, default=200, help="of each source, whose prompts are counted")
    return parser


def _known(names: Sequence[str], catalog: Catalog) -> list[str]:
    if unknown := sorted(set(names) - catalog.models.keys()):
        raise CatalogError(f"there is no model {', '.join(unknown)}: {', '.join(catalog.models)}")
    return list(names or catalog.models)


def _show(console: Console, catalog: Catalog, model: str, options: argparse.Namespace) -> int:
    # Here, because partitions are read from the catalogue when these are imported.
    from sysgen_dagster.defs.operations.forecast import forecast_of, shards_of
    from sysgen_dagster.defs.plumbing.resources import InferenceResource, TablesResource
    from sysgen_dagster.defs.plumbing.table_io import StoredStatistics

    work = os.environ.get("SYSGEN_WORK", "")
    engine = os.environ.get("SYSGEN_ENGINE", "")
    try:
        store = TablesResource(root=options.data, work=work).store()
        made = forecast_of(
            store,
            InferenceResource(root=options.data, work=work, engine=engine).engines(),
            model,
            shards_of(options.sources, options.shards),
            options.only == "all",
            options.rows,
            lambda line: console.print(Text(line, style="dim")),
        )
        compared = StoredStatistics(store, model).read(FORECAST_AGAINST_ACTUAL)
    except (EngineError, StoreError, TableError) as error:
        console.print(Text(str(error) if model in str(error) else f"{model}: {error}", style="red"))
        return 1
    summary = summarize_forecast(made, catalog.models[model])
    if made["conversations"].sum():
        console.print(_forecast_table(model, options.only, summary))
        for line in _notes(summary):
            console.print(Text(line, style="dim"))
    else:
        console.print(f"{model}: nothing is missing.")
    if compared is not None:
        console.print(_ratio_table(model, compute_ratios(compared).filter(pl.col("source") == ALL)))
    return 0


def _forecast_table(model: str, only: str, summary: pl.DataFrame) -> Table:
    what = "what is missing" if only == "missing" else "all, as if nothing was done"
    table = Table(title=f"Forecast for {model}: {what}", title_justify="left")
    for name in ("source", "phase"):
        table.add_column(name, no_wrap=True)
    for name in ("rows", "requests", "tokens in", "of them shared", "tokens out"):
        table.add_column(name, justify="right", no_wrap=True)
    priced = [name for name in ("gpu_hours", "money") if summary[name].is_not_null().any()]
    for name in priced:
        table.add_column(name.replace("gpu_", "GPU-"), justify="right", no_wrap=True)
    for row in summary.iter_rows(named=True):
        table.add_row(
            row["source"],
            _LABELS[row["phase"]],
            _number(row["conversations"]),
            _number(row["requests"]),
            _with_margin(row, "prompt_tokens"),
            _number(row["prompt_tokens_shared"]),
            _with_margin(row, "completion_tokens"),
            *(_number(row[name], 2) for name in priced),
            end_section=row["phase"] in {ALL, ALIGNED.name},
        )
    return table


def _notes(summary: pl.DataFrame) -> list[str]:
    """What holds of all lines."""
    first = summary.row(0, named=True)
    # What Phase 1 stands on names what the later phases do.
    found = summary.filter(pl.col("source") != ALL).unique("source", keep="first")
    bases = found.sort("source").select("source", "basis").iter_rows()
    return [
        *(f"{source}: {basis}" for source, basis in bases),
        f"Counted with {first['counted_with']}.",
        f"Assumed: {first['assumed']}." if first["assumed"] else "Nothing is assumed.",
        f"{first['basis']}.",
        *([f"Money is in {first['currency']}."] if first["currency"] else []),
        "+- is the 95 % interval of the sampling alone; what is assumed has none.",
    ]


def _ratio_table(model: str, found: pl.DataFrame) -> Table:
    title = f"{model}: what is finished, beside the forecast that is stored"
    table = Table(title=title, title_justify="left")
    for name in ("phase", "metric"):
        table.add_column(name, no_wrap=True)
    for name in ("forecast", "actual", "actual / forecast"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.iter_rows(named=True):
        table.add_row(
            _LABELS[row["phase"]],
            row["metric"],
            _number(row["forecast"], 1),
            _number(row["actual"], 1),
            _number(row["ratio"], 3),
        )
    return table


def _with_margin(row: dict[str, Any], name: str) -> str:
    margin = row[f"{name}_margin"]
    return _number(row[name]) + ("" if margin is None else f" +-{margin:,.0f}")


def _number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


if __name__ == "__main__":
    sys.exit(main())
