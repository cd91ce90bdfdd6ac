"""The tables of SysBench: verdicts as they are read, and scores."""

from enum import StrEnum
from typing import Final

from sysgen_dagster.tables.columns import COUNT, DROP_REASON, FLAG, NUMBER, TEXT
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
    MISSING = "no_verdict"
    SEVERAL = "several_verdicts"
    OTHER_TYPE = "verdict_on_another_type"  # so it is not clear of which constraint it is


# One row per constraint of the checklist of a turn.
VERDICTS: Columns = {
    "session": Column(TEXT, "a system message with its turns, as the sheet names it"),
    "turn": Column(COUNT, "from 1"),
    "dependent": Column(FLAG, "whether the turns of the session build on each other"),
    "aligned": Column(FLAG, "whether the user asks for what the system message allows"),
    "number": Column(COUNT, "of the constraint in the checklist of its turn"),
    "type": Column(TEXT, f"of the constraint: {', '.join(TYPES.values())}"),
    "said": Column(TEXT, "the judge's word; null: there is none, or more than one"),
    "satisfied": Column(FLAG, "whether the answer satisfies it; null: nobody knows"),
    **DROP_REASON,
}

# One row per score, in the order of the benchmark's tables. No asset stores it yet.
SYSBENCH_SCORES = Table(
    "sysbench_scores",
    {
        "metric": Column(
            TEXT,
            "CSR: constraints satisfied; ISR: turns with all satisfied; SSR: turns of a session "
            "before the first that fails; R1 to R5: sessions without a failure through that turn",
        ),
        "of": Column(
            TEXT,
            "which constraints (by type), turns (aligned, misaligned) or sessions (dependent, "
            "parallel); total: all",
        ),
        "score": Column(NUMBER, "in [0, 1], of what is known; null: of nothing"),
        "low": Column(
            NUMBER,
            "lower end of the 95 % interval, by drawing whole sessions; null: of fewer than two",
        ),
        "high": Column(NUMBER, "its upper end"),
        "items": Column(COUNT, "constraints, turns or sessions that the score is the mean of"),
        "dropped": Column(COUNT, "those left out because nobody knows whether they are satisfied"),
        "as_published": Column(
            NUMBER,
            "the same as the benchmark's own programs count: a third verdict fails in CSR and "
            "passes elsewhere; null: verdicts are missing, of which these have no count",
        ),
    },
    by=By.NOTHING,
    group=Group.EVALUATION,
)
