"""`sysgen exclude --apply`: removes the texts of excluded conversations from a deployment.

Tables, exports and the report that hold them are made again, which sends no request that was
answered before. Then goes what cannot be made again without them: the answers in the ledgers, what
reviewers decided, copies of upstream files, tables and exports of what the catalogue no longer
names, rows that trainings have copied, files of killed writers, logs of servers, and Dagster's
records of the runs that made the partitions, which hold a few rows of each.
"""

import time
from collections.abc import Collection, Iterator
from pathlib import Path

from rich.console import Console

from sysgen_dagster.commands import dagster_records
from sysgen_dagster.commands.backfill import run_partitions
from sysgen_dagster.commands.deployment import use_dagster_home, work_of
from sysgen_dagster.commands.holders import Holders, find_answered, find_holders
from sysgen_dagster.commands.left_over import left_over, remove
from sysgen_dagster.commands.work import Work, stored_recipes, work_of_lane, work_on_rows
from sysgen_dagster.inference.ledger_upkeep import forget
from sysgen_dagster.inference.local.servers import stop
from sysgen_dagster.lanes.catalog import Catalog, load_catalog
from sysgen_dagster.lanes.multifaceted.tables import LANE
from sysgen_dagster.processes.state import running
from sysgen_dagster.review.decisions import forget_decisions
from sysgen_dagster.storage.exports import remove_export
from sysgen_dagster.storage.store import Store
from sysgen_dagster.students import folders
from sysgen_dagster.students.launching import find_running


def delete_texts(console: Console, store: Store, conversations: Collection[str]) -> int:
    """0 when nothing of the deployment holds a text of these conversations any more; else 1.

    Args:
        console: Where it is printed.
        store: The tables of the deployment that this process uses.
        conversations: The ids of the excluded ones, of the others of their upstream rows, and of
            later copies of these.

    Raises:
        DagsterHomeError: A run is going, or Dagster's database is in use.
        LedgerError: A ledger cannot be read.
        StoreError: There is no working folder.
        SysgenError: A table or an export cannot be read, so that nobody can tell what is in it.
    """
    from sysgen_dagster.defs.plumbing.tables import TABLES

    home, catalog = use_dagster_home(store), load_catalog()
    work = work_of(store)
    dagster_records.require_no_run(home)
    began = time.time()
    answered = find_answered(work / "ledger", conversations)
    conversations = {*conversations, *answered}
    decisions = forget_decisions(store, conversations)
    held = find_holders(store, work, catalog, TABLES.values(), conversations)
    runs = run_partitions(console, list(_to_make_again(store, catalog, held)))
    console.print(runs.summary())
    if runs.errors:
        console.print("Some partitions still hold the texts: mend what failed, and run it again.")
        return 1
    for table in held.gone_tables:
        table.unlink(missing_ok=True)
    for mixture in held.gone_exports:
        remove_export(store, mixture)
    shards = held.shards.union(*answered.values())
    answers = forget(work / "ledger", conversations, shards)
    for path in [*upstream_copies(work / "downloads", catalog, shards), *left_over(store, work)]:
        remove(path)
    for name in running(work / "engines"):  # no run uses it; the next one starts it again
        stop(work / "engines", name)
    for log in (work / "engines").glob("*.log"):
        log.unlink(missing_ok=True)
    _remove_trained_rows(console, work, conversations)
    every = {*catalog.partition_values["shard"], *catalog.lane_shards[LANE]}
    others = every - {*shards}
    forgotten = dagster_records.forget_runs(home, others, began)
    console.print(
        f"Removed: {answers.removed:,} answers of models, {decisions} decisions of reviewers, "
        f"Dagster's records of {forgotten} runs, and copies of upstream files."
    )
    for path in answers.in_use:
        console.print(f"stays, a run uses it: {path}. Wait for the run, and repeat this")
    return 1 if answers.in_use else 0


def _remove_trained_rows(console: Console, work: Path, conversations: Collection[str]) -> None:
    """Remove the rows that trainings have copied; one that runs, which no run follows, ends."""
    for folder, rows in folders.find_holders(work, conversations):
        if training := find_running(folder):
            training.stop()
        for place in rows:
            remove(place)
        console.print(
            f"The training {folder.name} has learned from them: its rows are removed, its weights "
            f"are not. Delete {folder} to train anew without them."
        )


def _to_make_again(store: Store, catalog: Catalog, held: Holders) -> Iterator[Work]:
    """What is stored of shards with texts and of all shards together, in the order of the data."""
    from sysgen_dagster.defs.plumbing.tables import TABLES
    from sysgen_dagster.defs.report import report
    from sysgen_dagster.defs.review import review_decisions

    decisions: Work = ("decisions", [review_decisions.key], None)
    shards = sorted(held.shards)
    of_lane = [shard for shard in shards if shard in catalog.lane_shards[LANE]]
    of_sources = [shard for shard in shards if shard not in of_lane]
    of_lane_and_bench = work_of_lane(catalog, of_lane, held.wholes)
    works = [*work_on_rows(catalog, of_sources), *of_lane_and_bench, decisions]
    for _, keys, partition in works:
        tables = {key: TABLES.get(key.to_user_string()) for key in keys}
        stored = [
            key
            for key, table in tables.items()
            if table is not None and store.holds(table, table.partition_of(partition))
        ]
        if stored:
            yield f"again {partition or 'of all'}", stored, partition
    yield from stored_recipes(store, catalog)
    if store.report.is_file():
        yield "again report", [report.key], None


def upstream_copies(downloads: Path, catalog: Catalog, shards: Collection[str]) -> Iterator[Path]:
    """Copies of upstream files: converted ones, and downloads of which these shards may be parts.

    Of a source that the catalogue no longer names it is not known which download was its file.
    """
    yield from (downloads / "rows").glob("*.parquet")
    yield from (downloads / "loading").glob("*")
    # Not `split_shard`: what a preview has asked lies in ledgers of the whole source.
    held = {shard.rpartition("-")[0] for shard in shards}
    of_lane = catalog.instruction_sources if LANE in held else []
    others = [each for each in catalog.upstream_files if each not in of_lane]
    others = [each for each in others if each.name not in held]
    stay = {each.hub.repo for each in others if each.hub}
    names = {f"datasets--{repo.replace('/', '--')}" for repo in stay}
    for path in (downloads / "hub").glob("datasets--*"):
        if path.name not in names:
            yield path
    folders = {each.github.folder for each in others if each.github}
    for path in (downloads / "github").glob("*/*"):
        if path.relative_to(downloads / "github").as_posix() not in folders:
            yield path
