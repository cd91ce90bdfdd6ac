"""A model writes a rubric for each preference, and a judge tries it on two answers.

A rubric is sound where the answer that was written for the preference scores 4 or 5, and one to
another message of the same instruction less than 4. Else it is written once more, by a writer that
is told what went wrong. The judge sees neither the reference as such nor the system message: what
it says follows from the rubric. The writer never sees an answer, or the rubric would describe it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from sysgen_dagster.chat.completions import CUT, add_completions
from sysgen_dagster.chat.constraints import Constraint
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest, derive_seed
from sysgen_dagster.chat.prompts import load_prompt, separating_mark
from sysgen_dagster.lanes.multifaceted import paper
from sysgen_dagster.lanes.multifaceted.asking import Ask
from sysgen_dagster.lanes.multifaceted.bench.rubric_replies import (
    CRITERION,
    LEVELS,
    PARTS,
    read_rubric,
)
from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_RUBRICS
from sysgen_dagster.lanes.multifaceted.drop_reasons import WRITTEN_AGAIN, NoItem
from sysgen_dagster.lanes.multifaceted.labelled_texts import build_grammar
from sysgen_dagster.lanes.multifaceted.preference_sets import attempt_of
from sysgen_dagster.lanes.multifaceted.siblings import choose_rejected
from sysgen_dagster.obedience import rubric_grading

PROMPT = load_prompt("multifaceted_bench_rubric")
SAMPLING = paper.WRITING
REFERENCE, SIBLING = "reference", "sibling"
LEAST_OF_REFERENCE: Final = 4  # ours, as is that a sibling has to stay below it
_ID = "rubric_id"
GRAMMAR = build_grammar({"Criterion": 1, **{f"Score {level}": 1 for level in LEVELS}})
_FIELDS = (CRITERION, *(f"score_{level}" for level in LEVELS))
FORM = Constraint(
    structured={"grammar": GRAMMAR},
    grammar=GRAMMAR,
    schema={
        "type": "object",
        "properties": {name: {"type": "string"} for name in _FIELDS},
        "required": list(_FIELDS),
        "additionalProperties": False,
    },
    is_needed=False,
)


def write_rubrics(
    references: pl.DataFrame, ask_writer: Ask, ask_judge: Ask, constrained: bool
) -> pl.DataFrame:
    """`tables.BENCH_RUBRICS` without who judged: four rows per set that has a sibling's answer.

    Of each preference stands there the first rubric where it is sound, else the second one.

    Args:
        references: Kept rows of `tables.BENCH_REFERENCES`.
        ask_writer: Asks the model that writes.
        ask_judge: Asks the judge.
        constrained: Whether replies are held to their form where the server can do that.
    """
    inputs = list_preferences(references)
    rows = _attempt(inputs, ask_writer, ask_judge, constrained, 0)
    failed = rows.filter(pl.col("drop_reason").is_in(WRITTEN_AGAIN))
    if failed.is_empty():
        return rows
    earlier = failed.select(_ID, CRITERION, "levels", "reference_score", "sibling_score")
    again = inputs.join(earlier, on=_ID, maintain_order="left")
    newer = _attempt(again, ask_writer, ask_judge, constrained, 1)
    both = pl.concat([rows.join(failed, on=_ID, how="anti"), newer])
    return inputs.select(_ID).join(both, on=_ID, maintain_order="left")


def list_preferences(references: pl.DataFrame) -> pl.DataFrame:
    """One row per rubric that is to be written, in the order of the sets and dimensions.

    Returns:
        The columns of `tables.BENCH_RUBRICS` that say which one it is, ``rubric_id``, and the texts
        that the writer or the judge is shown.
    """
    return (
        choose_rejected(references)
        .drop_nulls("rejected_set")
        .select(
            *("conversation_id", "source", "question", "answer", "preference_set"),
            sibling_set="rejected_set",
            sibling_answer="rejected_answer",
        )
        .explode("preference_set")
        .unnest("preference_set")
        .with_columns(pl.format("{}/{}", "conversation_id", "dimension").alias(_ID))
    )


def _attempt(
    inputs: pl.DataFrame, ask_writer: Ask, ask_judge: Ask, constrained: bool, attempt: int
) -> pl.DataFrame:
    """One rubric for each input, and what the judge gives the two answers by it."""
    requests = build_requests(inputs, attempt, constrained)
    rows = _read_rubrics(inputs, ask_writer(requests, inputs.height), attempt)
    tried = rows.filter(pl.col("drop_reason").is_null())
    completions = ask_judge(build_gradings(tried, attempt), 2 * tried.height)
    for which in (REFERENCE, SIBLING):
        rows = rows.join(
            _read_scores(tried, completions, which), on=_ID, how="left", maintain_order="left"
        )
    failures = [pl.col(f"{which}_failure") for which in (REFERENCE, SIBLING)]
    columns = [name for name in BENCH_RUBRICS.names if not name.startswith("judge")]
    return rows.with_columns(
        drop_reason=pl.coalesce("drop_reason", _find_fault()),
        failure=pl.coalesce("failure", *failures),
    ).select(_ID, *columns)


def build_requests(inputs: pl.DataFrame, attempt: int, constrained: bool) -> Iterator[ChatRequest]:
    """One request to the writer per row of `list_preferences`.

    Args:
        inputs: At the second attempt with the rubric of the first, and its two scores.
        attempt: 0 or 1.
        constrained: Whether the reply is held to its form where the server can do that.
    """
    for row in inputs.iter_rows(named=True):
        texts = {name: row[name] for name in ("preference", "description")}
        texts["instruction"] = row["question"]
        earlier = row if attempt and row["sibling_score"] and row["reference_score"] else None
        shown = [earlier[CRITERION], *earlier["levels"]] if earlier else []
        mark = separating_mark([*texts.values(), *shown])
        yield ChatRequest(
            row[_ID],
            PROMPT.render(mark=mark, earlier=earlier, **texts),
            SAMPLING,
            derive_seed(row[_ID], BENCH_RUBRICS.name, attempt),
            constraint=FORM if constrained else None,
        )


def _read_rubrics(inputs: pl.DataFrame, completions: pl.DataFrame, attempt: int) -> pl.DataFrame:
    """The inputs with the rubrics that the writer wrote, or why there is none."""
    asked = inputs.drop(CRITERION, "levels", "reference_score", "sibling_score", strict=False)
    answered = add_completions(asked, completions, PROMPT, _ID)
    wanted = ("text", "finish_reason", "drop_reason")
    read = [_read(*row) for row in answered.select(wanted).iter_rows()]
    schema = {name: BENCH_RUBRICS.schema[name] for name in (CRITERION, "levels", "drop_reason")}
    return answered.with_columns(
        pl.DataFrame(read, schema, orient="row"), reply="text", attempt=attempt_of(attempt)
    )


def _read(
    text: str | None, finish_reason: str | None, drop_reason: str | None
) -> tuple[str | None, list[str] | None, str | None]:
    """Criterion, levels and drop reason of a reply."""
    if text is None:
        return None, None, drop_reason
    if finish_reason == CUT:
        return None, None, NoAnswer.TRUNCATED.value
    found = read_rubric(text)
    if not all(found.get(part) for part in PARTS):
        return None, None, NoItem.INCOMPLETE_RUBRIC.value
    levels = [found[level] for level in LEVELS]
    is_same = len({level.casefold() for level in levels}) < len(levels)
    return found[CRITERION], levels, NoItem.SAME_LEVELS.value if is_same else None


def build_gradings(rubrics: pl.DataFrame, attempt: int) -> Iterator[ChatRequest]:
    """Two requests to the judge per rubric: of the reference, and of the sibling's answer."""
    for row in rubrics.iter_rows(named=True):
        for which, answer in ((REFERENCE, row["answer"]), (SIBLING, row["sibling_answer"])):
            request_id = f"{row[_ID]}/{which}"
            yield ChatRequest(
                request_id,
                rubric_grading.render_grading(
                    row["question"], answer, row[CRITERION], row["levels"]
                ),
                rubric_grading.SAMPLING,
                derive_seed(request_id, BENCH_RUBRICS.name, attempt),
                constraint=rubric_grading.CONSTRAINT,
            )


def _read_scores(rubrics: pl.DataFrame, completions: pl.DataFrame, which: str) -> pl.DataFrame:
    """What the judge says of one of the two answers, by ``rubric_id``."""
    asked = rubrics.select(_ID, request_id=pl.format("{}/" + which, _ID))
    answered = add_completions(asked, completions, rubric_grading.PROMPT, "request_id")
    wanted = ("text", "finish_reason")
    scores = [
        None if text is None else rubric_grading.read_score(text, finish_reason)[0]
        for text, finish_reason in answered.select(wanted).iter_rows()
    ]
    return answered.select(
        _ID,
        pl.Series(f"{which}_score", scores, BENCH_RUBRICS.schema["reference_score"]),
        pl.col("text").alias(f"{which}_grading"),
        pl.col("failure").alias(f"{which}_failure"),
        pl.col("failed_because").alias(f"{which}_failed_because"),
    )


def _find_fault() -> pl.Expr:
    """Why a rubric that the judge was asked about is not sound; null: it is."""
    scores = {which: pl.col(f"{which}_score") for which in (REFERENCE, SIBLING)}
    least = LEAST_OF_REFERENCE
    return pl.coalesce(
        f"{REFERENCE}_failed_because",
        f"{SIBLING}_failed_because",
        pl.when(pl.any_horizontal(score.is_null() for score in scores.values()))
        .then(pl.lit(NoItem.NOT_SCORED.value))
        .when(scores[REFERENCE] < least)
        .then(pl.lit(NoItem.REFERENCE_LOW.value))
        .when(scores[SIBLING] >= least)
        .then(pl.lit(NoItem.SIBLING_HIGH.value)),
    )


def by_whom(rows: pl.DataFrame, judge: str, is_writer: bool) -> pl.DataFrame:
    """`tables.BENCH_RUBRICS` of what `write_rubrics` gives.

    Args:
        rows: Of that.
        judge: The name of the judge in the catalogue.
        is_writer: Whether the judge also wrote the answers.
    """
    said: Mapping[str, Any] = {"judge": pl.lit(judge), "judge_is_writer": pl.lit(is_writer)}
    return rows.with_columns(**said).select(BENCH_RUBRICS.names)
