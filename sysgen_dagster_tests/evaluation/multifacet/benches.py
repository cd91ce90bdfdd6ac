"""Files of a bench for tests: a made-up one, and one of real rubrics where these are there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

DIMENSIONS = ("style", "background_knowledge", "informativeness", "harmlessness")
# Of all five columns, among them what upper and lower case alone tell apart, and one of none.
SOURCES = (
    *("self-instruct", "Self-instruct", "koala", "Koala", "mt-bench", "alpaca_eval"),
    *("Alpha-nlg (art)", "Vicuna", "A benchmark of next year"),
)
COLUMNS = (
    *("Self-Instruct", "FLASK", "Koala", "FLASK", "MT-Bench", "AlpacaEval"),
    *("FLASK", "FLASK", "unassigned"),
)
SHARED = Path(__file__).parents[4] / "shared" / "data" / "benchmarks"


def bench_row(number: int, **changed: Any) -> dict[str, Any]:
    """A row of the bench with the columns of the published one."""
    return {
        "source": SOURCES[number % len(SOURCES)],
        "preference_set": [
            {
                "dimension": dimension,
                "subdimension": f"kind {at}",
                "preference": f"preference {at}",
                "description": f"Prefers the {at}. way.",
            }
            for at, dimension in enumerate(DIMENSIONS)
        ],
        "system": f"You answer in the way that customer {number} prefers.",
        "prompt": f"What are {number} apples good for?",
        "reference_answer": f"For {number} cakes.",
        "rubrics": [rubric(f"Does answer {number} keep to the {at}. way?") for at in range(4)],
        **changed,
    }


def rubric(criterion: str) -> dict[str, Any]:
    """A rubric with five levels."""
    levels = {str(level): f"It does so {level} times of 5." for level in range(1, 6)}
    return {"criteria": criterion, "score_descriptions": levels}


def write_bench(file: Path, rows: list[Any]) -> Path:
    """The rows as JSON lines, or as Parquet as on the Hub."""
    if file.suffix == ".parquet":
        pl.DataFrame(rows).write_parquet(file)
    else:
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return file


def real_rows(number: int) -> list[dict[str, Any]]:
    """Rows of the bench made of BiGGen-Bench: its system prompts, references and real rubrics.

    BiGGen-Bench has one rubric an item: the other three are those of items beside it.
    """
    read = pl.read_parquet(SHARED / "biggen_bench_inputs.parquet").filter(
        pl.col("system_prompt").str.strip_chars() != ""
    )
    found = read.rows(named=True)
    step = len(found) // number
    rows = []
    for at in range(number):
        near = [found[(at * step + beside) % len(found)] for beside in range(4)]
        rows.append(
            bench_row(
                at,
                system=near[0]["system_prompt"],
                prompt=near[0]["input"],
                reference_answer=near[0]["reference_answer"],
                rubrics=[_real_rubric(json.loads(each["score_rubric"])) for each in near],
            )
        )
    return rows


def _real_rubric(written: Mapping[str, str]) -> dict[str, Any]:
    levels = {str(level): written[f"score{level}_description"] for level in range(1, 6)}
    return {"criteria": written["criteria"], "score_descriptions": levels}


def labelled_row(number: int, **changed: Any) -> dict[str, Any]:
    """An answer that three people graded, with the columns of the published set."""
    return {
        "query": f"What are {number} pears good for?",
        "response": f"For {number} tarts.",
        "reference_answer": "For tarts.",
        "rubric": "Is it right? Score 1: no. Score 5: yes.",
        "human_score": [number % 5 + 1, number % 5 + 1, (number + 1) % 5 + 1],
        **changed,
    }
