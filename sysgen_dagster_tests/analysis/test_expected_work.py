"""The rough estimate of the requests and tokens of each phase, by characters."""

from typing import Any

import polars as pl
import pytest

from sysgen_dagster.analysis.expected_work import (
    SYSTEM_MESSAGE,
    TAGGED_MESSAGE,
    VERDICTS,
    expect_work,
    measure_texts,
)
from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.chat.messages import ChatMessage
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen import alignment, annotation, verification
from sysgen_dagster.lanes.sysgen.paper import SIMILARITY
from sysgen_dagster.lanes.sysgen.settings import Generator, Method
from sysgen_dagster.sources.tables import CONVERSATIONS

CATALOG = load_catalog(FULL_CATALOG)
PHI, METHOD = CATALOG.models["phi-4"], CATALOG.method
KEPT = 774_613 / 806_796  # of the paper's Table 2
FIRST, THIRD, FOURTH = (
    "annotated_system_messages",
    "verified_system_messages",
    "aligned_responses",
)
# The turns are 8, 4, 40 and 80 characters long.
ROW: dict[str, Any] = {
    "source": "metamath",
    "history": [{"role": "user", "content": "x" * 8}, {"role": "assistant", "content": "x" * 4}],
    "question": "x" * 40,
    "answer": "x" * 80,
}


def conversations(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{**ROW, **row} for row in rows], schema=CONVERSATIONS.schema)


def expected(
    *rows: dict[str, Any], model: Generator = PHI, method: Method = METHOD
) -> dict[str, tuple[float, float, float]]:
    """Requests, tokens in and tokens out of one conversation, by phase."""
    work = expect_work(measure_texts(conversations(*rows)), model, method)
    figures = ("requests", "prompt_tokens", "completion_tokens")
    return {phase: work.filter(phase=phase).select(figures).row(0) for phase in work["phase"]}


def test_the_characters_of_every_turn_are_added_up_by_source() -> None:
    rows = conversations({}, {"history": []}, {"source": "capybara", "question": "é" * 5})
    assert measure_texts(rows).rows() == [
        ("metamath", 2, 12, 80, 160),
        ("capybara", 1, 12, 5, 80),
    ]


def tokens(prompt: list[ChatMessage]) -> float:
    return sum(len(message["content"]) for message in prompt) / 4


def test_phase_1_is_shown_its_prompt_and_the_whole_conversation() -> None:
    prompt = tokens(annotation.PROMPT.render(mark="", messages=[]))
    requests, tokens_in, tokens_out = expected({})[FIRST]
    assert (requests, tokens_out) == (1, TAGGED_MESSAGE)
    assert tokens_in == pytest.approx(prompt + (8 + 4 + 40 + 80) / 4, abs=2)


def test_phase_3_is_shown_its_prompt_and_the_message_twice_whatever_the_conversation() -> None:
    empty = verification.PROMPT.render(mark="", system_message="", tagged_message="")
    requests, tokens_in, tokens_out = work = expected({})[THIRD]
    assert work == expected({"question": "Why?" * 500})[THIRD]
    assert (requests, tokens_out) == pytest.approx((KEPT, KEPT * VERDICTS))
    assert tokens_in == pytest.approx(KEPT * (tokens(empty) + 2 * TAGGED_MESSAGE), abs=2)


def test_phase_4_is_shown_the_message_and_what_was_said_but_not_the_answer() -> None:
    _, tokens_in, _ = expected({})[FOURTH]
    assert tokens_in == pytest.approx(KEPT * (SYSTEM_MESSAGE + (8 + 4 + 40) / 4))


def test_new_answers_are_longer_as_in_the_paper_and_end_at_the_limit() -> None:
    ratio, most = SIMILARITY["phi-4"]["length_ratio"], alignment.SAMPLING.max_tokens
    assert expected({})[FOURTH][2] == pytest.approx(KEPT * 80 / 4 * ratio)
    assert expected({"answer": "x" * 9000})[FOURTH][2] == pytest.approx(KEPT * most)


def test_of_a_model_that_the_paper_does_not_know_every_message_goes_on() -> None:
    work = expected({}, model=PHI.model_copy(update={"name": "mine"}))
    ratios = [figures["length_ratio"] for figures in SIMILARITY.values()]
    assert work[THIRD][0] == work[FOURTH][0] == 1
    assert work[FOURTH][2] == pytest.approx(80 / 4 * sum(ratios) / 3)


def test_several_messages_for_a_conversation_are_each_written_and_judged() -> None:
    one = expected({})
    three = expected({}, method=METHOD.model_copy(update={"samples": 3}))
    assert three[FIRST] == pytest.approx([3 * figure for figure in one[FIRST]])
    assert three[THIRD] == pytest.approx([4 * figure for figure in one[THIRD]])
    assert three[FOURTH] == one[FOURTH]


def test_a_conversation_is_the_mean_of_its_source() -> None:
    mean = expected({"question": "x" * 40}, {"question": "x" * 80})
    assert mean[FOURTH] == pytest.approx(expected({"question": "x" * 60})[FOURTH])


def test_another_answer_follows_as_often_as_one_is_not_aligned_in_the_paper() -> None:
    one, four = expected({})[FOURTH], expected({}, method=METHOD.changed({"answers": 4}))[FOURTH]
    times = 1 + 0.08 + 0.08**2 + 0.08**3

    assert four == pytest.approx(tuple(times * figure for figure in one))


def test_of_a_whole_conversation_every_answer_is_asked_for_after_what_was_said_before_it() -> None:
    rows = conversations({}, {"history": []})
    work = expect_work(measure_texts(rows, whole=True), PHI, METHOD).filter(phase=FOURTH)
    ratio = SIMILARITY["phi-4"]["length_ratio"]
    said = (8 + (8 + 4 + 40)) / 4, 40 / 4

    assert work.select("requests", "prompt_tokens", "completion_tokens").row(0) == pytest.approx(
        (
            KEPT * 1.5,
            KEPT * (3 * SYSTEM_MESSAGE + sum(said)) / 2,
            KEPT * ratio * (4 + 80 + 80) / 4 / 2,
        )
    )
