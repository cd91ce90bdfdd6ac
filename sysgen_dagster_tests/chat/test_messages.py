"""The chat format and the seeds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.catalog.models import RequestSettings
from sysgen_dagster.chat.messages import ChatRequest, Role, Sampling, derive_seed, with_settings


@given(st.text(), st.text(), st.integers(0, 10))
def test_a_seed_is_one_that_every_server_takes(
    conversation_id: str, phase: str, attempt: int
) -> None:
    assert 0 <= derive_seed(conversation_id, phase, attempt) < 2**31


def test_seeds_are_these_in_every_run_and_release() -> None:
    assert derive_seed("capybara-0123456789abcdef-0", "aligned_responses") == 1318673847
    assert derive_seed("capybara-0123456789abcdef-0", "aligned_responses", attempt=1) == 871176567


def test_seeds_differ_between_conversations_phases_and_attempts() -> None:
    seeds = [
        derive_seed(conversation_id, phase, attempt)
        for conversation_id in ("c0", "c1", "c2")
        for phase in (
            "annotated_system_messages",
            "verified_system_messages",
            "aligned_responses",
        )
        for attempt in (0, 1, 2)
    ]

    assert len(set(seeds)) == 27


def test_seeds_are_spread_over_their_range() -> None:
    seeds = sorted(derive_seed(f"c{number}", "aligned_responses") for number in range(1000))

    assert len(set(seeds)) == 1000
    assert seeds[0] < 2**31 // 50
    assert seeds[-1] > 2**31 // 50 * 49


def test_roles_are_those_of_openai_compatible_servers() -> None:
    assert [role.value for role in Role] == ["system", "user", "assistant"]


ASKED = ChatRequest("a-1", [], Sampling(temperature=0.7, max_tokens=512), seed=1)


@pytest.mark.parametrize(
    ("settings", "sampling"),
    [
        ({}, Sampling(0.7, 512)),
        ({"temperature": 0.0}, Sampling(0.0, 512)),
        ({"temperature": 1.0, "top_p": 0.95}, Sampling(1.0, 512, 0.95)),
        ({"phases": {"notes": {"temperature": 0.0}}, "temperature": 1.0}, Sampling(0.0, 512)),
        ({"phases": {"notes": {"max_tokens": 64}}, "top_p": 0.9}, Sampling(0.7, 64, 0.9)),
        ({"repetition_penalty": 1.03}, Sampling(0.7, 512, 1.0, 1.03)),
        (
            {"phases": {"notes": {"repetition_penalty": 1.0}}, "repetition_penalty": 1.03},
            Sampling(0.7, 512),
        ),
        ({"phases": {"other_notes": {"max_tokens": 64}}}, Sampling(0.7, 512)),
    ],
)
def test_the_catalogue_changes_how_a_phase_is_asked_of_a_model(
    settings: dict[str, object], sampling: Sampling
) -> None:
    changed = with_settings(ASKED, RequestSettings.model_validate(settings), "notes")
    assert changed.sampling == sampling
