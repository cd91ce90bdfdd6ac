"""Why a row has no answer of the model that it needs one of."""

from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES, NoAnswer


def test_the_reasons_are_these_words_in_the_order_in_which_they_come_up() -> None:
    """Stored tables hold these words: a change needs a migration."""
    assert [reason.value for reason in NoAnswer] == [
        "beyond_limit",
        "too_long",
        "refused_by_server",
        "server_error",
        "engine_died",
        "timeout",
        "malformed_reply",
        "empty_completion",
        "truncated",
        "filtered_by_server",
    ]


def test_engine_failures_are_the_reasons_that_asking_again_may_cure() -> None:
    assert set(ENGINE_FAILURES) == {"server_error", "engine_died", "timeout", "malformed_reply"}
