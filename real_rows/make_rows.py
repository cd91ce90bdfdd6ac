"""Rows that a real model made and this pipeline kept, with everything they came from.

    python real_rows/make_rows.py --sources FOLDER --model FILE.gguf --data WORK --to rows.jsonl

FOLDER has a Parquet file for each source of the catalogue; `cut_rows.py` cuts short rows of it.
Shards are made in turn over the sources until the mixture of the catalogue has its rows, or all
shards are made. With `--replace`, rows of the file that obey by the rules of now stay, with what
these say of each phrase, and in place of each other one a row of the same source is made, of
upstream rows that none of the file came from. Killed at any moment and
run again, the command goes on where it ended: what is in WORK is not made again, and nothing that
was answered is asked twice.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from cut_rows import cut_rows
from kept_rows import Row, places_of, read_rows, select_sound, write_lines
from rich.console import Console
from written_rows import write_rows

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.catalog.recipes import Recipe
from sysgen_dagster.commands.backfill import Execute, Runs, executing, show_engine_log
from sysgen_dagster.commands.deployment import begin_deployment
from sysgen_dagster.commands.engines import show_engines
from sysgen_dagster.commands.work import Work, after_conversations
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store

if TYPE_CHECKING:
    from sysgen_dagster.commands.run.up_to_date import UpToDate

HERE = Path(__file__).parent


def main() -> int:
    """0 when the mixture has its rows, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--sources", type=Path, required=True, help="a Parquet file for each source"
    )
    parser.add_argument("--model", type=Path, help="its weights; left out: as the catalogue says")
    parser.add_argument("--data", type=Path, required=True, help="everything is stored here")
    parser.add_argument("--to", type=Path, default=HERE / "rows.jsonl", help="the kept rows")
    parser.add_argument("--catalog", type=Path, default=HERE / "catalog.yaml")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="make only rows in place of those that break a phrase",
    )
    options = parser.parse_args()
    console, data = Console(width=120), options.data.absolute()
    catalog = load_catalog(options.catalog)
    files = {name: data / "cut" / f"{name}.parquet" for name in catalog.sources}
    catalog = _with_own_files(catalog, files, options.model)
    [(mixture, recipe)] = catalog.mixtures.items()
    before = read_rows(options.to) if options.replace else []
    kept = select_sound(before)
    if len(kept) == recipe.rows:
        write_lines(kept, options.to)
        console.print(f"All {len(kept)} rows of {options.to} obey: nothing to replace")
        return 0
    if before:
        missing = _in_place_of(recipe, before, kept)
        catalog = catalog.model_copy(update={"mixtures": {mixture: missing}})
    store = begin_deployment(catalog, data)
    places = {
        name: cut_rows(name, options.sources, file, places_of(before, name))
        for name, file in files.items()
    }
    try:
        _make(console, catalog, store)
        written = write_rows(store, catalog, places, options.to, kept)
    finally:
        show_engines(console, str(data), end=True)
    size = options.to.stat().st_size / 1e6
    console.print(f"{written} of {recipe.rows} rows, {size:.2f} MB: {options.to}")
    return 0 if written == recipe.rows else 1


def _with_own_files(catalog: Catalog, files: Mapping[str, Path], model: Path | None) -> Catalog:
    """The catalogue with the file of each source in its place, and the weights of `model`."""
    sources = {
        name: source.model_copy(update={"path": files[name]})
        for name, source in catalog.sources.items()
    }
    weights = {"weights": str(model.absolute())} if model else {}
    models = {name: each.model_copy(update=weights) for name, each in catalog.models.items()}
    return catalog.model_copy(update={"sources": sources, "models": models})


def _in_place_of(recipe: Recipe, before: Sequence[Row], kept: Sequence[Row]) -> Recipe:
    """The recipe of as many rows of each source as were there and are not kept."""
    lost = Counter(row["source"] for row in before) - Counter(row["source"] for row in kept)
    of_sources = {"sources": (*lost,), "rows_of": dict(lost)}
    return recipe.model_copy(update={"rows": lost.total()} | of_sources)


def _make(console: Console, catalog: Catalog, store: Store) -> None:
    """Make what the mixture needs, and the mixture.

    Raises:
        SysgenError: Something failed.
    """
    # Here, because partitions are read from the catalogue when these are imported.
    from sysgen_dagster.commands.run.up_to_date import UpToDate
    from sysgen_dagster.definitions import defs
    from sysgen_dagster.defs.plumbing.candidates import count_taken
    from sysgen_dagster.defs.training_sets import mixtures

    [(mixture, recipe)] = catalog.mixtures.items()
    [model] = catalog.models.values()
    if model.engine is not Engine.SIMULATED:
        show_engine_log(console)
    with executing(console) as (instance, execute):
        fresh = UpToDate(instance, store, (defs.resources or {})["models"])
        for work in _before_phases(catalog):
            _execute(console, fresh, execute, work)
        of_shards, _, _ = after_conversations()
        for shard in _in_turn(catalog):
            if (taken := count_taken(store, recipe)) == recipe.rows:
                break
            source = catalog.source_of(shard).name
            if recipe.sources and source not in recipe.sources:
                continue
            of_source = recipe.model_copy(update={"sources": (source,)})
            if count_taken(store, of_source) == recipe.rows_of.get(source):
                continue
            console.print(f"{taken} of {recipe.rows} rows; next is {shard}", highlight=False)
            _execute(console, fresh, execute, (shard, of_shards, f"{model.name}|{shard}"))
        _execute(console, fresh, execute, ("mixture", [mixtures.key], mixture))


def _before_phases(catalog: Catalog) -> Iterator[Work]:
    """Rows, conversations, and what is made of all of them together."""
    from sysgen_dagster.defs.plumbing.partitions import SOURCE_TABLES, asset_key

    for shard in _in_turn(catalog):
        rows = SOURCE_TABLES[catalog.source_of(shard).name]
        for table in (rows, CONVERSATIONS):
            yield f"{table.name} {shard}", [asset_key(table)], shard
    _, _, of_sources = after_conversations()
    yield "splits", of_sources, None


def _in_turn(catalog: Catalog) -> list[str]:
    """The first shard of each source, then the second, and so on."""
    shards = zip_longest(*(catalog.shards(source) for source in catalog.sources))
    return [shard for shard in chain.from_iterable(shards) if shard is not None]


def _execute(console: Console, fresh: "UpToDate", execute: Execute, work: Work) -> None:
    """Make what is not up to date of it.

    Raises:
        SysgenError: It failed.
    """
    name, assets, partition = work
    if not (wanted := fresh.stale(assets, partition)):
        return
    begun = time.monotonic()
    result = execute((name, wanted, partition), None)
    fresh.note(wanted, partition)
    if not result.success:
        runs = Runs()
        runs.take(name, result)
        raise SysgenError(f"{runs.summary()}\nRun the same command again: it goes on from here")
    console.print(f"{name}: {time.monotonic() - begun:.0f} s", highlight=False)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SysgenError as error:
        sys.exit(f"{error}")
