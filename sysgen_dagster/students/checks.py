"""The checks of trained students: that a training has learned what it should, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from sysgen_dagster.students.answering import ask_checkpoint
from sysgen_dagster.students.arguments import TrainingError
from sysgen_dagster.students.metrics import Status
from sysgen_dagster.tables.checks import Finding, none_of, of_something
from sysgen_dagster.tables.rates import Rate

# Rows whose answer is cut away by the greatest length are dropped by trainers, in silence.
_MOST_LOST = 0.001
# In 300 steps at a rate of 1e-6 AdamW changes all weights of 32 bits, and 2 % of those of bfloat16.
_LEAST_CHANGED = 0.5
_CHANCE = 0.5  # of two answers, the share of pairs that scores without any sense get right
PROMPT = "What is the capital of France? Answer in one sentence."
ANSWER = "answer.txt"  # in the folder of a training, where its checkpoint was asked in a pod


@dataclass(frozen=True, slots=True)
class TrainedStudent:
    """What the checks look at.

    Attributes:
        rows: `TRAINED_STUDENTS`, of the training.
        status: What the program said last.
        train_ids: The conversations of the rows that were trained on.
        test_ids: The conversations of the test split, as it is now and as it was exported.
        checkpoint: The folder of the epoch that is used; None: there is none.
        python: The Python that has the trainer; None where there is none.
        answer: What the checkpoint answered in a pod; None: it is asked here.
        compared: Of a reward model: the pairs held out, and those whose chosen answer it scores
            higher; None: the student is none.
    """

    rows: pl.DataFrame
    status: Status
    train_ids: frozenset[str]
    test_ids: frozenset[str]
    checkpoint: Path | None
    python: Path | None
    answer: str | None = None
    compared: Rate | None = None


@dataclass(frozen=True, slots=True)
class StudentCheck:
    """One statement about a trained student; `tables.checks.Check` says what the fields are."""

    name: str
    statement: str
    blocking: bool
    evaluate: Callable[[TrainedStudent], Finding]


def _loss_is_finite(trained: TrainedStudent) -> Finding:
    losses = trained.rows.filter(pl.col("loss").is_not_null() | pl.col("eval_loss").is_not_null())
    is_finite = pl.all_horizontal(
        pl.col("loss", "eval_loss").is_finite() | pl.col("loss", "eval_loss").is_null()
    )
    found = none_of(losses.filter(~is_finite))
    if not losses.is_empty():
        return found
    return Finding(False, 0, "a loss", losses, explanation="No step has a loss")


def _loss_falls(trained: TrainedStudent) -> Finding:
    losses = trained.rows.drop_nulls("loss")
    fifth = losses.height // 5
    if not fifth:
        few = f"It has {losses.height} steps, too few to tell"
        return Finding(False, losses.height, "5 steps at least", losses, explanation=few)
    first, last = (part["loss"].mean() for part in (losses.head(fifth), losses.tail(fifth)))
    assert isinstance(first, float)
    assert isinstance(last, float)
    return Finding(last < first, last, f"below {first:.4g}", losses.tail(fifth))


def _no_test_rows(trained: TrainedStudent) -> Finding:
    leaked = sorted(trained.train_ids & trained.test_ids)
    found = none_of(pl.DataFrame({"conversation_id": leaked}, {"conversation_id": pl.String()}))
    return of_something(found, len(trained.train_ids))


def _tokens_as_expected(trained: TrainedStudent) -> Finding:
    seen, expected = trained.status.tokens_seen, trained.status.trained_tokens_expected
    return Finding(
        seen == expected and seen > 0,
        seen,
        "an expectation, which the training has not said" if expected is None else f"{expected:,}",
        pl.DataFrame(),
        explanation="" if seen == expected else "Rows were seen too often, or left out",
    )


def _no_rows_lost(trained: TrainedStudent) -> Finding:
    before, after = trained.status.rows_before, trained.status.rows_after
    if not before or after is None:
        said = "The training has not said how many rows it had"
        return Finding(False, 0, f"at most {_MOST_LOST:.1%}", pl.DataFrame(), explanation=said)
    lost = (before - after) / before
    said = f"{before - after:,} of {before:,} rows have nothing to learn within `max_length`"
    return Finding(
        # More rows than before are no loss: one row for each message that is learned.
        lost <= _MOST_LOST,
        lost,
        f"at most {_MOST_LOST:.1%}",
        pl.DataFrame(),
        explanation=said if lost > _MOST_LOST else "",
    )


def _weights_changed(trained: TrainedStudent) -> Finding:
    changed = trained.status.changed_weights
    said = "Weights of 16 bits do not move at this learning rate: train those of 32 bits"
    is_enough = changed is not None and changed > _LEAST_CHANGED
    return Finding(
        is_enough,
        changed or 0.0,
        f"above {_LEAST_CHANGED:.0%}",
        pl.DataFrame(),
        explanation="" if is_enough else "It was not measured" if changed is None else said,
    )


def _checkpoint_answers(trained: TrainedStudent) -> Finding:
    try:
        answer = trained.answer
        if answer is None:
            answer = ask_checkpoint(trained.python, trained.checkpoint, PROMPT)
    except TrainingError as error:
        return Finding(False, 0, "an answer", pl.DataFrame(), explanation=str(error))
    details = {"asked": PROMPT, "answered": answer}
    return Finding(bool(answer), len(answer), "an answer", pl.DataFrame(), details=details)


def _chosen_scores_higher(trained: TrainedStudent) -> Finding:
    rate = trained.compared
    if rate is None:
        none = "It is no reward model: there is nothing to score"
        return Finding(True, 0, "none", pl.DataFrame(), explanation=none)
    if not rate.whole:
        none = "No pairs were held out: give `training` a share for `validation`, and export again"
        return Finding(False, 0, "held-out pairs", pl.DataFrame(), explanation=none)
    low, high = rate.interval()
    details: dict[str, str | int] = {"pairs": rate.whole, "interval": f"{low:.1%} to {high:.1%}"}
    few = "It scores held-out pairs no better than chance, or they are too few to tell"
    return Finding(
        low > _CHANCE,
        rate.share,
        f"a 99 % interval above {_CHANCE:.0%}",
        pl.DataFrame(),
        explanation="" if low > _CHANCE else few,
        details=details,
    )


CHECKS = (
    StudentCheck("loss_is_finite", "The loss of every step is a number.", True, _loss_is_finite),
    StudentCheck(
        "loss_falls",
        "The mean loss of the last fifth of the steps is below that of the first fifth.",
        False,
        _loss_falls,
    ),
    StudentCheck("no_test_rows", "No row of the test split was trained on.", True, _no_test_rows),
    StudentCheck(
        "tokens_as_expected",
        "The training has seen each token of its rows once an epoch.",
        True,
        _tokens_as_expected,
    ),
    StudentCheck(
        "no_rows_lost",
        "At most one row in a thousand was lost when rows were made tokens.",
        True,
        _no_rows_lost,
    ),
    StudentCheck(
        "weights_changed",
        "The first steps have changed more than half of the weights.",
        True,
        _weights_changed,
    ),
    StudentCheck(
        "checkpoint_answers",
        "The checkpoint that is used loads and answers a question; a reward model, with its score.",
        True,
        _checkpoint_answers,
    ),
    StudentCheck(
        "chosen_scores_higher",
        "A reward model gives the chosen answers of most held-out pairs the higher score.",
        False,
        _chosen_scores_higher,
    ),
)
