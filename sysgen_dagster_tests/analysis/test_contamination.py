"""Contamination: which benchmark items are found in a conversation."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysgen_dagster.analysis.contamination import find_contamination, index_items
from sysgen_dagster.analysis.tables import CONTAMINATION

REAL_ROWS = Path(__file__).parents[2].parent / "shared" / "data"
TWENTY = "a b c d e f g h i j k l m n o p q r s t"  # 20 words: 8 runs of 13
PROBLEM = (
    "Weng earns $12 an hour for babysitting. Yesterday, she just did 50 minutes of babysitting. "
    "How much did she earn?"
)
PARAPHRASE = (
    "For watching children Weng is paid 12 dollars an hour, and yesterday she worked for 50 "
    "minutes. What was her pay?"
)
FORM = "Choose the one answer among those below that fits the question best and say why"


def _items(*texts: str | None, benchmark: str = "b") -> pl.DataFrame:
    return pl.DataFrame(
        {"benchmark": [benchmark] * len(texts), "item": range(len(texts)), "text": texts},
        schema={"benchmark": pl.String, "item": pl.UInt32, "text": pl.String},
    )


def _found(
    items: pl.DataFrame, *conversations: tuple[str | None, str | None]
) -> list[dict[str, object]]:
    frame = pl.DataFrame(
        [(f"c{row}", "source", *texts) for row, texts in enumerate(conversations)],
        schema=dict.fromkeys(["conversation_id", "source", "question", "answer"], pl.String),
        orient="row",
    )
    found = find_contamination(index_items(items), frame)
    assert found.schema == pl.Schema(CONTAMINATION.schema)
    return found.to_dicts()


@pytest.mark.parametrize(
    ("item", "question", "overlap"),
    [
        pytest.param(PROBLEM, PROBLEM, 1.0, id="whole"),
        pytest.param(PROBLEM, f"Solve: {PROBLEM.lower()} Show your work.", 1.0, id="within-more"),
        pytest.param(
            PROBLEM, PROBLEM.replace(" ", "\n  ").replace("$", ""), 1.0, id="blanks-signs"
        ),
        pytest.param(PROBLEM, PARAPHRASE, None, id="paraphrase"),
        pytest.param(PROBLEM, PROBLEM.replace("12", "15").replace("50", "40"), None, id="numbers"),
        pytest.param(TWENTY, "a b c d e f g h i j k l m x x x x", 1 / 8, id="13-words-shared"),
        pytest.param(TWENTY, "a b c d e f g h i j k l x x x x x", None, id="12-words-shared"),
        pytest.param(TWENTY, "x b c d e f g h i j k l m n o p q", 4 / 8, id="half-shared"),
        pytest.param("Name the largest planet known", "name the largest planet", None, id="cut"),
        pytest.param(
            "Name the largest planet known.", "Now: name the largest planet known!", 1.0, id="short"
        ),
        pytest.param("a b c d e f g h i j k l", f"{TWENTY}", 1.0, id="12-words-whole"),
        pytest.param("What is the capital?", "What is the capital?", None, id="under-5-words"),
        pytest.param("水的化学式是什么", "请问水的化学式是什么", 1.0, id="chinese-by-character"),
        pytest.param("", "", None, id="empty"),
        pytest.param(None, PROBLEM, None, id="null-item"),
        pytest.param(PROBLEM, None, None, id="null-question"),
    ],
)
def test_an_item_is_found_by_13_words_or_whole(
    item: str | None, question: str | None, overlap: float | None
) -> None:
    found = _found(_items(item), (question, "an answer"))
    assert [row["overlap"] for row in found] == ([] if overlap is None else [overlap])


def test_the_item_of_the_largest_overlap_is_given_once_per_conversation_and_benchmark() -> None:
    items = pl.concat(
        [_items(TWENTY, f"{TWENTY} u v", PROBLEM), _items(PROBLEM, benchmark="another")]
    )
    found = _found(items, (f"{TWENTY} {PROBLEM}", None), ("nothing", "here"), (TWENTY, PROBLEM))
    found_items = [(row["conversation_id"], row["benchmark"], row["item"]) for row in found]
    assert found_items == [
        ("c0", "another", 0),
        ("c0", "b", 0),
        ("c2", "another", 0),
        ("c2", "b", 0),
    ]


@pytest.mark.parametrize(
    ("question", "answer", "where", "overlap"),
    [
        pytest.param(TWENTY, "x", "question", 1.0, id="question"),
        pytest.param("x", TWENTY, "answer", 1.0, id="answer"),
        pytest.param(TWENTY, TWENTY, "question", 1.0, id="both-alike"),
        pytest.param(TWENTY[:-4], TWENTY, "answer", 1.0, id="more-in-the-answer"),
        pytest.param(TWENTY[:19], TWENTY[20:], None, None, id="halves-are-not-joined"),
    ],
)
def test_where_an_item_stands(
    question: str, answer: str, where: str | None, overlap: float | None
) -> None:
    found = _found(_items(TWENTY), (question, answer))
    expected = [] if where is None else [(where, overlap)]
    assert [(row["where"], row["overlap"]) for row in found] == expected


@pytest.mark.parametrize(("items", "found"), [pytest.param(10, True), pytest.param(11, False)])
def test_words_that_many_items_of_a_benchmark_share_find_nothing(items: int, found: bool) -> None:
    texts = [f"{FORM}. Item {number} asks {number * 7}" for number in range(items)]
    assert bool(_found(_items(*texts), (f"{FORM}!", None))) == found
    own = _found(_items(*texts), (texts[3], None))
    assert [(row["item"], row["overlap"]) for row in own] == [(3, 1.0)]


def test_the_form_of_one_benchmark_may_be_an_item_of_another() -> None:
    form = _items(*[f"{FORM} {number}" for number in range(11)])
    found = _found(pl.concat([form, _items(FORM, benchmark="another")]), (FORM, None))
    assert [row["benchmark"] for row in found] == ["another"]


@pytest.mark.parametrize(
    ("question", "excerpt"),
    [
        pytest.param(
            "As Weng earns $12 an hour for babysitting, yesterday she just did 50 minutes of it.",
            "weng earns 12 an hour for babysitting yesterday she just did 50 minutes of",
            id="to-where-they-part",
        ),
        pytest.param(
            "A b, c d e f g h i j k l m n. And: h i j k l m n o p q r s t",
            "a b c d e f g h i j k l m n",
            id="the-first-stretch",
        ),
    ],
)
def test_the_excerpt_holds_words_of_both(question: str, excerpt: str) -> None:
    [row] = _found(_items(TWENTY, PROBLEM), (question, None))
    assert row["excerpt"] == excerpt


def test_the_excerpt_is_cut_at_200_characters() -> None:
    long = " ".join(f"word{number}" for number in range(1000))
    [row] = _found(_items(long), ("x", long))
    assert row["excerpt"] == long[:200]


@pytest.mark.parametrize("texts", [[], [None], ["too short"]], ids=["none", "null", "short"])
def test_where_no_item_can_be_found_none_is(texts: Sequence[str | None]) -> None:
    assert _found(_items(*texts), (PROBLEM, PROBLEM)) == []


def test_no_conversations_hold_nothing() -> None:
    assert _found(_items(PROBLEM)) == []


@settings(max_examples=50)  # each makes an index
@given(st.text(max_size=80), st.text(max_size=80))
def test_any_item_of_five_words_is_found_where_it_is_quoted(text: str, before: str) -> None:
    item = f"{text} one two three four five"
    [row] = _found(_items(item), (f"{before} {item}", None))
    assert row["overlap"] == 1.0


def test_every_real_word_problem_is_found_and_only_where_it_was_put() -> None:
    """GSM8K's training questions as items, planted in MetaMath's conversations from MATH."""
    if not REAL_ROWS.is_dir():
        pytest.skip("needs the shared example data beside the checkout")
    items = pl.read_parquet(REAL_ROWS / "orca_math.parquet").select(
        benchmark=pl.lit("gsm8k_train"),
        item=pl.int_range(pl.len(), dtype=pl.UInt32),
        text="question",
    )
    rows = pl.read_parquet(REAL_ROWS / "metamath.parquet", columns=["query", "response"])
    planted = pl.concat([items["text"].head(500), pl.Series([""] * (rows.height - 500))])
    conversations = rows.select(
        conversation_id=pl.int_range(pl.len(), dtype=pl.UInt32).cast(pl.String),
        source=pl.lit("metamath"),
        question=pl.col("query") + " " + planted,
        answer="response",
    )
    found = find_contamination(index_items(items), conversations)
    whole = found.filter(pl.col("overlap") == 1)
    assert whole["conversation_id"].to_list() == [str(row) for row in range(500)]
    assert whole["item"].to_list() == list(range(500))
    assert found.height == 500
