"""Which conversations must not be used, as far as the stored ones tell."""

from pathlib import Path

from sysgen_dagster.defs.plumbing.excluded import excluded_ids
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.cuts import Cut
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition
from sysgen_dagster_tests.lanes.sysgen.frames import source, upstream


def test_shards_that_a_cut_into_fewer_left_over_do_not_stand_in_the_way(tmp_path: Path) -> None:
    store = Store(tmp_path, {"mine": 1})
    entry = source()
    rows = upstream(entry, *({"question": f"{word}?", "answer": word} for word in "abc"))
    made = build_conversations(rows, entry)
    store.write(CONVERSATIONS, Partition(shard="mine-000"), made, Cut(1, "local:0"))
    store.write(CONVERSATIONS, Partition(shard="mine-001"), made.tail(1), Cut(2, "local:0"))
    gone = made["conversation_id"][2]
    store.exclude([gone])
    assert excluded_ids(store) == {gone}
