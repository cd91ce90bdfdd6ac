"""What the second lane costs in full size: each step by itself, with a model that answers at once.

    python performance/second_lane.py --target second-lane-65666                # the full size
    python performance/second_lane.py --target second-lane-3283 --instructions 3283
    python performance/second_lane.py --compare second-lane-3283 second-lane-65666

Makes instructions in the schemas of the five sources, as many as they have, all of them different,
and a catalogue of one model and judge that `zero_cost_server.py` answers for. Then each step has a
process of its own, in which Dagster makes all partitions of it, one after the other, with their
checks. Of each process: time, peak memory, and what it adds to the disk (tables, ledgers, Dagster's
events). At the end the rows are counted in the stored tables. Linux.
"""

import argparse
import json
import math
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from client_cost import machine
from corpus_cost import SHARD_ROWS, make_texts
from process_watch import cpu_times
from rich.console import Console
from rich.progress import track
from second_lane_tables import show
from whole_graph import disk_mb, serving
from zero_cost_server import MODEL

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.backfill import executing
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.trial_catalog import (
    EXAMPLE_ROWS,
    local_catalog,
    real_model,
    with_models,
)
from sysgen_dagster.commands.work import Work
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.multifaceted import paper
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    JUDGED_PAIRS,
    LANE,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
    SELECTION,
)
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import By, Partition, Table
from sysgen_dagster.training_sets.tables import MIXTURES, MULTIFACETED_PAIRS, MULTIFACETED_ROWS

INSTRUCTION_LENGTH = (500.0, 0.8)  # characters, and the standard deviation of their logarithm
# Rows of the sources as their cards say, and how many of the paper's instructions are of each: its
# card counts Nectar's and nearly half for OpenHermesPreferences; the others share the rest alike.
SOURCES = {
    "nectar": (182_954, 13_978),
    "open_hermes_preferences": (989_490, 32_000),
    "ultrafeedback": (60_829, 6_563),
    "chatbot_arena": (33_000, 6_563),
    "dsp": (13_000, 6_562),
}
_DSP = {"title": "Domain-Specific Preference", "license": "cc-by-nc-4.0", "instruction": "query"}
TABLES = (
    *(SELECTION, INSTRUCTIONS, PREFERENCE_SETS, PREFERENCE_MESSAGES, GOLD_ANSWERS),
    *(JUDGED_PAIRS, MULTIFACETED_ROWS, MULTIFACETED_PAIRS),
)
RECIPES = ("multifaceted", "multifaceted_pairs")
MIXTURE, EXPORT = "mixtures", "exports"
STEPS = (*(table.name for table in TABLES), MIXTURE, EXPORT)
_MADE_UP = pl.lit("made up")

Shape = Callable[[pl.Expr], dict[str, pl.Expr]]


def _turns(question: pl.Expr) -> pl.Expr:
    asked = pl.struct(content=question, role=pl.lit("user"))
    return pl.concat_list(asked, pl.struct(content=_MADE_UP, role=pl.lit("assistant")))


SHAPES: Mapping[str, Shape] = {
    "nectar": lambda text: {"prompt": pl.format("\n\nHuman: {}\n\nAssistant: ", text)},
    "open_hermes_preferences": lambda text: {"prompt": text},
    "ultrafeedback": lambda text: {"prompt": text},
    "chatbot_arena": lambda text: {"conversation_a": _turns(text)},
    "dsp": lambda text: {"query": text},
}


def make_sources(folder: Path, share: float) -> dict[str, int]:
    """The rows of each source, of which a Parquet file is written: this share of the real ones."""
    folder.mkdir(parents=True)
    rows = {name: math.ceil(of_all * share) for name, (of_all, _) in SOURCES.items()}
    first = 0
    for name, number in rows.items():
        numbers = range(first, first + number)
        pieces = [numbers[at : at + SHARD_ROWS] for at in range(0, number, SHARD_ROWS)]
        made = [make_rows(piece, name) for piece in track(pieces, name)]
        pl.concat(made).write_parquet(folder / f"{name}.parquet")
        first += number
    return rows


def make_rows(numbers: range, source: str) -> pl.DataFrame:
    """Some rows of a source in its upstream columns, each instruction with a number of its own."""
    row = pl.int_range(numbers.start, numbers.stop, eager=True).to_frame("row")
    families = row.with_columns(family="row", changed=pl.lit(0.0))
    texts = row.with_columns(text=make_texts(families, INSTRUCTION_LENGTH, 50))
    question = pl.format("Question {}: {}", "row", "text")
    return texts.select(**SHAPES[source](question))


def build_catalog(folder: Path, instructions: int, rows: Mapping[str, int], url: str) -> Catalog:
    """The shipped section of the lane on these files, and one model, which judges, too."""
    full = load_catalog(FULL_CATALOG)
    assert full.multifaceted is not None
    section = full.multifaceted.model_dump(mode="json")
    own: dict[str, Any] = {**section["sources"], "dsp": _DSP}
    for name, (_, of_paper) in SOURCES.items():
        own[name] = {**own[name], "hub": None, "path": str(folder / f"{name}.parquet")}
        own[name] |= {"rows": rows[name], "weight": of_paper}
        own[name].pop("name", None)
    section |= {"sources": own, "instructions": instructions, "shards": None}
    section.pop("shards")
    settings = Multifaceted.model_validate(section)
    catalog = with_models(
        local_catalog(full, EXAMPLE_ROWS), real_model(MODEL, url, api_key_env=None)
    )
    mixtures = {name: full.mixtures[name] for name in RECIPES}
    return catalog.model_copy(update={"multifaceted": settings, "mixtures": mixtures})


def work_of(step: str, catalog: Catalog) -> list[Work]:
    """The partitions of a step, each a run."""
    from sysgen_dagster.defs.plumbing.partitions import asset_key

    if step in (MIXTURE, EXPORT):
        from sysgen_dagster.defs.exports import exports
        from sysgen_dagster.defs.training_sets import mixtures

        key = mixtures.key if step == MIXTURE else exports.key
        return [(recipe, [key], recipe) for recipe in RECIPES]
    table = next(each for each in TABLES if each.name == step)
    return [
        (step, [asset_key(table)], "|".join(filter(None, (at.model, at.shard))) or None)
        for at in partitions(table, catalog)
    ]


def partitions(table: Table, catalog: Catalog) -> list[Partition]:
    """Of a table of the lane, in their order."""
    if table.by is By.NOTHING:
        return [Partition()]
    [model] = catalog.models if table.by is By.MODEL_SHARD else [None]
    return [Partition(model, shard) for shard in catalog.lane_shards[LANE]]


def make_step(step: str, catalog: Catalog) -> dict[str, Any]:
    """What this process took to make all partitions of a step."""
    console = Console(stderr=True)
    with executing(console) as (_, execute):
        before = time.monotonic(), time.process_time()
        for each in track(work_of(step, catalog), step, console=console):
            result = execute(each, None)
            if not result.success:
                raise SystemExit(f"{step}: {result.get_failed_step_keys()} of {each[2]} failed")
        wall, cpu = time.monotonic() - before[0], time.process_time() - before[1]
    # Of `getrusage` it would be at least what the process had that started this one.
    [peak_kb] = re.findall(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return {"step": step, "wall_s": wall, "cpu_s": cpu, "peak_mb": int(peak_kb) / 1024}


def count_rows(catalog: Catalog, store: Store) -> list[dict[str, Any]]:
    """One entry a table: rows in all, kept, and dropped by reason; then what the exports hold."""
    counted = []
    for table in TABLES:
        files = [str(store.path(table, at)) for at in partitions(table, catalog)]
        rows = pl.scan_parquet(files, hive_partitioning=False)
        has_reasons = "drop_reason" in table.columns
        reason = pl.col("drop_reason") if has_reasons else pl.lit(None, pl.String())
        reasons = rows.group_by(reason=reason).len().collect()
        dropped = dict(reasons.drop_nulls().sort("len", descending=True).iter_rows())
        number = int(reasons["len"].sum())
        kept = number - sum(dropped.values())
        counted.append({"table": table.name, "rows": number, "kept": kept, "dropped": dropped})
    for recipe in RECIPES:
        mixture = store.read(MIXTURES, Partition(recipe=recipe)).height
        written = pl.scan_parquet(str(store.export(recipe) / "**" / "*.parquet"))
        exported = int(written.select(pl.len()).collect().item())
        counted.append({"table": f"export {recipe}", "rows": mixture, "kept": exported})
    return counted


def measure(console: Console, target: Path, instructions: int) -> None:
    """Make everything, and write ``figures.json`` under `target`."""
    data, sources = target / "data", target / "sources"
    if target.exists():
        sys.exit(f"{target} is there already: remove it, or name another --target")
    begun = time.monotonic()
    rows = make_sources(sources, instructions / paper.INSTRUCTIONS)
    making_s = time.monotonic() - begun
    steps = []
    with serving("--second-lane") as (url, server):
        catalog = build_catalog(sources, instructions, rows, url)
        begin_deployment(catalog, data)
        for step in STEPS:
            before = disk_mb(data), sum(cpu_times(server)[:2])
            command = [sys.executable, __file__, "--target", str(target), "--step", step]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                sys.exit(f"{step} failed")
            figures = json.loads(done.stdout.splitlines()[-1])
            figures["disk_mb"] = disk_mb(data) - before[0]
            figures["server_cpu_s"] = sum(cpu_times(server)[:2]) - before[1]
            console.print(figures)
            steps.append(figures)
    written = {
        "machine": machine(),
        "instructions": instructions,
        "shards": len(catalog.lane_shards[LANE]),
        "source_rows": rows,
        "making_s": making_s,
        "steps": steps,
        "tables": count_rows(catalog, Store(data)),
        "sources_mb": disk_mb(sources),
        "disk_mb": disk_mb(data),
    }
    (target / "figures.json").write_text(json.dumps(written, indent=1) + "\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or compare what was measured; 0 when every row of every size is accounted for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", type=Path, help="a new folder for rows, data and figures.json")
    parser.add_argument("--instructions", type=int, default=paper.INSTRUCTIONS)
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--compare", type=Path, nargs="+", help="folders that hold figures.json")
    options = parser.parse_args(arguments)
    console = Console(width=max(Console().width, 110))
    if options.step:
        data = options.target.absolute() / "data"
        catalog = load_catalog(data / "catalog.yaml")
        begin_deployment(catalog, data)
        print(json.dumps(make_step(options.step, catalog)))
        return 0
    if options.target:
        measure(console, options.target.absolute(), options.instructions)
    return 0 if show(console, options.compare or [options.target]) else 1


if __name__ == "__main__":
    sys.exit(main())
