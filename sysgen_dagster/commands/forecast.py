"""`sysgen forecast`: the work done and left for each model, and the cost of what is left."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sysgen_dagster.analysis.forecast import missing_entries, summarize_forecast
from sysgen_dagster.analysis.statistics import ALL
from sysgen_dagster.catalog.load import CatalogError
from sysgen_dagster.catalog.models import Model
from sysgen_dagster.commands.deployment import use_deployment
from sysgen_dagster.commands.printing import new_table
from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_REFERENCES, BENCH_RUBRICS
from sysgen_dagster.lanes.multifaceted.steps import ASKED
from sysgen_dagster.lanes.sysgen.phases import LABELS
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.obedience.tables import OBEDIENCE

_TABLES = (*ASKED, BENCH_REFERENCES, BENCH_RUBRICS)
_OF_LANE = {table.name: table.name.rpartition("/")[2] for table in _TABLES}
_LABELS = {**LABELS, **_OF_LANE}  # of other tables their names
# Columns of the summary by their headings in the printed tables: of work left, and of work done.
_COUNTS = {
    "rows": "conversations",
    "requests": "requests",
    "tokens in": "prompt_tokens",
    "tokens out": "completion_tokens",
}
_LEFT = {**_COUNTS, "GPU-hours": "gpu_hours", "money": "money"}
_DONE = {heading: f"{column}_done" for heading, column in _COUNTS.items()}
_ROUGH = "A rough figure can be off by a factor of two. Run a pilot (`limit`), then ask again."
_WITH_A_FRACTION = {"gpu_hours", "money"}


def show_forecasts(console: Console, data: str, models: Sequence[str] = ()) -> int:
    """0 when the forecast of each model is printed: these of the catalogue, or all.

    Raises:
        CatalogError: There is no such model.
        StoreError: There is no such deployment, or no source is stored there.
    """
    store = use_deployment(data)
    # Here, because partitions are read from the catalogue when these are imported.
    from sysgen_dagster.defs.operations.forecast import forecast_of
    from sysgen_dagster.defs.plumbing.partitions import CATALOG

    if unknown := sorted(set(models) - CATALOG.models.keys()):
        raise CatalogError(f"there is no model {', '.join(unknown)}: {', '.join(CATALOG.models)}")
    for name in models or CATALOG.models:
        model = CATALOG.models[name]
        _show(console, model, summarize_forecast(forecast_of(store, model)))
    return 0


def _show(console: Console, model: Model, summary: pl.DataFrame) -> None:
    if summary["conversations_done"].sum():
        console.print(_table(f"{model.name}: what is done", summary, _DONE))
    if not summary["conversations"].sum():
        console.print(f"{model.name}: nothing is left to do.")
        return
    shown = {heading: name for heading, name in _LEFT.items() if summary[name].is_not_null().any()}
    console.print(_table(f"{model.name}: what is left to do", summary, shown, "basis"))
    for line in _notes(model, summary):
        console.print(Text(line, style="dim"))


def _table(title: str, summary: pl.DataFrame, numbers: Mapping[str, str], *words: str) -> Table:
    """One line per source and phase, after those over all sources."""
    table = new_table(title, ("source", "phase"), numbers, words)
    last = OBEDIENCE.name if OBEDIENCE.name in summary["phase"] else ALIGNED.name
    for row in summary.iter_rows(named=True):
        table.add_row(
            row["source"],
            _LABELS.get(row["phase"], row["phase"]),
            *(_number(row, name) for name in numbers.values()),
            *(row[name] for name in words),
            end_section=row["phase"] in {ALL, last, ASKED[-1].name},
        )
    return table


def _notes(model: Model, summary: pl.DataFrame) -> list[str]:
    over_all = summary.filter(pl.col("phase") == ALL)["basis"].item()
    return [
        *([_ROUGH] if "rough" in over_all else []),
        *([f"GPU-hours by: {model.rates.source}."] if model.rates else []),
        *([f"Money in {model.price.currency}, by: {model.price.source}."] if model.price else []),
        *missing_entries(model),
    ]


def _number(row: Mapping[str, Any], column: str) -> str:
    digits = 2 if column in _WITH_A_FRACTION else 0
    return "" if row[column] is None else f"{row[column]:,.{digits}f}"
