"""Asks a judge which constraints of a turn's checklist its answer satisfies, all in one request.

The questions are in English and the items stay in their own language. The verdicts are words of a
closed list; how they are read is said in `obedience.numbered_verdicts`.
"""

from collections.abc import Iterator
from typing import Any

import polars as pl

from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.messages import ChatRequest, Role, Sampling, derive_seed
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.evaluation.sysbench.benchmark import SysBenchError
from sysgen_dagster.evaluation.sysbench.tables import (
    SYSBENCH_ANSWERS,
    SYSBENCH_GRADINGS,
    NoVerdict,
)
from sysgen_dagster.obedience.numbered_verdicts import NumberedVerdicts
from sysgen_dagster.obedience.phrase_verdicts import WORDS, Judged

PROMPT = load_prompt("judge_checklist")
# A verdict is a line of about eight tokens, and the longest checklist has eleven; what is left is
# for a judge that says why all the same.
SAMPLING = Sampling(temperature=0.0, max_tokens=512)
CONSTRAINTS = NumberedVerdicts("Constraint", WORDS, first_is_faultless=True)
_SATISFIED = {Judged.KEPT.value: True, Judged.BROKEN.value: False}


def build_grading_requests(items: pl.DataFrame, answers: pl.DataFrame) -> Iterator[ChatRequest]:
    """One request for each turn that was answered.

    No text is shortened, because a verdict on half a conversation says little.

    Args:
        items: `SYSBENCH_ITEMS`, or its translation, of which the turns were asked.
        answers: `SYSBENCH_ANSWERS`.
    """
    answered = answers.filter(pl.col("drop_reason").is_null())
    for row in _with_checklists(answered, items).iter_rows(named=True):
        constraints = [each["content"] for each in row["checklist"]]
        system_message, turns = _shown(row)
        mark = separating_mark([system_message, *constraints, *(turn["content"] for turn in turns)])
        name = f"{row['session']}/{row['turn']}"
        messages = PROMPT.render(
            mark=mark, system_message=system_message, turns=turns, constraints=constraints
        )
        seed = derive_seed(name, SYSBENCH_GRADINGS.name)
        held_to = CONSTRAINTS.constraint(len(constraints), {})
        yield ChatRequest(name, messages, SAMPLING, seed, constraint=held_to)


def _with_checklists(turns: pl.DataFrame, items: pl.DataFrame) -> pl.DataFrame:
    """The turns with their checklists.

    Raises:
        SysBenchError: The items have been made again since, and lack some of the turns.
    """
    turn = ["session", "turn"]
    joined = turns.join(
        items.select(*turn, "checklist"), on=turn, how="left", maintain_order="left", validate="1:1"
    )
    if lost := joined["checklist"].null_count():
        raise SysBenchError(
            f"{lost} turns of {SYSBENCH_ANSWERS.name} are none of the sessions that are asked now: "
            f"make {SYSBENCH_ANSWERS.name} of this subject again, then its gradings"
        )
    return joined


def _shown(row: dict[str, Any]) -> tuple[str, list[dict[str, str]]]:
    """The system message, and a name and a text for each turn."""
    system, *before, question = row["asked"]
    names = {Role.USER.value: "earlier turn of the user", Role.ASSISTANT.value: "earlier answer"}
    return system["content"], [
        *({"name": names[each["role"]], "content": each["content"]} for each in before),
        {"name": "question", "content": question["content"]},
        {"name": "answer", "content": row["answer"]},
    ]


def build_gradings(
    items: pl.DataFrame, answers: pl.DataFrame, completions: pl.DataFrame, judge: str
) -> pl.DataFrame:
    """`SYSBENCH_GRADINGS`: one row per constraint of each row of `answers`, in their order.

    Args:
        items: As in `build_grading_requests`.
        answers: `SYSBENCH_ANSWERS`.
        completions: `COMPLETIONS` of `build_grading_requests`.
        judge: Its name in the catalogue.
    """
    is_answered = pl.col("drop_reason").is_null()
    turns = answers.select(
        *("session", "turn", "dependent", "aligned"),
        request_id=pl.concat_str("session", "turn", separator="/"),
        no_answer=pl.when(~is_answered).then(pl.lit(NoVerdict.NO_ANSWER.value)),
    )
    with_checklists = _with_checklists(turns, items)
    replied = add_completions(with_checklists, completions, PROMPT, "request_id")
    said = [
        CONSTRAINTS.parse(text or "", len(checklist), finish_reason)
        for text, checklist, finish_reason in replied.select(
            "text", "checklist", "finish_reason"
        ).iter_rows()
    ]
    of_checklist = ("number", "type", "content")
    word = pl.col("said")
    unread = (
        pl.when(word.is_null())
        .then(pl.lit(NoVerdict.MISSING.value))
        .when(pl.col("satisfied").is_null())
        .then(pl.lit(NoVerdict.THIRD_VERDICT.value))
    )
    return (
        replied.with_columns(pl.Series("said", said, pl.List(pl.String)), verdict_text="text")
        .explode("checklist", "said")
        .with_columns(
            *(pl.col("checklist").struct.field(name) for name in of_checklist),
            satisfied=word.replace_strict(_SATISFIED, default=None, return_dtype=pl.Boolean),
            judge=pl.lit(judge),
        )
        .with_columns(drop_reason=pl.coalesce("no_answer", "drop_reason", unread))
        .select(SYSBENCH_GRADINGS.names)
    )
