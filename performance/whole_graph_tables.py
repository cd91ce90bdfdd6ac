"""The tables of `whole_graph.py`: what one or several sizes cost, and where every row is."""

import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

_ROLES = {  # of a process, by what its command line holds
    "dagster_webserver": "webserver",
    "dagster-webserver": "webserver",
    "dagster._daemon": "daemon",
    "code-server": "code server",
    "grpc": "code server",
    "sysgen ui": "sysgen ui",
}
# What a run made, by the first of these assets that is among its own.
KINDS = {
    "annotated_system_messages": "the four phases, row_quality",
    "conversations": "conversations",
    "training_rows": "training_rows, preference_pairs",
    "splits": "splits, like questions, contamination",
    "retention": "a model's statistics and judgements",
    "exports": "mixtures, exports",
    "report": "paper_comparison, report",
    "paper_comparison": "paper_comparison, report",
}


def kind_of(run: Mapping[str, Any]) -> str:
    """What a run made, in a few words."""
    return next((kind for asset, kind in KINDS.items() if asset in run["assets"]), "sources")


def process_of(figures: Mapping[str, Any], run: Mapping[str, Any]) -> Mapping[str, Any]:
    """The process that carried out a run; numbers of processes are given again."""
    [found] = [
        each
        for each in figures["processes"]
        if each["pid"] == run["pid"]
        and each["first_seen"] <= run["ended"]
        and each["last_seen"] >= run["started"]
    ]
    return dict(found)


def role_of(command: str) -> str:
    """Which part of `sysgen ui` a process is."""
    return next((role for part, role in _ROLES.items() if part in command), "others")


def summarize(folder: Path) -> dict[str, Any]:
    """The figures of one folder: of the runs by kind, of Dagster's own processes by role."""
    figures: dict[str, Any] = json.loads((folder / "figures.json").read_text())
    kinds: dict[str, list[dict[str, float]]] = {}
    of_runs = set()
    for run in figures["runs"]:
        if run["pid"] is None or run["ended"] is None:
            continue  # it never started: it is counted among the failed
        process = process_of(figures, run)
        of_runs.add((process["pid"], process["first_seen"]))
        cost = {
            "cpu_s": process["cpu_s"] + process["children_cpu_s"],
            "peak_mb": process["peak_mb"],
            "wall_s": run["ended"] - run["started"],
        }
        kinds.setdefault(kind_of(run), []).append(cost)
    roles: dict[str, dict[str, float]] = {}
    for process in figures["processes"]:
        if (process["pid"], process["first_seen"]) not in of_runs:
            role = roles.setdefault(role_of(process["command"]), {"cpu_s": 0.0, "peak_mb": 0.0})
            role["cpu_s"] += process["cpu_s"]
            role["peak_mb"] = max(role["peak_mb"], process["peak_mb"])
    rows = sum(figures["conversations"].values())
    return {**figures, "rows": rows, "kinds": kinds, "roles": roles}


def fit(points: Sequence[tuple[float, float, float]]) -> tuple[float, float]:
    """The seconds of a run and of a row that fit (runs, rows, seconds) best, relative to each."""
    scaled = [(runs / cost, rows / cost) for runs, rows, cost in points]
    aa, ab, bb = (sum(each[i] * each[j] for each in scaled) for i, j in ((0, 0), (0, 1), (1, 1)))
    a, b = (sum(each[i] for each in scaled) for i in (0, 1))
    determinant = aa * bb - ab * ab
    return (a * bb - b * ab) / determinant, (b * aa - a * ab) / determinant


def show(console: Console, folders: Sequence[Path]) -> bool:
    """Print what one or several sizes cost; whether every row is accounted for."""
    sizes = sorted((summarize(folder) for folder in folders), key=lambda each: each["rows"])
    console.print("; ".join(f"{name} {value}" for name, value in sizes[-1]["machine"].items()))
    console.print(whole_table(sizes))
    console.print(kinds_table(sizes[-1]))
    if len(sizes) > 1:
        console.print(linear_table(sizes))
    for each in sizes:
        console.print(account_table(each))
        console.print(verdict(each))
    return all(is_whole(each) for each in sizes)


def is_whole(size: Mapping[str, Any]) -> bool:
    """Whether no run failed and each conversation of the sources is where it should be."""
    accounts = size["accounts"]
    if not accounts:
        return False
    astray = sum(each["missing"] + each["surplus"] for each in accounts)
    dropped = sum(sum(each["dropped"].values()) for each in accounts)
    ended = accounts[-1]["kept"] + dropped
    return bool(size["rows"] == accounts[0]["stored"] == ended and not astray)


def verdict(size: Mapping[str, Any]) -> str:
    """That in a line."""
    accounts = size["accounts"]
    if not accounts:
        return f"{size['backfill']['failed']:,} runs failed: no row was looked for"
    dropped = sum(sum(each["dropped"].values()) for each in accounts)
    stored, ended = accounts[0]["stored"], accounts[-1]["kept"]
    counted = f"{stored:,} stored of {size['rows']:,}: {ended:,} kept, {dropped:,} dropped"
    return f"{counted}. {'Every row is accounted for.' if is_whole(size) else 'ROWS ARE LOST'}"


def whole_table(sizes: Sequence[Mapping[str, Any]]) -> Table:
    """One line a size."""
    table = Table(title="The whole graph as one backfill", title_justify="left")
    for name in (
        *("conversations", "shards", "runs", "failed", "wall s", "CPU s of runs"),
        *("of Dagster's services", "of the model", "MB on disk", "of Dagster"),
    ):
        table.add_column(name, justify="right")
    for each in sizes:
        services = sum(role["cpu_s"] for role in each["roles"].values())
        table.add_row(
            f"{each['rows']:,}",
            f"{each['shards']:,}",
            f"{len(each['runs']):,}",
            f"{each['backfill']['failed']:,}",
            f"{each['backfill']['wall_s']:,.0f}",
            f"{sum(run['cpu_s'] for runs in each['kinds'].values() for run in runs):,.0f}",
            f"{services:,.0f}",
            f"{each['server_cpu_s']:,.0f}",
            f"{each['disk_mb']:,.0f}",
            f"{each['dagster_mb']:,.0f}",
        )
    return table


def kinds_table(size: Mapping[str, Any]) -> Table:
    """One line a kind of run, and one a service of Dagster's, of one size."""
    table = Table(title=f"Where it goes, {size['rows']:,} conversations", title_justify="left")
    table.add_column("process")
    for name in ("number", "CPU s each", "wall s each", "CPU s in all", "peak MB"):
        table.add_column(name, justify="right")
    for kind, runs in size["kinds"].items():
        table.add_row(
            kind,
            f"{len(runs):,}",
            f"{statistics.median(run['cpu_s'] for run in runs):,.1f}",
            f"{statistics.median(run['wall_s'] for run in runs):,.1f}",
            f"{sum(run['cpu_s'] for run in runs):,.0f}",
            f"{max(run['peak_mb'] for run in runs):,.0f}",
        )
    table.add_section()
    for role, cost in size["roles"].items():
        table.add_row(role, "", "", "", f"{cost['cpu_s']:,.0f}", f"{cost['peak_mb']:,.0f}")
    table.caption = "each: the median. Peak MB: of one process, the highest."
    table.caption_justify = "left"
    return table


def linear_table(sizes: Sequence[Mapping[str, Any]]) -> Table:
    """One line a kind of run: what a run and a row cost, and how far each size is from that."""
    table = Table(title="CPU time = runs x a + rows x b", title_justify="left")
    table.add_column("runs that make")
    for name in ("a, s", "b, ms", *(f"{each['rows']:,}" for each in sizes)):
        table.add_column(name, justify="right")
    for kind in [*sizes[-1]["kinds"], None]:
        points = []
        for each in sizes:
            runs = [run for k, runs in each["kinds"].items() if kind in (k, None) for run in runs]
            points.append((len(runs), each["rows"], sum(run["cpu_s"] for run in runs)))
        a, b = fit(points)
        away = [cost / (a * runs + b * rows) - 1 for runs, rows, cost in points]
        table.add_row(
            kind or "everything",
            f"{a:.2f}",
            f"{b * 1000:.3f}",
            *(f"{each:+.0%}" for each in away),
            end_section=kind == list(sizes[-1]["kinds"])[-1],
        )
    table.caption = "Under each size: how much more or less it took than that."
    table.caption_justify = "left"
    return table


def account_table(size: Mapping[str, Any]) -> Table:
    """One line a phase: where every row is."""
    held = ", ".join(f"{name} {rows:,}" for name, rows in size["conversations"].items())
    table = Table(title=f"Every row of {size['rows']:,} ({held})", title_justify="left")
    table.add_column("table", no_wrap=True)
    for name in ("rows in", "missing", "surplus", "kept"):
        table.add_column(name, justify="right")
    table.add_column("dropped by reason")
    for each in size["accounts"]:
        table.add_row(
            each["table"],
            *(f"{each[name]:,}" for name in ("rows_in", "missing", "surplus", "kept")),
            ", ".join(f"{reason} {rows:,}" for reason, rows in each["dropped"].items()),
        )
    return table
