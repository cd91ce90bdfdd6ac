"""Several seeds of the proof: each has figures of its own, and all together have one more."""

from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.evaluation.tables import ITEM_COLUMNS
from sysgen_dagster.tables.table import polars_schema
from sysgen_dagster_tests.small_proof import FOLDER

VALUES: dict[str, list[float | None]] = {
    "base": [1.0, 1.0, 1.0, 1.0],
    "base_without_persona": [0.0, 0.0, 1.0, 1.0],
    "no_system_message": [0.0, 1.0, 1.0, 1.0],
    "original_answer": [0.0, 0.0, 0.0, 1.0],
    "sysgen": [1.0, 1.0, 1.0, 1.0],
    "no_system_message_seed_1": [1.0, 1.0, 1.0, 1.0],
    "original_answer_seed_1": [0.0, 0.0, 0.0, 0.0],
    "sysgen_seed_1": [1.0, 1.0, None, 0.0],
}
SUITE = "message_likelihood"


@pytest.fixture(scope="module")
def train_small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield


@pytest.fixture(scope="module")
def compared(train_small: None) -> ModuleType:
    return import_module("compared")


@pytest.fixture(scope="module")
def page(train_small: None) -> ModuleType:
    return import_module("page")


def items(values: list[float | None]) -> pl.DataFrame:
    rows = [
        {"metric": "own", "of": "new_answer", "item": name, "cluster": name, "value": value}
        for name, value in zip("abcd", values, strict=True)
    ]
    return pl.DataFrame(rows, schema=polars_schema(ITEM_COLUMNS))


MEASURED = {SUITE: {name: items(values) for name, values in VALUES.items()}}


def results(compared: ModuleType) -> dict[str, Any]:
    scores = [*compared.score_all(None, MEASURED)]  # of a measure of which no table is stored
    differences = [*compared.compare_all(MEASURED)]
    return {
        "scores": scores,
        "differences": differences,
        "scores_over_seeds": [*compared.score_over_seeds(MEASURED, scores)],
        "differences_over_seeds": [*compared.compare_over_seeds(MEASURED, differences)],
    }


def test_a_score_over_seeds_is_the_mean_of_all_their_items_with_that_of_each(
    compared: ModuleType,
) -> None:
    of = {row["subject"]: row for row in results(compared)["scores_over_seeds"]}
    assert of.keys() == {"sysgen", "no_system_message", "original_answer"}
    assert of["sysgen"]["score"] == pytest.approx(6 / 7)
    assert (of["sysgen"]["items"], of["sysgen"]["dropped"]) == (7, 1)
    assert of["sysgen"]["seeds"] == [1.0, pytest.approx(2 / 3)]


def test_a_difference_over_seeds_is_that_of_items_known_of_both_within_a_seed(
    compared: ModuleType,
) -> None:
    of = {row["from"]: row for row in results(compared)["differences_over_seeds"]}
    assert of.keys() == {"base_without_persona", "no_system_message", "original_answer"}
    from_base = of["base_without_persona"]  # which is the same for every seed
    assert from_base["difference"] == pytest.approx((1 + 1 + 0 + 0 + 1 + 1 - 1) / 7)
    assert from_base["seeds"] == [0.5, pytest.approx(1 / 3)]
    assert of["no_system_message"]["seeds"] == [0.25, pytest.approx(-1 / 3)]


def test_an_item_is_drawn_with_all_its_seeds(compared: ModuleType) -> None:
    """Two seeds that are the same say no more than one."""
    twice = {name: items(values) for name, values in VALUES.items() if "_seed_" not in name}
    twice |= {f"{name}_seed_1": twice[name] for name in ("sysgen", *compared.OTHERS)}
    [one] = [
        row
        for row in compared.compare_all({SUITE: twice})
        if (row["from"], row["of_subject"]) == ("original_answer", "sysgen")
    ]
    [both] = [
        row
        for row in compared.compare_over_seeds({SUITE: twice}, [one])
        if row["from"] == "original_answer"
    ]
    assert (both["low"], both["high"]) == (one["low"], one["high"])
    assert (both["difference"], both["items"]) == (one["difference"], 2 * one["items"])


def test_the_page_shows_each_student_once_with_the_values_of_its_seeds(
    compared: ModuleType, page: ModuleType
) -> None:
    made = {
        **dict.fromkeys(("on", "command", "cores"), ""),
        **{name: {} for name in ("seconds", "seeds", "versions", "sha256")},
    }
    text = page.render({"made": made, **results(compared)}, "p.svg")
    lines = [
        line for line in text.splitlines() if line.startswith("| SysGen message, new answer |")
    ]
    assert len(lines) == 1
    assert "; 7 of 8; seeds +1.000, +0.667" in lines[0]
    assert "seed 1" not in text
    assert "Students are of 2 seeds." in text
    assert "one time in 2." in text


@pytest.mark.parametrize(
    ("seeds", "is_bold"), [([0.1, 0.3], True), ([-0.1, 0.5], False), ([None, 0.2], False)]
)
def test_a_difference_is_bold_where_each_seed_has_its_sign(
    train_small: None, seeds: list[float | None], is_bold: bool
) -> None:
    row = {
        **{"from": "original_answer", "of_subject": "sysgen", "metric": "own", "of": "total"},
        **{"difference": 0.2, "low": 0.1, "high": 0.3, "items": 40, "seeds": seeds},
    }
    table = import_module("figures").difference_table([row], {("own", "total"): "own"}, "nats")
    assert ("**+0.200" in table) == is_bold
