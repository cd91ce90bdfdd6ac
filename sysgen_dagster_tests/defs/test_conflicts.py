"""Conflict turns on a real instance: made-up messages with rules, a simulated model, its pairs."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from sysgen_dagster.catalog.operations import Conflicts
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs import conflicts
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, VERIFIED
from sysgen_dagster.obedience.conflict_counts import summarize_conflicts
from sysgen_dagster.obedience.tables import CONFLICT_COUNTS, CONFLICT_TURNS
from sysgen_dagster.simulated.profiles import PROFILES
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition, Table
from sysgen_dagster.training_sets.conflict_pairs import compare_conflict_answers
from sysgen_dagster_tests.obedience.test_requested import OPPOSITES
from sysgen_dagster_tests.training_sets.frames import aligned

MODEL, SHARD = "phi-4", "airoboros-001"
AT = Partition(MODEL, SHARD)
ROWS = 60
_OF_ANSWER = ("conversation_id", "answer", "side")
STORE = Store(Path(os.environ["SYSGEN_DATA"]))
JOB = defs.resolve_implicit_global_asset_job_def()


def _rows(table: Table) -> pl.DataFrame:
    """As many rows as `ROWS` with a message of one phrase; what is not looked at is null."""
    phrases = list(OPPOSITES)
    rows = [
        {
            **dict.fromkeys(table.columns),
            "conversation_id": f"airoboros-{number:04}",
            "source": "airoboros",
            "system_message": phrases[number % len(phrases)],
            "phrases": [{"tag": "Format", "text": phrases[number % len(phrases)]}],
            "question": f"What is {number} good for?",
            "answer": "For nothing.",
            "new_answer": "For nothing.",
            "history": [],
        }
        for number in range(ROWS)
    ]
    named = [{name: row[name] for name in table.columns} for row in rows]
    return pl.DataFrame(named, schema=table.schema)


def _run(partition: str, asset: dg.AssetsDefinition) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.get() as instance:
        return JOB.execute_in_process(
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            instance=instance,
            partition_key=partition,
            asset_selection=[asset.key],
            raise_on_error=False,
        )


@pytest.fixture(scope="module", autouse=True)
def _messages_are_put_to_the_test() -> Iterator[None]:
    for table in (CONVERSATIONS, VERIFIED, ALIGNED):
        STORE.write(table, AT, _rows(table))
    yield
    for table in (CONVERSATIONS, VERIFIED, ALIGNED, CONFLICT_TURNS, CONFLICT_COUNTS):
        Path(STORE.path(table, AT)).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def turns() -> pl.DataFrame:
    """What is stored after all messages were put to the test."""
    with pytest.MonkeyPatch.context() as patch:
        asking = {"conflicts": Conflicts(messages_a_shard=ROWS)}
        patch.setattr(conflicts, "CATALOG", CATALOG.model_copy(update=asking))
        result = _run(str(AT.key), conflicts.conflict_turns)
    assert result.success, result.get_step_failure_events()
    checks = {each.check_name: each.passed for each in result.get_asset_check_evaluations()}
    assert len(checks) == 4
    assert all(checks.values()), checks
    return STORE.read(CONFLICT_TURNS, AT)


def test_every_request_of_every_message_is_stored_with_its_side(turns: pl.DataFrame) -> None:
    assert turns.height == 6 * ROWS
    assert turns["drop_reason"].null_count() == turns.height
    assert set(turns["side"]) == {"message", "user"}
    assert set(turns["engine"]) == {"simulated"}


def test_both_rates_are_those_of_the_simulated_model(turns: pl.DataFrame) -> None:
    assert _run(MODEL, conflicts.conflict_counts).success
    counts = STORE.read(CONFLICT_COUNTS, AT)
    row = summarize_conflicts(counts).filter(source="all", rule="all").row(0, named=True)

    assert row["conflicts"] == turns.filter("has_system_message").height // 2
    assert row["kept_under_conflict_low"] < PROFILES[MODEL].holds < row["kept_under_conflict_high"]
    assert row["helped_when_aligned"] == row["helped_when_unrelated"] == 1
    assert row["broken_without_message"] == 1
    assert counts["answers"].sum() == turns.height


def test_each_message_gives_a_pair_whose_answers_have_both_verdicts(turns: pl.DataFrame) -> None:
    rows = aligned(*({"conversation_id": each} for each in turns["conversation_id"].unique()))
    pairs = compare_conflict_answers(rows, turns).filter(pl.col("left_out").is_null())
    sides = {(row, text): side for row, text, side in turns.select(_OF_ANSWER).iter_rows()}
    pairs = pairs.select("conversation_id", "chosen", "rejected")
    answers = [(row, [one[0]["content"], two[0]["content"]]) for row, one, two in pairs.iter_rows()]

    assert pairs.height == ROWS
    assert {tuple(sides[row, text] for text in texts) for row, texts in answers} == {
        ("message", "user")
    }


def test_nothing_is_asked_unless_the_catalogue_says_how_many() -> None:
    assert CATALOG.conflicts.messages_a_shard == 0
    assert _run(str(AT.key), conflicts.conflict_turns).success
    assert STORE.read(CONFLICT_TURNS, AT).is_empty()
