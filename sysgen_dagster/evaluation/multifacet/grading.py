"""Asks a judge for a score from 1 to 5 by each rubric of the answers, and reads it.

What a judge is sent is said in `obedience.rubric_grading`. Whether it is shown the system message
as well is decided by an option of the bench's authors' program that its published call leaves out,
so both can be asked.

Where a server gives probabilities, those of the digits at the place of the score give an expected
score beside the one that was written. A grading that cannot be read is asked for again with another
seed, a few times; what is still unread has no score, and none is made up for it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import polars as pl

from sysgen_dagster.catalog.evaluation import RubricBench
from sysgen_dagster.chat.completions import add_completions
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.chat.messages import ChatRequest, derive_seed
from sysgen_dagster.evaluation.multifacet.tables import (
    MULTIFACET_CALIBRATION,
    MULTIFACET_GRADINGS,
    NotGraded,
)
from sysgen_dagster.obedience.rubric_grading import (
    CONSTRAINT,
    DIGITS,
    PROMPT,
    SAMPLING,
    SAMPLING_AGAIN,
    SCORES,
    read_score,
    render_grading,
)
from sysgen_dagster.obedience.rubric_scores import Unread
from sysgen_dagster.tables.columns import GENERATION
from sysgen_dagster.tables.table import Table

# Why a judge is asked once more: chance may write it otherwise.
_AGAIN = [reason.value for reason in (*Unread, NoAnswer.EMPTY_COMPLETION, NoAnswer.TRUNCATED)]
_READ = ("score", "expected_score", "probabilities")

Ask = Callable[[Iterable[ChatRequest], int], pl.DataFrame]
# What is found for each request.
_FOUND = {
    "request_id": pl.String(),
    **{
        name: MULTIFACET_CALIBRATION.schema[name]
        for name in (*_READ, "grading", "round", "drop_reason", *GENERATION)
    },
}


def list_gradings(
    items: pl.DataFrame, answers: pl.DataFrame, sees_message: Sequence[bool]
) -> pl.DataFrame:
    """One row per grading that is wanted, in the order of the bench.

    Args:
        items: `MULTIFACET_ITEMS`.
        answers: `MULTIFACET_ANSWERS`; an item that they lack counts as one without an answer.
        sees_message: Whether the judge is shown the system message; each one once.

    Returns:
        The columns of `MULTIFACET_GRADINGS` that say what is graded, ``request_id``, and the texts
        that the judge is shown.
    """
    rubrics = (
        items.with_columns(
            rubric=pl.int_ranges(1, pl.col("rubrics").list.len() + 1, dtype=pl.UInt32)
        )
        .explode("rubrics", "rubric")
        .unnest("rubrics")
    )
    shown = [rubrics.with_columns(judge_sees_message=pl.lit(sees)) for sees in sees_message]
    number = pl.col("rubric").cast(pl.String)
    sees = pl.when("judge_sees_message").then(pl.lit("with")).otherwise(pl.lit("without"))
    return (
        pl.concat(shown)
        .join(answers.select("item", "answer"), on="item", how="left", maintain_order="left")
        .with_columns(request_id=pl.concat_str("item", number, sees, separator="/"))
    )


def build_grading_requests(
    listed: pl.DataFrame, bench: RubricBench, round_: int
) -> Iterator[ChatRequest]:
    """One request per row of `list_gradings`, all of which have an answer.

    Args:
        listed: Rows of `list_gradings`.
        bench: Whether the probabilities of the digits are wanted.
        round_: How often the same was asked, with this time.
    """
    shown = ("answer", "reference_answer", "criterion", "levels")
    for row in listed.iter_rows(named=True):
        message = row["system_message"] if row["judge_sees_message"] else None
        texts = {name: row[name] for name in shown}
        yield ChatRequest(
            row["request_id"],
            render_grading(row["prompt"], system_message=message, **texts),
            SAMPLING if round_ == 1 else SAMPLING_AGAIN,
            derive_seed(row["request_id"], MULTIFACET_GRADINGS.name, round_),
            constraint=CONSTRAINT,
            choices=DIGITS if bench.probabilities else (),
        )


def grade(
    listed: pl.DataFrame, ask: Ask, bench: RubricBench, judge: str, table: Table
) -> pl.DataFrame:
    """The rows of `table`, a bench's gradings or `MULTIFACET_CALIBRATION`: one per row listed.

    Args:
        listed: What is to be graded, as `list_gradings` gives it, with the further columns of the
            table; rows without an answer are dropped with that reason.
        ask: Sends so many requests to the judge, and gives `chat.completions.COMPLETIONS`.
        bench: How often the judge is asked, and for what.
        judge: Its name in the catalogue.
        table: Which one.
    """
    no_answer = pl.lit(NotGraded.NO_ANSWER.value)
    wanted = listed.drop_nulls("answer")
    found = [
        pl.DataFrame(schema=_FOUND),
        listed.filter(pl.col("answer").is_null()).select("request_id", drop_reason=no_answer),
    ]
    for round_ in range(1, bench.rounds + 1):
        if wanted.is_empty():
            break
        completions = ask(build_grading_requests(wanted, bench, round_), wanted.height)
        read = read_gradings(wanted, completions).with_columns(round=pl.lit(round_, pl.UInt32))
        is_asked_again = pl.col("drop_reason").is_in(_AGAIN) & pl.lit(round_ < bench.rounds)
        again = read.filter(is_asked_again)
        found.append(read.join(again, on="request_id", how="anti", maintain_order="left"))
        wanted = wanted.join(again, on="request_id", how="semi", maintain_order="left")
    gradings = pl.concat(found, how="diagonal")
    return (
        listed.join(gradings, on="request_id", how="left", maintain_order="left", validate="1:1")
        .with_columns(judge=pl.lit(judge))
        .select(table.names)
    )


def read_gradings(asked: pl.DataFrame, completions: pl.DataFrame) -> pl.DataFrame:
    """One row per row of `asked`: ``request_id`` and what its grading says."""
    answered = add_completions(asked.select("request_id"), completions, PROMPT, "request_id")
    wanted = ("text", "finish_reason", "choices", "drop_reason")
    read = [_read(*row) for row in answered.select(wanted).iter_rows()]
    schema = {name: _FOUND[name] for name in (*_READ, "drop_reason")}
    columns = pl.DataFrame(read, schema=schema, orient="row")
    return (
        answered.rename({"text": "grading"})
        .with_columns(columns, round=pl.lit(None, _FOUND["round"]))
        .select(_FOUND.keys())
    )


def _read(
    text: str | None,
    finish_reason: str | None,
    choices: Sequence[dict[str, Any]] | None,
    drop_reason: str | None,
) -> tuple[int | None, float | None, list[float] | None, str | None]:
    """Score, expected score, probabilities and drop reason of a grading."""
    if text is None:
        return None, None, None, drop_reason
    score, unread = read_score(text, finish_reason)
    if score is None:
        return None, None, None, unread
    shares = _shares_at_score(text, score, choices or ())
    expected = (
        sum(share * each for share, each in zip(shares, SCORES, strict=True)) if shares else None
    )
    return score, expected, shares or None, None


def _shares_at_score(text: str, score: int, choices: Sequence[dict[str, Any]]) -> list[float]:
    """The probability of each score where the text states its own; none where that is unknown.

    Nothing but the score is a number behind the mark, so its digit is the last one that has
    probabilities, unless a token joins it with what stands before it: then they are unknown.
    """
    last = max((each["start"] for each in choices), default=-1)
    is_score = last > text.upper().rfind("RESULT") and text[last : last + 1] == str(score)
    at = {each["choice"]: each["probability"] for each in choices if each["start"] == last}
    return [at.get(digit, 0.0) for digit in DIGITS] if is_score else []
