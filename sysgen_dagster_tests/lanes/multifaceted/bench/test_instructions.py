"""Which held-out instructions the bench asks."""

import polars as pl

from sysgen_dagster.lanes.multifaceted.bench.instructions import (
    build_bench_instructions,
    list_held_out,
)
from sysgen_dagster.lanes.multifaceted.tables import SELECTION
from sysgen_dagster_tests.lanes.multifaceted.frames import instructions


def _selection(*texts: str, held_out: int) -> pl.DataFrame:
    """The last ones are held out."""
    rows = instructions(*texts)
    is_held_out = pl.int_range(pl.len()) >= rows.height - held_out
    return rows.with_columns(
        position=pl.when(~is_held_out).then("position"),
        drop_reason=pl.when(is_held_out).then(pl.lit("held_out")),
    ).select(SELECTION.names)


def _repeats(held_out: str | None = None) -> pl.DataFrame:
    found = [] if held_out is None else [(held_out, "own-0-0", 0.75)]
    schema = {"conversation_id": pl.String, "repeats": pl.String, "overlap": pl.Float64}
    return pl.DataFrame(found, schema, orient="row")


def test_every_held_out_instruction_is_there_and_nothing_that_is_trained_on() -> None:
    selection = _selection("a", "b", "c", held_out=2)
    rows = build_bench_instructions(selection, _repeats())

    assert list_held_out(selection).height == 2
    assert rows.select("conversation_id", "question", "drop_reason").rows() == [
        ("own-1-0", "b", None),
        ("own-2-0", "c", None),
    ]


def test_one_that_is_nearly_trained_on_is_dropped_and_says_by_which() -> None:
    rows = build_bench_instructions(_selection("a", "b", "c", held_out=2), _repeats("own-2-0"))

    assert rows["drop_reason"].to_list() == [None, "contaminated"]
    assert rows.select("repeats", "overlap").row(1) == ("own-0-0", 0.75)


def test_one_that_was_excluded_stays_without_its_text() -> None:
    selection = _selection("a", "b", "c", held_out=2)
    rows = build_bench_instructions(selection, _repeats("own-1-0"), ["own-1-0"])

    assert rows.select("question", "drop_reason").row(0) == (None, "excluded")
