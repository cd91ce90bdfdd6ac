"""The tables of Nemotron-RL-SysBench-v1: rows with their checks, answers, gradings, scores."""

from enum import StrEnum
from typing import Final

import polars as pl

from sysgen_dagster.evaluation.tables import NO_CHECK_LEFT, SCORE_COLUMNS
from sysgen_dagster.tables.columns import DROP_REASON, FLAG, GENERATION, MESSAGES, TEXT
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Columns, Table


class Kind(StrEnum):
    """Who says whether a check holds."""

    RULE = "rule"
    QUESTION = "question"  # the judge


class NotGraded(StrEnum):
    """Values of ``drop_reason`` of a row or of a check."""

    NO_CHECK_LEFT = NO_CHECK_LEFT
    NO_ANSWER = "no_answer"
    UNREAD = "no_verdict"  # the judge's reply states none
    UNCLEAR = "third_verdict"


_CHECK: Final = pl.Struct(
    {
        "check": TEXT,
        "kind": TEXT,
        "instruction": TEXT,
        "arguments": TEXT,
        "question": TEXT,
        "source": TEXT,
        "is_misalignment": FLAG,
        "passes_with": FLAG,
    }
)
_ITEM: Columns = {"item": Column(TEXT, "the row of the benchmark, as it names it")}
NEMOTRON_SYSBENCH_ITEMS = Table(
    "nemotron_sysbench_items",
    {
        **_ITEM,
        "messages": Column(MESSAGES, "the system message and the turns; the last is the user's"),
        "checks": Column(
            pl.List(_CHECK),
            "what the answer is held to: a rule with its arguments as JSON, or a question; whose "
            "wish it is; whether keeping to it is misaligned; and with which verdict it passes",
        ),
        "left_out": Column(
            pl.List(TEXT), "instructions of the row that nothing here can verify, each with why"
        ),
        **DROP_REASON,
    },
    by=By.NOTHING,
    group=Group.EVALUATION,
)
# One row per row of the items.
NEMOTRON_SYSBENCH_ANSWERS = Table(
    "nemotron_sysbench_answers",
    {
        **_ITEM,
        "asked": Column(MESSAGES, "the chat that was sent; null: it was not"),
        "answer": Column(TEXT, "what was answered"),
        **DROP_REASON,
        **GENERATION,
    },
    by=By.SUBJECT,
    group=Group.EVALUATION,
)
# One row per check of each row of the items.
NEMOTRON_SYSBENCH_GRADINGS = Table(
    "nemotron_sysbench_gradings",
    {
        **_ITEM,
        "check": Column(TEXT, "the check, as the row names it"),
        "kind": Column(TEXT, "rule or question"),
        "content": Column(TEXT, "the instruction with its arguments, or the question"),
        "source": Column(TEXT, "system or user: whose wish it is"),
        "is_misalignment": Column(
            FLAG, "whether it is a wish of the user that goes against the system message"
        ),
        "said": Column(TEXT, "Yes or No: what the rule or the judge says of the answer"),
        "passed": Column(FLAG, "whether that is what it should be; null: nobody knows"),
        **DROP_REASON,
        "judge": Column(TEXT, "the judge, as the catalogue names it; null: a rule"),
        "verdict_text": Column(TEXT, "the judge's reply on all questions of the row"),
        "finish_reason": GENERATION["finish_reason"],
        "failure": GENERATION["failure"],
        "engine": GENERATION["engine"],
        "prompt_fingerprint": GENERATION["prompt_fingerprint"],
    },
    by=By.SUBJECT,
    group=Group.EVALUATION,
)
NEMOTRON_SYSBENCH_SCORES = Table(
    "nemotron_sysbench_scores", SCORE_COLUMNS, by=By.SUBJECT, group=Group.EVALUATION
)
