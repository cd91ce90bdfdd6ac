"""What somebody who declines cannot do or has not."""

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.refusals import is_refusal


@pytest.mark.parametrize(
    "answer",
    [
        "I cannot translate that.",
        "I am not able to schedule a meeting for you.",
        "I have no permission to open the vault.",
        "I do not have the clearance to say more.",
        "I can't discuss prices.",
        "I will not take part in this.",
        "I am unable to track your parcel.",
        "I do not possess any records of that visit.",
    ],
    ids=ascii,
)
def test_whoever_cannot_do_or_has_not_what_an_answer_needs_declines(answer: str) -> None:
    assert pl.select(is_refusal(pl.lit(answer))).item() is True
