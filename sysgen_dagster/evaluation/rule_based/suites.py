"""S-IFEval, IFEval and Tensor Trust as suites, with how each is read, asked, graded and scored."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from sysgen_dagster.chat.messages import Sampling
from sysgen_dagster.evaluation.rule_based import ifeval, tensor_trust
from sysgen_dagster.evaluation.rule_based.checks import build_checks
from sysgen_dagster.evaluation.rule_based.grading import Keeps
from sysgen_dagster.evaluation.rule_based.items import Item
from sysgen_dagster.evaluation.rule_based.scores import (
    build_instruction_items,
    build_tensor_trust_items,
)
from sysgen_dagster.evaluation.rule_based.tables import (
    SuiteTables,
    declare_tables,
)
from sysgen_dagster.evaluation.suite import Suite
from sysgen_dagster.evaluation.tables import NOT_VERIFIABLE


@dataclass(frozen=True, slots=True)
class RuleBench:
    """A benchmark that rules grade.

    Attributes:
        name: That of its settings.
        title: For people.
        read_items: Makes items of its name and the rows of its files, each with its file's name.
        keeps: Whether an answer keeps a constraint.
        sampling: How it asks for answers.
        build_items: What its items are worth, of their gradings.
    """

    name: str
    title: str
    read_items: Callable[[str, Iterable[tuple[str, Any]]], Iterator[Item]]
    keeps: Keeps
    sampling: Sampling
    build_items: Callable[[pl.DataFrame], pl.DataFrame]

    @property
    def tables(self) -> SuiteTables:
        """Its items, answers, gradings and scores."""
        return declare_tables(self.name)

    @property
    def suite(self) -> Suite:
        """It as one of the suites."""
        checks = build_checks(self.tables)
        return Suite(
            *(self.name, self.title, *self.tables, self.build_items, checks),
            drop_reasons=(NOT_VERIFIABLE,),
        )


def _read_instructions(name: str, rows: Iterable[tuple[str, Any]]) -> Iterator[Item]:
    return ifeval.read_items(name, (row for _, row in rows))


def _of_instructions(name: str, title: str) -> RuleBench:
    return RuleBench(
        name, title, _read_instructions, ifeval.keeps, ifeval.SAMPLING, build_instruction_items
    )


BENCHES = (
    _of_instructions("s_ifeval", "S-IFEval"),
    _of_instructions("ifeval", "IFEval"),
    RuleBench(
        "tensor_trust",
        "Tensor Trust",
        tensor_trust.read_items,
        tensor_trust.keeps,
        tensor_trust.SAMPLING,
        build_tensor_trust_items,
    ),
)
SUITES = tuple(bench.suite for bench in BENCHES)
