"""What it costs to load the definitions, with 309 partitions a phase and with ten times as many.

    python performance/loading.py --rounds 3

Each figure is of processes of its own: `import dagster`, the import of the definitions, `dagster
definitions validate`, a webserver with its code server until the UI's API lists all assets, the
partitions of a phase as its page asks for them, and one tick of the schedule `fill_gaps` when all
but three partitions of every phase are made. Linux.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median

import yaml
from client_cost import machine
from dagster_api import ask, free_port, wait_for
from process_watch import Watch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from whole_graph_tables import role_of

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.lanes.catalog import Catalog, load_catalog

DEFINITIONS = "sysgen_dagster.definitions"
_WIDTH = 118  # of the table
TIMES = (1, 10)  # the full catalogue's shards
_PARTITIONS = """
query Partitions {
  assetNodeOrError(assetKey: {path: ["aligned_responses"]}) {
    ... on AssetNode {
      partitionKeysByDimension { name partitionKeys }
      assetPartitionStatuses { __typename }
    }
  }
}
"""
_TICK = """
import time
from datetime import UTC, datetime
import dagster as dg
from sysgen_dagster.defs.operations.automation import fill_gaps
from sysgen_dagster.defs.plumbing.partitions import MODEL_SHARDS, SHARDS
from sysgen_dagster.defs.sysgen_lane import PHASES, conversations

first, *_, last = PHASES  # the ones that it looks at

with dg.DagsterInstance.get() as instance:
    made = {asset.key: MODEL_SHARDS.get_partition_keys()[:-3] for asset in (first, last)}
    for key, partitions in ({conversations.key: SHARDS.get_partition_keys()} | made).items():
        for partition in partitions:
            instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=partition))
    wall, cpu = time.perf_counter(), time.process_time()
    now = datetime.now(UTC)
    with dg.build_schedule_context(instance, scheduled_execution_time=now) as context:
        asked = [each for each in fill_gaps(context) if isinstance(each, dg.RunRequest)]
    print(len(asked), time.perf_counter() - wall, time.process_time() - cpu)
"""

Figures = dict[str, float]


def catalogue(times: int, folder: Path) -> tuple[Path, int]:
    """A file with the full catalogue, cut into so many times its shards; partitions a phase."""
    full = load_catalog(FULL_CATALOG)
    cut = {
        name: source.model_copy(update={"shards": source.shards * times})
        for name, source in full.sources.items()
    }
    wider: Catalog = full.model_copy(update={"sources": cut})
    path = folder / f"catalog-{times}.yaml"
    path.write_text(yaml.safe_dump(wider.model_dump(mode="json"), sort_keys=False))
    return path, len(full.models) * sum(source.shards for source in cut.values())


def environment(catalog: Path, home: Path) -> dict[str, str]:
    """What a process needs to load the definitions on a catalogue, in an instance of its own."""
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    ours = {"SYSGEN_CATALOG": catalog, "SYSGEN_DATA": home / "data", "DAGSTER_HOME": home}
    return {**os.environ, **{name: str(value) for name, value in ours.items()}}


def command(environ: Mapping[str, str], *words: str) -> Figures:
    """CPU and wall seconds of a command with its children, and the memory of the largest."""
    started = time.perf_counter()
    with subprocess.Popen(
        words, env=dict(environ), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read().decode()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(words)} failed:\n{said}")
    return {
        "cpu_s": used.ru_utime + used.ru_stime,
        "wall_s": time.perf_counter() - started,
        "peak_mb": used.ru_maxrss / 1024,
    }


def python(environ: Mapping[str, str], program: str) -> Figures:
    """The figures of a Python program."""
    return command(environ, sys.executable, "-c", program)


def validate(environ: Mapping[str, str]) -> Figures:
    """`dagster definitions validate`."""
    dagster = str(Path(sys.executable).with_name("dagster"))
    return command(environ, dagster, "definitions", "validate", "-m", DEFINITIONS)


def tick(environ: Mapping[str, str]) -> Figures:
    """One tick of `fill_gaps`, in a process where everything is loaded already."""
    said = subprocess.run(
        [sys.executable, "-c", _TICK],
        env=dict(environ),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.split()
    asked, wall_s, cpu_s = said[-3:]
    if int(asked) != 3:  # those that are not made
        sys.exit(f"fill_gaps asked for {asked} runs instead of 3")
    return {"wall_s": float(wall_s), "cpu_s": float(cpu_s)}


def user_interface(environ: Mapping[str, str]) -> dict[str, Figures]:
    """Of the webserver and its code server until all assets are listed; then one page's query."""
    port, webserver = free_port(), str(Path(sys.executable).with_name("dagster-webserver"))
    words = [webserver, "-h", "127.0.0.1", "-p", str(port), "-m", DEFINITIONS]
    url, started = f"http://127.0.0.1:{port}/graphql", time.perf_counter()
    with (
        Watch(f"DAGSTER_HOME={environ['DAGSTER_HOME']}") as watch,
        subprocess.Popen(
            words, env=dict(environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process,
    ):
        try:
            wait_for(url, process)
            ask(url, "{ assetNodes { id groupName } }")
            ready = time.perf_counter()
            page = ask(url, _PARTITIONS)
            asked = time.perf_counter()
            time.sleep(0.3)  # until everything has been looked at once more
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
    both = {"webserver": Figures(), "code server": Figures()}
    for each in watch.ended:
        if (role := role_of(each.command)) in both and each.peak_mb:
            figures = both[role]
            figures["cpu_s"] = figures.get("cpu_s", 0.0) + each.cpu_s
            figures["peak_mb"] = max(figures.get("peak_mb", 0.0), each.peak_mb)
    both["webserver"]["wall_s"] = ready - started
    query = {"wall_s": asked - ready, "answer_kb": len(json.dumps(page)) / 1000}
    return {**both, "a phase's page": query}


MEASURES: dict[str, Callable[[Mapping[str, str]], Figures]] = {
    "import dagster": partial(python, program="import dagster"),
    "import the definitions": partial(python, program=f"import {DEFINITIONS}"),
    "dagster definitions validate": validate,
    "a tick of fill_gaps": tick,
}


def main() -> None:
    """Measure in alternation and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    console = Console(width=max(Console().width, _WIDTH))
    found: dict[tuple[str, int], list[Figures]] = {}
    with tempfile.TemporaryDirectory() as place:
        catalogues = [catalogue(times, Path(place)) for times in TIMES]
        work = [(number, each) for number in range(options.rounds) for each in catalogues]
        for number, (path, partitions) in track(work, "measuring", console=console):
            homes = Path(place) / f"{partitions}-{number}"
            for name, measure in MEASURES.items():
                figures = measure(environment(path, homes / name.replace(" ", "-")))
                found.setdefault((name, partitions), []).append(figures)
            for name, figures in user_interface(environment(path, homes / "ui")).items():
                found.setdefault((name, partitions), []).append(figures)
    console.print("; ".join(f"{name} {value}" for name, value in machine().items()))
    table = Table(title="Loading, and many partitions", title_justify="left")
    table.add_column("", no_wrap=True)
    for name in ("partitions a phase", "CPU s", "wall s", "peak MB", "answer, kB"):
        table.add_column(name, justify="right")
    for (name, partitions), rounds in sorted(
        found.items(), key=lambda each: list(found).index(each[0])
    ):
        table.add_row(
            name,
            f"{partitions:,}",
            *(_shown(rounds, figure) for figure in ("cpu_s", "wall_s", "peak_mb", "answer_kb")),
        )
    table.caption = "Median (least-most) of the rounds."
    console.print(table)


def _shown(rounds: list[Figures], name: str) -> str:
    values = [each[name] for each in rounds if name in each]
    if not values:
        return ""
    digits = 0 if name in ("peak_mb", "answer_kb") else 2
    least, middle, most = (f"{of(values):,.{digits}f}" for of in (min, median, max))
    return middle if least == most else f"{middle} ({least}-{most})"


if __name__ == "__main__":
    main()
