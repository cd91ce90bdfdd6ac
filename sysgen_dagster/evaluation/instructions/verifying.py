"""An answer held to one instruction, strictly or loosely.

Belongs here: what can be verified, and the two readings of an answer. Does not: the definition of
each instruction (`verifiers`).
"""

import re
from typing import Any

from sysgen_dagster.evaluation.instructions.counting import name_missing
from sysgen_dagster.evaluation.instructions.verifiers import RELATIONS, VERIFIERS, Arguments


def verify(answer: str, instruction_id: str, arguments: Arguments, *, loose: bool = False) -> bool:
    """Whether an answer keeps to an instruction.

    Args:
        answer: The answer, as the model gave it. An empty one keeps to nothing.
        instruction_id: Such as "length_constraints:number_words".
        arguments: Of the instruction; null ones do not count, which Parquet adds.
        loose: Whether it is enough that the answer keeps to it without its first line, its last
            line, or its asterisks: what some models put around what they were asked for.

    Raises:
        ValueError: The instruction cannot be verified; `find_hindrance` says so before.
    """
    hindrance = find_hindrance(instruction_id, arguments)
    if hindrance:
        raise ValueError(f"{instruction_id} cannot be verified: {hindrance}")
    readings = _read_loosely(answer) if loose else [answer]
    is_kept = VERIFIERS[instruction_id].is_kept
    return any(reading.strip() and is_kept(reading, arguments) for reading in readings)


def read_arguments(given: Arguments) -> dict[str, Any]:
    """The arguments of an instruction as its author wrote them, out of a table's row.

    A table has every argument of every instruction: those that are null or NaN are none, and whole
    numbers of a column with nulls have become floats, which are whole again here.
    """
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in given.items()
        if value is not None and value == value  # as NaN is not
    }


def can_verify(instruction_id: str, arguments: Arguments) -> bool:
    """Whether `verify` has a verdict for this instruction, here and now."""
    return find_hindrance(instruction_id, arguments) is None


def find_hindrance(instruction_id: str, arguments: Arguments) -> str | None:
    """Why an instruction cannot be verified, in words; None if it can."""
    verifier = VERIFIERS.get(instruction_id)
    if verifier is None:
        return "no rule for this instruction"
    for name, kind in verifier.arguments.items():
        fault = _find_fault(arguments.get(name), kind, is_pattern=name in verifier.patterns)
        if fault:
            return f"{name}: {fault}"
        if name.endswith("relation") and arguments[name] not in RELATIONS:
            return f"{name}: {arguments[name]!r} is none of {', '.join(map(repr, RELATIONS))}"
    return name_missing(verifier.modules)


def _find_fault(value: Any, kind: type, *, is_pattern: bool) -> str | None:
    if value is None:
        return "missing"
    if not isinstance(value, kind) or isinstance(value, bool):
        return f"{value!r} is no {kind.__name__}"
    if isinstance(value, int):
        return f"{value} is negative" if value < 0 else None
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        return f"{value!r} is or has an empty text"
    return next(filter(None, map(_find_bad_pattern, texts)), None) if is_pattern else None


def _find_bad_pattern(text: str) -> str | None:
    try:
        re.compile(text)
    except re.error as error:
        return f"{text!r} is no regular expression: {error}"
    return None


def _read_loosely(answer: str) -> list[str]:
    lines = answer.split("\n")
    parts = [lines[1:], lines[:-1], lines[1:-1]]
    readings = [answer, *("\n".join(part).strip() for part in parts)]
    return list(dict.fromkeys([*readings, *(each.replace("*", "") for each in readings)]))
