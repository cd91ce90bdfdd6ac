"""Why a conversation cannot be used."""

from pathlib import Path

from sysgen_dagster.sources.dialogue import MOST_CHARACTERS, MOST_TURNS
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


def test_the_settings_tell_of_every_reason_and_of_the_bounds() -> None:
    told = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    assert [reason for reason in Unusable if f"`{reason}`" not in told] == []
    assert f"more than {MOST_TURNS:,} turns or {MOST_CHARACTERS:,} characters" in told
