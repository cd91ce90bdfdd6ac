"""Rows of the data set: which checks they have, and with which verdict each passes."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.evaluation.nemotron_sysbench.rows import NemotronError, build_rows
from sysgen_dagster.evaluation.nemotron_sysbench.tables import NEMOTRON_SYSBENCH_ITEMS
from sysgen_dagster.sources.files import read_rows
from sysgen_dagster.sources.folders import files_of
from sysgen_dagster_tests.evaluation.nemotron_sysbench.small_rows import (
    PRICE,
    question,
    row,
    rule,
    usual,
)


def checks(given: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = build_rows([given])["checks"][0].to_list()
    return found


def test_a_row_is_a_chat_with_rules_and_questions() -> None:
    items = build_rows([usual(7)])

    assert items.schema == pl.Schema(NEMOTRON_SYSBENCH_ITEMS.schema)
    [item] = items.rows(named=True)
    assert item["item"] == "7"
    assert [each["role"] for each in item["messages"]] == ["system", "user", "assistant", "user"]
    assert [each["kind"] for each in item["checks"]] == ["rule", "rule", "question", "question"]
    assert item["checks"][0]["arguments"] == '{"keywords": ["tea"]}'
    assert item["checks"][3]["question"] == PRICE
    assert (item["left_out"], item["drop_reason"]) == ([], None)


@pytest.mark.parametrize(
    ("source", "against", "criteria", "passes"),
    [
        ("system", False, None, True),
        ("user", False, None, True),
        ("user", True, None, False),  # to do what the message forbids is no success
        ("system", True, None, True),  # the environment of the data turns only the user's round
        ("system", False, "NO", False),
        ("user", True, "NO", True),
    ],
)
def test_which_verdict_passes_follows_from_whose_wish_it_is(
    source: str, against: bool, criteria: str | None, passes: bool
) -> None:
    more = {} if criteria is None else {"pass_criteria": criteria}
    asked = question(1, PRICE, source, against=against, **more)
    assert checks(row(1, [], [asked]))[0]["passes_with"] is passes
    if criteria is None:
        ruled = rule(1, "punctuation:no_comma", source, against=against)
        assert checks(row(1, [ruled], []))[0]["passes_with"] is passes


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        (
            "stylistic:tone_formality",
            {"tone_level": "formal"},
            "tone formality (tone level: formal)",
        ),
        ("situation:role_based", {"role_type": "cook"}, "situation requirement: role based"),
        ("linguistic:pragmatic_context", {}, "linguistic requirement: pragmatic context?"),
    ],
)
def test_what_is_no_matter_of_counting_becomes_a_question(
    name: str, arguments: dict[str, Any], words: str
) -> None:
    [check] = checks(row(1, [rule(1, name, **arguments)], []))
    assert check["kind"] == "question"
    assert words in check["question"]


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("detectable_format:heading_depth", {"levels": [2]}, "no rule"),
        ("keywords:existence", {}, "missing"),
        ("length_constraints:number_words", {"relation": "equal to", "num_words": 3}, "equal to"),
        # The rule counts bullets that are as many: with a relation it would ask for another thing.
        ("detectable_format:number_bullet_lists", {"relation": "at least", "num_bullets": 2},
         "no relation"),
    ],
)  # fmt: skip
def test_an_instruction_that_no_rule_has_as_it_is_is_left_out_with_why(
    name: str, arguments: dict[str, Any], why: str
) -> None:
    items = build_rows([row(1, [rule(1, name, **arguments)], [question(2, "?")])])
    [said] = items["left_out"][0]
    assert said.startswith(f"{name}: ")
    assert why in said
    assert len(items["checks"][0]) == 1


def test_a_row_of_which_nothing_is_left_is_dropped() -> None:
    items = build_rows([row(1, [rule(1, "no:such")], []), usual(2)])
    assert items["drop_reason"].to_list() == ["no_check_left", None]


def test_nulls_that_parquet_adds_are_no_arguments() -> None:
    given = rule(1, "punctuation:no_comma", keywords=None, num_words=None)
    assert len(checks(row(1, [given], []))) == 1
    assert build_rows([row(1, [given], [], llm_judge=None)]).height == 1


def test_whole_numbers_that_a_table_with_nulls_writes_as_floats_are_whole() -> None:
    name, more = "length_constraints:number_words", {"relation": "at least"}
    floats = rule(1.0, name, num_words=3.0, frequency=float("nan"), **more)
    asked = question(2.0, PRICE, pass_criteria=None)
    given = build_rows([row(7, [floats], [asked]) | {"id": 7.0}])
    assert given.equals(
        build_rows([row(7, [rule(1, name, num_words=3, **more)], [question(2, PRICE)])])
    )
    assert given["left_out"].to_list() == [[]]


@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_rows_are_read_from_a_file_with_numbers_as_numbers(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"train{ending}"
    counted = rule(1, "length_constraints:number_words", relation="at least", num_words=3)
    rows = [row(name, [counted], [question(2, "?")]) for name in (1, 2)]
    if ending == ".jsonl":
        path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    else:
        pl.DataFrame(rows).write_parquet(path)
    items = build_rows(read_rows("nemotron_sysbench", files_of("nemotron_sysbench", path)))
    assert items["item"].to_list() == ["1", "2"]
    assert items["checks"][0][0]["arguments"] == '{"num_words": 3, "relation": "at least"}'


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, ["row 1", "responses_create_params"]),
        ([], ["row 1"]),
        (row(1, [{"instruction_id": "x"}], []), ["row 1", "uid"]),
        (row(1, [rule(1, "x", "nobody")], []), ["source"]),
        (row(1, [], [question(1, "?", pass_criteria="MAYBE")]), ["pass_criteria"]),
        (row(1, [], [], responses_create_params={"input": []}), ["input"]),
        (row(1, [], [], responses_create_params={"input": [{"role": "assistant", "content": "x"}]}),
         ["row 1", "no turn of the user"]),
    ],
)  # fmt: skip
def test_a_row_of_another_data_set_is_named(given: Any, words: list[str]) -> None:
    with pytest.raises(NemotronError) as caught:
        build_rows([given])
    assert all(word in str(caught.value) for word in words), caught.value


def test_an_id_that_stands_there_twice_is_refused() -> None:
    with pytest.raises(NemotronError, match="id 5 twice"):
        build_rows([usual(5), usual(5)])
