"""The desk: rows in their order, one opened, decisions that are kept before they are answered."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.obedience.tables import OBEDIENCE
from sysgen_dagster.review import desk as desk_module
from sysgen_dagster.review.decisions import LONGEST_TEXT, DecisionError, journal_of, read_decisions
from sysgen_dagster.review.desk import Desk, RowError
from sysgen_dagster.review.index import Filters
from sysgen_dagster.storage.journal import Journal
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster_tests.review.rows import AT, MODEL, decision, open_desk, write_rows
from sysgen_dagster_tests.training_sets.frames import of

ROWS = 12


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    write_rows(store, *({} for _ in range(ROWS)))
    return store


@pytest.fixture
def desk(store: Store) -> Desk:
    return open_desk(store)


def queue(desk: Desk, after: str = "", **filters: str) -> list[str]:
    return [key[1] for key in desk.queue(Filters(**filters), after)["keys"]]


def count(desk: Desk, name: str) -> int:
    number: int = desk.progress()["progress"][name]
    return number


def test_rows_come_in_a_shuffled_order_that_is_the_same_each_time(desk: Desk, store: Store) -> None:
    first = queue(desk)
    assert sorted(first) == sorted(f"c{number}-0" for number in range(ROWS))
    assert first != sorted(first)
    assert queue(open_desk(store)) == first


def test_an_opened_row_has_what_rules_and_an_uncalibrated_judge_say(store: Store) -> None:
    said = {"tag": "Role", "text": "You are kind.", "verdict": "not_obeyed", "rule": None}
    looked_at = {"conversation_id": "c0-0", "phrases": [{**said, "by": "owl"}]}
    store.write(OBEDIENCE, AT, of(OBEDIENCE, looked_at))
    row = open_desk(store).row((MODEL, "c0-0"))
    assert [each["by"] for each in row["obedience"]] == ["owl (uncalibrated)"]
    assert "does not obey a phrase" in row["flags"]


def test_a_decided_row_is_undecided_no_more_and_the_rest_keeps_its_order(desk: Desk) -> None:
    before = queue(desk, which="undecided")
    desk.decide(decision(desk, 3))
    desk.decide(decision(desk, 4, "rejected"))
    desk.decide(decision(desk, 5, system_message="Be brief."))
    left = [row for row in before if row not in ("c3-0", "c4-0", "c5-0")]
    assert queue(desk, which="undecided") == left
    assert sorted(queue(desk, which="accepted")) == ["c3-0", "c5-0"]
    assert queue(desk, which="edited") == ["c5-0"]
    assert queue(desk, which="rejected") == ["c4-0"]
    assert count(desk, "accepted") == 2
    assert count(desk, "edited") == 1
    assert count(desk, "rejected") == 1


def test_more_rows_than_one_answer_takes_follow_where_it_ended(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = queue(desk)
    monkeypatch.setattr(desk_module, "MOST_KEYS", 5)
    found: list[tuple[str, str, str]] = []
    for _ in range(3):
        found += desk.queue(Filters(), found[-1][2] if found else "")["keys"]
    assert [row for _, row, _ in found] == whole


@pytest.mark.parametrize(
    ("filters", "rows"),
    [
        ({"source": "capybara"}, ROWS),
        ({"source": "metamath"}, 0),
        ({"model": MODEL}, ROWS),
        ({"model": "other"}, 0),
        ({"flag": "repetitive"}, 0),
        ({"which": "'; drop"}, 0),
    ],
)
def test_filters_leave_what_they_say(desk: Desk, filters: Mapping[str, str], rows: int) -> None:
    assert desk.queue(Filters(**filters))["rows"] == rows


def test_excluded_rows_and_those_of_no_mixture_are_not_shown(store: Store) -> None:
    assert "c3-0" not in queue(open_desk(store, excluded=["c3-0"]))
    only = pl.DataFrame({"model": [MODEL, "other"], "conversation_id": ["c1-0", "c2-0"]})
    assert queue(open_desk(store, only=only)) == ["c1-0"]


def test_a_decision_is_on_the_disk_when_it_is_answered(desk: Desk, store: Store) -> None:
    answered = desk.decide(decision(desk, 2, "rejected"))
    [written] = journal_of(store).read().records
    assert (written["conversation_id"], written["choice"]) == ("c2-0", "rejected")
    assert written["reviewer"] == "ann"
    assert written["decided_at"].endswith("+00:00")
    assert answered["row"]["choice"] == "rejected"


def test_who_decides_is_not_what_the_page_says(desk: Desk, store: Store) -> None:
    desk.decide(decision(desk, 2, reviewer="eve", verdicts={"Role": "Bad"}, decided_at="1999"))
    [written] = journal_of(store).read().records
    assert written["reviewer"] == "ann"
    assert written["verdicts"] == {}
    assert written["decided_at"] > "2020"


def test_a_decision_that_cannot_be_written_changes_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    sent = decision(desk, 2)
    monkeypatch.setattr(Journal, "append", fail)
    with pytest.raises(StoreError):
        desk.decide(sent)
    assert count(desk, "accepted") == 0
    assert "c2-0" in queue(desk, which="undecided")


def test_undoing_is_a_decision_as_others_and_all_are_kept(desk: Desk, store: Store) -> None:
    for choice in ("accepted", "open", "rejected", "open"):
        desk.decide(decision(desk, 2, choice))
    assert "c2-0" in queue(desk, which="undecided")
    assert len(journal_of(store).read().records) == 4


def test_edits_are_shown_beside_what_the_model_wrote(desk: Desk) -> None:
    shown = desk.decide(decision(desk, 2, new_answer="It is 2."))["row"]
    assert shown["written"]["new_answer"] == "It is 2."
    assert shown["new_answer"].startswith("Dear reader")
    assert shown["decided"]["choice"] == "edited"


def test_a_text_that_was_not_changed_is_no_edit(desk: Desk) -> None:
    shown = desk.row((MODEL, "c2-0"))
    same = {"system_message": shown["system_message"], "new_answer": shown["new_answer"]}
    desk.decide(decision(desk, 2, **same))
    assert count(desk, "edited") == 0


BAD: list[dict[str, Any]] = [
    {"choice": "perhaps"},
    {"choice": None},
    {"choice": ["accepted"]},
    {"model": 7},
    {"system_message": " \u200b\n"},
    {"new_answer": ""},
    {"new_answer": 7},
    {"new_answer": "half \ud800"},
    {"new_answer": "x" * (LONGEST_TEXT + 1)},
    {"labels": {"Role": "Great"}},
    {"labels": {"Nose": "Good"}},
    {"labels": ["Good"]},
    {"labels": {"Role": ["Good"]}},
    {"conversation_id": "c99-0"},
    {"conversation_id": "x" * 5000},
    {"model": "other"},
    {"texts": "0" * 32},
]


@pytest.mark.parametrize("sent", BAD, ids=[ascii(each)[:40] for each in BAD])
def test_what_is_no_decision_is_refused_and_not_written(
    desk: Desk, store: Store, sent: dict[str, Any]
) -> None:
    with pytest.raises(DecisionError):
        desk.decide(decision(desk, 2, **sent))
    assert journal_of(store).read().records == ()


def test_a_row_that_is_not_there_is_said(desk: Desk) -> None:
    with pytest.raises(RowError, match="there is no row phi-4 c99-0"):
        desk.row((MODEL, "c99-0"))


def test_the_last_of_two_reviewers_counts_and_both_are_kept(store: Store) -> None:
    ann, bob = open_desk(store), open_desk(store, "bob")
    assert ann.decide(decision(ann, 2))["replaced"] is None
    assert bob.decide(decision(bob, 2, "rejected"))["replaced"] == "ann"
    bob.decide(decision(bob, 3))
    assert count(ann, "accepted") == 1  # as far as it knows
    assert "c3-0" not in queue(ann, which="undecided")
    assert (count(ann, "accepted"), count(ann, "rejected")) == (1, 1)
    assert ann.row((MODEL, "c2-0"))["decided"]["reviewer"] == "bob"
    assert read_decisions(store).made == 3


def test_what_was_decided_about_other_texts_is_said_and_does_not_count(store: Store) -> None:
    before = open_desk(store)
    before.decide(decision(before, 2, labels={"Role": "Good"}))
    rows = store.read(ALIGNED, AT)
    store.write(ALIGNED, AT, rows.with_columns(pl.col("new_answer") + " Indeed."))
    desk = open_desk(store)
    assert "c2-0" in queue(desk, which="undecided")
    shown = desk.row((MODEL, "c2-0"))
    assert (shown["choice"], shown["decided"], shown["labels"]) == ("open", None, {})
    assert shown["outdated"]["reviewer"] == "ann"
    assert desk.progress()["agreement"] == []


def test_rows_that_are_made_while_it_is_open_are_there_after_the_page_is_loaded_again(
    desk: Desk, store: Store
) -> None:
    write_rows(store, *({} for _ in range(ROWS + 2)))
    desk.options()
    assert count(desk, "rows") == ROWS + 2


def test_labels_stand_beside_what_the_judge_said_and_give_the_agreement(desk: Desk) -> None:
    for number in range(ROWS):
        labels = {"Role": "Good", "Task": "Bad" if number % 2 else "Good", "Style": "Bad"}
        desk.decide(decision(desk, number, "open", labels=labels))
    over_all, *_ = desk.progress()["agreement"]
    assert over_all["labels"] == 3 * ROWS
    assert over_all["agreement"] == pytest.approx(30 / 36)
    assert count(desk, "accepted") == 0


def test_few_rows_are_kept_in_memory(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_module, "_MOST_OPENED", 3)
    for number in range(ROWS):
        desk.row((MODEL, f"c{number}-0"))
    assert len(desk._opened) == 3


def test_decisions_that_cannot_be_read_are_counted(desk: Desk, store: Store) -> None:
    desk.decide(decision(desk, 2))
    with Path(journal_of(store).path).open("ab") as file:
        file.write(b'\n{"crc32": 12, "model": "phi')
    desk.queue(Filters())
    assert count(desk, "unreadable") == 1
    assert count(desk, "accepted") == 1


def test_a_model_that_left_the_catalogue_takes_its_decisions_along(store: Store) -> None:
    desk = open_desk(store)
    desk.decide(decision(desk, 2))
    journal = journal_of(store)
    [written] = journal.read().records
    journal.append({**written, "model": "gone"})
    assert count(open_desk(store), "accepted") == 1


def test_a_row_that_was_made_again_while_it_is_shown_is_not_decided(
    desk: Desk, store: Store
) -> None:
    sent = decision(desk, 2)
    rows = store.read(ALIGNED, AT)
    store.write(ALIGNED, AT, rows.with_columns(pl.col("new_answer") + " Indeed."))
    with pytest.raises(RowError, match="other texts now"):
        desk.decide(sent)
    assert desk.row((MODEL, "c2-0"))["new_answer"].endswith(" Indeed.")
    dropped = pl.when(conversation_id="c3-0").then(None).otherwise("new_answer")
    store.write(ALIGNED, AT, rows.with_columns(dropped.alias("new_answer")))
    with pytest.raises(RowError, match="there is no row"):
        desk.row((MODEL, "c3-0"))
    store.write(ALIGNED, AT, rows.filter(pl.col("conversation_id") != "c2-0"))
    with pytest.raises(RowError, match="there is no row"):
        desk.decide(sent)


def test_what_was_decided_before_is_told_so_that_it_can_be_brought_back(store: Store) -> None:
    ann, bob = open_desk(store), open_desk(store, "bob")
    sent = decision(ann, 2, "rejected")
    told = ann.decide({**sent, "choice": "open"})
    assert told["before"]["choice"] == "open"
    bob.decide(decision(bob, 2, new_answer="It is 2.", labels={"Role": "Bad"}))
    told = ann.decide(sent)
    assert (told["replaced"], told["before"]["choice"]) == ("bob", "accepted")
    brought_back = ann.decide({**sent, **told["before"]})["row"]
    assert brought_back["written"] == {"system_message": None, "new_answer": "It is 2."}
    assert brought_back["labels"] == {"Role": "Bad"}


def test_what_another_writes_in_the_moment_of_a_decision_is_read_too(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = open_desk(store, "bob")
    append = Journal.append

    def append_after_bob(journal: Journal, record: Any) -> object:
        monkeypatch.setattr(Journal, "append", append)
        bob.decide(decision(bob, 3, "rejected"))
        return journal.append(record)

    desk.decide(decision(desk, 1))
    monkeypatch.setattr(Journal, "append", append_after_bob)
    desk.decide(decision(desk, 2))
    assert queue(desk, which="rejected") == ["c3-0"]
