"""What a suite is: one benchmark with its tables, from its items to the scores of a subject."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile

import polars as pl

from sysgen_dagster.catalog.evaluation import Evaluation
from sysgen_dagster.tables.checks import Check
from sysgen_dagster.tables.table import Table


def asks_no_judge(_: Evaluation) -> int:
    """How many gradings of an item a judge is asked for where rules grade: none."""
    return 0


def asks_judge_once(_: Evaluation) -> int:
    """The same where one request has all that is to be graded of an answer."""
    return 1


@dataclass(frozen=True, slots=True)
class Suite:
    """One benchmark.

    Attributes:
        name: That of its settings in `catalog.evaluation.Evaluation`; its tables begin with it.
        title: For people.
        items: What is asked; None: a program of its own reads them.
        answers: What a subject answered; None: the same.
        gradings: What each answer is worth, or each part of one; by rules or by a judge.
        scores: `tables.SCORE_COLUMNS` of a subject.
        build_items: Makes `tables.ITEM_COLUMNS` of the rows of `gradings`.
        checks: What is true of its tables beside what is true of those of every suite.
        others: Further tables, such as translations.
        texts: The columns of `items` with the benchmark's words, which no student should have
            learned; those that it has not are left out.
        drop_reasons: Why a row of its tables is dropped, besides that a model gave no answer.
        is_share: Whether its scores are shares; else they are grades.
        gradings_an_item: How many requests a judge gets for a row of `items`.
        rows_an_item: How many rows of `items` there are for each that the settings ask for, such
            as the turns of a session.
    """

    name: str
    title: str
    items: Table | None
    answers: Table | None
    gradings: Table
    scores: Table
    build_items: Callable[[pl.DataFrame], pl.DataFrame]
    checks: tuple[Check, ...] = ()
    others: tuple[Table, ...] = ()
    texts: tuple[str, ...] = ("prompt", "messages", "system_message")
    drop_reasons: tuple[str, ...] = ()
    is_share: bool = True
    gradings_an_item: Callable[[Evaluation], int] = asks_no_judge
    rows_an_item: int = 1

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns that identify an item: those that its tables have first, all the same."""
        of_items = [table.names for table in (self.items, self.answers, self.gradings) if table]
        same = takewhile(lambda names: len(set(names)) == 1, zip(*of_items, strict=False))
        return tuple(names[0] for names in same)

    @property
    def tables(self) -> tuple[Table, ...]:
        """All of its tables, in the order in which they are made."""
        own = (self.items, *self.others, self.answers, self.gradings, self.scores)
        return tuple(table for table in own if table is not None)
