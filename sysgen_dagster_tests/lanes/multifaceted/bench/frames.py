"""References for the tests of rubrics and items: two sets of each of some instructions."""

from typing import Any

import polars as pl

from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_REFERENCES
from sysgen_dagster.lanes.multifaceted.taxonomy import load_taxonomy

LEVELS = ["None is.", "Few are.", "Half are.", "Most are.", "All are."]
RUBRIC = "\n".join(
    ["Criterion: Is it so?", *(f"Score {at}: {text}" for at, text in enumerate(LEVELS, 1))]
)
_SUBDIMENSIONS = {name: [*names] for name, names in load_taxonomy().items()}


def reference(number: int, at: int, **fields: object) -> dict[str, Any]:
    """One row of `tables.BENCH_REFERENCES`, of the set `at` of an instruction."""
    return {
        **dict.fromkeys(BENCH_REFERENCES.names),
        "conversation_id": f"own-{number}-0#{at}",
        "source": "own",
        "instruction_id": f"own-{number}-0",
        "question": f"What is {number}?",
        "preference_set": [
            {
                "dimension": dimension,
                "subdimension": names[at],
                "preference": f"much {names[at]}",
                "description": f"Of {number} is wanted {names[at]} and nothing besides.",
            }
            for dimension, names in _SUBDIMENSIONS.items()
        ],
        "system_message": f"Answer as person {at} of {number} likes it.",
        "answer": f"For person {at}: {number} is a number.",
        **fields,
    }


def references(*rows: dict[str, Any], number: int = 1) -> pl.DataFrame:
    """These rows, or two sound sets of each of so many instructions."""
    every = rows or [reference(each, at) for each in range(number) for at in range(2)]
    return pl.DataFrame(list(every), BENCH_REFERENCES.schema, orient="row")
