"""Which files of a deployment nothing needs any more: found, and not removed.

A file that was changed within the last day is never among them: a run may be using it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import chain
from pathlib import Path

import polars as pl
from upath import UPath

from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.commands.left_over import left_over, size_of
from sysgen_dagster.evaluation.leaderboard.suite import ANSWERS
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.processes.state import running
from sysgen_dagster.sources.files import SourceError
from sysgen_dagster.sources.pins import resolved
from sysgen_dagster.sources.places import locate
from sysgen_dagster.storage.inventory import State, inventory
from sysgen_dagster.storage.store import Store
from sysgen_dagster.students.folders import STUDENTS
from sysgen_dagster.students.launching import find_running
from sysgen_dagster.tables.table import Table

_Key = tuple[str, str | None]  # a table and one of its partitions
_MAY_BE_IN_USE = timedelta(days=1)  # after the last change of a file


class Kind(StrEnum):
    """Kinds of files that may be removed."""

    LEFT_OVER = "left over"
    LOG = "server log"
    LEDGER = "ledger"
    DOWNLOAD = "download"
    CONVERSION = "converted source"
    GONE_LEDGER = "ledger of what is gone"
    GONE_TABLE = "rows of what is gone"
    GONE_STUDENT = "student of what is gone"
    GONE_ANSWERS = "leaderboard answers of what is gone"


# What the removal of files of each kind costs; printed in the last column of the table.
COSTS = {
    Kind.LEFT_OVER: "nothing",
    Kind.LOG: "what a server said is gone",
    Kind.LEDGER: "if the partition is made again, its requests are sent again",
    Kind.DOWNLOAD: "fetched again if the catalogue names it again",
    Kind.CONVERSION: "converted again if the catalogue names it again",
    Kind.GONE_LEDGER: "a model has to answer again if the catalogue names it again",
    Kind.GONE_TABLE: "a model has to write the rows again if the catalogue names them again",
    Kind.GONE_STUDENT: "trained again if the catalogue names it again",
    Kind.GONE_ANSWERS: "a subject has to answer again if the catalogue names it again",
}

_LOGS = (".log", ".previous.log")  # endings of the log files of a server


@dataclass(frozen=True, slots=True)
class Removal:
    """One file that may be removed.

    Attributes:
        kind: What it is.
        path: The file. A download is a folder with one revision of a data set, a student that of
            its training. A ledger is its ``.parquet`` file once it is sealed, before that its
            ``.jsonl`` file.
        why: Why nothing needs it.
        bytes: Its size.
        modified: When it was changed last.
    """

    kind: Kind
    path: Path | UPath
    why: str
    bytes: int
    modified: datetime


def removals(
    store: Store,
    work: Path,
    catalog: Catalog,
    tables: Collection[Table],
    days: int,
    now: datetime,
) -> list[Removal]:
    """Every file that may be removed, also of what the catalogue does not name any more.

    Args:
        store: Where the tables are.
        work: Where ledgers, downloads and server logs are.
        catalog: Files of what it names stay.
        tables: All tables of the deployment.
        days: Ledgers of stored partitions and server logs may go if they are older.
        now: The time of day, with its zone.
    """
    stored, old = inventory(store, catalog, tables), now - timedelta(days=days)
    found = [
        *_tables(store, stored),
        *_ledgers(work / "ledger", catalog, tables, stored, old),
        *_downloads(work / "downloads" / "hub", catalog, store),
        *_conversions(work / "downloads", catalog, store),
        *_logs(work / "engines", old, days),
        *_students(work / STUDENTS, catalog),
        *_harness_answers(work / ANSWERS, catalog),
        *_github_files(work / "downloads" / "github", catalog),
    ]
    known_left = {str(each.path) for each in found}
    for path in left_over(store, work):
        if str(path) not in known_left:
            found.append(_removal(Kind.LEFT_OVER, path, "a writer was killed, or still writes"))
    return [each for each in found if each.modified < now - _MAY_BE_IN_USE]


def _removal(kind: Kind, path: Path, why: str) -> Removal:
    stat = path.stat()
    size = size_of(path) if isinstance(path, Path) else stat.st_size
    return Removal(kind, path, why, size, datetime.fromtimestamp(stat.st_mtime, UTC))


def _tables(store: Store, stored: pl.DataFrame) -> Iterator[Removal]:
    kinds = {State.LEFT_OVER.value: Kind.LEFT_OVER, State.NOT_IN_CATALOG.value: Kind.GONE_TABLE}
    for row in stored.filter(pl.col("state").is_in(list(kinds))).iter_rows(named=True):
        name = row["path"].removeprefix(str(store.root)).lstrip("/")
        kind, path = kinds[row["state"]], store.root / name
        yield Removal(kind, path, row["detail"], row["bytes"], row["modified"])


def _ledgers(
    folder: Path,
    catalog: Catalog,
    tables: Collection[Table],
    stored: pl.DataFrame,
    old: datetime,
) -> Iterator[Removal]:
    """Ledgers of what the catalogue does not name, and old ones of partitions that are stored.

    A source may have been cut into fewer shards since. The ledgers of the others stay as long as
    its rows are not stored in the shards of now: these find in them what was paid for.
    """
    known = {(table.name, at.key) for table in tables for at in table.partitions(catalog)}
    names = {table.name for table in tables}
    whole = set(stored.filter(state=State.WHOLE.value).select("table", "partition").iter_rows())
    # Of judgements the ledgers are one folder deeper, TABLE/JUDGE/PARTITION; so is a lane's table.
    for path in chain(folder.glob("*/*"), folder.glob("*/*/*"), folder.glob("*/*/*/*")):
        table, *judge, _ = path.relative_to(folder).parts
        if judge and f"{table}/{judge[0]}" in names:  # of a lane with a prefix
            table, *judge = f"{table}/{judge[0]}", *judge[1:]
        if table not in names or not path.is_file():
            continue
        asking = _asking(table, path.stem, known)
        if path.suffix not in (".parquet", ".jsonl"):
            continue
        elif not asking or not catalog.served.keys() >= set(judge):
            of = " by ".join([path.stem, *judge])
            yield _removal(Kind.GONE_LEDGER, path, f"the catalogue has no {table} for {of}")
        elif path.suffix == ".parquet" and asking <= whole:
            ledger = _removal(Kind.LEDGER, path, f"{table} for {path.stem} is stored")
            if ledger.modified < old:
                yield ledger


def _asking(table: str, partition: str, known: set[_Key]) -> set[_Key]:
    """The partitions that may ask for what is in a ledger: its own, or else all of its source.

    The ledgers of a table without partitions are named by what is asked for it.
    """
    if (table, None) in known:
        return {(table, None)}
    if (table, partition) in known or "|" not in partition:
        return known & {(table, partition)}
    source = partition.rpartition("-")[0]  # with the model before it
    return {(of, key) for of, key in known if of == table and str(key).rpartition("-")[0] == source}


def _downloads(cache: Path, catalog: Catalog, store: Store) -> Iterator[Removal]:
    """Downloaded revisions that neither the catalogue nor a pin of its entries names."""
    if not cache.is_dir():
        return
    import huggingface_hub  # here, because most commands need none of it

    places = [resolved(store, entry.hub) for entry in catalog.upstream_files if entry.hub]
    wanted = {(place.repo, place.revision) for place in places}
    cached = huggingface_hub.scan_cache_dir(cache)
    for repo in cached.repos:
        for revision in repo.revisions:
            if (repo.repo_id, revision.commit_hash) not in wanted:
                freed = cached.delete_revisions(revision.commit_hash).expected_freed_size
                modified = datetime.fromtimestamp(revision.last_modified, UTC)
                why = f"the catalogue does not name {repo.repo_id} at {revision.commit_hash}"
                yield Removal(Kind.DOWNLOAD, revision.snapshot_path, why, freed, modified)


def _conversions(cache: Path, catalog: Catalog, store: Store) -> Iterator[Removal]:
    """Converted copies of source files that the catalogue does not name.

    A copy is named by the checksum of its source file. If the checksum of one of the catalogue's
    files cannot be known without fetching the file, all copies stay.
    """
    try:
        sources = [*catalog.sources.values(), *catalog.instruction_sources]
        used = {_content(source, cache, store)[:32] for source in sources}
    except SourceError:
        return
    for path in (cache / "rows").glob("*.parquet"):
        if path.name.partition("-")[0] not in used:
            yield _removal(Kind.CONVERSION, path, "it is of no file that the catalogue names")


def _content(source: Source, cache: Path, store: Store) -> str:
    """The checksum of a source's rows; empty where none is converted, or none was read yet.

    Raises:
        SourceError: It cannot be known without fetching the file.
    """
    if source.github is not None:
        return source.github.checksum
    if source.hub is None:
        return locate(source, cache, store).checksum
    hub = resolved(store, source.hub)
    if hub.sha256 is None and hub.revision and hub.file and not hub.file.endswith(".parquet"):
        raise SourceError(f"{source.name}: the catalogue does not say what is in {hub.file}")
    return hub.sha256 or ""


def _logs(folder: Path, old: datetime, days: int) -> Iterator[Removal]:
    """Old logs of servers that do not run any more."""
    in_use = {f"{name}{ending}" for name in running(folder) for ending in _LOGS}
    for path in folder.glob("*.log"):
        log = _removal(Kind.LOG, path, f"nothing was written to it for {days} days")
        if log.modified < old and path.name not in in_use:
            yield log


def _students(folder: Path, catalog: Catalog) -> Iterator[Removal]:
    """Trainings that the catalogue does not name, with their checkpoints; none that still runs."""
    for path in sorted(folder.glob("*/")):
        if path.name not in catalog.trainings and not find_running(path):
            yield _whole(Kind.GONE_STUDENT, path, f"the catalogue has no training {path.name}")


def _harness_answers(folder: Path, catalog: Catalog) -> Iterator[Removal]:
    """What subjects that the catalogue does not name have answered to leaderboard tasks."""
    for path in sorted(folder.glob("*/")):
        if path.name not in catalog.subjects:
            yield _whole(Kind.GONE_ANSWERS, path, f"the catalogue has no subject {path.name}")


def _github_files(folder: Path, catalog: Catalog) -> Iterator[Removal]:
    """Files of commits on GitHub that the catalogue does not name."""
    wanted = {each.folder for each in catalog.github_files}
    for path in sorted(folder.glob("*/*/")):
        if str(path.relative_to(folder)) not in wanted:
            repo = path.parent.name.replace("--", "/", 1)
            yield _whole(Kind.DOWNLOAD, path, f"the catalogue does not name {repo} at {path.name}")


def _whole(kind: Kind, path: Path, why: str) -> Removal:
    """A folder, as new as the newest file in it."""
    removal = _removal(kind, path, why)
    changed = [datetime.fromtimestamp(each.stat().st_mtime, UTC) for each in path.rglob("*")]
    return replace(removal, modified=max([removal.modified, *changed]))
