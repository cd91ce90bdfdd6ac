"""What holds rows of conversations is found, also where the catalogue no longer names it."""

import json
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.commands.holders import Holders, find_answered, find_holders
from sysgen_dagster.commands.trial_catalog import EXAMPLE_ROWS, local_catalog
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.inference.ledger import Ledger, Outcome
from sysgen_dagster.inference.request_keys import Asked
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.multifaceted.tables import PREFERENCE_SETS, SELECTION
from sysgen_dagster.sources.tables import SOURCE_ROW
from sysgen_dagster.storage.cuts import Cut
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Partition, Table
from sysgen_dagster_tests.lanes.multifaceted.instructions import with_both_lanes

CATALOG = local_catalog(load_catalog(FULL_CATALOG), EXAMPLE_ROWS)
HERE, LEFT = "capybara-000", "capybara-009"  # a shard of the catalogue, and one of another cut
GONE, OTHER_TURN, STAYS = "capybara-0011-0", "capybara-0011-1", "capybara-00110-0"
REMOVED = Table("source/removed", SOURCE_ROW, By.SHARD, Group.SOURCES, of_source="removed")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


def put(store: Store, table: Table, at: Partition, conversation: str, row: int = 5) -> Path:
    """A partition with one row."""
    known = {"conversation_id": conversation, "source_row": row}
    values = {name: [known.get(name)] for name in table.names}
    cut = Cut(99, "local:0") if at.shard else None
    return Path(str(store.write(table, at, pl.DataFrame(values, table.schema), cut)))


def find(store: Store) -> Holders:
    return find_holders(store, Path(str(store.root)), CATALOG, TABLES.values(), [GONE])


@pytest.mark.parametrize(
    ("table", "at", "shards", "is_gone"),
    [
        ("conversations", Partition(shard=HERE), {HERE}, False),
        ("conversations", Partition(shard=LEFT), set(), True),
        ("conversations", Partition(shard="removed-000"), set(), True),
        ("training_rows", Partition("phi-4", HERE), {HERE}, False),
        ("training_rows", Partition("phi-4", LEFT), set(), True),
        ("aligned_responses", Partition("removed", HERE), set(), True),
        ("judged_preferences", Partition("removed"), set(), True),
        ("mixtures", Partition(recipe="removed"), set(), True),
        # These are made again whatever they hold.
        ("judged_preferences", Partition("phi-4"), set(), False),
        ("near_duplicate_questions", Partition(), set(), False),
    ],
)
@pytest.mark.parametrize("conversation", [GONE, OTHER_TURN, STAYS])
def test_a_table_with_such_a_row_is_made_again_or_goes(
    store: Store, table: str, at: Partition, shards: set[str], is_gone: bool, conversation: str
) -> None:
    path = put(store, TABLES[table], at, conversation)
    found = find(store)
    if conversation == STAYS:
        assert (found.shards, found.gone_tables) == (frozenset(), ())
    else:
        assert (found.shards, found.gone_tables) == (shards, (path,) if is_gone else ())


@pytest.mark.parametrize(("row", "holds"), [(5, True), (6, False)])
def test_upstream_rows_are_known_by_their_position(store: Store, row: int, holds: bool) -> None:
    put(store, TABLES["conversations"], Partition(shard=HERE), GONE)
    here = "capybara-001"
    put(store, TABLES["source/capybara"], Partition(shard=here), "", row)
    left = put(store, TABLES["source/capybara"], Partition(shard=LEFT), "", row)
    put(store, TABLES["source/metamath"], Partition(shard="metamath-000"), "", row)
    found = find(store)
    assert found.shards == {HERE} | ({here} if holds else set())
    assert found.gone_tables == ((left,) if holds else ())


def test_upstream_rows_of_a_source_that_is_gone_go(store: Store) -> None:
    at = Partition(shard="removed-000")
    paths = {put(store, TABLES["conversations"], at, GONE), put(store, REMOVED, at, "")}
    assert set(find(store).gone_tables) == paths


@pytest.mark.parametrize("conversation", [GONE, OTHER_TURN, STAYS])
def test_an_export_of_a_recipe_that_is_gone_goes(store: Store, conversation: str) -> None:
    for recipe in ("removed", "sysgen"):
        folder = Path(str(store.export(recipe)))
        (folder / "data" / "a").mkdir(parents=True)
        rows = pl.DataFrame({"conversation_id": [conversation]})
        rows.write_parquet(folder / "data" / "a" / "train.parquet")
        (folder / "manifest.json").write_text(json.dumps({"files": []}))
    assert find(store).gone_exports == (() if conversation == STAYS else ("removed",))


def test_a_table_that_cannot_be_read_is_named(store: Store) -> None:
    path = put(store, TABLES["conversations"], Partition(shard=HERE), STAYS)
    damaged = bytearray(path.read_bytes())
    damaged[10] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(StoreError, match=rf"{path} is damaged .* Materialize it again"):
        find(store)


def test_what_only_ledgers_know_is_found_with_the_shards_of_these(tmp_path: Path) -> None:
    for place, names in {
        f"annotated/phi-4|{LEFT}": (GONE, STAYS),
        "judged/qwen/phi-4": (f"{OTHER_TURN}#new",),
        f"annotated/phi-4|{HERE}": (STAYS, None),
    }.items():
        ledger = Ledger(tmp_path / f"{place}.jsonl")
        with ledger:
            for name in names:
                ledger.append(Asked(f"{place}{name}", name, 1 if name else None), Outcome("Yes."))
        if place.startswith("judged"):
            ledger.seal()
    assert find_answered(tmp_path, [GONE]) == {GONE: {LEFT}, OTHER_TURN: set()}


def test_the_second_lane_s_shards_hold_rows_and_its_selection_is_made_again_anyway(
    store: Store,
) -> None:
    both = with_both_lanes(CATALOG)
    here, left = Partition("phi-4", "multifaceted-000"), Partition("phi-4", "multifaceted-009")
    put(store, SELECTION, Partition(), GONE)
    put(store, PREFERENCE_SETS, here, f"{GONE}#2")
    gone = put(store, PREFERENCE_SETS, left, f"{GONE}#2")
    found = find_holders(store, Path(str(store.root)), both, TABLES.values(), [GONE])

    assert found.shards == {"multifaceted-000"}
    assert found.wholes == {SELECTION.name}
    assert [Path(str(path)) for path in found.gone_tables] == [gone]
