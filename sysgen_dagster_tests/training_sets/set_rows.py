"""What the second lane wrote of a few instructions, for the tests of its rows and pairs."""

from collections.abc import Mapping

import polars as pl

from sysgen_dagster.lanes.multifaceted.pair_judgement import (
    build_judged_pairs,
    build_requests,
)
from sysgen_dagster.lanes.multifaceted.siblings import choose_rejected
from sysgen_dagster.lanes.multifaceted.tables import GOLD_ANSWERS, PREFERENCE_SETS
from sysgen_dagster.training_sets.multifaceted import Written
from sysgen_dagster_tests.lanes.multifaceted.frames import Model, instructions

SOURCES = pl.DataFrame(
    {
        "source": ["own"],
        "main_source": ["Own questions"],
        "source_repo": ["local"],
        "source_license": ["cc0-1.0"],
    }
)
_PREFERENCE = {
    "dimension": "style",
    "subdimension": "clarity",
    "preference": "plain words",
    "description": "Said in words that a child knows.",
}


def written(instruction_count: int = 4, **answers: str) -> Written:
    """Three answers to each instruction; some others, by instruction and set, such as ``a0_1``."""
    rows = [
        {
            "conversation_id": f"own-{at}-0#{number}",
            "source": "own",
            "system_message": f"Message {number}.",
            "question": f"Why {at}?",
            "answer": answers.get(f"a{at}_{number}", f"Answer {number} to {at}."),
            "model": "a-model",
            "served_name": "org/a-model",
            "engine": "vllm",
        }
        for at in range(instruction_count)
        for number in range(3)
    ]
    sets = [
        {"conversation_id": row["conversation_id"], "preference_set": [_PREFERENCE] * 4}
        for row in rows
    ]
    return Written(
        _filled(rows, GOLD_ANSWERS.schema),
        _filled(sets, PREFERENCE_SETS.schema),
        instructions(*(f"Why {at}?" for at in range(instruction_count))),
        SOURCES,
        "apache-2.0",
    )


def _filled(rows: list[dict[str, object]], schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    nothing = dict.fromkeys(schema, None)
    return pl.DataFrame([{**nothing, **row} for row in rows], dict(schema), orient="row")


def judged(of: Written, **verdicts: str) -> pl.DataFrame:
    """A judge that prefers the own answer, but of some, such as ``a0_1``, says this always."""

    def answer(request_id: str) -> str:
        identity, _, first = request_id.partition("/")
        at, number = identity.removeprefix("own-").split("-0#")
        said = verdicts.get(f"a{at}_{number}", "A" if first == "own" else "B")
        return f"So it is.\n\nVerdict: {said}"

    candidates = choose_rejected(of.gold).drop_nulls("rejected_set")
    model = Model(lambda request: answer(request.request_id))
    completions = model.ask(build_requests(candidates), 2 * candidates.height)
    return build_judged_pairs(candidates, completions, "a-judge", is_generator=False)
