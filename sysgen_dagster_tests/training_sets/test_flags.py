"""What speaks against a row."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.analysis.findings import FINDINGS
from sysgen_dagster.analysis.tables import (
    CONTAMINATION,
    NEAR_DUPLICATE_MESSAGES,
    NEAR_DUPLICATE_QUESTIONS,
    ROW_QUALITY,
)
from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.obedience.tables import JUDGED_ALIGNMENT
from sysgen_dagster.training_sets.flags import (
    FLAGS,
    FlagError,
    add_flags,
    find_model_flags,
    find_source_flags,
    flag_rows,
    require_known,
)
from sysgen_dagster_tests.training_sets.frames import of

LATER = {"conversation_id": "c1", "cluster": "c0"}
FIRST = {"conversation_id": "c0", "cluster": "c0"}


def found(*rows: dict[str, Any], **tables: list[dict[str, Any]]) -> list[list[str]]:
    quality = [{"conversation_id": f"c{number}", **row} for number, row in enumerate(rows)]
    sources = find_source_flags(
        of(NEAR_DUPLICATE_QUESTIONS, *tables.get("questions", [])),
        of(CONTAMINATION, *tables.get("contamination", [])),
    )
    model = find_model_flags(
        of(NEAR_DUPLICATE_MESSAGES, *tables.get("messages", [])),
        of(JUDGED_ALIGNMENT, *tables.get("judged", [])),
    )
    flagged = add_flags(add_flags(flag_rows(of(ROW_QUALITY, *quality)), sources), model)
    assert flagged.schema == {"conversation_id": pl.String, "flags": pl.List(pl.String)}
    assert flagged["conversation_id"].to_list() == [row["conversation_id"] for row in quality]
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
def test_what_the_corpus_says_of_a_row_is_its_flag(
    table: str, row: dict[str, Any], flag: str
) -> None:
    elsewhere = row | {"conversation_id": "elsewhere"}

    assert found({}, {}, **{table: [elsewhere, row]}) == [[], [flag]]


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
    assert found({}, **{table: [row]}) == [[]]


def test_flags_stand_in_one_order_and_once() -> None:
    held = {"conversation_id": "c0", "overlap": 1.0}
    later = [{"conversation_id": "c0", "cluster": "b"}]
    [flags] = found({"repeated_share": 0.9}, contamination=[held, held], questions=later)

    assert flags == ["repetitive", "near_duplicate_question", "contaminated"]
    assert flags == [name for name in FLAGS if name in flags]


def test_a_table_that_is_not_made_says_nothing() -> None:
    rows = flag_rows(of(ROW_QUALITY, {"conversation_id": "c0", "repeated_share": 0.9}))
    assert find_source_flags(None, None) == find_model_flags(None, None) == {}
    assert add_flags(rows, {})["flags"].to_list() == [["repetitive"]]


def test_no_rows_have_no_flags() -> None:
    assert found(questions=[LATER]) == []


def test_an_unknown_flag_is_told_with_the_known_ones() -> None:
    with pytest.raises(FlagError, match=r"names boring, which .*repetitive.*not_aligned"):
        require_known(["repetitive", "boring"])


def test_every_finding_is_a_flag_and_the_shipped_mixtures_name_flags_only() -> None:
    assert FINDINGS.keys() <= FLAGS.keys()
    for recipe in load_catalog(FULL_CATALOG).mixtures.values():
        require_known(recipe.leave_out)
