"""What servers of a model can do together, and how it is said."""

from dataclasses import replace
from pathlib import Path

import pytest

from sysgen_dagster.catalog.models import RequestSettings
from sysgen_dagster.chat.constraints import ConstraintForm
from sysgen_dagster.inference.capabilities import common_capabilities, describe
from sysgen_dagster.inference.chat_api import ModelIdentity, ServerCapabilities
from sysgen_dagster_tests.inference.batches import endpoint_at
from sysgen_dagster_tests.inference.deployments import connect, endpoint, engines_for
from sysgen_dagster_tests.simulated import running_server

ABLE = ServerCapabilities(8192, has_tokenizer=True, constraint_form=ConstraintForm.GRAMMAR)


@pytest.mark.parametrize(
    ("other", "both"),
    [
        (ABLE, ABLE),
        (replace(ABLE, context_tokens=4096), replace(ABLE, context_tokens=4096)),
        (replace(ABLE, context_tokens=None), ABLE),
        (replace(ABLE, has_tokenizer=False), replace(ABLE, has_tokenizer=False)),
        (replace(ABLE, has_system_role=False), replace(ABLE, has_system_role=False)),
        (replace(ABLE, thinks=True), replace(ABLE, thinks=True)),
        (
            replace(ABLE, refuses=frozenset({"seed"})),
            replace(ABLE, refuses=frozenset({"seed"})),
        ),
        (
            replace(ABLE, constraint_form=ConstraintForm.RESPONSE_FORMAT),
            replace(ABLE, constraint_form=None),
        ),
    ],
)
def test_of_several_servers_that_is_relied_on_which_all_can(
    other: ServerCapabilities, both: ServerCapabilities
) -> None:
    assert common_capabilities([ABLE, other]) == both
    assert common_capabilities([other, ABLE]) == both


def test_what_was_learned_is_one_line_that_says_what_follows() -> None:
    able = replace(endpoint_at("http://127.0.0.1:9/v1"), capabilities=ABLE)
    assert describe(able) == (
        "phi: context of 8,192 tokens; is held to the form of answers by `grammar`"
    )
    poor = ServerCapabilities(has_system_role=False, refuses=frozenset({"top_k", "seed"}))
    assert describe(replace(able, capabilities=poor)) == (
        "phi: context of unknown length; counts no tokens, so long rows cannot be "
        "shortened to fit; its chat template shows no system message: it goes to the user turn; "
        "refuses seed, top_k, which are left out"
    )


def test_how_far_a_model_may_think_is_said() -> None:
    settings = RequestSettings(reasoning_tokens=512)
    model = ModelIdentity("phi-4", "phi", None, "endpoint", request=settings)
    endpoint = replace(endpoint_at("http://127.0.0.1:9/v1"), model=model, capabilities=ABLE)
    assert "may think for 512 tokens before its text" in describe(endpoint)


def test_of_several_replicas_that_is_relied_on_which_all_can(
    folder: Path, server: running_server.Server
) -> None:
    small = running_server.running(
        "--max-model-len", "2048", "--no-tokenizer", "--drops-system-role", "phi"
    )
    with small as other:
        for servers in ((server, other), (other, server)):
            urls = [f"{each.url}/v1" for each in servers]
            found = connect(engines_for(folder, endpoint(*urls)))
            assert found.capabilities == ServerCapabilities(
                2048, has_tokenizer=False, has_system_role=False
            )
