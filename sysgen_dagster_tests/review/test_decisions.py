"""Decisions as they are written down and read again."""

from dataclasses import replace
from pathlib import Path

import pytest

from sysgen_dagster.review.decisions import (
    Choice,
    Decision,
    DecisionError,
    Decisions,
    digest_of,
    forget_decisions,
    journal_of,
    parse_decision,
    read_decisions,
    require_name,
)
from sysgen_dagster.storage.store import Store

ACCEPTED = Decision("phi-4", "c1-0", "0" * 32, Choice.ACCEPTED, "ann", "2026-01-01T00:00:00+00:00")
EDITED = replace(
    ACCEPTED,
    system_message="S \u2028 \U0001f600",
    labels={"Role": "Good"},
    verdicts={"Role": "Unreadable"},
)


def write(store: Store, *decisions: Decision) -> Decisions:
    for each in decisions:
        journal_of(store).append(each.record())
    return read_decisions(store)


@pytest.mark.parametrize("decision", [ACCEPTED, EDITED])
def test_what_is_written_is_what_is_read(decision: Decision, tmp_path: Path) -> None:
    found = write(Store(tmp_path), decision)
    assert found.last == {decision.key: decision}
    assert parse_decision(decision.record()) == decision


def test_a_later_version_may_write_more_and_an_earlier_one_less() -> None:
    assert parse_decision({**ACCEPTED.record(), "mood": "good"}) == ACCEPTED
    least = {"model": "phi-4", "conversation_id": "c1-0", "choice": "rejected"}
    assert parse_decision(least).choice is Choice.REJECTED


def test_of_each_row_the_last_counts_by_model(tmp_path: Path) -> None:
    other = replace(ACCEPTED, model="qwen")
    found = write(Store(tmp_path), ACCEPTED, other, replace(ACCEPTED, choice=Choice.REJECTED))
    assert found.of("phi-4")["c1-0"].choice is Choice.REJECTED
    assert found.of("qwen")["c1-0"].choice is Choice.ACCEPTED
    assert found.made == 3


def test_whole_lines_that_are_no_decisions_are_damage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    journal_of(store).append({"model": "phi-4", "choice": "perhaps"})
    assert read_decisions(store).damaged == 1
    assert str(read_decisions(store)) == "1 decisions about 0 rows, 1 damaged"


def test_only_what_changes_an_export_changes_the_digest(tmp_path: Path) -> None:
    assert Decisions().digest == "none"
    digest = write(Store(tmp_path), ACCEPTED).digest

    def of(*decisions: Decision) -> str:
        return Decisions({each.key: each for each in decisions}).digest

    assert digest == of(ACCEPTED)
    for same in (
        replace(ACCEPTED, reviewer="bob", decided_at="later"),
        replace(ACCEPTED, labels={"Role": "Bad"}),
    ):
        assert of(same) == digest
    assert of(replace(ACCEPTED, choice=Choice.OPEN)) == "none"
    others = [
        replace(ACCEPTED, choice=Choice.REJECTED),
        replace(ACCEPTED, new_answer="A"),
        replace(ACCEPTED, system_message="A"),
        replace(ACCEPTED, texts="1" * 32),
        replace(ACCEPTED, model="qwen"),
        replace(ACCEPTED, conversation_id="c2-0"),
    ]
    assert len({digest, *map(of, others)}) == len(others) + 1
    assert of(others[-1], ACCEPTED) == of(ACCEPTED, others[-1])


def test_texts_that_differ_anywhere_have_another_digest() -> None:
    texts = [
        ("ab", "c"),
        ("a", "bc"),
        ("", "abc"),
        ("abc", ""),
        ("ab", "d"),
        ("1\n", ""),
        ("", "1\n"),
    ]
    assert len({digest_of(*each) for each in texts}) == len(texts)
    assert digest_of("\ud800", "") != digest_of("\ud801", "")


def test_what_must_not_be_spoken_of_goes_with_the_other_turns_of_its_row(tmp_path: Path) -> None:
    store = Store(tmp_path)
    rows = ("capybara-aa-0", "capybara-aa-1", "capybara-ab-0")
    write(store, *(replace(EDITED, conversation_id=row) for row in rows))
    assert forget_decisions(store, ["capybara-aa-1"]) == 2
    assert [key[1] for key in read_decisions(store).last] == ["capybara-ab-0"]


def test_decisions_of_excluded_rows_can_be_left_out() -> None:
    found = Decisions({ACCEPTED.key: ACCEPTED})
    assert found.without({"c1-0"}).last == {}
    assert found.without({"c2-0"}) == found


@pytest.mark.parametrize("name", ["", " ", "\u200b", "x" * 101, "\ud800"])
def test_a_reviewer_has_a_name_that_can_be_written_down(name: str) -> None:
    with pytest.raises(DecisionError, match="reviewer"):
        require_name(name)
