"""The benchmark's sessions, out of its JSON and out of a published sheet."""

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.evaluation.sysbench.benchmark import (
    SysBenchError,
    choose_sessions,
    read_sessions,
    require_one_file,
)
from sysgen_dagster.evaluation.sysbench.checklists import SheetError
from sysgen_dagster.evaluation.sysbench.tables import SYSBENCH_ITEMS
from sysgen_dagster_tests.evaluation.sysbench.small_benchmark import (
    of_prompt,
    session,
    write_benchmark,
)
from sysgen_dagster_tests.evaluation.sysbench.small_sheets import (
    CONTENT,
    STYLE,
    turn,
    write_parquet,
)
from sysgen_dagster_tests.evaluation.sysbench.test_sheets import PUBLISHED, needs_fastexcel


def read(tmp_path: Path, *sessions: dict[str, Any]) -> pl.DataFrame:
    return read_sessions(write_benchmark(tmp_path / "bench.json", *sessions))


def test_of_several_files_none_is_taken_for_the_whole(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    assert require_one_file([one]) == one
    with pytest.raises(SysBenchError, match=r"names 2: .*one\.json, .*other\.json"):
        require_one_file([one, other])


def fault(tmp_path: Path, *sessions: dict[str, Any]) -> str:
    with pytest.raises(SysBenchError) as caught:
        read(tmp_path, *sessions)
    return str(caught.value)


def test_a_session_is_five_turns_each_with_its_reference_and_checklist(tmp_path: Path) -> None:
    items = read(tmp_path, session(7, dependent=False))

    assert items.schema == pl.Schema(SYSBENCH_ITEMS.schema)
    assert items.select("session", "turn", "dependent", "aligned", "domain").rows() == [
        ("7", turn, False, turn < 5, "购物") for turn in range(1, 6)
    ]
    first = items.row(0, named=True)
    assert first["system_message"].startswith("你是第7号店的店员")
    assert (first["prompt"], first["reference"]) == (
        "我想买雨伞、第1款怎么样。",
        "第1款雨伞很好。OK",
    )
    assert first["checklist"] == [
        {"number": 1, "type": "content", "content": "回答不超过3句"},
        {"number": 2, "type": "style", "content": "以“OK”结尾"},
    ]


def test_sessions_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    items = read(tmp_path, session(10), session(9), session(2))
    assert items["session"].unique(maintain_order=True).to_list() == ["2", "9", "10"]


def test_criteria_may_be_listed_and_in_any_order(tmp_path: Path) -> None:
    entry = session(1)
    for infos in entry["prompt_infos"].values():
        infos["criteria"] = [*infos["criteria"].values()][::-1]
    assert read(tmp_path, entry)["checklist"][0][0]["content"] == "回答不超过3句"


def test_the_name_of_the_sheets_for_related_turns_is_read_as_well(tmp_path: Path) -> None:
    entry = session(1)
    entry["multi_rounds_related"] = entry.pop("rounds_related")
    assert read(tmp_path, entry)["dependent"].all()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"messages": []}, ["session 1", "nobody"]),
        ({"messages": session(1)["messages"][:-1]}, ["session 1", "user and assistant 5 times"]),
        ({"messages": session(2)["messages"]}, ["session 1", "no entry for its turn 1"]),
        ({"prompt_infos": {"x": of_prompt("y", "其他约束")}}, ["其他约束", "none of"]),
        ({"prompt_infos": {"x": of_prompt()}}, ["criteria"]),
        ({"prompt_infos": {"x": {}}}, ["alignment"]),
        ({"rounds_related": "maybe"}, ["rounds_related"]),
        ({"system_prompt": None}, ["system_prompt"]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_session_that_is_not_whole_is_named(
    tmp_path: Path, changed: dict[str, Any], words: list[str]
) -> None:
    said = fault(tmp_path, session(1, **changed))
    assert all(word in said for word in ["bench.json", *words]), said


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"a": 1}]', "no JSON", "\ud800"])
def test_another_file_is_refused_with_what_may_be_given(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bench.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SysBenchError, match=r"system_benchmark_eval_datas\.json"):
        read_sessions(path)


def test_a_session_that_stands_there_twice_is_refused(tmp_path: Path) -> None:
    assert "session 3 has not turns 1 to 5, each once" in fault(tmp_path, session(3), session(3))


# Sheets


def sheet(tmp_path: Path, *references: str, turns: int = 5) -> Path:
    rows = [
        turn(1, at, "是", "是", types=[CONTENT, STYLE], prompt=f"问{at}", referrence=reference)
        for at, reference in zip(range(1, turns + 1), references, strict=True)
    ]
    return write_parquet(tmp_path / "sheet.parquet", rows)


def test_a_sheet_has_the_benchmark_but_for_the_references_of_turns_three_to_five(
    tmp_path: Path,
) -> None:
    """Published sheets have the first five messages of a session in the column of references."""
    items = read_sessions(sheet(tmp_path, "问1", "答1", "问2", "答2", "问3"))
    assert items["reference"].to_list() == ["答1", "答2", None, None, None]
    assert items["checklist"][0][1] == {"number": 2, "type": "style", "content": "须合理"}


def test_references_that_stand_where_they_belong_are_left_there(tmp_path: Path) -> None:
    items = read_sessions(sheet(tmp_path, *(f"答{at}" for at in range(1, 6))))
    assert items["reference"].to_list() == [f"答{at}" for at in range(1, 6)]


def test_a_sheet_that_lacks_a_turn_is_no_benchmark(tmp_path: Path) -> None:
    with pytest.raises(SysBenchError, match="session 1 has not turns 1 to 5"):
        read_sessions(sheet(tmp_path, "a", "b", turns=2))


def test_a_sheet_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SheetError, match="there is no file"):
        read_sessions(tmp_path / "no.xlsx")


@needs_fastexcel
@pytest.mark.skipif(not PUBLISHED, reason="SYSGEN_SYSBENCH_SHEET names no published sheet")
def test_a_published_sheet_holds_the_whole_benchmark() -> None:
    items = read_sessions(Path(os.environ["SYSGEN_SYSBENCH_SHEET"]))
    by_session = items.unique("session")
    assert (items.height, items["checklist"].list.len().sum()) == (2_500, 5_952)
    assert by_session["dependent"].value_counts().rows_by_key("dependent") == {
        True: [(356,)],
        False: [(144,)],
    }
    assert items["aligned"].sum() == 1_951
    assert items.drop_nulls("reference")["turn"].unique().to_list() == [1, 2]


# Samples


@pytest.fixture
def twelve(tmp_path: Path) -> pl.DataFrame:
    return read(tmp_path, *(session(at, dependent=at % 3 > 0) for at in range(1, 13)))


def test_a_sample_has_as_many_sessions_of_each_kind_whole_and_in_order(
    twelve: pl.DataFrame,
) -> None:
    chosen = choose_sessions(twelve, {True: 5, False: 2}, seed=0)
    kinds = chosen.unique("session")["dependent"]
    assert (kinds.sum(), (~kinds).sum(), chosen.height) == (5, 2, 35)
    assert chosen.equals(twelve.join(chosen.select("session", "turn"), on=["session", "turn"]))


def test_the_same_seed_gives_the_same_sessions_in_any_order_of_the_file(
    twelve: pl.DataFrame,
) -> None:
    def names(items: pl.DataFrame, seed: int) -> set[str]:
        return set(choose_sessions(items, {None: 6}, seed)["session"])

    assert names(twelve, 1) == names(twelve.reverse(), 1)
    assert names(twelve, 1) != names(twelve, 2)


def test_without_a_wish_all_sessions_are_asked(twelve: pl.DataFrame) -> None:
    assert choose_sessions(twelve, {}, 0).equals(twelve)
    assert choose_sessions(twelve, {True: 8, False: 4}, 0).equals(twelve)
    assert choose_sessions(twelve, {None: 12}, 5).equals(twelve)


def test_more_sessions_than_there_are_is_an_error_that_counts(twelve: pl.DataFrame) -> None:
    with pytest.raises(SysBenchError, match=r"asks for 5 parallel sessions .* the file has 4"):
        choose_sessions(twelve, {True: 1, False: 5}, 0)
