"""IFEval and S-IFEval: rows of instructions that a program verifies, and what answers make of them.

IFEval (Google Research, Apache-2.0) has all in one user turn; S-IFEval, of RealGuardrails (Norman
Mu and others, arXiv 2502.12197, MIT), has its 541 prompts rewritten into a system message and a
user turn.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sysgen_dagster.chat.messages import ChatMessage, Role, Sampling
from sysgen_dagster.evaluation.instructions.verifying import find_hindrance, verify
from sysgen_dagster.evaluation.rule_based.items import (
    Constraint,
    Item,
    read_json,
    read_messages,
)
from sysgen_dagster.evaluation.rule_based.stated import find_place
from sysgen_dagster.sources.recognition import SourceError

# As lm-evaluation-harness and RealGuardrails ask for answers.
SAMPLING = Sampling(temperature=0.0, max_tokens=1280)


def read_items(name: str, rows: Iterable[Any]) -> Iterator[Item]:
    """One item per row of the file, with its ``key`` as the id.

    Args:
        name: Of the benchmark, for messages.
        rows: With ``key``, ``instruction_id_list``, ``kwargs``, and ``messages`` or ``prompt``.

    Raises:
        SourceError: A row is none of this benchmark.
    """
    for number, row in enumerate(rows):
        given = row if isinstance(row, Mapping) else {}
        if missing := {"key", "instruction_id_list", "kwargs"} - given.keys():
            raise SourceError(f"{name}, row {number}: it has no {', '.join(sorted(missing))}")
        messages = _read_chat(name, number, given)
        names = read_json(name, number, "instruction_id_list", given["instruction_id_list"])
        arguments = read_json(name, number, "kwargs", given["kwargs"])
        if not names or len(names) != len(arguments):
            raise SourceError(
                f"{name}, row {number}: it has {len(names)} instructions and the arguments of "
                f"{len(arguments)}"
            )
        constraints = [
            _build_constraint(messages, each, given or {})
            for each, given in zip(names, arguments, strict=True)
        ]
        item = str(given["key"])
        yield Item(item, item, messages, constraints)


def _read_chat(name: str, number: int, row: Mapping[str, Any]) -> list[ChatMessage]:
    if row.get("messages") is not None:
        return read_messages(name, number, row["messages"])
    prompt = row.get("prompt")
    if not isinstance(prompt, str):
        raise SourceError(f"{name}, row {number}: it has neither `messages` nor a `prompt`")
    return [{"role": Role.USER, "content": prompt}]


def _build_constraint(
    messages: list[ChatMessage], name: str, arguments: Mapping[str, Any]
) -> Constraint:
    # Tables of the Hub have every argument of every instruction, most of them null.
    given = {key: value for key, value in arguments.items() if value is not None}
    place = find_place(messages, name, given)
    return Constraint(name, json.dumps(given), place.value, find_hindrance(name, given))


def keeps(answer: str, constraint: str, arguments: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether an answer keeps to an instruction, strictly and loosely."""
    strict = verify(answer, constraint, arguments)
    return strict, strict or verify(answer, constraint, arguments, loose=True)
