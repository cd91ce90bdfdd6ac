"""What is to be expected of the phases: real prompts, and stand-ins for what is not written yet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.analysis.expected_work import PHASES, estimate_work
from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.chat.messages import ChatMessage
from sysgen_dagster.lanes.catalog import load_catalog
from sysgen_dagster.lanes.sysgen import alignment, annotation
from sysgen_dagster.lanes.sysgen.paper import SIMILARITY
from sysgen_dagster.lanes.sysgen.settings import Generator, Method
from sysgen_dagster.sources.tables import CONVERSATIONS

CATALOG = load_catalog(FULL_CATALOG)
PHI, METHOD = CATALOG.models["phi-4"], CATALOG.method
KEPT = 774_613 / 806_796
FIRST, THIRD, FOURTH = PHASES


@dataclass
class Characters:
    """A token for each character."""

    context_tokens: int | None = None
    how: str = "characters"

    def prompts(self, prompts: Iterable[Sequence[ChatMessage]]) -> tuple[list[int], int]:
        return [sum(len(turn["content"]) for turn in turns) for turns in prompts], 7

    def texts(self, texts: Iterable[str]) -> list[int]:
        return list(map(len, texts))


def conversations(*rows: dict[str, Any]) -> pl.DataFrame:
    told = [
        {
            "conversation_id": str(number),
            "source": "metamath",
            "history": [],
            "question": "How many?",
            "answer": "Nine.",
            **row,
        }
        for number, row in enumerate(rows)
    ]
    return pl.DataFrame(told, schema=CONVERSATIONS.schema)


def expected(
    rows: pl.DataFrame,
    model: Generator = PHI,
    method: Method = METHOD,
    context: int | None = None,
) -> dict[str, pl.DataFrame]:
    work, _ = estimate_work(rows, model, method, Characters(context))
    return {phase: work.filter(phase=phase) for phase in PHASES}


def test_phase_1_s_prompts_are_those_that_will_be_sent() -> None:
    rows = conversations({}, {"question": "Why?" * 50})
    sent = [request.messages for request in annotation.build_annotation_requests(rows)]
    work = expected(rows)[FIRST]
    assert work["prompt_tokens"].to_list() == Characters().prompts(sent)[0]
    assert work["requests"].to_list() == [1, 1]


def test_only_the_paper_s_share_of_the_rows_is_asked_about_later() -> None:
    work = expected(conversations({}))
    assert work[THIRD]["requests"].item() == pytest.approx(KEPT)
    assert work[FOURTH]["requests"].item() == pytest.approx(KEPT)


def test_of_a_model_that_the_paper_does_not_know_every_row_goes_on() -> None:
    work = expected(conversations({}), PHI.model_copy(update={"name": "mine"}))
    assert work[THIRD]["requests"].item() == 1


def test_new_answers_are_longer_as_in_the_paper_and_end_at_the_limit() -> None:
    work = expected(conversations({"answer": "x" * 100}, {"answer": "x" * 5000}))[FOURTH]
    ratio, most = SIMILARITY["phi-4"]["length_ratio"], alignment.SAMPLING.max_tokens
    assert (work["completion_tokens"] / KEPT).to_list() == pytest.approx([100 * ratio, most])


def test_the_demonstrations_of_the_prompt_stand_in_for_messages_in_turn() -> None:
    written = expected(conversations({}, {}, {}, {}))[FIRST]["completion_tokens"]
    assert written.n_unique() == 3
    assert written[0] == written[3]
    assert 100 < written.min() < written.max() < 1000


def test_several_samples_and_a_repair_are_more_requests_of_phase_1() -> None:
    several = METHOD.model_copy(update={"samples": 3, "repair": True})
    work = expected(conversations({}), method=several)
    none, judged = (1 - KEPT) ** 3, 3 * KEPT * (1 - (1 - KEPT) ** 2)
    assert work[FIRST]["requests"].item() == pytest.approx(3 + none + judged)
    assert work[THIRD]["requests"].item() == 1
    alone = expected(conversations({}))[FIRST]["prompt_tokens"].item()
    assert work[FIRST]["prompt_tokens"].item() > 3 * alone


# Where the context is small


def size(row: dict[str, Any]) -> int:
    return int(expected(conversations(row))[FIRST]["prompt_tokens"].item())


def test_a_prompt_whose_answer_can_be_cut_fills_the_context() -> None:
    row = {"answer": "x" * 4000}
    room = size(row) - 3000
    work = expected(conversations(row), context=room + annotation.SAMPLING.max_tokens)
    assert work[FIRST]["prompt_tokens"].item() == pytest.approx(0.97 * room)


@pytest.mark.parametrize("answer", ["Nine.", "x" * 4000])
def test_a_row_that_cannot_be_cut_enough_is_never_asked_about(answer: str) -> None:
    row = {"question": "Why?" * 1000, "answer": answer}
    room = size({"question": "Why?" * 1000, "answer": "x" * 390}) - 1
    work = expected(conversations(row), context=room + annotation.SAMPLING.max_tokens)
    asked = {phase: each["requests"].item() for phase, each in work.items()}
    assert asked == dict.fromkeys(PHASES, 0) if len(answer) > 400 else asked[FIRST] == 1


def test_what_all_prompts_begin_with_is_told_by_phase() -> None:
    _, shared = estimate_work(conversations({}), PHI, METHOD, Characters())
    assert shared == dict.fromkeys(PHASES, 7)


def test_no_rows_are_no_work() -> None:
    work, _ = estimate_work(conversations(), PHI, METHOD, Characters())
    assert work.is_empty()
