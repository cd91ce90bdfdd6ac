"""`sysgen exclude`: puts conversations on the list of those that must not be used any more.

The list is the file `Store.exclusions` of a deployment. It is read when conversations are made:
those on the list keep their ids and lose their texts. So do the other turns of the same upstream
row, and later copies of that row. Partitions that were made before hold the texts until they are
made again; the command prints which ones these are.
"""

import os
from collections.abc import Collection
from pathlib import Path

import polars as pl
from rich.console import Console

from sysgen_dagster.commands.deployment import use_deployment
from sysgen_dagster.commands.left_over import left_over
from sysgen_dagster.errors import SysgenError
from sysgen_dagster.inference.ledger_upkeep import find_conversations
from sysgen_dagster.lanes.multifaceted.bench.instructions import list_held_out
from sysgen_dagster.lanes.multifaceted.tables import INSTRUCTIONS, LANE, PREFERENCE_SETS, SELECTION
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED
from sysgen_dagster.review.decisions import read_decisions
from sysgen_dagster.sources.exclusions import goes_with, row_of, rows_of
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store, is_url
from sysgen_dagster.tables.table import Partition, Table

_OTHER_PLACES = (
    "downloads: copies of the upstream files",
    "ledger: what models answered",
    "review: what reviewers decided and wrote",
    "tables and exports of what the catalogue no longer names",
    "engines: logs of servers",
    "Dagster's database: a few rows of each partition, with the run that made it",
)
_NOT_TOUCHED = (
    "Not touched: upstream files, copies of exports, older commits on the Hub. A source that is "
    "made again is fetched again, with the text: repeat --apply then."
)


class ExclusionError(SysgenError):
    """Nothing was excluded; the message says which file or ids are wrong and what to do."""


def exclude_conversations(console: Console, data: str, file: Path, apply: bool = False) -> int:
    """Add every id of a file to the list, and print what still holds the texts.

    Args:
        console: Where it is printed.
        data: The deployment.
        file: One conversation id a line.
        apply: Whether to remove the texts from all of that; see `deletion.delete_texts`.

    Returns:
        0, or 1 where a text could not be removed.

    Raises:
        ExclusionError: Nothing was added to the list: the file cannot be read, holds no id, or
            holds an id of which nothing is stored.
        LedgerError: Of an id that no stored conversation has, a ledger that cannot be read may
            hold an answer.
        StoreError: There is no such deployment, or a stored shard is damaged.
        TableError: A stored shard does not have the declared columns.
    """
    store = use_deployment(data)
    ids = read_ids(file)
    stored, work = stored_ids(store), os.environ.get("SYSGEN_WORK") or str(store.root)
    known = {*stored["conversation_id"], *_held_out(store)}
    if not known.issuperset(ids) and not is_url(work):
        known |= find_conversations(Path(work) / "ledger").keys()
    known |= {conversation for _, conversation in read_decisions(store).last}
    require_known(ids, known)
    listed = store.exclude(ids)
    console.print(f"{len(ids)} conversations are on {store.exclusions}, which lists {listed}.")
    for copy, first in first_copies(stored, ids, store.excluded()):
        console.print(f"{first} holds the same text as {copy} and stays: exclude it too.")
    if apply:
        from sysgen_dagster.commands.deletion import delete_texts

        gone = stored.filter(goes_with(ids))["conversation_id"]
        status = delete_texts(console, store, {*ids, *gone})
        console.print(_NOT_TOUCHED)
        return status
    is_held_out = bool({*rows_of(ids)} & {*rows_of(_held_out(store))})
    _show_what_holds_texts(console, store, shards_of(stored, ids), is_held_out)
    return 0


def read_ids(file: Path) -> list[str]:
    """The ids of a file in their order, each once.

    Raises:
        ExclusionError: The file cannot be read, or holds no id.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ExclusionError(
            f"{file} cannot be read ({error}); give a text file with one conversation id a line"
        ) from error
    ids = [identity for line in lines if (identity := line.partition("#")[0].strip())]
    if not ids:
        raise ExclusionError(f"{file} holds no ids; write one conversation id a line")
    return list(dict.fromkeys(ids))


def stored_ids(store: Store) -> pl.DataFrame:
    """One row per stored conversation or instruction: ``shard``, its id, ``duplicate_of``.

    Raises:
        StoreError: A shard is damaged.
        TableError: A shard does not have the declared columns.
    """
    parts = [
        store.read(
            CONVERSATIONS, Partition(shard=shard), "conversation_id", "duplicate_of"
        ).with_columns(shard=pl.lit(shard))
        for shard in store.shards(CONVERSATIONS)
    ]
    parts += [
        store.read(INSTRUCTIONS, Partition(shard=shard), "conversation_id").with_columns(
            duplicate_of=pl.lit(None, pl.String), shard=pl.lit(shard)
        )
        for shard in store.shards(INSTRUCTIONS)
    ]
    schema = {"conversation_id": pl.String(), "duplicate_of": pl.String(), "shard": pl.String()}
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)


def _held_out(store: Store) -> list[str]:
    """The instructions that are held out for the bench, which are in no shard."""
    if not store.holds(SELECTION, Partition()):
        return []
    rows = store.read(SELECTION, Partition(), "conversation_id", "drop_reason")
    return list_held_out(rows)["conversation_id"].to_list()


def require_known(ids: Collection[str], known: Collection[str]) -> None:
    """Refuse ids of which nothing is stored.

    Raises:
        ExclusionError: There are some; the message names them all.
    """
    if unknown := [identity for identity in ids if identity not in known]:
        raise ExclusionError(
            f"no stored conversation has the id {', '.join(unknown)}. Nor does a ledger hold an "
            "answer about it. Nothing was excluded; correct the ids, or materialize the "
            "conversations that should hold them"
        )


def first_copies(
    stored: pl.DataFrame, ids: Collection[str], excluded: Collection[str]
) -> list[tuple[str, str]]:
    """Those of `ids` that are copies of a row which is not excluded, each with the id in that row.

    If the first row with a text is excluded, its later copies are excluded too. If only a copy is
    excluded, the first row stays and still holds the text.
    """
    asked_for = pl.col("conversation_id").is_in(list(ids))
    first_stays = ~row_of("duplicate_of").is_in(rows_of(excluded))
    copies = stored.filter(asked_for, first_stays).sort("conversation_id")
    return copies.select("conversation_id", "duplicate_of").rows()


def shards_of(stored: pl.DataFrame, ids: Collection[str]) -> list[str]:
    """Sorted names of the shards that hold an upstream row of these ids, or a later copy of it."""
    return stored.filter(goes_with(ids))["shard"].unique().sort().to_list()


def _made(store: Store, table: Table, shards: Collection[str]) -> list[str]:
    """The keys of the partitions of a table that are stored of these shards."""
    return sorted(
        f"{path.parent.name.removeprefix('model=')}|{shard}"
        for shard in shards
        for path in (store.root / table.name).glob(f"model=*/{shard}.parquet")
    )


def _show_what_holds_texts(
    console: Console, store: Store, shards: Collection[str], is_held_out: bool
) -> None:
    of_lane = [shard for shard in shards if shard.rpartition("-")[0] == LANE]
    of_sources = [shard for shard in shards if shard not in of_lane]
    # Where the table of the first phase is not stored, no later table is.
    made = _made(store, ANNOTATED, of_sources)
    models = sorted({key.partition("|")[0] for key in made})
    console.print("Materialize again, in this order; until then the tables hold the text:")
    if of_sources:
        console.print(f"  source: {', '.join(of_sources)}")
        console.print(f"  conversations: {', '.join(of_sources)}")
    if of_lane:
        console.print(f"  {SELECTION.name}, then {INSTRUCTIONS.name}: {', '.join(of_lane)}")
    if made_of_lane := _made(store, PREFERENCE_SETS, of_lane):
        console.print(f"  every table of {LANE} of a model and shard: {', '.join(made_of_lane)}")
    if is_held_out:
        console.print(f"  {SELECTION.name}, then the bench: the job `multifaceted_bench`")
    if made:
        console.print(f"  every table of a model and shard: {', '.join(made)}")
        console.print(f"  every table of a model: {', '.join(models)}")
    console.print("  what is made once: near-duplicates, splits, mixtures, exports and the report")
    console.print("These hold the text, too:")
    for place in _OTHER_PLACES:
        console.print(f"  {place}")
    work = os.environ.get("SYSGEN_WORK") or str(store.root)
    for path in [] if is_url(work) else left_over(store, Path(work).absolute()):
        console.print(f"  {path}, which a killed writer left")
    console.print("--apply makes all of that again without the text, or removes it.")
    console.print(_NOT_TOUCHED)
