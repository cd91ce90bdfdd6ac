"""What the form of an answer is held to, written for each kind of server that can do it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ConstraintForm(StrEnum):
    """The field of a request in which a server takes a constraint, and so its language."""

    STRUCTURED_OUTPUTS = "structured_outputs"  # vLLM
    GRAMMAR = "grammar"  # llama.cpp: GBNF
    RESPONSE_FORMAT = "response_format"  # the OpenAI API and servers that follow it: a JSON schema


@dataclass(frozen=True, slots=True)
class Constraint:
    """One constraint in the languages of the servers.

    Attributes:
        structured: The value of vLLM's ``structured_outputs``, such as ``{"regex": ...}``. It alone
            is part of the ledger's key, where `is_needed`, since the others say the same.
        grammar: In GBNF.
        schema: As a JSON schema; None where JSON cannot say it.
        is_needed: Whether a server that holds no answer to it cannot be asked; if not, it answers
            freely.
    """

    structured: Mapping[str, str]
    grammar: str
    schema: Mapping[str, Any] | None = field(default=None)
    is_needed: bool = True

    def fields(self, form: ConstraintForm) -> dict[str, Any]:
        """The fields of a request that hold a server to it."""
        if form is ConstraintForm.STRUCTURED_OUTPUTS:
            return {form.value: dict(self.structured)}
        if form is ConstraintForm.GRAMMAR:
            return {form.value: self.grammar}
        schema = {"name": "answer", "strict": True, "schema": self.schema}
        return {form.value: {"type": "json_schema", "json_schema": schema}}

    def has(self, form: ConstraintForm) -> bool:
        """Whether it can be said in this form."""
        return form is not ConstraintForm.RESPONSE_FORMAT or self.schema is not None
