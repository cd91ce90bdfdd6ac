"""The chat format and the seeds."""

from hypothesis import given
from hypothesis import strategies as st

from sysgen_dagster.chat.messages import Role, derive_seed


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
