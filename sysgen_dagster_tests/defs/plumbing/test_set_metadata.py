"""What the UI shows of the second lane: sets with what a step made of them, and charts."""

from pathlib import Path
from typing import Any

import pytest

from sysgen_dagster.defs.plumbing.set_metadata import SHOWN_AS_SETS, set_metadata
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
)
from sysgen_dagster.report import drawing
from sysgen_dagster.storage.evidence import StoredEvidence
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS
from sysgen_dagster_tests.lanes.multifaceted.stored import (
    FRAMES,
    MODEL,
    SHARD,
    preferences,
    rows,
    store_lane,
)

SHOWN_AT_ONCE = 1_000  # characters; longer Markdown is a link in the UI


def shown(folder: Path, table: Table, *ids: str) -> dict[str, Any]:
    evidence = StoredEvidence(store_lane(folder), (SHARD,), MODEL)
    return {name: each.value for name, each in set_metadata(table, evidence, ids).items()}


def test_a_set_is_shown_with_its_instruction(tmp_path: Path) -> None:
    assert shown(tmp_path, PREFERENCE_SETS, "chats-a-0#1")["row_1"] == (
        "**Instruction** Why a?\n\n"
        "**Style** plain words: About style.\n\n"
        "**Background knowledge** plain words: About background\\_knowledge.\n\n"
        "**Informativeness** plain words: About informativeness.\n\n"
        "**Harmlessness** plain words: About harmlessness."
    )


def test_a_message_is_shown_below_the_descriptions_that_it_was_made_of(tmp_path: Path) -> None:
    told = shown(tmp_path, PREFERENCE_MESSAGES, "chats-a-0#1", "coding-b-0#1")
    assert told["row_1"].startswith("**Descriptions** About style. About background")
    assert "**Message** nnn" in told["row_1"]
    assert told["row_2"].endswith("About harmlessness.\n\n**Dropped** names taxonomy")


def test_an_answer_is_shown_below_its_message(tmp_path: Path) -> None:
    told = shown(tmp_path, GOLD_ANSWERS, "chats-a-0#0")["row_1"]
    assert told.startswith("**Instruction** Why a?\n\n**Message** mmm")
    assert told.endswith("\n\n**Answer** So.")


def test_a_pair_is_shown_with_the_answer_that_is_rejected(tmp_path: Path) -> None:
    store = store_lane(tmp_path)
    pair = {"conversation_id": "chats-a-0#0", "rejected": [{"role": "user", "content": "Thus."}]}
    none = {"conversation_id": "chats-a-0#1", "drop_reason": "tie"}
    store.write(MULTIFACETED_PAIRS, Partition(MODEL, SHARD), rows(MULTIFACETED_PAIRS, pair, none))
    evidence = StoredEvidence(store, (SHARD,), MODEL)
    told = set_metadata(MULTIFACETED_PAIRS, evidence, ["chats-a-0#0", "chats-a-0#1"])
    assert told["row_1"].value.endswith("**Chosen** So.\n\n**Rejected** Thus.")
    assert told["row_2"].value.endswith("**Chosen** Thus.\n\n**Dropped** tie")


def test_sets_and_messages_have_a_chart(tmp_path: Path) -> None:
    for table in SHOWN_AS_SETS:
        told = shown(tmp_path, table)
        assert ("chart" in told) == (table in (PREFERENCE_SETS, PREFERENCE_MESSAGES))
        assert all(each.startswith("![") for each in told.values())


def test_without_the_extra_it_is_said_that_no_chart_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = StoredEvidence(store_lane(tmp_path), (SHARD,), MODEL)
    monkeypatch.setattr(drawing, "available", lambda: False)
    assert "not drawn" in set_metadata(PREFERENCE_SETS, evidence, [])["chart"]


@pytest.mark.parametrize("table", SHOWN_AS_SETS, ids=lambda table: table.name)
@pytest.mark.parametrize("text", ["word " * 9_000, "<" * 50_000])
def test_rows_are_shown_at_once_however_long_their_texts_are(
    tmp_path: Path, table: Table, text: str
) -> None:
    store = store_lane(tmp_path)
    long = [{**each, "preference": text, "description": text} for each in preferences()]
    row = {"system_message": text, "answer": text, "question": text, "preference_set": long}
    row |= {"rejected": [{"role": "assistant", "content": text}]}
    for each in (*SHOWN_AS_SETS,):
        given = {name: value for name, value in row.items() if name in each.columns}
        frame = rows(each, {"conversation_id": "chats-a-0#0", **given})
        store.write(each, Partition(MODEL, SHARD), frame)
    evidence = StoredEvidence(store, (SHARD,), MODEL)
    told = set_metadata(table, evidence, ["chats-a-0#0"])["row_1"].value
    assert len(told) < SHOWN_AT_ONCE
    assert "<" not in told


def test_what_an_earlier_step_lacks_is_an_error(tmp_path: Path) -> None:
    store = store_lane(tmp_path, PREFERENCE_SETS)
    store.write(GOLD_ANSWERS, Partition(MODEL, SHARD), FRAMES[GOLD_ANSWERS.name])
    with pytest.raises(StoreError, match="preference_messages"):
        set_metadata(GOLD_ANSWERS, StoredEvidence(store, (SHARD,), MODEL), ["chats-a-0#0"])
