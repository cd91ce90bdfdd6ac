"""What an answer is held to, in the language of each kind of server."""

import pytest

from sysgen_dagster.chat.constraints import Constraint, ConstraintForm

SCHEMA = {"type": "object"}
IN_ALL = Constraint({"regex": "a|b"}, 'root ::= "a" | "b"', SCHEMA)
NOT_AS_JSON = Constraint({"grammar": "root ::= [a-z]"}, "root ::= [a-z]")


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        (ConstraintForm.STRUCTURED_OUTPUTS, {"structured_outputs": {"regex": "a|b"}}),
        (ConstraintForm.GRAMMAR, {"grammar": 'root ::= "a" | "b"'}),
        (
            ConstraintForm.RESPONSE_FORMAT,
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
                }
            },
        ),
    ],
)
def test_each_kind_of_server_gets_its_own_field(
    form: ConstraintForm, fields: dict[str, object]
) -> None:
    assert IN_ALL.fields(form) == fields


def test_what_json_cannot_say_is_not_asked_for_as_json() -> None:
    assert [form for form in ConstraintForm if NOT_AS_JSON.has(form)] == [
        ConstraintForm.STRUCTURED_OUTPUTS,
        ConstraintForm.GRAMMAR,
    ]
    assert all(IN_ALL.has(form) for form in ConstraintForm)
