"""Tables of the conflict set."""

from sysgen_dagster.evaluation.tables import SCORE_COLUMNS
from sysgen_dagster.obedience.tables import CONFLICT_TURNS
from sysgen_dagster.tables.columns import DROP_REASON, GENERATION, TEXT
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Columns, Table

_OF_TURN = ("turn", "has_system_message", "rule")
_IDENTITY: Columns = {
    "request_id": Column(TEXT, "identifies the turn of a message"),
    "message": Column(TEXT, "which message is put to the test"),
    **{name: CONFLICT_TURNS.columns[name] for name in _OF_TURN},
}
_ASKED: Columns = {
    **_IDENTITY,
    "phrase": CONFLICT_TURNS.columns["phrase"],
    "asked": Column(TEXT, "what the message asks, in plain words"),
    "wish": Column(TEXT, "the opposite that the user asks for; null: the user does not"),
    "prompt": CONFLICT_TURNS.columns["prompt"],
}

# One row per turn of a message: four, two of which are asked without the message, too.
CONFLICT_SET_ITEMS = Table("conflict_set_items", _ASKED, by=By.NOTHING, group=Group.EVALUATION)
CONFLICT_SET_ANSWERS = Table(
    "conflict_set_answers",
    {**_ASKED, "answer": CONFLICT_TURNS.columns["answer"], **DROP_REASON, **GENERATION},
    by=By.SUBJECT,
    group=Group.EVALUATION,
)
CONFLICT_SET_GRADINGS = Table(
    "conflict_set_gradings",
    {
        **_IDENTITY,
        **{name: CONFLICT_TURNS.columns[name] for name in ("side", "is_refusal")},
        **DROP_REASON,
    },
    by=By.SUBJECT,
    group=Group.EVALUATION,
)
CONFLICT_SET_SCORES = Table(
    "conflict_set_scores", SCORE_COLUMNS, by=By.SUBJECT, group=Group.EVALUATION
)
