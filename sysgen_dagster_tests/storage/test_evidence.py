"""What checks and statistics read: some columns of some shards, as they are stored."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.analysis.tables import CONTAMINATION
from sysgen_dagster.lanes.catalog import Catalog
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, RETENTION, VERIFIED
from sysgen_dagster.sources.tables import CONVERSATIONS, SOURCE_ROWS, source_table
from sysgen_dagster.storage.cuts import Cut
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.storage.store import OtherCutError, Store, StoreError
from sysgen_dagster.tables.table import Column, Partition, Table, TableError
from sysgen_dagster_tests.storage.tables import TABLES

_PAIRS = {
    "title": "Some pairs",
    "license": "mit",
    "columns": {"question": "string", "answer": "string"},
    "shape": {"kind": "question_answer", "question": "question", "answer": "answer"},
}
_MODEL = {
    "served_name": "somebody/phi",
    "license": "mit",
    "engine": "simulated",
    "bounds": {"filtered": [0, 1], "aligned": [0, 1], "tag_share_within": 1},
}
# Neither the sources nor the models are in alphabetical order.
CATALOG = Catalog.model_validate(
    {
        "method": {"drop_rule": "malformed_boundary", "unreadable_verdict": "remove"},
        "sources": {
            "sums": {**_PAIRS, "path": "sums.jsonl", "shards": 12},
            "chats": {**_PAIRS, "path": "chats.jsonl", "shards": 2},
        },
        "models": {"phi": _MODEL, "llama": _MODEL},
    }
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def put(store: Store, table: Table, shard: str, model: str | None = None, rows: int = 2) -> None:
    """Store rows whose ids say where they are."""
    ids = [{"conversation_id": f"{model or table.name} {shard} {row}"} for row in range(rows)]
    store.write(table, Partition(model, shard), pl.DataFrame(ids, schema=table.schema))


def evidence(store: Store, *shards: str, model: str | None = None) -> StoredEvidence:
    return StoredEvidence(store, shards, model)


def test_the_rows_of_one_shard_are_its_own(store: Store) -> None:
    for shard in ("chats-000", "chats-001"):
        put(store, CONVERSATIONS, shard)
    rows = evidence(store, "chats-001").read(CONVERSATIONS, "conversation_id")
    assert rows.rows() == [("conversations chats-001 0",), ("conversations chats-001 1",)]


def test_the_rows_of_several_shards_follow_in_the_order_of_the_shards(store: Store) -> None:
    for shard in ("chats-000", "chats-001", "sums-000"):
        put(store, CONVERSATIONS, shard, rows=1)
    several = evidence(store, "sums-000", "chats-001", "chats-000")
    assert several.read(CONVERSATIONS, "conversation_id").rows() == [
        ("conversations sums-000 0",),
        ("conversations chats-001 0",),
        ("conversations chats-000 0",),
    ]


OF_SHARDS = [SOURCE_ROWS, *(each for each in TABLES.values() if "shard" in each.by.value)]


@pytest.mark.parametrize("table", OF_SHARDS, ids=lambda table: table.name)
def test_no_shard_has_no_rows_but_the_columns(store: Store, table: Table) -> None:
    rows = evidence(store, model="phi").read(table, *table.names)
    assert (rows.height, dict(rows.schema)) == (0, table.schema)


@pytest.mark.parametrize(("table", "key"), [(RETENTION, "phi"), (CONTAMINATION, "all")])
def test_a_statistic_is_read_as_it_is_stored_whatever_the_shards(
    store: Store, table: Table, key: str
) -> None:
    frame = pl.DataFrame([{"source": "chats"}], schema=table.schema)
    assert store.write(table, Partition("phi"), frame).stem == key
    for shards in ((), ("chats-000", "chats-001")):
        assert evidence(store, *shards, model="phi").read(table, "source").rows() == [("chats",)]


def test_shard_by_shard_the_rows_are_the_same(store: Store) -> None:
    shards = ("sums-000", "chats-001")
    for shard in shards:
        put(store, CONVERSATIONS, shard, rows=2)
    several = evidence(store, *shards)
    parts = [part.read(CONVERSATIONS, "conversation_id") for part in several.by_shard()]
    assert [part.height for part in parts] == [2, 2]
    assert pl.concat(parts).equals(several.read(CONVERSATIONS, "conversation_id"))


def test_a_shard_without_rows_counts_for_nothing(store: Store) -> None:
    put(store, CONVERSATIONS, "chats-000", rows=0)
    put(store, CONVERSATIONS, "chats-001", rows=3)
    both = evidence(store, "chats-000", "chats-001")
    assert both.read(CONVERSATIONS, "conversation_id").height == 3


def test_tables_of_phases_are_read_for_the_model_and_conversations_for_no_model(
    store: Store,
) -> None:
    put(store, CONVERSATIONS, "chats-000", rows=1)
    for model in ("phi", "llama"):
        put(store, ALIGNED, "chats-000", model, rows=1)
    phi = evidence(store, "chats-000", model="phi")
    assert phi.read(ALIGNED, "conversation_id").item() == "phi chats-000 0"
    assert phi.read(CONVERSATIONS, "conversation_id").item() == "conversations chats-000 0"


def test_the_source_of_a_shard_is_the_one_in_its_name(store: Store) -> None:
    for source, shard, row in (("chats", "chats-000", 7), ("sums", "sums-011", 8)):
        table = source_table(CATALOG.sources[source])
        rows = pl.DataFrame([{"question": source, "source_row": row}], schema=table.schema)
        store.write(table, Partition(shard=shard), rows)
        one = evidence(store, shard, model="phi")
        assert one.read(table, "source_row", "question").rows() == [(row, source)]
    both = evidence(store, "chats-000", "sums-011", model="phi")
    assert both.read(SOURCE_ROWS, "source_row").rows() == [(7,), (8,)]


def test_columns_come_in_the_order_in_which_they_are_asked_for(store: Store) -> None:
    put(store, CONVERSATIONS, "chats-000")
    rows = evidence(store, "chats-000").read(CONVERSATIONS, "drop_reason", "conversation_id")
    assert rows.columns == ["drop_reason", "conversation_id"]


def test_only_the_columns_that_are_asked_for_are_looked_at(store: Store) -> None:
    turn = Column(pl.String(), "not as declared")
    other = replace(
        CONVERSATIONS,
        columns={"conversation_id": CONVERSATIONS.columns["conversation_id"], "turn": turn},
    )
    frame = pl.DataFrame({"conversation_id": ["a"], "turn": ["first"]})
    store.write(other, Partition(shard="chats-000"), frame)
    look = evidence(store, "chats-000")
    assert look.read(CONVERSATIONS, "conversation_id").rows() == [("a",)]
    with pytest.raises(TableError, match="'turn' as String, not as UInt32"):
        look.read(CONVERSATIONS, "turn")
    with pytest.raises(TableError, match="no column 'answer'"):
        look.read(CONVERSATIONS, "conversation_id", "answer")


def test_one_missing_partition_among_several_is_named(store: Store) -> None:
    put(store, ALIGNED, "chats-000", "phi")
    both = evidence(store, "chats-000", "chats-001", model="phi")
    with pytest.raises(StoreError, match=r"aligned_responses for phi\|chats-001 is not material"):
        both.read(ALIGNED, "conversation_id")


@pytest.mark.parametrize("model", [None, "phi"])
def test_the_model_is_the_one_that_was_named(store: Store, model: str | None) -> None:
    assert evidence(store, model=model).model == model


def test_the_finished_shards_of_a_model_come_in_the_order_of_the_catalogue(store: Store) -> None:
    for shard in ("chats-001", "sums-010", "chats-000", "sums-002"):
        put(store, ALIGNED, shard, "phi")
    assert finished_shards(store, CATALOG, ALIGNED, "phi") == (
        "sums-002",
        "sums-010",
        "chats-000",
        "chats-001",
    )


@pytest.mark.parametrize(
    ("table", "shard", "model"),
    [
        (VERIFIED, "chats-000", "phi"),
        (ALIGNED, "chats-000", "llama"),
        (ALIGNED, "chats-002", "phi"),
        (ALIGNED, "recipes-000", "phi"),
    ],
    ids=["before the last phase", "another model", "a shard too many", "an unknown source"],
)
def test_other_partitions_do_not_make_a_shard_of_the_catalogue_finished(
    store: Store, table: Table, shard: str, model: str
) -> None:
    put(store, table, shard, model)
    assert finished_shards(store, CATALOG, ALIGNED, "phi") == ()


def cut(store: Store, shard: str, rows: range, noted: Cut | None) -> None:
    """Store conversations of these rows of the file."""
    texts = {"conversation_id": [f"c{row}" for row in rows], "source_row": [*rows]}
    frame = pl.DataFrame(texts, schema_overrides={"source_row": pl.UInt32})
    missing = [pl.lit(None, dtype).alias(n) for n, dtype in CONVERSATIONS.schema.items()]
    kept = [column for column in missing if column.meta.output_name() not in texts]
    frame = frame.with_columns(kept)
    store.write(CONVERSATIONS, Partition(shard=shard), frame, noted)


OF_ONE_FILE, OF_ANOTHER = Cut(2, "local:aa"), Cut(2, "local:bb")


def test_shards_of_different_files_are_not_read_together(store: Store) -> None:
    cut(store, "chats-000", range(3), OF_ONE_FILE)
    cut(store, "chats-001", range(3, 6), OF_ANOTHER)
    with pytest.raises(OtherCutError) as refused:
        finished_shards(store, CATALOG, CONVERSATIONS)
    assert "chats-000 from local:aa; chats-001 from local:bb" in str(refused.value)
    cut(store, "chats-000", range(3), OF_ANOTHER)
    assert finished_shards(store, CATALOG, CONVERSATIONS) == ("chats-000", "chats-001")


@pytest.mark.parametrize("noted", [None, OF_ONE_FILE], ids=["both unknown", "one unknown"])
def test_shards_whose_cut_is_unknown_are_read_if_one_begins_where_the_other_ends(
    store: Store, noted: Cut | None
) -> None:
    cut(store, "chats-000", range(3), None)
    cut(store, "chats-001", range(3, 6), noted)
    assert finished_shards(store, CATALOG, CONVERSATIONS) == ("chats-000", "chats-001")


@pytest.mark.parametrize(
    "shards",
    [
        {"chats-000": range(3), "chats-001": range(2, 6)},
        {"chats-000": range(2), "chats-001": range(3, 6)},
        {"chats-000": range(2), "chats-001": range(2, 4), "chats-002": range(4, 6)},
    ],
    ids=["rows twice", "rows missing", "a shard left over that goes on"],
)
def test_shards_whose_cut_is_unknown_are_refused_if_rows_are_missing_or_twice(
    store: Store, shards: dict[str, range]
) -> None:
    for shard, rows in shards.items():
        cut(store, shard, rows, None)
    with pytest.raises(OtherCutError, match="cannot both be of a cut into 2 shards"):
        finished_shards(store, CATALOG, CONVERSATIONS)


def test_a_shard_left_over_from_another_cut_is_not_read(store: Store) -> None:
    cut(store, "chats-000", range(3), OF_ONE_FILE)
    cut(store, "chats-001", range(3, 6), OF_ONE_FILE)
    cut(store, "chats-002", range(4, 6), Cut(3, "local:aa"))
    assert finished_shards(store, CATALOG, CONVERSATIONS) == ("chats-000", "chats-001")
