"""The rough estimate of what a judge will be asked about phrases."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.analysis.expected_judging import expect_judging
from sysgen_dagster.analysis.expected_work import SYSTEM_MESSAGE, VERDICTS
from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen import alignment
from sysgen_dagster.lanes.sysgen.paper import SIMILARITY
from sysgen_dagster.obedience.phrase_judgement import PROMPT

PHI = load_catalog(FULL_CATALOG).models["phi-4"]
KEPT = 774_613 / 806_796  # of the paper's Table 2
# Of 100 conversations: so many characters each.
HISTORY, QUESTION, ANSWER = 12, 40, 80


def expected(judged: Any, answer: int = ANSWER, conversations: int = 100) -> tuple[float, ...]:
    """Requests, tokens in and tokens out of one conversation."""
    lengths = {"history": HISTORY, "question": QUESTION, "answer": answer}
    sums = {name: float(length * conversations) for name, length in lengths.items()}
    texts = pl.DataFrame({"source": "a", "conversations": conversations, **sums})
    work = expect_judging(texts, PHI, judged)

    assert work.select("source", "phase").row(0) == ("a", "obedience")
    return work.drop("source", "phase").row(0)


def test_each_kept_row_is_one_request_with_the_prompt_the_message_twice_and_every_text() -> None:
    prompt = sum(
        len(turn["content"]) / 4
        for turn in PROMPT.render(
            mark="", system_message="", phrases=[], turns=[], asks_declines=False
        )
    )
    texts = (HISTORY + QUESTION + ANSWER * SIMILARITY["phi-4"]["length_ratio"]) / 4
    requests, tokens_in, tokens_out = expected("all")

    assert (requests, tokens_out) == pytest.approx((KEPT, KEPT * VERDICTS))
    assert tokens_in == pytest.approx(KEPT * (prompt + 2 * SYSTEM_MESSAGE + texts), abs=2)


def test_a_sample_is_that_many_rows_of_the_source_and_no_more_than_are_kept() -> None:
    whole = expected("all")

    assert expected(20) == pytest.approx([figure / KEPT * 0.2 for figure in whole])
    assert expected(5_000) == pytest.approx(whole)
    assert expected(20, conversations=10) == pytest.approx(whole)


def test_no_answer_is_longer_than_phase_4_lets_it_be() -> None:
    most = alignment.SAMPLING.max_tokens
    longer = expected("all", answer=90_000)[1] - expected("all", answer=0)[1]

    assert longer == pytest.approx(KEPT * most)
