"""Drop reasons of the second lane."""

from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.multifaceted.drop_reasons import (
    ASKED_AGAIN,
    WRITTEN_AGAIN,
    Dropped,
    NoItem,
    NotTaken,
    Unpaired,
)
from sysgen_dagster.sources.drop_reasons import Unusable


def test_no_reason_has_the_name_of_another_one() -> None:
    every = [*NoAnswer, *Unusable, *Dropped, *NotTaken, *Unpaired, *NoItem]

    assert len({reason.value for reason in every}) == len(every)


def test_of_what_the_engine_says_only_a_reply_that_was_cut_is_asked_for_again() -> None:
    engine = {reason.value for reason in NoAnswer}

    assert engine & {*ASKED_AGAIN} == {"truncated"}
    assert not engine & {*WRITTEN_AGAIN}
