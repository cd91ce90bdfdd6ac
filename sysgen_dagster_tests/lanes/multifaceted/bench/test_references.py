"""Sets, messages and answers of held-out instructions."""

from collections import Counter

import polars as pl

from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.lanes.multifaceted import preference_messages, preference_sets
from sysgen_dagster.lanes.multifaceted.asking import Ask
from sysgen_dagster.lanes.multifaceted.bench.references import write_references
from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_REFERENCES
from sysgen_dagster.lanes.multifaceted.steps import STEPS, Step
from sysgen_dagster.tables.table import kept
from sysgen_dagster_tests.lanes.multifaceted.frames import (
    Model,
    Reply,
    distinct,
    instructions,
    taking_up,
)
from sysgen_dagster_tests.lanes.multifaceted.instructions import settings

MESSAGE = taking_up("You answer one person alone, who likes it calm.")
ASKED = instructions("How do tides work?", "Plan a garden.")


def _write(answers: dict[str, Reply] | None = None) -> tuple[pl.DataFrame, Counter[str]]:
    """The references, and how often each step asked; `answers` by the set and step."""
    a_set, asked = distinct(), Counter[str]()

    def ask_for(step: Step) -> Ask:
        def answer(request: ChatRequest) -> Reply:
            asked[step.table.name] += 1
            given = (answers or {}).get(f"{step.table.name}/{request.request_id}")
            prompts = (preference_sets.PROMPT, preference_messages.PROMPT)
            own = (a_set, MESSAGE, lambda _: f"The answer to {request.request_id}.")
            at = [*(step.prompt is each for each in prompts), True].index(True)
            return given or own[at](request)

        return Model(answer).ask

    return write_references(ASKED, ask_for, settings(attempts=1)), asked


def test_every_set_of_every_instruction_has_a_message_and_an_answer() -> None:
    rows, asked = _write()

    assert rows.columns == BENCH_REFERENCES.names
    assert rows["conversation_id"].to_list() == [
        f"own-{number}-0#{at}" for number in range(2) for at in range(3)
    ]
    assert rows["question"].to_list() == [each for each in ASKED["question"] for _ in range(3)]
    assert rows["answer"][4] == "The answer to own-1-0#1."
    assert rows["system_message"].null_count() == rows["drop_reason"].count() == 0
    assert asked == {step.table.name: 6 for step in STEPS}


def test_a_set_that_does_not_pass_a_step_says_which_and_is_asked_for_no_further() -> None:
    sets, messages, answers = (step.table.name for step in STEPS)
    rows, asked = _write(
        {
            f"{sets}/own-0-0#0": "no lines at all",
            f"{messages}/own-0-0#1": "too short",
            f"{answers}/own-0-0#2": {"text": "It goes on and", "finish_reason": "length"},
        }
    )

    assert rows.select("step", "drop_reason").head(3).rows() == [
        (sets, "missing_preference"),
        (messages, "message_length"),
        (answers, "truncated"),
    ]
    assert rows["system_message"].is_null().to_list()[:3] == [True, False, False]
    assert kept(rows).height == 3
    assert asked == {sets: 6, messages: 5, answers: 4}
