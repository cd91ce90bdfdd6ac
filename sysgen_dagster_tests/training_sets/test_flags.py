"""Flags of training rows."""

from typing import Any, get_args

import polars as pl
import pytest

from sysgen_dagster.analysis.findings import FINDINGS, list_flags
from sysgen_dagster.analysis.tables import (
    CONTAMINATION,
    NEAR_DUPLICATE_MESSAGES,
    NEAR_DUPLICATE_QUESTIONS,
    ROW_QUALITY,
)
from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.catalog.recipes import JUDGED, Flag
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT, OBEDIENCE
from sysgen_dagster.tables.table import By
from sysgen_dagster.training_sets.flags import (
    FLAGS,
    OBEDIENCE_FLAGS,
    add_flags,
    find_flagged,
)
from sysgen_dagster_tests.training_sets.frames import of

LATER = {"conversation_id": "c1", "cluster": "c0"}
FIRST = {"conversation_id": "c0", "cluster": "c0"}


TABLES = {
    "questions": NEAR_DUPLICATE_QUESTIONS,
    "contamination": CONTAMINATION,
    "messages": NEAR_DUPLICATE_MESSAGES,
    "judged": JUDGED_ALIGNMENT,
}


def own_flags(*rows: dict[str, Any]) -> pl.DataFrame:
    """The findings of rows ``c0``, ``c1``, ... by themselves."""
    numbered = [{"conversation_id": f"c{number}", **row} for number, row in enumerate(rows)]
    quality = of(ROW_QUALITY, *numbered)
    return quality.select("conversation_id", flags=list_flags(quality))


def flags_of(*rows: dict[str, Any], **tables: list[dict[str, Any]]) -> list[list[str]]:
    """All flags of such rows; a table that is not given has no rows."""
    stored = {table: of(table, *tables.get(name, [])) for name, table in TABLES.items()}
    flagged = own_flags(*rows)
    for by in (By.NOTHING, By.MODEL):
        flagged = add_flags(flagged, find_flagged(stored.get, by))
    assert flagged.schema == {"conversation_id": pl.String, "flags": pl.List(pl.String)}
    assert flagged["conversation_id"].to_list() == [f"c{number}" for number in range(len(rows))]
    return flagged["flags"].to_list()


@pytest.mark.parametrize(
    ("table", "row", "flag"),
    [
        ("questions", LATER, "near_duplicate_question"),
        ("messages", LATER, "near_duplicate_message"),
        ("contamination", {"conversation_id": "c1", "overlap": 0.5}, "contaminated"),
        ("judged", {"conversation_id": "c1", "verdict": "Not aligned"}, "not_aligned"),
    ],
)
def test_a_finding_of_the_corpus_is_a_flag_of_its_row(
    table: str, row: dict[str, Any], flag: str
) -> None:
    elsewhere = row | {"conversation_id": "elsewhere"}

    assert flags_of({}, {}, **{table: [elsewhere, row]}) == [[], [flag]]


@pytest.mark.parametrize(
    ("table", "row"),
    [
        pytest.param("questions", FIRST, id="the first of its cluster"),
        pytest.param("messages", FIRST, id="the first message of its cluster"),
        pytest.param("contamination", {"conversation_id": "c0", "overlap": 0.49}, id="a few words"),
        pytest.param("judged", {"conversation_id": "c0", "verdict": "Aligned"}, id="aligned"),
        pytest.param("judged", {"conversation_id": "c0", "verdict": "Unknown"}, id="unknown"),
        pytest.param("judged", {"conversation_id": "c0"}, id="not judged"),
    ],
)
def test_this_is_no_flag(table: str, row: dict[str, Any]) -> None:
    assert flags_of({}, **{table: [row]}) == [[]]


@pytest.mark.parametrize(
    ("row", "flags"),
    [
        ({"not_obeyed": 0, "may_decline": False}, []),
        ({"not_obeyed": 2}, ["not_obeyed"]),
        ({"may_decline": True}, ["may_decline"]),
        ({"may_decline": True, "declines": True}, ["declines"]),
        ({"may_decline": True, "declines": False}, []),
        ({"judged": [None, "x: obeyed; y: not_obeyed"]}, ["judges_disagree"]),
        ({"judged": [None, "x: obeyed; y: unknown"]}, []),
        ({}, []),
    ],
)
def test_an_answer_that_disobeys_or_declines_is_flagged(
    row: dict[str, Any], flags: list[str]
) -> None:
    stored = of(OBEDIENCE, {"conversation_id": "c0", **row})

    assert [
        name for name, has_it in OBEDIENCE_FLAGS.items() if stored.filter(has_it).height
    ] == flags


def test_flags_stand_in_one_order_and_once() -> None:
    held = {"conversation_id": "c0", "overlap": 1.0}
    later = [{"conversation_id": "c0", "cluster": "b"}]
    [flags] = flags_of({"repeated_share": 0.9}, contamination=[held, held], questions=later)

    assert flags == ["repetitive", "near_duplicate_question", "contaminated"]
    assert flags == [name for name in FLAGS if name in flags]


def test_a_table_that_is_not_stored_gives_no_flags() -> None:
    assert find_flagged({}.get, By.NOTHING) == find_flagged({}.get, By.MODEL) == {}
    flagged = add_flags(own_flags({"repeated_share": 0.9}), {})
    assert flagged["flags"].to_list() == [["repetitive"]]


@pytest.mark.parametrize("flagged", [{}, {"contaminated": pl.Series(["elsewhere"])}])
def test_a_row_that_was_not_measured_has_no_flags(flagged: dict[str, pl.Series]) -> None:
    row = own_flags({}).with_columns(flags=pl.lit(None, dtype=pl.List(pl.String)))

    assert add_flags(row, flagged)["flags"].to_list() == [[]]


def test_flags_of_sources_and_those_of_a_model_are_looked_for_apart() -> None:
    stored = {table: of(table) for table in TABLES.values()}

    assert list(find_flagged(stored.get, By.NOTHING)) == ["near_duplicate_question", "contaminated"]
    assert list(find_flagged(stored.get, By.MODEL)) == ["near_duplicate_message", "not_aligned"]


def test_no_rows_have_no_flags() -> None:
    assert flags_of(questions=[LATER]) == []


def test_every_finding_is_a_flag_and_a_catalogue_takes_all_flags_and_no_other_word() -> None:
    assert FINDINGS.keys() <= set(FLAGS)
    assert get_args(Flag) == FLAGS


def test_the_shipped_recipe_clean_leaves_out_every_flag_but_that_of_a_judge() -> None:
    clean = load_catalog(FULL_CATALOG).mixtures["clean"]

    assert {*clean.leave_out, JUDGED} == {*FLAGS}
