"""What a chat request costs the client that asks it: ours, plain `aiohttp`, and `openai`.

All ask the same local server, which costs next to nothing, in alternation over several rounds; each
trial is a process of its own. `openai over aiohttp` needs ``pip install 'openai[aiohttp]'``. Linux.

    python performance/client_cost.py --json figures.json
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from statistics import median

from client_trial import CLIENTS, LOAD, NOT_INSTALLED, OURS
from rich.console import Console
from rich.table import Table

_HERE = Path(__file__).parent
_PACKAGES = ("sysgen-dagster", "aiohttp", "openai", "httpx2", "polars")
_WIDTH = 118  # of the widest table
_LOAD_REQUESTS = 51_200

Figures = dict[str, float]


class Server:
    """The zero-cost server, and the trials against it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Wait until it listens."""
        assert process.stdout is not None
        self.pid, self.url = process.pid, f"http://127.0.0.1:{int(process.stdout.readline())}/v1"

    def trial(self, client: str, work: Mapping[str, int]) -> Figures | None:
        """The figures of one trial; None when the client is not installed."""
        with tempfile.TemporaryDirectory() as folder:
            options = {"url": self.url, "server_pid": self.pid, "folder": folder, **work}
            done = subprocess.run(
                [
                    *(sys.executable, str(_HERE / "client_trial.py"), client),
                    *(f"--{name.replace('_', '-')}={value}" for name, value in options.items()),
                ],
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode == NOT_INSTALLED:
            return None
        if done.returncode:
            sys.exit(f"{client} failed:\n{done.stderr}")
        figures: Figures = json.loads(done.stdout)
        if figures["answered"] < work["requests"]:
            sys.exit(f"{client} has {figures['answered']} of {work['requests']} answers")
        return figures | {
            "requests_per_second": figures["answered"] / figures["wall_s"],
            "cpu_ms": 1000 * figures["cpu_s"] / figures["answered"],
            "process_cpu_ms": 1000 * figures["process_cpu_s"] / figures["answered"],
            "server_share": figures["server_cpu_s"] / figures["wall_s"],
        }


@contextmanager
def serving(latency_ms: float) -> Iterator[Server]:
    """A server that answers after so long."""
    command = [sys.executable, str(_HERE / "zero_cost_server.py"), f"--latency-ms={latency_ms}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Server(process)
        finally:
            process.kill()


def machine() -> dict[str, str]:
    """What the figures depend on besides the code."""
    model = Path("/proc/cpuinfo").read_text().partition("model name")[2].partition("\n")[0]
    return {
        "cpu": model.strip("\t :") or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _PACKAGES},
    }


def cost_table(trials: Mapping[str, Sequence[Figures]], title: str) -> Table:
    """One line a client: median, and the least and the most of the rounds."""
    table = Table(title=title, title_justify="left", caption_justify="left")
    table.add_column("client", no_wrap=True)
    for name in ("requests/s", "CPU ms a request", "whole process", "peak MB", "server's CPU"):
        table.add_column(name, justify="right", no_wrap=True)
    for client, rounds in trials.items():
        if not rounds:
            table.add_row(client, "skipped")
            continue
        table.add_row(
            client,
            _spread(rounds, "requests_per_second", "{:,.0f}".format),
            _spread(rounds, "cpu_ms", "{:.2f}".format),
            _spread(rounds, "process_cpu_ms", "{:.2f}".format),
            f"{median(each['peak_mb'] for each in rounds):.0f}",
            f"{median(each['server_share'] for each in rounds):.0%}",
        )
    table.caption = (
        "CPU ms a request: from the first request to the last answer. Whole process: the same "
        "with the start\nand, for sysgen-dagster, the table and the ledger stored. "
        "Median (least-most) of the rounds."
    )
    return table


def memory_table(trials: Sequence[Figures]) -> Table:
    """Peak memory of our client by the number of rows, and what a further row adds."""
    table = Table(title=f"Peak memory of {OURS}", title_justify="left")
    for name in ("rows", "answered, MB", "bytes a row", "stored, MB", "bytes a row"):
        table.add_column(name, justify="right", no_wrap=True)
    growth = [("", "")]
    for fewer, more in pairwise(trials):
        rows = more["answered"] - fewer["answered"]
        answered, stored = (more[peak] - fewer[peak] for peak in ("answered_peak_mb", "peak_mb"))
        growth.append((f"{answered * 2**20 / rows:,.0f}", f"{stored * 2**20 / rows:,.0f}"))
    for each, (while_asked, in_all) in zip(trials, growth, strict=True):
        peaks = f"{each['answered_peak_mb']:.0f}", f"{each['peak_mb']:.0f}"
        table.add_row(f"{each['answered']:,}", peaks[0], while_asked, peaks[1], in_all)
    return table


def _spread(rounds: Sequence[Figures], name: str, shown: Callable[[float], str]) -> str:
    values = [each[name] for each in rounds]
    return f"{shown(median(values))} ({shown(min(values))}-{shown(max(values))})"


def main() -> None:
    """Measure, print, and write the figures down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--prompt-bytes", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency-ms", type=float, default=50.0)
    parser.add_argument("--clients", nargs="+", choices=CLIENTS, default=list(CLIENTS))
    parser.add_argument("--rows-for-memory", type=int, nargs="*", default=[5_000, 20_000, 80_000])
    parser.add_argument("--json", type=Path, help="where all figures are written")
    asked = parser.parse_args()
    console = Console()
    console.width = max(console.width, _WIDTH)

    work = {name: getattr(asked, name) for name in ("requests", "in_flight", "prompt_bytes")}
    trials: dict[str, list[Figures]] = {client: [] for client in asked.clients}
    with console.status("measuring") as status, serving(asked.latency_ms) as server:
        for number in range(1, asked.rounds + 1):
            for client in asked.clients:
                status.update(f"round {number} of {asked.rounds}: {client}")
                trials[client] += filter(None, [server.trial(client, work)])
        memory: list[Figures] = []
        for rows in asked.rows_for_memory:
            status.update(f"memory with {rows:,} rows")
            memory += filter(None, [server.trial(OURS, work | {"requests": rows})])
    with serving(0) as server:
        load = server.trial(LOAD, work | {"requests": _LOAD_REQUESTS})
    assert load is not None

    facts = machine()
    console.print("; ".join(f"{name} {value}" for name, value in facts.items()))
    title = (
        f"{asked.requests:,} requests of {asked.prompt_bytes:,} bytes, {asked.in_flight} in "
        f"flight, answered after {asked.latency_ms:g} ms"
    )
    console.print(cost_table(trials, title))
    for client in (client for client, rounds in trials.items() if not rounds):
        console.print(f"Skipped: {client}; it needs: pip install 'openai[aiohttp]'", markup=False)
    console.print(f"The server answers {load['requests_per_second']:,.0f} requests/s of {LOAD}.")
    if memory:
        console.print(memory_table(memory))
    if asked.json:
        figures = {
            "machine": facts,
            "work": work | {"latency_ms": asked.latency_ms},
            "clients": trials,
            "memory": memory,
            "server_at_most": load,
        }
        asked.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
