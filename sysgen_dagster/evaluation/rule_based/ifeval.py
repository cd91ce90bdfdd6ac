"""IFEval and S-IFEval: rows of instructions that a program verifies, and what answers make of them.

IFEval (Google Research, Apache-2.0) has all in one user turn; S-IFEval, of RealGuardrails (Norman
Mu and others, arXiv 2502.12197, MIT), has its 541 prompts rewritten into a system message and a
user turn.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sysgen_dagster.chat.messages import ChatMessage, Role, Sampling
from sysgen_dagster.evaluation.instructions.verifying import find_hindrance, read_arguments, verify
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
        names, arguments = _read_names(name, number, given), _read_arguments(name, number, given)
        if not names or len(names) != len(arguments):
            raise SourceError(
                f"{name}, row {number}: it has {len(names)} instructions and the arguments of "
                f"{len(arguments)}"
            )
        constraints = [
            _build_constraint(messages, *each) for each in zip(names, arguments, strict=True)
        ]
        item = _read_key(name, number, given["key"])
        yield Item(item, item, messages, constraints)


def _read_names(name: str, number: int, row: Mapping[str, Any]) -> list[str]:
    column = "instruction_id_list"
    names = read_json(name, number, column, row[column])
    if not (isinstance(names, list) and all(isinstance(each, str) for each in names)):
        raise SourceError(f"{name}, row {number}: `{column}` is no list of texts: {names!r:.80}")
    return names


def _read_arguments(name: str, number: int, row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The arguments of each instruction; objects, or texts that are the JSON of such."""
    column = "kwargs"
    listed = read_json(name, number, column, row[column])
    each = listed if isinstance(listed, list) else [listed]
    read = [read_json(name, number, column, one) for one in each]
    if each is not listed or not all(one is None or isinstance(one, Mapping) for one in read):
        raise SourceError(f"{name}, row {number}: `{column}` is no list of objects: {listed!r:.80}")
    return [one or {} for one in read]


def _read_key(name: str, number: int, key: Any) -> str:
    whole = int(key) if isinstance(key, float) and key.is_integer() else key
    if not isinstance(whole, int | str):
        raise SourceError(f"{name}, row {number}: `key` is {key!r}, not a text or a whole number")
    return str(whole)


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
    given = read_arguments(arguments)
    place = find_place(messages, name, given)
    return Constraint(name, json.dumps(given), place.value, find_hindrance(name, given))


def keeps(answer: str, constraint: str, arguments: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether an answer keeps to an instruction, strictly and loosely."""
    strict = verify(answer, constraint, arguments)
    return strict, strict or verify(answer, constraint, arguments, loose=True)
