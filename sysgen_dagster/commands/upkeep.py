"""Upkeep of a deployment that runs for months: what is stored, what is outdated, what may go.

``python -m sysgen_dagster.commands.upkeep inventory --data DATA`` lists the stored files by table,
model and state. ``outdated`` prints the commands that make outdated and damaged partitions
again, in order. ``restore`` records what is stored in Dagster's database, after the database was lost or replaced.
``prune`` names the files that nothing needs any more and, with ``--apply``, removes them.
"""

import argparse
import json
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import polars as pl
from rich.console import Console
from rich.table import Table
from upath import UPath

from sysgen_dagster.catalog.load import CatalogError, use_catalog_of
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.commands.dagster_home import DagsterHomeError, write_settings
from sysgen_dagster.commands.prune import COSTS, Kind, Removal, removals
from sysgen_dagster.commands.terminal import LEAST_WIDTH
from sysgen_dagster.inference.ledger import discard
from sysgen_dagster.inference.local.state import running
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.storage.inventory import State, inventory
from sysgen_dagster.storage.store import Store, StoreError, is_url, open_store, scan, working_folder

_TO_MAKE_AGAIN = [State.DAMAGED.value, State.OTHER_COLUMNS.value]
_CODE = "sysgen_dagster.definitions"
_KEEP_DAYS = 90
# What the commands that are printed need to find the same deployment.
_OF_A_DEPLOYMENT = ("SYSGEN_WORK", "SYSGEN_CATALOG", "DAGSTER_HOME")
_HERE = ("SYSGEN_DATA", "SYSGEN_WORK", "SYSGEN_CATALOG")


def main(arguments: list[str] | None = None) -> int:
    """0; 1 where nothing could be done, or where something is not as it should be."""
    options = _parser().parse_args(arguments)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    console.width = max(console.width, LEAST_WIDTH)
    try:
        _require_one_deployment(options.data)
        use_catalog_of(options.data)
        catalog, store = load_catalog(), open_store(options.data)
        os.environ["SYSGEN_DATA"] = _place(options.data)
        if isinstance(store.root, Path) and not store.root.is_dir():
            raise StoreError(f"there is no folder {store.root}: correct --data")
        if options.command == "inventory":
            return show_inventory(console, _inventory(store))
        if options.command == "outdated":
            return show_outdated(console, _inventory(store), _dagster_home(store))
        if options.command == "restore":
            return show_restored(console, options.data, _dagster_home(store), options.recheck)
        work = working_folder(options.data, os.environ.get("SYSGEN_WORK", ""))
        return prune(console, store, work, catalog, options)
    except (CatalogError, DagsterHomeError, StoreError) as error:
        console.print(str(error))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sysgen_dagster.commands.upkeep",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    deployment = argparse.ArgumentParser(add_help=False)
    deployment.add_argument(
        "--data",
        default=os.environ.get("SYSGEN_DATA", "data"),
        help="folder or s3:// URL of the tables; SYSGEN_DATA when left out",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("inventory", "outdated"):
        commands.add_parser(name, parents=[deployment])
    restore = commands.add_parser("restore", parents=[deployment])
    restore.add_argument(
        "--recheck", action="store_true", help="run the checks of all that is stored"
    )
    prune = commands.add_parser("prune", parents=[deployment])
    add = prune.add_argument
    add("--days", type=int, default=_KEEP_DAYS, help="age of ledgers and logs; %(default)s")
    add("--gone", action="store_true", help="what the catalogue does not name any more, too")
    add("--apply", action="store_true", help="remove; without it nothing is")
    return parser


def _require_one_deployment(data: str) -> None:
    """Raises `InstanceError` where the environment is that of another deployment than `data`."""
    here = os.environ.get("SYSGEN_DATA")
    others = [name for name in _OF_A_DEPLOYMENT if os.environ.get(name)]
    if here and others and _place(here) != _place(data):
        raise DagsterHomeError(
            f"--data is {data}, but SYSGEN_DATA is {here} and {', '.join(others)} may belong to "
            "that: set SYSGEN_DATA to the same place, or unset them all"
        )


def _place(data: str) -> str:
    return data.rstrip("/") if is_url(data) else str(Path(data).absolute())


def _inventory(store: Store) -> pl.DataFrame:
    """What is stored, beside the catalogue of this process."""
    # Here, because partitions are read from the catalogue when these are imported.
    from sysgen_dagster.defs.plumbing.partitions import CATALOG
    from sysgen_dagster.defs.plumbing.tables import TABLES

    return inventory(store, CATALOG, TABLES.values())


def show_inventory(console: Console, stored: pl.DataFrame) -> int:
    """0, or 1 where a file is not whole: files, rows and bytes of each table, then those files."""
    table = Table(title="What is stored", title_justify="left")
    for name in ("table", "model"):
        table.add_column(name, no_wrap=True)
    for name in ("files", "rows", "bytes", "not whole"):
        table.add_column(name, justify="right", no_wrap=True)
    whole = pl.col("state") == State.WHOLE.value
    figures = [pl.len(), pl.col("rows").sum(), pl.col("bytes").sum(), (~whole).sum().alias("other")]
    sums = stored.group_by("table", "model").agg(figures).sort("table", "model", nulls_last=False)
    for name, model, *numbers in sums.iter_rows():
        table.add_row(name, model or "", *(f"{number:,}" for number in numbers))
    table.add_section()
    table.add_row("all", "", *(f"{number:,}" for number in stored.select(figures).row(0)))
    console.print(table)
    others = stored.filter(~whole)
    for row in others.sort("state", "path").iter_rows(named=True):
        console.print(f"{row['state']}: {row['path']}: {row['detail']}")
    return 0 if others.is_empty() else 1


def show_outdated(console: Console, stored: pl.DataFrame, home: Path) -> int:
    """0, or 1 where something is outdated or damaged: the commands that make it again, in order."""
    outdated = stored.filter(pl.col("state").is_in(_TO_MAKE_AGAIN))
    if outdated.is_empty():
        console.print("# Nothing stored is outdated or damaged.")
        return 0
    for row in outdated.iter_rows(named=True):
        console.print(f"# {row['table']} for {row['partition'] or 'all'}: {row['detail']}")
    console.print("# In this order; what a ledger still holds is not asked again:")
    here = {
        "DAGSTER_HOME": str(home),
        **{name: os.environ[name] for name in _HERE if name in os.environ},
    }
    console.print(f"export {' '.join(f'{k}={shlex.quote(v)}' for k, v in here.items())}")
    for tables, partition in in_order(outdated):
        selected = " or ".join(f'key:"{table}"' for table in tables)
        command = ["dagster", "asset", "materialize", "-m", _CODE, "--select", selected]
        of_one = ["--partition", partition] if partition else []
        limit = _limit(outdated.filter(table=ANNOTATED.name, partition=partition))
        pilot = {"ops": {ANNOTATED.name: {"config": {"limit": limit}}}}
        as_before = (
            ["--config-json", json.dumps(pilot)] if ANNOTATED.name in tables and limit else []
        )
        console.print(shlex.join([*command, *of_one, *as_before]))
    return 1


def _limit(annotated: pl.DataFrame) -> int | None:
    """How many conversations a pilot took; None for a whole partition or a file that is damaged."""
    if annotated.filter(state=State.OTHER_COLUMNS.value).is_empty():
        return None
    rows = scan(UPath(annotated["path"].item()))
    if "drop_reason" not in rows.collect_schema():
        return None
    taken = pl.col("drop_reason").ne_missing(NoAnswer.BEYOND_LIMIT.value)
    counts = rows.select(taken=taken.sum(), all=pl.len()).collect().row(0)
    return None if counts[0] == counts[1] else int(counts[0])


def in_order(outdated: pl.DataFrame) -> Iterator[tuple[list[str], str | None]]:
    """The runs that make these rows of an inventory again: their tables, and the partition.

    What is read comes before what is made from it; tables of one partition share a run where no
    other partition's run has to come between them.
    """
    from sysgen_dagster.definitions import defs

    graph = defs.resolve_asset_graph()
    steps: list[tuple[dg.PartitionsDefinition[str] | None, list[str]]] = []
    step_of: dict[dg.AssetKey, int] = {}
    for asset in graph.toposorted_asset_keys:
        node = graph.get(asset)
        first = max((step_of[key] for key in node.parent_keys), default=0)
        same = [at for at in range(first, len(steps)) if steps[at][0] == node.partitions_def]
        if not same:
            steps.append((node.partitions_def, []))
        step_of[asset] = same[0] if same else len(steps) - 1
        steps[step_of[asset]][1].append(asset.to_user_string())
    for _, tables in steps:
        made = outdated.filter(pl.col("table").is_in(tables))
        for (partition,), rows in made.group_by("partition", maintain_order=True):
            again = set(rows["table"])
            yield [table for table in tables if table in again], partition


def show_restored(console: Console, data: str, home: Path, recheck: bool) -> int:
    """0, or 1 where something stored could not be recorded: what was recorded in DAGSTER_HOME.

    Raises:
        InstanceError: Dagster's state cannot be kept where it should be.
        StoreError: There is no place for it.
    """
    from sysgen_dagster.definitions import defs
    from sysgen_dagster.defs.operations.automation import UNFINISHED
    from sysgen_dagster.defs.operations.restoring import restore
    from sysgen_dagster.defs.plumbing.resources import TablesResource

    tables = TablesResource(root=data, work=os.environ.get("SYSGEN_WORK", ""))
    write_settings(home)
    os.environ["DAGSTER_HOME"] = str(home)
    with dg.DagsterInstance.get() as instance:
        if going := instance.get_runs(dg.RunsFilter(statuses=UNFINISHED), limit=1):
            raise DagsterHomeError(
                f"run {going[0].run_id} is going in {home}: end the daemon and wait for it, or "
                "terminate it"
            )
        result = restore(instance, defs, tables, recheck, console.print)
    console.print(
        f"{result.recorded.total()} partitions recorded in {home}, {result.unchanged} were "
        f"already; {result.checks} checks evaluated, {len(result.broken)} broken contracts."
    )
    for line in result.broken:
        console.print(f"broken: {line}")
    for line in result.left_out:
        console.print(f"not recorded: {line}")
    if result.left_out:
        console.print("`upkeep outdated` says how to make these again.")
    return 1 if result.left_out else 0


def _dagster_home(store: Store) -> Path:
    """DAGSTER_HOME, else the folder among the data where `make dev` keeps it."""
    if home := os.environ.get("DAGSTER_HOME"):
        return Path(home).absolute()
    if isinstance(store.root, Path) and store.root.is_dir():
        return store.root / "dagster_home"
    raise DagsterHomeError(
        "DAGSTER_HOME is not set: set it to the folder of Dagster's dagster.yaml"
    )


def prune(
    console: Console, store: Store, work: Path, catalog: Catalog, options: argparse.Namespace
) -> int:
    """0: what may go is printed and, with ``apply``, gone; 1 where something in use stays."""
    from sysgen_dagster.defs.plumbing.tables import TABLES

    stored, now = _inventory(store), datetime.now(UTC)
    found = removals(store, work, catalog, TABLES.values(), stored, options.days, now)
    served = {f"{name}{suffix}" for name in running(work / "engines") for suffix in _LOGS}
    found = [each for each in found if each.kind is not Kind.LOG or each.path.name not in served]
    kept = [] if options.gone else [each for each in found if each.kind in _GONE]
    going = [each for each in found if each not in kept]
    for each in going:
        console.print(f"{each.kind.value}: {each.path} ({each.bytes:,} bytes): {each.why}")
    _show_sums(console, going)
    if kept:
        size = sum(each.bytes for each in kept)
        console.print(
            f"{len(kept)} files ({size:,} bytes) of what the catalogue does not name stay; --gone "
            "removes them too. Look at `upkeep inventory` first: is it the right catalogue?"
        )
    if not options.apply:
        console.print("Nothing was removed; --apply does.")
        return 0
    in_use = [each for each in going if not _remove(each, work)]
    for each in in_use:
        console.print(f"stays, a run uses it: {each.path}")
    console.print(f"{len(going) - len(in_use)} removed.")
    return 1 if in_use else 0


_LOGS = (".log", ".previous.log")
# What cannot be had back for nothing, and would all go under a wrong catalogue.
_GONE = (Kind.GONE_LEDGER, Kind.GONE_TABLE, Kind.DOWNLOAD, Kind.CONVERSION)


def _show_sums(console: Console, going: Sequence[Removal]) -> None:
    table = Table(title="What may go", title_justify="left")
    for name in ("what", "files", "bytes", "what it costs"):
        table.add_column(name, justify="right" if name in ("files", "bytes") else "left")
    for kind in Kind:
        if of_kind := [each for each in going if each.kind is kind]:
            size = f"{sum(each.bytes for each in of_kind):,}"
            table.add_row(kind.value, f"{len(of_kind):,}", size, COSTS[kind])
    console.print(table if going else "Nothing may go.")


def _remove(removal: Removal, work: Path) -> bool:
    """Whether it is gone; a ledger to which a run may append stays."""
    if removal.kind in (Kind.LEDGER, Kind.GONE_LEDGER):
        lines = removal.kind is Kind.GONE_LEDGER and removal.path.suffix == ".jsonl"
        return discard(Path(str(removal.path)).with_suffix(".jsonl"), lines)
    if removal.kind is Kind.DOWNLOAD:
        import huggingface_hub  # here, because most commands need none of it

        cached = huggingface_hub.scan_cache_dir(work / "downloads" / "hub")
        cached.delete_revisions(removal.path.name).execute()
    else:
        removal.path.unlink(missing_ok=True)
    return True


if __name__ == "__main__":
    sys.exit(main())
