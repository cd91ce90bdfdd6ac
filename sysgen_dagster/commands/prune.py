"""`sysgen prune`: files of a deployment that nothing needs any more, listed and removed.

A file that was changed within the last day is never listed: a run may be using it.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import polars as pl
from rich.console import Console
from upath import UPath

from sysgen_dagster.catalog.sources import HubFile, Source
from sysgen_dagster.commands.deployment import use_deployment
from sysgen_dagster.commands.inventory import read_inventory
from sysgen_dagster.commands.printing import new_table
from sysgen_dagster.inference.ledger import discard
from sysgen_dagster.inference.local.state import running
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.sources.files import SourceError, find_file
from sysgen_dagster.storage.inventory import State
from sysgen_dagster.storage.store import Store, working_folder
from sysgen_dagster.tables.table import Table

_MAY_BE_IN_USE = timedelta(days=1)  # since a file was changed
_LEFT_OVER = (".tmp", ".incomplete")  # endings of unfinished files: ours, the Hub client's


class Kind(StrEnum):
    """Kinds of files that may be removed."""

    LEFT_OVER = "left over"
    LOG = "server log"
    LEDGER = "ledger"
    DOWNLOAD = "download"
    CONVERSION = "converted source"
    GONE_LEDGER = "ledger of what is gone"
    GONE_TABLE = "rows of what is gone"


# What the removal of each kind costs; printed in the last column of the table.
COSTS = {
    Kind.LEFT_OVER: "nothing",
    Kind.LOG: "what a server said is gone",
    Kind.LEDGER: "if the partition is made again, its requests are sent again",
    Kind.DOWNLOAD: "fetched again if the catalogue names it again",
    Kind.CONVERSION: "converted again if the catalogue names it again",
    Kind.GONE_LEDGER: "a model has to answer again if the catalogue names it again",
    Kind.GONE_TABLE: "a model has to write the rows again if the catalogue names them again",
}


_LOGS = (".log", ".previous.log")
# Kinds that cost something to get back, and would all be removed under a wrong catalogue: they are
# removed with `--gone` only.
_GONE = (Kind.GONE_LEDGER, Kind.GONE_TABLE, Kind.DOWNLOAD, Kind.CONVERSION)


@dataclass(frozen=True, slots=True)
class Removal:
    """One file that may be removed.

    Attributes:
        kind: What it is.
        path: The file; of a download the folder of its revision; of a ledger the sealed file
            or, where the ledger is not sealed, its lines.
        why: Why nothing needs it.
        bytes: Its size.
        modified: When it was changed last.
    """

    kind: Kind
    path: Path | UPath
    why: str
    bytes: int
    modified: datetime


def prune_files(console: Console, data: str, days: int, gone: bool, apply: bool) -> int:
    """0: what may go is printed and, with `apply`, removed; 1 where something in use stays.

    Args:
        console: Where it is printed.
        data: The deployment.
        days: How old the ledger of a stored partition and a server's log must be.
        gone: Also what the catalogue does not name any more.
        apply: Remove it.

    Raises:
        StoreError: There is no such deployment.
    """
    from sysgen_dagster.defs.plumbing.tables import TABLES

    store = use_deployment(data)
    work = working_folder(data, os.environ.get("SYSGEN_WORK", ""))
    stored, now = read_inventory(store), datetime.now(UTC)
    found = removals(store, work, load_catalog(), TABLES.values(), stored, days, now)
    served = {f"{name}{suffix}" for name in running(work / "engines") for suffix in _LOGS}
    found = [each for each in found if each.kind is not Kind.LOG or each.path.name not in served]
    kept = [] if gone else [each for each in found if each.kind in _GONE]
    going = [each for each in found if each not in kept]
    for each in going:
        console.print(f"{each.kind.value}: {each.path} ({each.bytes:,} bytes): {each.why}")
    _show_sums(console, going)
    if kept:
        size = sum(each.bytes for each in kept)
        console.print(
            f"{len(kept)} files ({size:,} bytes) of what the catalogue does not name stay; --gone "
            "removes them too. Look at `sysgen inventory` first: is it the right catalogue?"
        )
    if not apply:
        console.print("Nothing was removed; --apply does.")
        return 0
    in_use = [each for each in going if not _remove(each, work)]
    for each in in_use:
        console.print(f"stays, a run uses it: {each.path}")
    console.print(f"{len(going) - len(in_use)} removed.")
    return 1 if in_use else 0


def removals(
    store: Store,
    work: Path,
    catalog: Catalog,
    tables: Iterable[Table],
    stored: pl.DataFrame,
    days: int,
    now: datetime,
) -> list[Removal]:
    """Every file that may be removed.

    Args:
        store: Where the tables are.
        work: Where ledgers, downloads and server logs are.
        catalog: What is in it stays.
        tables: All tables of the deployment.
        stored: `inventory.INVENTORY` of the deployment.
        days: How old the ledger of a stored partition and a server's log must be.
        now: The time of day, with its zone.
    """
    old = now - timedelta(days=days)
    known = {(table.name, at.key) for table in tables for at in table.partitions(catalog)}
    found = [
        *_tables(store, stored),
        *_ledgers(work / "ledger", catalog, known, stored, old),
        *_downloads(work / "downloads" / "hub", catalog),
        *_conversions(work / "downloads" / "rows", catalog, work / "downloads"),
        *_logs(work / "engines", old, days),
    ]
    return [each for each in found if each.modified < now - _MAY_BE_IN_USE]


def _removal(kind: Kind, path: Path, why: str) -> Removal:
    stat = path.stat()
    return Removal(kind, path, why, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))


def _tables(store: Store, stored: pl.DataFrame) -> Iterator[Removal]:
    kinds = {State.LEFT_OVER.value: Kind.LEFT_OVER, State.NOT_IN_CATALOG.value: Kind.GONE_TABLE}
    for row in stored.filter(pl.col("state").is_in(list(kinds))).iter_rows(named=True):
        name = row["path"].removeprefix(str(store.root)).lstrip("/")
        kind, path = kinds[row["state"]], store.root / name
        yield Removal(kind, path, row["detail"], row["bytes"], row["modified"])


def _ledgers(
    folder: Path,
    catalog: Catalog,
    known: set[tuple[str, str | None]],
    stored: pl.DataFrame,
    old: datetime,
) -> list[Removal]:
    """Ledgers of partitions that are gone, and sealed ones of partitions that are stored whole."""
    tables = {table for table, _ in known}
    whole = set(stored.filter(state=State.WHOLE.value).select("table", "partition").iter_rows())
    found = []
    for path in (path for depth in ("*/*", "*/*/*") for path in folder.glob(depth)):
        table, *judge, _ = path.relative_to(folder).parts
        partition = (table, path.stem)
        if table not in tables or not path.is_file():
            continue
        if path.suffix in _LEFT_OVER:
            found.append(_removal(Kind.LEFT_OVER, path, "a run was killed while it sealed"))
        elif path.suffix not in (".parquet", ".jsonl"):
            continue
        elif partition not in known or not catalog.served.keys() >= set(judge):
            of = " by ".join([path.stem, *judge])
            found.append(_removal(Kind.GONE_LEDGER, path, f"the catalogue has no {table} for {of}"))
        elif path.suffix == ".parquet" and partition in whole:
            ledger = _removal(Kind.LEDGER, path, f"{table} for {path.stem} is stored")
            found += [ledger] if ledger.modified < old else []
    return found


def _downloads(cache: Path, catalog: Catalog) -> Iterator[Removal]:
    """Revisions that no entry of the catalogue names, and what a fetch left that was cut off."""
    if not cache.is_dir():
        return
    import huggingface_hub  # here, because most commands need none of it

    wanted = {(hub.repo, hub.revision) for hub in _hub_files(catalog)}
    cached = huggingface_hub.scan_cache_dir(cache)
    for repo in cached.repos:
        for revision in repo.revisions:
            if (repo.repo_id, revision.commit_hash) not in wanted:
                freed = cached.delete_revisions(revision.commit_hash).expected_freed_size
                modified = datetime.fromtimestamp(revision.last_modified, UTC)
                why = f"the catalogue does not name {repo.repo_id} at {revision.commit_hash}"
                yield Removal(Kind.DOWNLOAD, revision.snapshot_path, why, freed, modified)
    for path in cache.glob("datasets--*/blobs/*.incomplete"):
        yield _removal(Kind.LEFT_OVER, path, "a fetch was cut off")


def _hub_files(catalog: Catalog) -> list[HubFile]:
    named = [
        *(source.hub for source in catalog.sources.values()),
        *(benchmark.hub for benchmark in catalog.benchmarks.values()),
    ]
    return [hub for hub in named if hub is not None]


def _conversions(folder: Path, catalog: Catalog, cache: Path) -> Iterator[Removal]:
    """Conversions of files that the catalogue does not name.

    There are none where the content of one of its files is not known without a fetch.
    """
    for path in folder.glob(".*.tmp"):
        yield _removal(Kind.LEFT_OVER, path, "a run was killed while it converted")
    try:
        used = {_content(source, cache)[:32] for source in catalog.sources.values()}
    except SourceError:
        return
    for path in folder.glob("*.parquet"):
        if path.name.partition("-")[0] not in used:
            yield _removal(Kind.CONVERSION, path, "it is of no file that the catalogue names")


def _content(source: Source, cache: Path) -> str:
    """The checksum of a source's file, by which its conversion is named.

    Raises:
        SourceError: It is not known without fetching the file.
    """
    if source.hub is None:
        return find_file(source, cache)[1].removeprefix("local:")
    if source.hub.sha256 is None and source.hub.file and not source.hub.file.endswith(".parquet"):
        raise SourceError(f"{source.name}: the catalogue does not say what is in {source.hub.file}")
    return source.hub.sha256 or ""


def _logs(folder: Path, old: datetime, days: int) -> Iterator[Removal]:
    for path in folder.glob("*.log"):
        log = _removal(Kind.LOG, path, f"nothing was written to it for {days} days")
        if log.modified < old:
            yield log


def _show_sums(console: Console, going: Sequence[Removal]) -> None:
    table = new_table("What may go", ["what"], ["files", "bytes"], ["what it costs"])
    for kind in Kind:
        if of_kind := [each for each in going if each.kind is kind]:
            size = f"{sum(each.bytes for each in of_kind):,}"
            table.add_row(kind.value, f"{len(of_kind):,}", size, COSTS[kind])
    console.print(table if going else "Nothing may go.")


def _remove(removal: Removal, work: Path) -> bool:
    """Whether the file was removed; a ledger to which a run may append stays."""
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
