"""The table of trained students: what each step of a training measured."""

import polars as pl

from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By, Column, Table

_NUMBER = pl.Float64()

# One row per step that the training logged, in order.
TRAINED_STUDENTS = Table(
    "trained_students",
    {
        "step": Column(pl.Int64(), "optimiser step, from 1"),
        "epoch": Column(_NUMBER, "how often the training rows were seen by then"),
        "loss": Column(_NUMBER, "mean over the trained tokens of the step; null: evaluated only"),
        "eval_loss": Column(
            _NUMBER, "the same over the validation split; null: not evaluated after this step"
        ),
        "grad_norm": Column(_NUMBER, "norm of the gradient, before it is clipped"),
        "learning_rate": Column(_NUMBER, "of the step"),
        "tokens": Column(pl.Int64(), "seen so far, over all processes and epochs"),
        "tokens_per_s": Column(_NUMBER, "of the step, over all processes"),
        "memory_mib": Column(_NUMBER, "most that a device, or the process on a CPU, has taken"),
        "seconds": Column(_NUMBER, "since the training began, without the time between processes"),
    },
    by=By.TRAINING,
    group=Group.STUDENTS,
)

TABLES = (TRAINED_STUDENTS,)
