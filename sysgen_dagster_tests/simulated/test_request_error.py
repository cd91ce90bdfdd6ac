"""The bodies of errors, in the form of vLLM's."""

import pytest

from sysgen_dagster.simulated.request_error import RequestError


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "BadRequestError"), (404, "NotFoundError"), (503, "ServiceUnavailableError")],
)
def test_the_body_names_the_kind_of_error_that_belongs_to_the_status(
    status: int, kind: str
) -> None:
    assert RequestError("No.", status=status, param="model").body() == {
        "error": {"message": "No.", "type": kind, "param": "model", "code": status}
    }


def test_an_error_is_a_bad_request_unless_it_says_otherwise() -> None:
    assert RequestError("No.").body()["error"]["code"] == 400
