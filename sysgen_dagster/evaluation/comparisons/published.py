"""Which figure of the paper stands beside a score, and what is known of how it was measured.

The figures themselves are in `lanes.sysgen.paper`. Scores have the units of our own tables: shares
where the paper prints percent.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

import polars as pl

from sysgen_dagster.evaluation.multifacet.scores import MEAN_OF, MEAN_OF_COLUMNS, METRICS
from sysgen_dagster.evaluation.tables import TOTAL
from sysgen_dagster.lanes.sysgen import paper

_UNKNOWN: Final = "protocol unknown"
_MULTIFACET: Final = (
    f"{_UNKNOWN}: neither the judge and how often it was asked, nor the decoding, nor whether it "
    "saw the message is said"
)
_UNSEEN: Final = (
    f"{_UNKNOWN}: one column holds figures of several protocols (vendors' own, log-likelihood, "
    "chains of thought)"
)
_SYSBENCH: Final = (
    f"{_UNKNOWN}: 100 of 500 sessions in English, judge not said, panels without names, read in "
    "the order of the legend"
)
# The column of the paper's table of unseen benchmarks that a task of lm-evaluation-harness and what
# is measured of it stand beside.
UNSEEN_TASKS: Final[Mapping[tuple[str, str], str]] = {
    ("mmlu", "acc"): "MMLU",
    ("leaderboard_mmlu_pro", "acc"): "MMLU-Pro",
    ("arc_challenge", "acc_norm"): "ARC-c",
    ("leaderboard_gpqa", "acc_norm"): "GPQA",
    ("hellaswag", "acc_norm"): "HellaSwag",
    ("ifeval", "prompt_level_strict_acc"): "IFEval",
    ("mathqa", "acc"): "MathQA",
    ("leaderboard_bbh", "acc_norm"): "BBH",
}
AVERAGE: Final = "average of "  # begins the metric of an average over tasks
# Scores over all items, of one column or of several.
IS_OVER_ALL: Final = (pl.col("of") == TOTAL) | pl.col("of").str.starts_with(MEAN_OF)
# By suite, what is known of how all of its figures were measured.
PROTOCOLS: Final = {"multifacet": _MULTIFACET, "leaderboard": _UNSEEN, "sysbench": _SYSBENCH}
# What is odd about a figure, by suite and row; each is about one of its columns, or about all.
_ODD: Final[Mapping[tuple[str, str], tuple[str | None, str]]] = {
    **{
        ("multifacet", row): (
            paper.AVERAGE,
            "its average is one over items, as Janus' paper prints it, and not comparable with "
            "means of five columns by less than 0.05",
        )
        for row in paper.DAGGER
    },
    ("multifacet", "phi-4-sysgen"): (
        None,
        "its FLASK (4.63) gains 0.39 and no other column more than 0.09; with FLASK as before the "
        "average would be 4.46",
    ),
    ("leaderboard", "phi-4-no-system-message"): (
        paper.AVERAGE,
        "the change is printed as -6.04; its own columns give -3.04",
    ),
    ("leaderboard", "qwen2.5-14b-sysgen"): (
        paper.AVERAGE,
        "the change is printed as -2.20; its own columns give -2.21",
    ),
}


def name_average(tasks: Collection[tuple[str, str]]) -> str:
    """The metric of the average over these of `UNSEEN_TASKS`; it names them, unless it is of all.

    So averages over other tasks are never compared, and what one leaves out can be seen.
    """
    name = f"{AVERAGE}{len(tasks)} tasks"
    named = [task for task, measured in UNSEEN_TASKS if (task, measured) in tasks]
    return name if len(tasks) == len(UNSEEN_TASKS) else f"{name}: {', '.join(named)}"


class Published(NamedTuple):
    """What the paper says of a score.

    Attributes:
        score: The figure; None: it prints the gain alone.
        gain: Over the untrained model, where that alone is printed.
        protocol: What is known of how it was measured.
    """

    score: float | None
    gain: float | None
    protocol: str


def find_published(
    suite: str, row: str | None, metric: str, of: str, *, in_user_turn: bool = False
) -> Published | None:
    """What the paper says of a score of a row of its tables; None where it says nothing.

    Args:
        suite: The name of the benchmark.
        row: Of the paper's tables.
        metric: Of the score.
        of: Which items are scored.
        in_user_turn: Whether the message stands in the user turn (Table 7).
    """
    if row is None:
        return None
    if suite == "sysbench":
        return None if in_user_turn or of != TOTAL else _find_gain(row, metric)
    column = _column(suite, row, metric, of)
    score = _figure(suite, row, column, in_user_turn=in_user_turn)
    if column is None or score is None:
        return None
    return Published(score, None, "; ".join([PROTOCOLS[suite], *_odd(suite, row, column)]))


def find_rows(suite: str) -> Iterator[tuple[str, str, str, Published]]:
    """Row, metric, ``of`` and figure of every figure of a suite whose row is of no training."""
    if suite != "multifacet":
        return
    for row, figures in paper.MULTIFACET.items():
        for column in figures:
            of = column if column != paper.AVERAGE else _average(row)
            found = find_published(suite, row, METRICS[False], of)
            if found and row in paper.DAGGER:
                yield row, METRICS[False], of, found


def untrained_row(row: str) -> str | None:
    """The row of the untrained model of a row of the paper; None where that is not known."""
    return next((each for each in paper.UNTRAINED if row.startswith(f"{each}-")), None)


def _average(row: str) -> str:
    """Whose mean the average of a row is: of Janus' rows of all items, of SysGen's of columns."""
    return TOTAL if row in paper.DAGGER else MEAN_OF_COLUMNS


def _column(suite: str, row: str, metric: str, of: str) -> str | None:
    if suite == "multifacet" and metric in METRICS.values():
        return paper.AVERAGE if of == _average(row) else of
    if suite == "leaderboard":
        return _unseen_column(metric, of)
    return None


def _unseen_column(metric: str, of: str) -> str | None:
    if metric == name_average(UNSEEN_TASKS):
        return paper.AVERAGE
    return UNSEEN_TASKS.get((metric, of))


def _figure(suite: str, row: str | None, column: str | None, *, in_user_turn: bool) -> float | None:
    if row is None or column is None:
        return None
    if in_user_turn:
        is_there = suite == "multifacet" and column == paper.AVERAGE
        return paper.USER_ROLE.get(row) if is_there else None
    table, at = (paper.MULTIFACET, 0) if suite == "multifacet" else (paper.UNSEEN, 1)
    figure = table.get(row, {}).get(column)
    if figure is None and column == paper.AVERAGE and row in paper.ABLATION:
        figure = paper.ABLATION[row][at]
    return figure if figure is None or suite == "multifacet" else figure / 100


def _find_gain(row: str, metric: str) -> Published | None:
    gain = paper.SYSBENCH_GAINS.get(row, {}).get(metric)
    return None if gain is None else Published(None, gain / 100, _SYSBENCH)


def _odd(suite: str, row: str, column: str) -> Iterator[str]:
    of, words = _ODD.get((suite, row), (None, ""))
    if words and of in (None, column):
        yield words
