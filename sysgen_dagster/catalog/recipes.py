"""Training sets: how training rows are made, and which of them make up a named mixture."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from sysgen_dagster.catalog.entries import Entry, Name, Share, SourceName


class Variant(StrEnum):
    """What a training row is made of; the paper's sets and its ablations (sections 4 and 5)."""

    SYSGEN = "sysgen"  # S, Q, A'
    ORIGINAL_ANSWER = "original_answer"  # S, Q, A
    COMMON_SYSTEM_MESSAGE = "common_system_message"  # one message for all, Q, A
    NO_SYSTEM_MESSAGE = "no_system_message"  # Q, A
    USER_ROLE = "user_role"  # S at the start of the user turn, Q, A'


class Rejected(StrEnum):
    """Which answer a preference pair rejects; the new answer is the chosen one."""

    ORIGINAL_ANSWER = "original_answer"  # A, which knows nothing of S
    OTHER_SYSTEM_MESSAGE = "other_system_message"  # another model's A', written under its own S


class Training(Entry):
    """How training rows are made of the aligned ones."""

    common_system_message: str = "You are a helpful AI assistant."  # as in the paper's ablation
    # Whether the variants without S hold only the conversations that the others hold too.
    same_conversations: bool = True
    validation: Share = 0.01
    test: Share = 0.01
    seed: NonNegativeInt = 0  # of the splits

    @model_validator(mode="after")
    def _leaves_rows_to_train_on(self) -> Self:
        if self.validation + self.test >= 1:
            raise ValueError("`validation` and `test` together must leave rows to train on")
        return self


Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Recipe(Entry):
    """A named mixture of training rows or, with `rejected`, of preference pairs."""

    variant: Variant = Variant.SYSGEN
    rejected: tuple[Rejected, ...] = ()
    sources: tuple[SourceName, ...] = ()  # empty: all
    models: tuple[Name, ...] = ()  # empty: all
    rows: PositiveInt | None = None  # of the train split, at most, in all
    rows_of: Mapping[SourceName, PositiveInt] = {}  # of the train split, at most, of a source
    weights: Mapping[SourceName, Weight] = {}  # with `rows`: relative sizes; else 1
    least_tags: NonNegativeInt = 0  # different tags a message must hold
    leave_out: tuple[str, ...] = ()  # rows with one of these flags
    seed: NonNegativeInt = 0  # of the sample

    @model_validator(mode="after")
    def _weighs_a_number_of_rows(self) -> Self:
        if self.weights and self.rows is None:
            raise ValueError("`weights` divide `rows` among the sources: give `rows`")
        return self
