"""Small frames of the bench, for its tests."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from sysgen_dagster.catalog.evaluation import Multifacet
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.evaluation.multifacet.items import read_items
from sysgen_dagster.evaluation.multifacet.tables import MULTIFACET_ANSWERS, MULTIFACET_GRADINGS
from sysgen_dagster.lanes.multifaceted.bench.tables import MULTIFACETED_BENCH
from sysgen_dagster.tables.content_ids import number_items
from sysgen_dagster_tests.evaluation.multifacet.benches import bench_row, write_bench
from sysgen_dagster_tests.lanes.sysgen.frames import completions

Reply = Callable[[ChatRequest, int], dict[str, Any]]


def items_of(tmp_path: Path, number: int = 3, **columns: str) -> pl.DataFrame:
    """Items of the made-up bench."""
    file = write_bench(tmp_path / "bench.jsonl", [bench_row(each) for each in range(number)])
    return read_items(Multifacet(path=file, source_columns=columns), tmp_path / "cache")


def rows_of_lane(number: int = 3, dropped: int = 0) -> pl.DataFrame:
    """Rows of the lane's table of its bench: so many items, and behind these rows that are none."""
    rows = [_row_of_lane(bench_row(each)) for each in range(number)]
    rows += [{"drop_reason": "sibling_scores_high"}] * dropped
    names = MULTIFACETED_BENCH.names
    return pl.DataFrame(
        [
            {**dict.fromkeys(names), "conversation_id": f"mine/{at}#0", "source": "mine", **row}
            for at, row in enumerate(rows)
        ],
        schema=MULTIFACETED_BENCH.schema,
    )


def _row_of_lane(row: Mapping[str, Any]) -> dict[str, Any]:
    pairs = zip(row["preference_set"], row["rubrics"], strict=True)
    content = {
        "source": row["source"],
        "system_message": row["system"],
        "prompt": row["prompt"],
        "reference_answer": row["reference_answer"],
        "rubrics": [
            {
                "dimension": preference["dimension"],
                "subdimension": preference["subdimension"],
                "criterion": rubric["criteria"],
                "levels": [*rubric["score_descriptions"].values()],
            }
            for preference, rubric in pairs
        ],
    }
    [item] = number_items([content])
    return content | {"item": item, "sibling_answer": f"Not {row['reference_answer']}"}


def answers_to(items: pl.DataFrame, *without: str) -> pl.DataFrame:
    """An answer to each item, and a reason for those without one."""
    is_left_out = pl.col("item").is_in(without)
    missing = MULTIFACET_ANSWERS.schema.keys() - set(items.columns) - {"answer", "drop_reason"}
    return items.with_columns(
        *(pl.lit(None, MULTIFACET_ANSWERS.schema[name]).alias(name) for name in missing),
        answer=pl.when(~is_left_out).then(pl.format("Answer to {}.", "prompt")),
        drop_reason=pl.when(is_left_out).then(pl.lit("too_long")),
    ).select(MULTIFACET_ANSWERS.names)


class Judge:
    """Answers requests as a function says, which takes the request and the round, and counts."""

    def __init__(self, reply: Reply) -> None:
        self.asked: list[list[ChatRequest]] = []
        self._reply = reply

    def __call__(self, requests: Iterable[ChatRequest], total: int) -> pl.DataFrame:
        """The completions of requests, of which there are as many as was said."""
        sent = [*requests]
        assert len(sent) == total
        self.asked.append(sent)
        return completions(*(self._reply(each, len(self.asked)) for each in sent))


def gradings(rows: Iterable[Sequence[Any]]) -> pl.DataFrame:
    """Rows of gradings: item, column, dimension, whether the judge sees the message, score.

    A score that is a text is a drop reason.
    """
    return pl.DataFrame([*_records(rows)], schema=MULTIFACET_GRADINGS.schema)


def _records(rows: Iterable[Sequence[Any]]) -> Iterator[dict[str, Any]]:
    for number, (item, column, dimension, sees, score, *expected) in enumerate(rows, 1):
        said = {"drop_reason": score} if isinstance(score, str) else {"score": score}
        yield {
            **dict.fromkeys(MULTIFACET_GRADINGS.columns),
            **{"item": item, "column": column, "dimension": dimension, "rubric": number},
            **{"judge_sees_message": sees, "expected_score": next(iter(expected), None)},
            **said,
        }
