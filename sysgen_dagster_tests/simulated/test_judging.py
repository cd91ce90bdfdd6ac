"""What the simulated judges say, and how often, through the pipeline's own requests and readers."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from random import Random

import polars as pl
import pytest

from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.evaluation.nemotron_sysbench.grading import QUESTIONS
from sysgen_dagster.evaluation.sysbench.grading import CONSTRAINTS
from sysgen_dagster.inference.client import complete
from sysgen_dagster.inference.engines import Engines
from sysgen_dagster.inference.ledger import Ledger
from sysgen_dagster.inference.progress import Progress
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.obedience.alignment_judgement import (
    build_alignment_judgement_requests,
    build_judged_alignment,
    summarize_alignment,
)
from sysgen_dagster.obedience.numbered_verdicts import NumberedVerdicts
from sysgen_dagster.obedience.phrase_judgement import build_obedience, build_phrase_requests
from sysgen_dagster.obedience.preference_judgement import (
    build_judged_preferences,
    build_preference_requests,
    summarize_preferences,
)
from sysgen_dagster.obedience.tables import PHRASE_VERDICTS
from sysgen_dagster.simulated.constraints import parse_constraint
from sysgen_dagster.simulated.judging import is_kept, judge_checklist, judge_questions
from sysgen_dagster.simulated.profiles import PROFILES, FailureProfile
from sysgen_dagster.simulated.prose import NOTICE
from sysgen_dagster.simulated.reading import Phase, recognise
from sysgen_dagster.simulated.writer import write_answer
from sysgen_dagster.tables.columns import MESSAGES
from sysgen_dagster_tests.lanes.sysgen.frames import completions, replied
from sysgen_dagster_tests.simulated.conversations import conversations, folded, request
from sysgen_dagster_tests.simulated.running_server import Server, running

COUNT = 1500
# Figure 3: the mean of each model's five bars in legend order; Figure 5: aligned, not aligned.
PRINTED = {
    "llama-3.1-8b": (0.675, 0.83, 0.13),
    "qwen2.5-14b": (0.529, 0.81, 0.17),
    "phi-4": (0.676, 0.91, 0.08),
}
SCHEMA = {
    "conversation_id": pl.String(),
    "source": pl.String(),
    "question": pl.String(),
    "history": MESSAGES,
    "answer": pl.String(),
    "system_message": pl.String(),
    "new_answer": pl.String(),
}


def rows(count: int) -> pl.DataFrame:
    history = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]
    records = [
        (f"c{n}", "mine", question, history, answer, "Be kind.", f"{NOTICE} {answer[::-1]}")
        for n, (question, answer) in enumerate(conversations(count))
    ]
    return pl.DataFrame(records, schema=SCHEMA, orient="row")


ROWS = rows(COUNT)
every_model = pytest.mark.parametrize("name", PROFILES)


def replies(requests: Iterator[ChatRequest], name: str) -> pl.DataFrame:
    """What a model says to requests, without a server between."""
    return completions(
        *(
            replied(each.request_id, write_answer(request([*each.messages]), profile).text)
            for profile in [PROFILES[name]]
            for each in requests
        )
    )


@pytest.mark.parametrize("fold", [False, True])
def test_each_judge_s_prompt_is_recognised_with_and_without_a_system_role(fold: bool) -> None:
    judges = {
        Phase.JUDGE_PREFERENCE: next(build_preference_requests(ROWS)),
        Phase.JUDGE_ALIGNMENT: next(build_alignment_judgement_requests(ROWS)),
        Phase.JUDGE_OBEDIENCE: next(build_phrase_requests(WITH_PHRASES)),
    }
    for phase, asked in judges.items():
        messages = [*asked.messages]
        assert recognise(folded(messages) if fold else messages)[0] is phase


@pytest.mark.parametrize(
    ("verdicts", "judge"), [(CONSTRAINTS, judge_checklist), (QUESTIONS, judge_questions)]
)
def test_of_numbered_parts_each_has_a_verdict_in_the_words_that_are_asked_for(
    verdicts: NumberedVerdicts, judge: Callable[[str, FailureProfile, Random], str]
) -> None:
    label = verdicts.label.lower()
    turn = "[answer, 0]\nHi.\n[end of answer, 0]\n" + "\n".join(
        f"[{label} {n}, 0]\nIs it {n}?\n[end of {label} {n}, 0]" for n in range(1, 41)
    )
    words = [
        word
        for seed in range(20)
        for word in verdicts.parse(judge(turn, PROFILES["phi-4"], Random(seed)), 40, "stop")
    ]
    assert words.count(None) < 0.1 * len(words)
    assert words.count(verdicts.words[0]) > 0.7 * len(words)
    assert set(words) >= set(verdicts.words)


@every_model
def test_preferences_are_as_frequent_as_the_paper_says_in_the_paper_s_order(name: str) -> None:
    judged = build_judged_preferences(
        ROWS, replies(build_preference_requests(ROWS), name), name, True
    )
    [_, summary] = summarize_preferences(judged).iter_rows(named=True)
    count = summary["conversations"]

    assert summary["paper_order_rate"] == pytest.approx(PRINTED[name][0], abs=0.03)
    assert summary["ties"] - summary["inconsistent"] == pytest.approx(0.09 * count, rel=0.25)
    assert summary["inconsistent"] == pytest.approx(0.09 * count, rel=0.25)
    assert summary["first_shown_share"] == pytest.approx(0.54, abs=0.02)
    assert 0 < summary["not_judged"] < 0.04 * COUNT


@every_model
def test_alignment_is_as_frequent_as_the_paper_says(name: str) -> None:
    judged = build_judged_alignment(
        ROWS, replies(build_alignment_judgement_requests(ROWS), name), name, True
    )
    [_, summary] = summarize_alignment(judged).iter_rows(named=True)

    assert summary["aligned_share"] == pytest.approx(PRINTED[name][1], abs=0.025)
    assert summary["not_aligned_share"] == pytest.approx(PRINTED[name][2], abs=0.025)
    assert 0 < summary["not_judged"] < 0.02 * COUNT


def test_without_a_mark_of_the_new_answer_each_answer_wins_half_of_the_pairs() -> None:
    alike = ROWS.with_columns(new_answer=pl.col("answer") + " It is so.")
    judged = build_judged_preferences(
        alike, replies(build_preference_requests(alike), "phi-4"), "phi", True
    )
    [_, summary] = summarize_preferences(judged).iter_rows(named=True)

    assert summary["win_rate"] == pytest.approx(0.5, abs=0.03)


OPEN = {"tag": "Style", "verdict": "unknown", "by": None, "rule": None}
PHRASES = [{**OPEN, "text": f"Phrase of kind {n}."} for n in range(4)]
WITH_PHRASES = ROWS.with_columns(
    phrases=pl.Series([PHRASES] * ROWS.height, dtype=PHRASE_VERDICTS), may_decline=False
)
DOUBTFUL = WITH_PHRASES.with_columns(may_decline=True)


@every_model
def test_a_judge_of_phrases_errs_as_often_as_its_profile_says(name: str) -> None:
    requests = [*build_phrase_requests(WITH_PHRASES)]
    judged = build_obedience(WITH_PHRASES, replies(iter(requests), name), name, True)
    read = judged.filter(pl.col("verdict_text").str.contains("(Kept|Broken|Unclear)"))
    pairs = [
        (each["verdict"], is_kept(each["text"], [answer], PROFILES[name]))
        for phrases, answer in read.join(ROWS, on="conversation_id")
        .select("phrases", "new_answer")
        .iter_rows()
        for each in phrases
    ]
    decided = [(verdict == "obeyed", truth) for verdict, truth in pairs if verdict != "unknown"]

    assert judged.height - read.height == pytest.approx(0.01 * COUNT, abs=12)
    assert len(decided) / len(pairs) == pytest.approx(0.95, abs=0.01)
    wrong = sum(verdict != truth for verdict, truth in decided)
    assert wrong / len(decided) == pytest.approx(PROFILES[name].phrase_error, abs=0.01)
    assert sum(truth for _, truth in pairs) / len(pairs) == pytest.approx(0.88, abs=0.015)


def test_under_a_constraint_each_phrase_has_its_line_and_nothing_else_stands_there() -> None:
    for asked in chain.from_iterable(
        islice(build_phrase_requests(each), 50) for each in (WITH_PHRASES, DOUBTFUL)
    ):
        assert asked.constraint is not None
        held = parse_constraint(dict(asked.constraint.structured))
        sent = replace(request([*asked.messages]), constraint=held)
        text = write_answer(sent, PROFILES["phi-4"]).text
        assert re.fullmatch(asked.constraint.structured["regex"], text)


@every_model
def test_a_judge_is_wrong_about_declining_as_often_as_about_phrases(name: str) -> None:
    asked = [*build_phrase_requests(DOUBTFUL)]
    judged = build_obedience(DOUBTFUL, replies(iter(asked), name), name, True)

    # No answer that is made up declines in words that the rules do not know.
    wrong = judged["declines"].mean()
    assert wrong == pytest.approx(PROFILES[name].phrase_error, abs=0.02)
    assert judged["declines"].null_count() / COUNT == pytest.approx(0.01, abs=0.01)


def test_a_judge_says_that_it_is_simulated() -> None:
    requests = [
        *build_phrase_requests(WITH_PHRASES[:50]),
        *build_preference_requests(ROWS[:50]),
        *build_alignment_judgement_requests(ROWS[:50]),
    ]
    texts = [write_answer(request([*each.messages]), PROFILES["phi-4"]).text for each in requests]

    assert all(text.startswith(NOTICE) for text in texts)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as it:
        yield it


def test_rows_are_judged_over_http_as_the_pipeline_does_it(server: Server, tmp_path: Path) -> None:
    bounds = {"filtered": [0, 1], "aligned": [0, 1], "tag_share_within": 1}
    fields = {"served_name": "phi", "license": "mit", "bounds": bounds, "engine": Engine.ENDPOINT}
    urls = {"base_urls": [f"{server.url}/v1"]}
    judge = Generator.model_validate(fields | urls | {"name": "judge"})
    engines, few = Engines(tmp_path), ROWS[:20]

    def ask(requests: Iterator[ChatRequest], total: int) -> pl.DataFrame:
        ledger = Ledger(tmp_path / f"{total}.jsonl")
        progress = Progress(total)
        with engines.connection(judge, print) as connection, ledger:
            return complete(connection, requests, progress, ledger, lambda _: None)

    replied_to = (
        ask(build_preference_requests(few), 40),
        ask(build_alignment_judgement_requests(few), 20),
    )
    preferences = build_judged_preferences(few, replied_to[0], "judge", False)
    alignment = build_judged_alignment(few, replied_to[1], "judge", False)

    assert (preferences.height, alignment.height) == (40, 20)
    for table in (preferences, alignment):
        assert table["drop_reason"].null_count() == table.height
        assert table["verdict"].null_count() == 0
        assert set(table["served_name"]) == {"phi"}
        assert table["verdict_text"].str.starts_with(NOTICE).all()
    assert summarize_preferences(preferences)["conversations"][-1] > 15
    by_phase = server.get("/stats")["by_phase"]
    assert (by_phase["preference"], by_phase["alignment"]) == (40, 20)
