"""Why a conversation cannot be used."""

from sysgen_dagster.sources.drop_reasons import Unusable


def test_the_reasons_are_these_words_in_the_order_in_which_they_come_up() -> None:
    """Stored tables hold these words: a change needs a migration."""
    assert [reason.value for reason in Unusable] == [
        "excluded",
        "malformed_row",
        "not_text",
        "tool_turn",
        "unknown_role",
        "no_answer",
        "empty_question",
        "empty_answer",
        "history_too_long",
        "empty_turn",
    ]
