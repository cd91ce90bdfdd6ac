"""The tables of `second_lane.py`: what each step costs in one or several sizes, and its rows."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

# The table of which each one has a row, or several, for every kept row.
_MADE_FROM = {
    "multifaceted/preference_sets": ("multifaceted/instructions", 3),
    "multifaceted/preference_messages": ("multifaceted/preference_sets", 1),
    "multifaceted/gold_answers": ("multifaceted/preference_messages", 1),
    "multifaceted/training_rows": ("multifaceted/gold_answers", 1),
    "multifaceted/preference_pairs": ("multifaceted/gold_answers", 1),
    "export multifaceted": ("multifaceted/training_rows", 1),
    "export multifaceted_pairs": ("multifaceted/preference_pairs", 1),
}


def show(console: Console, folders: Sequence[Path]) -> bool:
    """Print what one or several sizes cost; whether every row is accounted for."""
    sizes = sorted(
        (json.loads((folder / "figures.json").read_text()) for folder in folders),
        key=lambda each: each["instructions"],
    )
    console.print("; ".join(f"{name} {value}" for name, value in sizes[-1]["machine"].items()))
    for each in sizes:
        console.print(steps_table(each))
        console.print(rows_table(each))
    if len(sizes) > 1:
        console.print(growth_table(sizes))
    return all(is_whole(each) for each in sizes)


def _rows_of(size: Mapping[str, Any], step: Mapping[str, Any]) -> int:
    """The rows that a step has made: of a table, or of all exports."""
    tables = {each["table"]: each["rows"] for each in size["tables"]}
    of_exports = sum(rows for name, rows in tables.items() if name.startswith("export "))
    return int(tables.get(step["step"], of_exports))


def is_whole(size: Mapping[str, Any]) -> bool:
    """Whether each table has every kept row of the one that it is made from."""
    tables = {each["table"]: each for each in size["tables"]}
    return tables["multifaceted/instructions"]["rows"] == size["instructions"] and all(
        tables[name]["rows"] == times * tables[before]["kept"]
        for name, (before, times) in _MADE_FROM.items()
    )


def steps_table(size: Mapping[str, Any]) -> Table:
    """One line a step."""
    title = f"{size['instructions']:,} instructions in {size['shards']} shards"
    table = Table(title=title, title_justify="left")
    table.add_column("step", no_wrap=True)
    for name in ("rows", "wall s", "CPU s", "rows/s", "of the model", "peak MB", "MB on disk"):
        table.add_column(name, justify="right")
    for each in size["steps"]:
        rows = _rows_of(size, each)
        table.add_row(
            each["step"],
            f"{rows:,}",
            f"{each['wall_s']:,.1f}",
            f"{each['cpu_s']:,.1f}",
            f"{rows / each['wall_s']:,.0f}",
            f"{each['server_cpu_s']:,.1f}",
            f"{each['peak_mb']:,.0f}",
            f"{each['disk_mb']:,.1f}",
        )
    table.add_section()
    sums = (sum(each[name] for each in size["steps"]) for name in ("wall_s", "cpu_s"))
    of_model = sum(each["server_cpu_s"] for each in size["steps"])
    table.add_row(
        "everything",
        "",
        *(f"{each:,.1f}" for each in sums),
        "",
        f"{of_model:,.1f}",
        f"{max(each['peak_mb'] for each in size['steps']):,.0f}",
        f"{size['disk_mb']:,.1f}",
    )
    return table


def rows_table(size: Mapping[str, Any]) -> Table:
    """One line a table: where every row is."""
    whole = "Every row is accounted for." if is_whole(size) else "ROWS ARE LOST"
    table = Table(title=whole, title_justify="left")
    table.add_column("table", no_wrap=True)
    for name in ("rows", "kept"):
        table.add_column(name, justify="right")
    table.add_column("dropped by reason")
    for each in size["tables"]:
        dropped = each.get("dropped", {})
        reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in dropped.items())
        table.add_row(each["table"], f"{each['rows']:,}", f"{each['kept']:,}", reasons)
    return table


def growth_table(sizes: Sequence[Mapping[str, Any]]) -> Table:
    """One line a step: CPU milliseconds a row in each size."""
    table = Table(title="CPU ms a row", title_justify="left")
    table.add_column("step", no_wrap=True)
    for each in sizes:
        table.add_column(f"{each['instructions']:,}", justify="right")
    for steps in zip(*(each["steps"] for each in sizes), strict=True):
        costs = [
            1000 * step["cpu_s"] / _rows_of(size, step)
            for size, step in zip(sizes, steps, strict=True)
        ]
        table.add_row(steps[0]["step"], *(f"{cost:.3f}" for cost in costs))
    return table
