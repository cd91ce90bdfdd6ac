"""The tables of the leaderboard tasks. Items and answers stay in the files of the harness."""

from enum import StrEnum
from typing import Final

from sysgen_dagster.evaluation.tables import SCORE_COLUMNS
from sysgen_dagster.tables.columns import COUNT, DROP_REASON, NUMBER, TEXT
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Table


class Dropped(StrEnum):
    """Values of ``drop_reason``."""

    NO_ANSWER = "no_answer"  # the server gave none: the harness would count it as wrong
    NEEDS_TOKEN = "needs_token"  # noqa: S105 - the whole task: its data set is gated
    CANNOT_SCORE = "cannot_score"  # the whole task: what its scoring needs is not there


# One row per metric of an item, or per instruction of it where a metric is of instructions.
LEADERBOARD_GRADINGS: Final = Table(
    "leaderboard_gradings",
    {
        "task": Column(TEXT, "of the profile, as the harness names it"),
        "part": Column(TEXT, "of the task, such as a subject of MMLU; null: it was left out"),
        "item": Column(TEXT, "identifies the item for all subjects: part, place, hash"),
        "metric": Column(TEXT, "what is measured, as the harness names it"),
        "number": Column(COUNT, "of the instruction in the item, from 0"),
        "value": Column(NUMBER, "in [0, 1]; null: nobody knows"),
        **DROP_REASON,
        "failure": Column(TEXT, "why a task was left out, in words"),
        "doc_hash": Column(TEXT, "of the item's row, as the harness computes it"),
        "prompt_hash": Column(TEXT, "of its prompt"),
        "profile": Column(TEXT, "which tasks are run, and how"),
        "shots": Column(COUNT, "examples before the question"),
        "task_version": Column(TEXT, "of the part in the harness"),
        "task_hash": Column(TEXT, "of all its prompts"),
        "data_version": Column(TEXT, "commit of the data set, or sha256 of its files"),
        "chat_template": Column(
            TEXT, "none: prompts as they are; client or server: who puts them into the template"
        ),
        "template_hash": Column(TEXT, "of the template; null: the server applied it, or none was"),
        "items_of_task": Column(COUNT, "items that the part has"),
        "items_asked": Column(COUNT, "of them those that were asked; fewer with a limit"),
        "versions": Column(TEXT, "of the harness and its libraries, as JSON"),
        "engine": Column(TEXT, "vllm, endpoint or simulated (no model: made-up answers)"),
    },
    by=By.SUBJECT,
    group=Group.EVALUATION,
)

LEADERBOARD_SCORES: Final = Table(
    "leaderboard_scores", SCORE_COLUMNS, by=By.SUBJECT, group=Group.EVALUATION
)
