"""`sysgen drill`: the whole pipeline against a simulated server that fails in every way.

The server answers a share of all requests with each kind of fault. Every source and phase is run
against it. Printed are the number of requests that got each fault, and for each phase the rows that
were kept, were dropped with a reason, or were lost.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands import trial_catalog
from sysgen_dagster.commands.backfill import run_everything
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.printing import add_lines, new_table
from sysgen_dagster.inference.local.environment import environment_of_servers
from sysgen_dagster.inference.stopping import STOP
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.rates import count_drops

# Kinds of faults, by the name that the simulated server has for each.
FAULTS = {
    "500": "500",
    "429": "429",
    "timeout": "no answer",
    "disconnect": "connection cut",
    "truncated_json": "JSON cut in the middle",
    "no_choices": "no choices",
    "html": "a web page with status 200",
    "wrong_type": "JSON of another shape, as text",
}
REASONS_WIDTH = 40  # characters that the column of drop reasons needs
_SERVED_NAME = "microsoft/phi-4"
# Seconds until an attempt is given up: the simulated server answers at once, or not at all.
_ATTEMPT_S = 1.0


def run_drill(console: Console, data: str, sources: Path | None, share: float) -> int:
    """0 when every row ended with an answer or a reason, else 1.

    Args:
        console: Where the tables are printed.
        data: The drill has a deployment of its own in the folder ``drill`` under this one.
        sources: Folder with a file for each source; the rows of the package when left out.
        share: Of all requests, that get each kind of fault.
    """
    folder, started = Path(data).absolute() / "drill", time.monotonic()
    with _failing_server(share) as url:
        catalog = _catalog(sources or trial_catalog.EXAMPLE_ROWS, url)
        store = begin_deployment(catalog, folder)
        runs = run_everything(console, catalog)
        stats = _stats(url)
    console.print(faults_table(stats, share))
    table, lost = rows_table(catalog, store)
    console.print(table)
    console.print(f"\n{runs.summary()}\n{time.monotonic() - started:.0f} s in all.")
    console.print(
        f"{lost} rows are lost." if lost else "Every row ended with an answer or a reason."
    )
    return 1 if lost or runs.errors else 0


def _catalog(sources: Path, url: str) -> Catalog:
    """The sources in one shard each, and one model behind the failing server."""
    catalog = trial_catalog.local_catalog(load_catalog(FULL_CATALOG), sources)
    [(name, model)] = trial_catalog.real_model(_SERVED_NAME, url, None).items()
    impatient = model.model_copy(update={"attempt_s": _ATTEMPT_S, "has_system_role": True})
    whole = {
        key: source.model_copy(update={"shards": 1}) for key, source in catalog.sources.items()
    }
    return trial_catalog.with_models(
        catalog.model_copy(update={"sources": whole}), {name: impatient}
    )


@contextmanager
def _failing_server(share: float) -> Iterator[str]:
    """The base URL of a simulated server, which ends with the context."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "sysgen_dagster.simulated.server"]
    command += ["--model", f"{_SERVED_NAME}=phi-4", "--port", str(port)]
    command += [f"--fault={fault}={share}" for fault in FAULTS]
    environment = environment_of_servers(os.environ)
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    url = f"http://127.0.0.1:{port}/v1"
    try:
        while server.poll() is None:
            try:
                _stats(url)
                break
            except OSError:
                time.sleep(0.1)
        with STOP.calls(server.terminate):
            yield url
    finally:
        server.terminate()
        server.wait()


def _stats(url: str) -> Mapping[str, int]:
    place = f"{url.removesuffix('/v1')}/stats"
    with urllib.request.urlopen(place, timeout=10) as reply:  # noqa: S310 - our own server
        stats = json.load(reply)
    return {"all": stats["requests"], **stats["by_fault"]}


def faults_table(stats: Mapping[str, int], share: float) -> Table:
    """One line per kind of fault: the requests that got it.

    Args:
        stats: Requests by kind of fault, and under ``all`` their sum with those without a fault.
        share: Of all requests, that should get each kind of fault.
    """
    table = new_table("What the requests met", ["fault"], ["asked for", "requests", "share"])
    rows = [(words, f"{share:.0%}", stats.get(fault, 0)) for fault, words in FAULTS.items()]
    rows.append(("none", "", stats["all"] - sum(count for *_, count in rows)))
    add_lines(table, ((*row, row[2] / stats["all"]) for row in rows))
    return table


def rows_table(catalog: Catalog, store: Store) -> tuple[Table, int]:
    """One line per phase: its rows kept, dropped and lost; and the lost rows of all phases."""
    table = new_table(
        "Where the rows ended",
        words=("phase",),
        numbers=("rows in", "times sent", "go on", "have a reason", "lost"),
        wrapped=("reasons",),
    )
    [model] = catalog.models
    shards = tuple(catalog.partition_values["shard"])
    evidence = StoredEvidence(store, shards, model)
    lines: list[Sequence[Any]] = []
    lost_rows = 0
    for phase in PHASES:
        rows_in = evidence.read(phase.before, "drop_reason")["drop_reason"].null_count()
        rows = evidence.read(phase.table, "drop_reason")
        sent = evidence.read(phase.table, "attempts")["attempts"].sum() if phase.asks else None
        go_on = rows["drop_reason"].null_count()
        lost = rows_in - rows.height
        lost_rows += abs(lost)
        why = ", ".join(f"{reason} {count}" for reason, count in count_drops(rows).items())
        lines.append((phase.table.name, rows_in, sent, go_on, rows.height - go_on, lost, why))
    add_lines(table, lines)
    return table, lost_rows
