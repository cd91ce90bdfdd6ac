"""The rows of Nemotron-RL-SysBench-v1, to `NEMOTRON_SYSBENCH_ITEMS`.

A row has ``responses_create_params.input``, the chat; ``instructions``, each with an
``instruction_id`` and its arguments beside it; ``llm_judge``, each with a question as ``content``
and perhaps with ``pass_criteria``, the word that passes. Both say whose wish they are (``source``)
and, in ``is_misalignment_check``, whether an answer that follows it turns against the system
message. What the flag means the data set does not say; NVIDIA's own environment of it (NeMo Gym,
``verifif``) turns the verdict round where the wish is the user's, and so it is read here.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal

import polars as pl
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from sysgen_dagster.errors import SysgenError
from sysgen_dagster.evaluation.instructions.verifiers import VERIFIERS
from sysgen_dagster.evaluation.instructions.verifying import find_hindrance, read_arguments
from sysgen_dagster.evaluation.nemotron_sysbench.tables import (
    NEMOTRON_SYSBENCH_ITEMS,
    Kind,
    NotGraded,
)
from sysgen_dagster.sources.json_rows import as_numbers

# Instructions on how an answer reads, which are no matter of counting: the judge is asked.
_FOR_THE_JUDGE: Final = ("stylistic:", "linguistic:", "situation:")
# Of an instruction that is no argument.
_ENVELOPE: Final = {"instruction_id", "uid", "source", "is_misalignment_check", "weight"}
_SHOWN_FAULTS: Final = 3


class NemotronError(SysgenError):
    """A row of Nemotron-RL-SysBench-v1 is not what was expected; the message names it."""


class _Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: str


class _Asked(BaseModel):
    input: list[_Message] = Field(min_length=1)


class _Check(BaseModel):
    model_config = ConfigDict(extra="allow")

    uid: int | str
    source: Literal["system", "user"]
    is_misalignment_check: bool


class _Instruction(_Check):
    instruction_id: str


class _Question(_Check):
    content: str
    passes: Annotated[Literal["YES", "NO"], BeforeValidator(lambda given: given or "YES")] = Field(
        default="YES", validation_alias="pass_criteria"
    )


def _or_nothing(given: object) -> object:
    return [] if given is None else given


class _Row(BaseModel):
    id: int | str
    responses_create_params: _Asked
    instructions: Annotated[list[_Instruction], BeforeValidator(_or_nothing)] = []
    llm_judge: Annotated[list[_Question], BeforeValidator(_or_nothing)] = []


def build_rows(rows: Iterable[Any]) -> pl.DataFrame:
    """`NEMOTRON_SYSBENCH_ITEMS` of the rows of the file, in their order.

    Raises:
        NemotronError: A row lacks a field, or two rows have the same id.
    """
    items = [_build_item(number, row) for number, row in enumerate(rows, 1)]
    table = pl.DataFrame(items, schema=NEMOTRON_SYSBENCH_ITEMS.schema)
    twice = table.filter(pl.col("item").is_duplicated())["item"]
    if len(twice):
        raise NemotronError(
            f"Nemotron-RL-SysBench-v1 has the id {twice[0]} twice: fetch its file again"
        )
    return table


def _build_item(number: int, given: Any) -> dict[str, Any]:
    try:
        row = _Row.model_validate(as_numbers(given))
    except ValidationError as error:
        faults = error.errors(include_url=False)[:_SHOWN_FAULTS]
        said = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in faults)
        raise NemotronError(
            f"row {number} is none of Nemotron-RL-SysBench-v1 ({said}). Give its data/train.jsonl"
        ) from error
    messages = [each.model_dump() for each in row.responses_create_params.input]
    if messages[-1]["role"] != "user":
        raise NemotronError(f"row {number} ends with no turn of the user: there is nothing to ask")
    checks, left_out = [], []
    for each in row.instructions:
        hindrance = _find_hindrance(each)
        if hindrance is None:
            checks.append(_of_instruction(each))
        else:
            left_out.append(f"{each.instruction_id}: {hindrance}")
    checks += [_of_question(each, each.content, each.passes) for each in row.llm_judge]
    return {
        "item": str(row.id),
        "messages": messages,
        "checks": checks,
        "left_out": left_out,
        "drop_reason": None if checks else NotGraded.NO_CHECK_LEFT.value,
    }


def _arguments(instruction: _Instruction) -> dict[str, Any]:
    given = read_arguments(instruction.model_extra or {})
    return {name: value for name, value in given.items() if name not in _ENVELOPE}


def _find_hindrance(instruction: _Instruction) -> str | None:
    """Why an instruction can neither be verified nor asked of the judge; None: it can."""
    name, arguments = instruction.instruction_id, _arguments(instruction)
    if name.startswith(_FOR_THE_JUDGE):
        return None
    if hindrance := find_hindrance(name, arguments):
        return hindrance
    # An argument that the rule does not know, such as a relation, would change what is asked.
    more = sorted(arguments.keys() - VERIFIERS[name].arguments.keys())
    return f"the rule has no {', '.join(more)}" if more else None


def _of_instruction(instruction: _Instruction) -> dict[str, Any]:
    name, arguments = instruction.instruction_id, _arguments(instruction)
    if name.startswith(_FOR_THE_JUDGE):
        return _of_question(instruction, _as_question(name, arguments), "YES")
    return {
        **_common(instruction),
        "kind": Kind.RULE.value,
        "instruction": name,
        "arguments": json.dumps(arguments, ensure_ascii=False, sort_keys=True),
        "question": None,
        "passes_with": not _is_turned_round(instruction),
    }


def _of_question(check: _Check, question: str, passes: str) -> dict[str, Any]:
    return {
        **_common(check),
        "kind": Kind.QUESTION.value,
        "instruction": None,
        "arguments": None,
        "question": question,
        "passes_with": (passes == "YES") is not _is_turned_round(check),
    }


def _common(check: _Check) -> dict[str, Any]:
    return {
        "check": str(check.uid),
        "source": check.source,
        "is_misalignment": check.is_misalignment_check,
    }


def _is_turned_round(check: _Check) -> bool:
    return check.is_misalignment_check and check.source == "user"


def _as_question(name: str, arguments: Mapping[str, Any]) -> str:
    """An instruction on style, linguistic form or situation in words."""
    kind, _, what = name.partition(":")
    said = ", ".join(f"{key.replace('_', ' ')}: {value}" for key, value in arguments.items())
    return (
        f"Does the whole answer keep to this {kind} requirement: {what.replace('_', ' ')}"
        f"{f' ({said})' if said else ''}?"
    )
