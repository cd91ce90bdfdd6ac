"""What an answer gives after it has declined."""

import polars as pl
import pytest

from sysgen_dagster.lanes.sysgen.refusals import is_refusal


@pytest.mark.parametrize(
    "answer",
    [
        "I cannot give a diagnosis. Typically, such pain comes from the muscles.",
        "I can't say when it ends. It lasts between two and four hours.",
        "I do not have live data, but a ticket costs around 30 euros.",
        "I can't write it for you. Here are three ideas: a cat, a dog, a bird.",
        "I can't run code.\n\n```python\nprint(1)\n```",
        "I cannot name the best one.\n1. Rome\n2. Paris",
        "I can't let you in, said the guard.",
        "I cannot draw it. Instead, think of a red barn in a green field.",
    ],
    ids=ascii,
)
def test_an_answer_that_gives_something_after_all_is_no_refusal(answer: str) -> None:
    assert pl.select(is_refusal(pl.lit(answer))).item() is False
