"""The tables of SysBench: what is asked, what was answered and how it was graded; scores."""

from enum import StrEnum
from typing import Final

import polars as pl

from sysgen_dagster.evaluation.tables import SCORE_COLUMNS
from sysgen_dagster.tables.columns import (
    COUNT,
    DROP_REASON,
    FLAG,
    GENERATION,
    MESSAGES,
    NUMBER,
    TEXT,
)
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Columns, Table

TURNS: Final = 5  # of every session of the benchmark

# The types of constraints as a sheet names them, in the order of the benchmark's tables.
TYPES: Final = {
    "动作约束": "action",
    "内容约束": "content",
    "背景约束": "background",
    "角色约束": "role",
    "格式约束": "format",
    "风格约束": "style",
}


class NoVerdict(StrEnum):
    """Values of ``drop_reason``: why nobody knows whether an answer satisfies a constraint."""

    THIRD_VERDICT = "third_verdict"  # neither yes nor no, such as: not applicable
    MISSING = "no_verdict"  # none, or a word of which it is not clear what it says
    SEVERAL = "several_verdicts"
    OTHER_TYPE = "verdict_on_another_type"  # so it is not clear of which constraint it is
    NO_ANSWER = "no_answer"  # to grade


# A ``reference_fault`` of the translation: there is nothing to translate.
NOT_IN_THE_FILE: Final = "not_in_the_file"


class NotAsked(StrEnum):
    """Values of ``drop_reason``: why a turn was not asked of a subject."""

    EARLIER_TURN_FAILED = "earlier_turn_failed"  # so the session has no history to go on with
    NOT_TRANSLATED = "not_translated"  # this turn or another one of its session


_TURN: Columns = {
    "session": Column(TEXT, "a system message with its turns, as the benchmark names it"),
    "turn": Column(COUNT, "from 1"),
    "dependent": Column(FLAG, "whether the turns of the session build on each other"),
    "aligned": Column(FLAG, "whether the user asks for what the system message allows"),
}
# One row per constraint of the checklist of a turn.
VERDICTS: Columns = {
    **_TURN,
    "number": Column(COUNT, "of the constraint in the checklist of its turn"),
    "type": Column(TEXT, f"of the constraint: {', '.join(TYPES.values())}"),
    "said": Column(TEXT, "the judge's word, bare; null: there is none, or more than one"),
    "satisfied": Column(FLAG, "whether the answer satisfies it; null: nobody knows"),
    **DROP_REASON,
}

# The same figures as the benchmark's own programs count them, beside the scores of a sheet.
AS_PUBLISHED: Columns = {
    "as_published": Column(
        NUMBER,
        "the same as the benchmark's own programs count: a third verdict fails in CSR and "
        "passes elsewhere; null: verdicts are missing, of which these have no count",
    ),
}

_CHECKLIST = pl.List(pl.Struct({"number": COUNT, "type": TEXT, "content": TEXT}))
_TEXTS: Columns = {
    "system_message": Column(TEXT, "of the session"),
    "prompt": Column(TEXT, "what the user says in this turn"),
    "reference": Column(
        TEXT, "the benchmark's own answer, which may be the history; null: it is not there"
    ),
    "checklist": Column(_CHECKLIST, "the constraints that the answer is held to"),
}
# One row per turn of the sessions that are asked, in their order. It has no licence: no asset
# exports it.
SYSBENCH_ITEMS = Table(
    "sysbench_items",
    {**_TURN, "domain": Column(TEXT, "of the session, in Chinese"), **_TEXTS},
    by=By.NOTHING,
    group=Group.EVALUATION,
)
# One row per row of `sysbench_items`, in their order.
SYSBENCH_TRANSLATION = Table(
    "sysbench_translation",
    {
        **SYSBENCH_ITEMS.columns,
        "attempts": Column(COUNT, "times that the text that took most was asked for"),
        "faults": Column(TEXT, "what is still wrong in a text of it; null: nothing"),
        "reference_fault": Column(TEXT, "why there is no reference in English; null: there is"),
        "model": GENERATION["model"],
        "engine": GENERATION["engine"],
        "prompt_fingerprint": GENERATION["prompt_fingerprint"],
        **DROP_REASON,
    },
    by=By.NOTHING,
    group=Group.EVALUATION,
)
# One row per turn that is to be asked.
SYSBENCH_ANSWERS = Table(
    "sysbench_answers",
    {
        **_TURN,
        "asked": Column(MESSAGES, "the chat that was sent; null: the turn was not asked"),
        "answer": Column(TEXT, "what was answered"),
        **DROP_REASON,
        **GENERATION,
    },
    by=By.SUBJECT,
    group=Group.EVALUATION,
)
# One row per constraint of each turn that was to be asked.
SYSBENCH_GRADINGS = Table(
    "sysbench_gradings",
    {
        **VERDICTS,
        "content": Column(TEXT, "the constraint"),
        "judge": Column(TEXT, "the judge, as the catalogue names it"),
        "verdict_text": Column(TEXT, "the judge's reply on all constraints of the turn"),
        "finish_reason": GENERATION["finish_reason"],
        "failure": GENERATION["failure"],
        "engine": GENERATION["engine"],
        "prompt_fingerprint": GENERATION["prompt_fingerprint"],
    },
    by=By.SUBJECT,
    group=Group.EVALUATION,
)
SYSBENCH_SCORES = Table("sysbench_scores", SCORE_COLUMNS, by=By.SUBJECT, group=Group.EVALUATION)
