"""Which rows are there to be reviewed."""

from pathlib import Path

import pytest

from sysgen_dagster.analysis.tables import ROW_QUALITY
from sysgen_dagster.obedience.tables import OBEDIENCE
from sysgen_dagster.review.index import INDEX, build_index, written_at
from sysgen_dagster.storage.store import Store
from sysgen_dagster_tests.review.rows import AT, SHARD, catalog, write_rows
from sysgen_dagster_tests.training_sets.frames import of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_only_rows_with_a_new_answer_are_there(store: Store) -> None:
    write_rows(store, {}, {"drop_reason": "refused"}, {})
    index = build_index(store, catalog(), ())
    assert sorted(index["conversation_id"]) == ["c0-0", "c2-0"]
    assert set(index["shard"]) == {SHARD}


def test_findings_of_a_row_are_its_flags(store: Store) -> None:
    write_rows(store, {}, {})
    quality = of(ROW_QUALITY, {"conversation_id": "c1-0", "source": "capybara", "repaired": True})
    store.write(ROW_QUALITY, AT, quality)
    index = build_index(store, catalog(), ())
    assert dict(index.select("conversation_id", "flags").iter_rows()) == {
        "c0-0": [],
        "c1-0": ["repaired"],
    }


def test_rows_that_do_not_obey_can_be_looked_for(store: Store) -> None:
    write_rows(store, {}, {}, {})
    quality = [{"conversation_id": name, "repaired": True} for name in ("c0-0", "c1-0")]
    store.write(ROW_QUALITY, AT, of(ROW_QUALITY, *quality))
    looked_at = [
        {"conversation_id": f"c{number}-0", "not_obeyed": broken}
        for number, broken in enumerate((0, 2, 1))
    ]
    store.write(OBEDIENCE, AT, of(OBEDIENCE, *looked_at))
    index = build_index(store, catalog(), ())
    assert dict(index.select("conversation_id", "flags").iter_rows()) == {
        "c0-0": ["repaired"],
        "c1-0": ["repaired", "not_obeyed"],
        "c2-0": ["not_obeyed"],
    }


def test_where_nothing_is_stored_there_are_no_rows(store: Store) -> None:
    index = build_index(store, catalog(), ())
    assert index.is_empty()
    assert index.schema == INDEX


def test_rows_that_were_made_since_are_noticed(store: Store) -> None:
    before = written_at(store, catalog())
    write_rows(store, {})
    assert written_at(store, catalog()) != before
