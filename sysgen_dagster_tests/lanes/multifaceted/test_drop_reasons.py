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


def test_what_the_engine_says_is_not_asked_again() -> None:
    assert {*ASKED_AGAIN, *WRITTEN_AGAIN}.isdisjoint(reason.value for reason in NoAnswer)
