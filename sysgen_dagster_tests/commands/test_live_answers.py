"""Answers that lie in ledgers, for the live report."""

from pathlib import Path

import pytest

from sysgen_dagster.commands.live_answers import LedgerAnswers
from sysgen_dagster.inference.ledger import Ledger, Outcome
from sysgen_dagster.inference.request_keys import Asked
from sysgen_dagster.lanes.multifaceted.tables import (
    GOLD_ANSWERS,
    INSTRUCTIONS,
    JUDGED_PAIRS,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
)
from sysgen_dagster.lanes.multifaceted.taxonomy import load_taxonomy
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, VERIFIED
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.table import Table
from sysgen_dagster_tests.lanes.multifaceted.stored import SHARD as LANE_SHARD
from sysgen_dagster_tests.lanes.multifaceted.stored import preferences, store_lane
from sysgen_dagster_tests.lanes.sysgen.shards import Row, kept
from sysgen_dagster_tests.report.stored_shards import MODEL, SHARD, catalog, store_rows


def follow(folder: Path) -> LedgerAnswers:
    store = store_rows(folder, kept(30), upto=CONVERSATIONS)
    return LedgerAnswers(store, catalog(), folder / "ledger")


def ledger(folder: Path, key: str = f"{MODEL}|{SHARD}", table: str = ANNOTATED.name) -> Ledger:
    return Ledger(folder / "ledger" / table / f"{key}.jsonl")


def answer(to: Ledger, identity: str, text: str | None = "A text", **fields: str) -> None:
    to.append(Asked(f"key of {identity}", identity, 7), Outcome(text, attempts=1, **fields))  # type: ignore[arg-type]


def test_an_answer_is_told_once_and_counted_until_its_partition_is_stored(tmp_path: Path) -> None:
    answers = follow(tmp_path)
    with ledger(tmp_path) as lines:
        assert answers.look() == []
        answer(lines, "kept-1", "<<Role>>You are kind.<</Role>>")
        [told] = answers.look()
        assert (told["id"], told["question"]) == ("kept-1", "Q")
        assert told["annotated_message"] == "<<Role>>You are kind.<</Role>>"
        assert answers.look() == []
        answer(lines, "kept-2")
        assert [story["id"] for story in answers.look()] == ["kept-2"]
        assert answers.count(ANNOTATED, MODEL) == 2
        assert answers.count(ANNOTATED, "another") == answers.count(ALIGNED, MODEL) == 0
    lines.seal()
    assert answers.look() == []
    assert answers.count(ANNOTATED, MODEL) == 0


def test_a_request_that_failed_is_told_with_its_reason(tmp_path: Path) -> None:
    answers = follow(tmp_path)
    with ledger(tmp_path) as lines:
        answer(lines, "kept-1", None, failed_because="timeout")
        assert [story["drop_reason"] for story in answers.look()] == ["timeout"]


def test_of_many_answers_the_newest_are_told_and_all_are_counted(tmp_path: Path) -> None:
    answers = follow(tmp_path)
    with ledger(tmp_path) as lines:
        for number in range(30):
            answer(lines, f"kept-{number}", "x" * 50_000)
        told = [story["id"] for story in answers.look()]
        assert told[-1] == "kept-29"
        assert 0 < len(told) <= 6
        assert answers.count(ANNOTATED, MODEL) == 30


@pytest.mark.parametrize(
    "key", [f"{MODEL}|capybara-preview", f"of another catalogue|{SHARD}", f"{MODEL}|capybara-999"]
)
def test_answers_to_rows_that_are_not_stored_are_not_told(tmp_path: Path, key: str) -> None:
    answers = follow(tmp_path)
    with ledger(tmp_path, key) as lines:
        answer(lines, "kept-1")
        assert answers.look() == []


def test_answers_of_a_preview_do_not_wait_for_a_partition(tmp_path: Path) -> None:
    answers = follow(tmp_path)
    model = "qwen-2.5-1b"  # a name with what begins the number of a shard
    with ledger(tmp_path, f"{model}|capybara-preview") as lines:
        answer(lines, "kept-1")
        answers.look()
        assert answers.count(ANNOTATED, model) == 0


def test_excluded_rows_are_not_told(tmp_path: Path) -> None:
    answers = follow(tmp_path)
    answers.store.exclude({"kept-1"})
    with ledger(tmp_path) as lines:
        answer(lines, "kept-1")
        assert answers.look() == []


def test_lines_that_are_damaged_are_left_out(tmp_path: Path) -> None:
    answers = follow(tmp_path)
    with ledger(tmp_path) as lines:
        answer(lines, "kept-1")
    with lines.path.open("ab") as file:
        file.write(b'\n{"crc32": 1, "key": "cut off')
    assert [story["id"] for story in answers.look()] == ["kept-1"]


def test_a_line_that_is_being_written_is_told_once_it_is_whole(tmp_path: Path) -> None:
    answers = follow(tmp_path)
    with ledger(tmp_path) as lines:
        answer(lines, "kept-1")
    whole = lines.path.read_bytes()
    lines.path.write_bytes(whole[:-20])
    assert answers.look() == []
    lines.path.write_bytes(whole)
    assert [story["id"] for story in answers.look()] == ["kept-1"]
    assert answers.count(ANNOTATED, MODEL) == 1


def test_a_later_phase_is_told_on_top_of_what_is_stored(tmp_path: Path) -> None:
    rows = [Row("1", columns={"tagged_message": "<<Task>>Answer.<</Task>>"})]
    store = store_rows(tmp_path, rows, upto=VERIFIED)
    answers = LedgerAnswers(store, catalog(), tmp_path / "ledger")
    with ledger(tmp_path, table=ALIGNED.name) as lines:
        answer(lines, "1", "Here it is.")
        [told] = answers.look()
    assert (told["system_message"], told["new_answer"]) == ("Answer.", "Here it is.")


def follow_lane(folder: Path, upto: Table) -> LedgerAnswers:
    return LedgerAnswers(store_lane(folder, upto), catalog(), folder / "ledger")


def of_lane(folder: Path, table: Table) -> Ledger:
    return ledger(folder, f"{MODEL}|{LANE_SHARD}", table.name)


def test_a_preference_set_is_told_as_the_model_has_written_it(tmp_path: Path) -> None:
    answers = follow_lane(tmp_path, INSTRUCTIONS)
    with of_lane(tmp_path, PREFERENCE_SETS) as lines:
        answer(
            lines, "chats-a-0#1", "Style preference: few words.\nStyle description: It is short."
        )
        [told] = answers.look()
    assert (told["id"], told["question"]) == ("chats-a-0#1", "Why a?")
    [[style, background, *_]] = [each["preferences"] for each in told["sets"]]
    assert (style["preference"], style["description"]) == ("few words", "It is short.")
    assert background["dimension"] == "background_knowledge"
    assert background["subdimension"] in load_taxonomy()["background_knowledge"]
    assert background["preference"] is None
    assert answers.count(PREFERENCE_SETS, MODEL) == 1


def test_a_message_and_an_answer_are_told_with_their_set_alone(tmp_path: Path) -> None:
    answers = follow_lane(tmp_path, PREFERENCE_SETS)
    with of_lane(tmp_path, PREFERENCE_MESSAGES) as lines:
        answer(lines, "chats-a-0#1", "Here is the message:\n\nBe brief.")
        [[told]] = [story["sets"] for story in answers.look()]
    assert (told["system_message"], told["answer"]) == ("Be brief.", None)
    assert told["preferences"] == preferences(1)
    store_lane(tmp_path, PREFERENCE_MESSAGES)
    with of_lane(tmp_path, GOLD_ANSWERS) as lines:
        answer(lines, "chats-a-0#0", "It is so.")
        answer(lines, "chats-a-0#1", None, failed_because="timeout")
        first, second = [story["sets"][0] for story in answers.look()]
    assert (first["system_message"], first["answer"]) == ("m" * 700, "It is so.")
    assert (second["stopped_at"], second["drop_reason"]) == ("gold answers", "timeout")


def test_of_judged_pairs_the_requests_are_counted(tmp_path: Path) -> None:
    answers = follow_lane(tmp_path, GOLD_ANSWERS)
    with of_lane(tmp_path, JUDGED_PAIRS) as lines:
        answer(lines, "chats-a-0#0/own", "A")
        assert answers.look() == []
    assert answers.count(JUDGED_PAIRS, MODEL) == 1


@pytest.mark.parametrize("identity", ["chats-a-0#7", "other-a-0#0", "coding-b-0#0"])
def test_replies_about_no_stored_set_or_an_excluded_instruction_are_not_told(
    tmp_path: Path, identity: str
) -> None:
    answers = follow_lane(tmp_path, PREFERENCE_SETS)
    answers.store.exclude({"coding-b-0"})
    for table in (PREFERENCE_SETS, PREFERENCE_MESSAGES):
        with of_lane(tmp_path, table) as lines:
            answer(lines, identity)
            assert answers.look() == []
