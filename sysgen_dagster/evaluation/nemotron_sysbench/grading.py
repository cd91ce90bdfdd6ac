"""Holds each answer to the rules of its row, and asks the judge its questions in one request."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.messages import ChatRequest, Role, Sampling, derive_seed
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.evaluation.instructions.verifying import verify
from sysgen_dagster.evaluation.nemotron_sysbench.rows import NemotronError
from sysgen_dagster.evaluation.nemotron_sysbench.tables import (
    NEMOTRON_SYSBENCH_ANSWERS,
    NEMOTRON_SYSBENCH_GRADINGS,
    Kind,
    NotGraded,
)
from sysgen_dagster.obedience.numbered_verdicts import NumberedVerdicts

PROMPT = load_prompt("judge_questions")
SAMPLING = Sampling(temperature=0.0, max_tokens=512)  # a row has up to some thirty questions
YES, NO, UNCLEAR = "Yes", "No", "Unclear"
QUESTIONS = NumberedVerdicts("Question", (YES, NO, UNCLEAR))


def build_grading_requests(items: pl.DataFrame, answers: pl.DataFrame) -> Iterator[ChatRequest]:
    """One request for each answered row that has questions; no text is shortened.

    Args:
        items: `NEMOTRON_SYSBENCH_ITEMS`.
        answers: `NEMOTRON_SYSBENCH_ANSWERS`.
    """
    for row in _answered(items, answers):
        questions = [each["question"] for each in row["checks"] if each["question"] is not None]
        if row["answer"] is None or not questions:
            continue
        turns = [_shown(each) for each in row["asked"]]
        turns.append({"name": "answer", "content": row["answer"]})
        mark = separating_mark([*questions, *(turn["content"] for turn in turns)])
        messages = PROMPT.render(mark=mark, turns=turns, questions=questions)
        seed = derive_seed(row["item"], NEMOTRON_SYSBENCH_GRADINGS.name)
        held_to = QUESTIONS.constraint(len(questions), {})
        yield ChatRequest(row["item"], messages, SAMPLING, seed, constraint=held_to)


def _answered(items: pl.DataFrame, answers: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows of the answers, each with its checks; no answer where it is dropped.

    Raises:
        NemotronError: The items have been made again since, and lack some of the rows.
    """
    is_kept = pl.col("drop_reason").is_null()
    checks = items.select("item", "checks")
    joined = answers.select("item", "asked", answer=pl.when(is_kept).then("answer")).join(
        checks, on="item", how="left", maintain_order="left", validate="1:1"
    )
    if lost := joined["checks"].null_count():
        raise NemotronError(
            f"{lost} rows of {NEMOTRON_SYSBENCH_ANSWERS.name} are none of those that are asked "
            f"now: make {NEMOTRON_SYSBENCH_ANSWERS.name} of this subject again, then its gradings"
        )
    yield from joined.iter_rows(named=True)


_NAMES = {
    Role.SYSTEM.value: "system message",
    Role.USER.value: "turn of the user",
    Role.ASSISTANT.value: "earlier answer",
}


def _shown(turn: Mapping[str, str]) -> dict[str, str]:
    return {"name": _NAMES[turn["role"]], "content": turn["content"]}


def build_gradings(
    items: pl.DataFrame, answers: pl.DataFrame, completions: pl.DataFrame, judge: str | None
) -> pl.DataFrame:
    """`NEMOTRON_SYSBENCH_GRADINGS`: one row per check of each row, in their order.

    Args:
        items: `NEMOTRON_SYSBENCH_ITEMS`.
        answers: `NEMOTRON_SYSBENCH_ANSWERS`.
        completions: `COMPLETIONS` of `build_grading_requests`.
        judge: Its name in the catalogue; None: no row has a question.
    """
    asked = answers.select("item")
    replies = add_completions(asked, completions, PROMPT, "item").rows_by_key("item", named=True)
    rows = [
        grading
        for row in _answered(items, answers)
        for grading in _grade(row, replies[row["item"]][0], judge)
    ]
    return pl.DataFrame(rows, schema=NEMOTRON_SYSBENCH_GRADINGS.schema)


def _grade(
    row: dict[str, Any], reply: Mapping[str, Any], judge: str | None
) -> Iterator[dict[str, Any]]:
    checks, answer = row["checks"], row["answer"]
    questions = sum(each["question"] is not None for each in checks)
    words = iter(QUESTIONS.parse(reply["text"] or "", questions, reply["finish_reason"]))
    for check in checks:
        is_rule = check["kind"] == Kind.RULE
        if is_rule:
            said = None if answer is None else _apply(check, answer)
            reason = None
        else:
            said = next(words)
            reason = reply["drop_reason"] or (NotGraded.UNREAD.value if said is None else None)
        passed = None if said not in (YES, NO) else (said == YES) is check["passes_with"]
        if answer is None:
            reason = NotGraded.NO_ANSWER.value
        elif said == UNCLEAR:
            reason = NotGraded.UNCLEAR.value
        of_judge = {} if is_rule else {**_of_reply(reply), "judge": judge}
        yield {
            "item": row["item"],
            **{name: check[name] for name in ("check", "kind", "source", "is_misalignment")},
            "content": _content(check),
            "said": said,
            "passed": passed,
            "drop_reason": reason,
            **of_judge,
        }


def _apply(check: Mapping[str, Any], answer: str) -> str:
    return YES if verify(answer, check["instruction"], json.loads(check["arguments"])) else NO


def _content(check: Mapping[str, Any]) -> str:
    return str(check["question"] or f"{check['instruction']} {check['arguments']}")


def _of_reply(reply: Mapping[str, Any]) -> dict[str, Any]:
    names = ("finish_reason", "failure", "engine", "prompt_fingerprint")
    return {**{name: reply[name] for name in names}, "verdict_text": reply["text"]}
