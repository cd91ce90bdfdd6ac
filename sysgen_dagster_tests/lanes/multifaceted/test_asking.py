"""Asking until a reply is sound."""

from collections.abc import Iterator

import polars as pl

from sysgen_dagster.chat.messages import ChatRequest, Sampling
from sysgen_dagster.lanes.multifaceted.asking import ask_until_sound
from sysgen_dagster.lanes.multifaceted.drop_reasons import Dropped
from sysgen_dagster_tests.lanes.multifaceted.frames import Model

INPUTS = pl.DataFrame({"conversation_id": ["a", "b"]})
SAMPLING = Sampling(temperature=1.0, max_tokens=9)
ALIKE = Dropped.TOO_ALIKE.value


def _run(model: Model, attempts: int) -> pl.DataFrame:
    """Rows of texts; of two equal ones the later is too like the earlier."""

    def requests(inputs: pl.DataFrame, attempt: int) -> Iterator[ChatRequest]:
        return (ChatRequest(each, (), SAMPLING, attempt) for each in inputs["conversation_id"])

    def rows(inputs: pl.DataFrame, completions: pl.DataFrame, _: int) -> pl.DataFrame:
        return completions.select(
            conversation_id="request_id", text="text", drop_reason="failed_because"
        )

    def compare(rows: pl.DataFrame) -> pl.DataFrame:
        is_again = ~pl.col("text").is_first_distinct() & pl.col("drop_reason").is_null()
        return rows.with_columns(
            drop_reason=pl.when(is_again).then(pl.lit(ALIKE)).otherwise("drop_reason")
        )

    return ask_until_sound(INPUTS, model.ask, attempts, requests, rows, compare)


def test_rows_keep_the_order_of_the_inputs_whichever_is_asked_again() -> None:
    model = Model(lambda request: "one" if request.seed == 0 else f"new {request.request_id}")

    assert _run(model, 2).rows() == [("a", "one", None), ("b", "new b", None)]
    assert [[each.request_id for each in asked] for asked in model.asked] == [["a", "b"], ["b"]]


def test_what_was_too_like_another_is_compared_again_when_that_one_changes() -> None:
    def answer(request: ChatRequest) -> dict[str, object]:
        reason = Dropped.MISSING_PREFERENCE.value if request.seed == 0 else None
        is_first = request.request_id == "a"
        return {"text": "same", "failed_because": reason if is_first else None}

    rows = _run(Model(answer), 2)

    assert rows["drop_reason"].to_list() == [None, ALIKE]


def test_what_is_never_sound_is_dropped_after_the_last_attempt() -> None:
    rows = _run(Model(lambda _: "same"), 3)

    assert rows.rows() == [("a", "same", None), ("b", "same", ALIKE)]
