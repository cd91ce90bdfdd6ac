"""The drop reasons of the phases, and the drop reasons of all tables together."""

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.sysgen.drop_reasons import Dropped
from sysgen_dagster.sources.drop_reasons import Unusable


def test_the_reasons_come_in_the_order_of_the_phases() -> None:
    """Stored tables hold these words: a change needs a migration."""
    assert [reason.value for reason in Dropped] == [
        "malformed_boundary",
        "no_phrase_left",
        "nothing_verified",
        "refused",
        "contradicts_original",
    ]


def test_a_word_is_one_reason_in_all_tables() -> None:
    words = [reason.value for reasons in (Unusable, NoAnswer, Dropped) for reason in reasons]

    assert len(words) == len(set(words)) == 25
