"""What must hold of the bench, and what is expected of it."""

from typing import Any

from sysgen_dagster.lanes.multifaceted.bench.checks import build_checks, none_is_held_out
from sysgen_dagster.lanes.multifaceted.bench.items import build_bench
from sysgen_dagster.lanes.multifaceted.bench.tables import (
    BENCH_INSTRUCTIONS,
    BENCH_REFERENCES,
    BENCH_RUBRICS,
    MULTIFACETED_BENCH,
    TABLES,
)
from sysgen_dagster.lanes.multifaceted.tables import GOLD_ANSWERS, SELECTION
from sysgen_dagster.tables.checks import Finding
from sysgen_dagster.tables.table import Table
from sysgen_dagster_tests.lanes.multifaceted.bench.frames import references
from sysgen_dagster_tests.lanes.multifaceted.bench.test_items import rubrics_of
from sysgen_dagster_tests.lanes.multifaceted.instructions import settings
from sysgen_dagster_tests.tables.evidence import Rows

CHECKS = build_checks(settings(sets=2, bench={"instructions": 2}))


def _stored() -> dict[str, list[dict[str, Any]]]:
    """A sound bench of two instructions, beside one that is trained on."""
    rows = references(number=2)
    rubrics = rubrics_of(rows)
    asked = [
        {"conversation_id": f"own-{number}-0", "source": "own", "question": "What?"}
        for number in range(2)
    ]
    trained = {"conversation_id": "own-9-0", "position": 0}
    return {
        SELECTION.name: [trained, *({**each, "drop_reason": "held_out"} for each in asked)],
        BENCH_INSTRUCTIONS.name: asked,
        BENCH_REFERENCES.name: rows.to_dicts(),
        BENCH_RUBRICS.name: rubrics.to_dicts(),
        MULTIFACETED_BENCH.name: build_bench(rows, rubrics).to_dicts(),
    }


def _evaluate(name: str, table: Table, stored: dict[str, list[dict[str, Any]]]) -> Finding:
    [check] = [each for each in CHECKS if (each.name, each.table) == (name, table)]
    return check.evaluate(Rows(stored))


def test_a_sound_bench_passes_all_and_every_table_has_some() -> None:
    stored = Rows(_stored())

    assert [check.name for check in CHECKS if not check.evaluate(stored).passed] == []
    assert {check.table for check in CHECKS} == {SELECTION, *TABLES}


def test_without_a_bench_there_are_none() -> None:
    assert build_checks(None) == build_checks(settings()) == ()


def test_a_row_that_is_lost_is_found_in_each_table() -> None:
    for name, table in (
        ("nothing_is_lost", BENCH_INSTRUCTIONS),
        ("every_set_is_there", BENCH_REFERENCES),
        ("nothing_is_lost", BENCH_RUBRICS),
        ("nothing_is_lost", MULTIFACETED_BENCH),
    ):
        stored = _stored()
        lost = stored[table.name].pop()
        finding = _evaluate(name, table, stored)
        assert not finding.passed
        assert lost["conversation_id"] in finding.rows["conversation_id"][0]


def test_a_rubric_that_is_there_twice_is_found() -> None:
    stored = _stored()
    stored[BENCH_RUBRICS.name].append(stored[BENCH_RUBRICS.name][0])

    assert not _evaluate("nothing_is_lost", BENCH_RUBRICS, stored).passed


def test_an_item_without_four_rubrics_of_five_levels_is_found() -> None:
    sound = _stored()[MULTIFACETED_BENCH.name][1]
    rubrics = sound["rubrics"]
    for spoilt in (
        {"rubrics": rubrics[:3]},
        {"rubrics": rubrics[::-1]},
        {"rubrics": [*rubrics[:3], {**rubrics[3], "levels": ["All of it."]}]},
        {"rubrics": None},
        {"sibling_answer": None},
    ):
        stored = _stored()
        stored[MULTIFACETED_BENCH.name][1] = {**sound, **spoilt}
        finding = _evaluate("items_are_whole", MULTIFACETED_BENCH, stored)
        assert finding.rows["conversation_id"].to_list() == ["own-0-0#1"]


def test_an_item_that_is_trained_on_is_found() -> None:
    stored = _stored()
    stored[SELECTION.name].append({"conversation_id": "own-1-0", "position": 1})

    finding = _evaluate("none_is_trained_on", MULTIFACETED_BENCH, stored)
    assert finding.rows["conversation_id"].to_list() == ["own-1-0#0", "own-1-0#1"]


def test_a_training_row_of_a_held_out_instruction_is_found() -> None:
    rows = [{"conversation_id": "own-9-0#0"}, {"conversation_id": "own-1-0#2"}]
    check = none_is_held_out(GOLD_ANSWERS)
    finding = check.evaluate(Rows({**_stored(), GOLD_ANSWERS.name: rows}))

    assert check.blocking
    assert finding.rows["conversation_id"].to_list() == ["own-1-0#2"]


def test_many_that_are_contaminated_are_warned_of() -> None:
    stored = _stored()
    stored[BENCH_INSTRUCTIONS.name] = [
        {"conversation_id": str(number), "drop_reason": "contaminated"} for number in range(20)
    ]

    assert not _evaluate("few_are_contaminated", BENCH_INSTRUCTIONS, stored).passed


def test_of_a_bench_that_sources_cannot_fill_it_is_said() -> None:
    stored = _stored()
    stored[SELECTION.name].pop()

    assert _evaluate("enough_are_held_out", SELECTION, stored).explanation
