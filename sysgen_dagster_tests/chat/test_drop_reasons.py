"""Why a conversation does not go on."""

from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES


def test_the_reasons_come_in_the_order_of_the_pipeline() -> None:
    """Stored tables hold these words: a change needs a migration."""
    assert [reason.value for reason in DropReason] == [
        "excluded",
        "unknown_role",
        "no_answer",
        "empty_question",
        "empty_answer",
        "empty_turn",
        "beyond_limit",
        "too_long",
        "refused_by_server",
        "server_error",
        "engine_died",
        "timeout",
        "malformed_reply",
        "empty_completion",
        "malformed_boundary",
        "no_phrase_left",
        "nothing_verified",
        "truncated",
        "refused",
    ]


def test_engine_failures_are_the_reasons_that_asking_again_may_cure() -> None:
    assert set(ENGINE_FAILURES) == {"server_error", "engine_died", "timeout", "malformed_reply"}
