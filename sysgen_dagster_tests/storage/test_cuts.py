"""The cut of a source, noted with each shard: with empty ones too, in a folder and a bucket."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.cuts import Cut, explain_other_number, summarize_shards
from sysgen_dagster.storage.store import OtherCutError, Store, open_store
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster_tests.storage.s3_server import new_bucket, running_s3

TWO, THREE = Cut(2, "local:aa"), Cut(3, "local:aa")
FIRST, SECOND = Partition("phi", "chats-000"), Partition("phi", "chats-001")


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with running_s3() as address:
        yield address


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, s3: str) -> Store:
    found = Store(tmp_path) if request.param == "folder" else open_store(f"{new_bucket(s3)}/here")
    return Store(found.root, {"chats": 3})


def put(store: Store, table: Table, at: Partition, cut: Cut | None, rows: int = 1) -> None:
    ids = [{"conversation_id": f"c{row}"} for row in range(rows)]
    store.write(table, at, pl.DataFrame(ids, schema=table.schema), cut)


@pytest.mark.parametrize("table", [CONVERSATIONS, ALIGNED], ids=lambda table: table.name)
@pytest.mark.parametrize("rows", [0, 1])
def test_a_shard_of_another_cut_is_refused_and_all_of_them_are_named(
    store: Store, table: Table, rows: int
) -> None:
    for at in (FIRST, SECOND):
        put(store, table, at, TWO, rows)
    put(store, table, Partition("phi", "chats-002"), THREE, rows)
    assert store.read(table, Partition("phi", "chats-002")).height == rows
    with pytest.raises(OtherCutError) as refused:
        store.read(table, FIRST, "conversation_id")
    name = "conversations" if table is CONVERSATIONS else f"{table.name} of phi"
    assert str(refused.value) == (
        f"{name} has chats-000, -001 cut into 2, the catalogue says 3. Materialize all "
        "shards of source/chats and conversations again, then what is made from them. Answered "
        "requests are not sent again"
    )


def test_a_shard_of_an_older_version_and_one_of_another_source_are_read(store: Store) -> None:
    put(store, CONVERSATIONS, FIRST, None)
    put(store, CONVERSATIONS, Partition(shard="sums-000"), TWO)
    assert store.cut(CONVERSATIONS, FIRST) is None
    assert store.cut(CONVERSATIONS, Partition(shard="sums-000")) == TWO
    assert store.read(CONVERSATIONS, FIRST).height == 1
    assert store.read(CONVERSATIONS, Partition(shard="sums-000")).height == 1


def test_a_store_that_knows_no_catalogue_reads_whatever_the_cut_is(store: Store) -> None:
    put(store, CONVERSATIONS, FIRST, TWO)
    assert Store(store.root).read(CONVERSATIONS, FIRST).height == 1


def test_a_cut_is_read_from_its_own_notes() -> None:
    assert Cut.of_notes({"ARROW:schema": "...", **TWO.notes}) == TWO


def test_shards_are_named_shortly() -> None:
    assert summarize_shards(["a-b-001", "a-b-000", "a-b-010"]) == "a-b-000, -001, -010"
    said = explain_other_number("splits", {TWO: ["a-000"], Cut(4, "x"): ["a-003", "a-001"]}, 3)
    assert said.startswith("splits has a-000 cut into 2; a-001, -003 cut into 4, the catalogue")
