"""The whole graph through Dagster's daemon as one backfill, with a model that answers at once.

    python performance/whole_graph.py --target full --rows 806796     # about an hour
    python performance/whole_graph.py --target small --rows 8000
    python performance/whole_graph.py --compare small tenth full

Makes the rows (`full_size.py`), a catalogue of one model that `zero_cost_server.py` answers for,
and a Dagster home; starts `sysgen ui`, and asks its API for a backfill of all partitions of every
asset but those in `LEFT_OUT`. Meanwhile it looks at every process of Dagster ten times a second:
CPU time and peak memory. When the backfill has ended, each row is looked for in the stored tables.
Linux.
"""

import argparse
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
from client_cost import machine
from dagster_api import ask, free_port, wait_for
from process_watch import Watch, cpu_times
from rich.console import Console
from whole_graph_tables import show
from zero_cost_server import MODEL

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.trial_catalog import (
    EXAMPLE_ROWS,
    local_catalog,
    real_model,
    with_models,
)
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.sysgen.paper import SOURCES
from sysgen_dagster.lanes.sysgen.phases import STEPS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition

ROWS_PER_SHARD = 8_000  # of the full catalogue
LATENCY_MS = 5.0
# Not part of the backfill: they need the Hub, or look at what others made.
LEFT_OUT = {"hub_datasets", "forecast", "out_of_date"}
_ASK_S = 2.0
_STARTED = re.compile(r"Started process for run \(pid: (\d+)\)")
_LAUNCH = """
mutation Launch($backfill: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfill) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
_PROGRESS = """
query Progress($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status error { message } }
  }
  done: runsOrError(filter: {statuses: [SUCCESS]}) { ... on Runs { count } }
  failed: runsOrError(filter: {statuses: [FAILURE, CANCELED]}) { ... on Runs { count } }
  waiting: runsOrError(filter: {statuses: [QUEUED, NOT_STARTED, STARTING, STARTED]}) {
    ... on Runs { count }
  }
}
"""


def prepare(target: Path, rows: int, rows_per_shard: int, url: str) -> Catalog:
    """The catalogue that the backfill works by, its sources made up where they are not there."""
    sources = target / "sources"
    if not sources.is_dir():
        making = [sys.executable, str(Path(__file__).with_name("full_size.py"))]
        subprocess.run([*making, "--target", str(sources), "--rows", str(rows)], check=True)
        shutil.copytree(EXAMPLE_ROWS / "benchmarks", sources / "benchmarks")
    catalog = local_catalog(load_catalog(FULL_CATALOG), sources)
    share = rows / sum(figures.conversations for figures in SOURCES.values())
    shards = {
        name: max(1, math.ceil(figures.conversations * share / rows_per_shard))
        for name, figures in SOURCES.items()
    }
    sliced = {
        name: source.model_copy(update={"shards": shards[name]})
        for name, source in catalog.sources.items()
    }
    models = real_model(MODEL, url, api_key_env=None)
    return with_models(catalog.model_copy(update={"sources": sliced}), models)


@contextmanager
def serving(answers: str = "--phases") -> Iterator[tuple[str, int]]:
    """The URL and the process id of a model that answers at once: the phases, or as said."""
    server = [sys.executable, str(Path(__file__).with_name("zero_cost_server.py")), answers]
    with subprocess.Popen(
        [*server, f"--latency-ms={LATENCY_MS}"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid
        finally:
            process.kill()


@contextmanager
def dagster(data: Path) -> Iterator[str]:
    """`sysgen ui` on the deployment, with its UI at the URL given; ended afterwards."""
    with (data / "dagster.log").open("w") as log:
        command = [str(Path(sys.executable).with_name("sysgen")), "ui", "--data", str(data)]
        port = free_port()
        with subprocess.Popen(
            [*command, "--port", str(port)],
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process:
            try:
                url = f"http://127.0.0.1:{port}/graphql"
                wait_for(url, process)
                yield url
            finally:
                process.send_signal(signal.SIGINT)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(30)
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def selection() -> list[list[str]]:
    """The keys of all assets that the backfill makes."""
    from sysgen_dagster.definitions import defs

    keys = defs.resolve_asset_graph().executable_asset_keys
    return sorted(list(key.path) for key in keys if key.path[-1] not in LEFT_OUT)


def run_backfill(console: Console, url: str) -> dict[str, Any]:
    """Start it, wait until it has ended, and say what became of its runs."""
    keys = [{"path": path} for path in selection()]
    asked = {"assetSelection": keys, "allPartitions": True, "title": "the whole graph"}
    launched = ask(url, _LAUNCH, {"backfill": asked})["launchPartitionBackfill"]
    if "backfillId" not in launched:
        sys.exit(f"no backfill: {launched}")
    started, shown = time.monotonic(), ""
    with console.status("backfill") as status:
        while True:
            said = ask(url, _PROGRESS, {"id": launched["backfillId"]})
            state = said["partitionBackfillOrError"]
            counts = {name: said[name]["count"] for name in ("done", "failed", "waiting")}
            line = f"{state['status']}: " + ", ".join(f"{n} {name}" for name, n in counts.items())
            status.update(f"{line}, {time.monotonic() - started:,.0f} s")
            if not console.is_terminal and line != shown:
                console.print(f"{time.monotonic() - started:8,.0f} s  {line}", highlight=False)
                shown = line
            if state["status"] not in ("REQUESTED", "CANCELING", "FAILING"):
                break
            time.sleep(_ASK_S)
    return {
        "status": state["status"],
        "error": state["error"],
        "wall_s": time.monotonic() - started,
        **counts,
    }


def runs_of(home: Path) -> list[dict[str, Any]]:
    """One entry a run: its process, what it made, its partition, when it started and ended."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        return [
            {
                "run_id": record.dagster_run.run_id,
                "status": record.dagster_run.status.value,
                "assets": sorted(
                    key.path[-1] for key in record.dagster_run.asset_selection or frozenset()
                ),
                "partition": record.dagster_run.tags.get("dagster/partition", ""),
                "started": record.start_time,
                "ended": record.end_time,
                "pid": _process_of(instance, record.dagster_run.run_id),
            }
            for record in instance.get_run_records()
        ]


def _process_of(instance: dg.DagsterInstance, run_id: str) -> int | None:
    """The number of the process that carried the run out; None where it never started."""
    said = (entry.message or "" for entry in instance.all_logs(run_id))
    return next((int(found[1]) for each in said if (found := _STARTED.search(each))), None)


def conversations_of(catalog: Catalog) -> dict[str, int]:
    """Conversations that the files of the sources hold, counted without the pipeline."""
    rows = {}
    for name, source in catalog.sources.items():
        assert source.path is not None
        file = pl.scan_parquet(source.path)
        turns = pl.col("conversation").list.len().sum() if name == "capybara" else pl.len()
        rows[name] = int(file.select(turns).collect().item())
    return rows


def account(catalog: Catalog, store: Store) -> list[dict[str, Any]]:
    """One entry a phase: rows in, kept, dropped by reason, and ids that are missing or too many.

    Looked for in the Parquet files themselves, by nothing of the pipeline's own counts.
    """
    [model] = catalog.models
    counted, before = [], None
    for table in STEPS:
        files = [
            str(store.path(table, Partition(model, shard)))
            for source in catalog.sources
            for shard in catalog.shards(source)
        ]
        rows = pl.scan_parquet(files).select("conversation_id", "drop_reason").collect()
        if before is None:
            before = rows.select("conversation_id")
        reasons = rows["drop_reason"].drop_nulls().value_counts(sort=True)
        counted.append(
            {
                "table": table.name,
                "rows_in": before.height,
                "stored": rows.height,
                "missing": before.join(rows, on="conversation_id", how="anti").height,
                "surplus": rows.join(before, on="conversation_id", how="anti").height
                + rows["conversation_id"].is_duplicated().sum(),
                "kept": rows["drop_reason"].null_count(),
                "dropped": dict(reasons.iter_rows()),
            }
        )
        before = rows.filter(pl.col("drop_reason").is_null()).select("conversation_id")
    return counted


def disk_mb(folder: Path) -> float:
    """Megabytes that the files of a folder take."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def measure(console: Console, target: Path, rows: int, rows_per_shard: int) -> None:
    """Run everything and write ``figures.json`` under `target`."""
    data = target / "data"
    if data.exists():
        sys.exit(f"{data} is there already: remove it, or name another --target")
    data.mkdir(parents=True)
    with serving() as (model_url, server):
        catalog = prepare(target, rows, rows_per_shard, model_url)
        begin_deployment(catalog, data)
        with Watch(f"SYSGEN_DATA={data}") as watch, dagster(data) as url:
            ended = run_backfill(console, url)
        server_cpu = sum(cpu_times(server)[:2])
    home, store = data / "dagster_home", Store(data)
    figures = {
        "machine": machine(),
        "rows": rows,
        "shards": sum(source.shards for source in catalog.sources.values()),
        "backfill": ended,
        "server_cpu_s": server_cpu,
        "processes": [asdict(process) for process in watch.ended],
        "runs": runs_of(home),
        "accounts": account(catalog, store) if ended["failed"] == 0 else [],
        "conversations": conversations_of(catalog),
        "sources_mb": disk_mb(target / "sources"),
        "dagster_mb": disk_mb(home),
        "disk_mb": disk_mb(data) - disk_mb(home),
    }
    (target / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")


def main() -> int:
    """Measure, or compare what was measured; 0 when every row of every size is accounted for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", type=Path, help="a folder for rows, data and figures.json")
    parser.add_argument("--rows", type=int, default=8_000, help="conversations in all")
    parser.add_argument("--rows-per-shard", type=int, default=ROWS_PER_SHARD)
    parser.add_argument("--compare", type=Path, nargs="+", help="folders that hold figures.json")
    options = parser.parse_args()
    console = Console(width=max(Console().width, 110))
    if options.target:
        target = options.target.absolute()
        measure(console, target, options.rows, options.rows_per_shard)
    whole = show(console, options.compare or [options.target])
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
