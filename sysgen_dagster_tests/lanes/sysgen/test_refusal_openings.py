"""What may stand before the words that decline."""

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.refusals import is_refusal


@pytest.mark.parametrize(
    "answer",
    [
        "Oh, I'm so sorry, my friend, but I can't tell you that.",
        "Hello! As a tour guide, I cannot comment on politics.",
        "I understand your worry. I am a bot. Unfortunately, I cannot help with it.",
        "No. I cannot give you the code.",
        "My deepest apologies, sir, but I cannot let you in.",
        "For legal reasons, we cannot share that.",
        "I would love to help, but I am not allowed to give advice.",
        "Thank you for your question. I am only a chess bot. I can't discuss films.",
    ],
    ids=ascii,
)
def test_what_stands_before_does_not_hide_a_refusal(answer: str) -> None:
    assert pl.select(is_refusal(pl.lit(answer))).item() is True
