"""Training rows of a student that hold items of a benchmark."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.evaluation.contamination import find_learned, find_trained_on, index_suite
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS, TRAINING_ROWS
from sysgen_dagster_tests.evaluation.riddles import ITEMS, SUITE

RIDDLE = (
    "A man walks into a garden where seven old trees stand in a row and asks the gardener which "
    "of them gives the sweetest pears before the first snow falls on the hills"
)
INDEX = index_suite(
    SUITE,
    ITEMS,
    pl.DataFrame([{"item": "1", "prompt": RIDDLE}], schema=ITEMS.schema),
)


def said(role: str, content: str, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def chat(*texts: tuple[str, str]) -> pl.DataFrame:
    """One training row."""
    messages = [said(role, text, train=role == "assistant") for role, text in texts]
    row = {"conversation_id": "mine-1", "source": "mine", "messages": messages}
    return pl.DataFrame([row], schema={name: TRAINING_ROWS.schema[name] for name in row})


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(chat(("user", RIDDLE), ("assistant", "The third.")), id="asked"),
        pytest.param(chat(("user", "Tell me one."), ("assistant", RIDDLE)), id="answered"),
        pytest.param(chat(("system", RIDDLE), ("assistant", "Yes.")), id="in-its-message"),
        pytest.param(
            chat(("user", f"Solve this: {RIDDLE.upper()}!"), ("assistant", "No.")), id="in-capitals"
        ),
    ],
)
def test_a_row_that_holds_an_item_is_found_with_its_number(row: pl.DataFrame) -> None:
    other = chat(("user", "What is 2 + 2?"), ("assistant", "4"))
    found = find_learned(INDEX, [other, row])

    assert not found.passed
    assert found.figure == 1
    assert found.explanation.startswith("1 of 2 training rows hold items")
    assert found.rows["benchmark"].to_list() == ["riddles: prompt"]


def test_a_few_of_its_words_are_no_item() -> None:
    some = " ".join(RIDDLE.split()[:15])
    found = find_learned(INDEX, [chat(("user", some), ("assistant", "Pears."))])

    assert found.passed
    assert found.details == {"training rows": 1}


def test_no_rows_hold_nothing_which_says_nothing_of_a_student() -> None:
    found = find_learned(INDEX, [])

    assert (found.passed, found.figure) == (False, 0)
    assert found.explanation == "There is nothing to look at"


@pytest.mark.parametrize("where", ["prompt", "chosen"])
def test_preference_pairs_are_looked_into_too(where: str) -> None:
    texts = {"prompt": "Who are you?", "chosen": "A tree."} | {where: RIDDLE}
    row = {
        "conversation_id": "mine-1",
        "source": "mine",
        "prompt": [said("user", texts["prompt"])],
        "chosen": [said("assistant", texts["chosen"])],
    }
    pair = pl.DataFrame([row], schema={name: PREFERENCE_PAIRS.schema[name] for name in row})

    assert find_learned(INDEX, [pair]).figure == 1


@pytest.mark.parametrize(
    ("trained_on", "passed"),
    [(f"Solve this: {RIDDLE}", False), (RIDDLE[:60], True), ("What is 2 + 2?", True)],
    ids=["whole", "some words", "another"],
)
def test_an_item_of_a_bench_that_the_second_lane_trains_on_is_named(
    trained_on: str, passed: bool
) -> None:
    items = pl.DataFrame({"item": ["a", "b"], "prompt": [RIDDLE, "Why is the sea so salty here?"]})
    instructions = {"conversation_id": ["mine-7"], "source": ["mine"], "question": [trained_on]}
    found = find_trained_on(items, pl.DataFrame(instructions))

    assert found.passed is passed
    assert found.rows.select("item", "repeats").rows() == ([] if passed else [("a", "mine-7")])
    assert found.details == {"training instructions": 1}
    assert ("1 of 2 items are trained on" in found.explanation) is not passed
