"""SysBench from its file to scores, through Dagster and the simulated server."""

import asyncio
import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from aiohttp import web

from sysgen_dagster.evaluation.sysbench.scores import build_items
from sysgen_dagster.evaluation.sysbench.tables import (
    SYSBENCH_ANSWERS,
    SYSBENCH_GRADINGS,
    SYSBENCH_ITEMS,
    SYSBENCH_SCORES,
    SYSBENCH_TRANSLATION,
)
from sysgen_dagster_tests.defs.evaluation.small_evaluations import Evaluations
from sysgen_dagster_tests.evaluation.sysbench.small_benchmark import session, write_benchmark
from sysgen_dagster_tests.inference.odd_servers import completion, listing, serving

ITEMS = (None, [SYSBENCH_ITEMS.name])
STEPS = [SYSBENCH_ANSWERS.name, SYSBENCH_GRADINGS.name, SYSBENCH_SCORES.name]
SESSIONS = 12


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Evaluations:
    """The paper's use of the benchmark, smaller: a sample in English; two subjects."""
    made = Evaluations(tmp_path_factory.mktemp("english"))
    sessions = (session(at, dependent=at % 3 > 0) for at in range(1, SESSIONS + 1))
    write_benchmark(made.folder / "bench.json", *sessions)
    sample = {"dependent": 6, "parallel": 3}
    bench = {"path": "bench.json", "language": "english", "translator": "hawk", "sample": sample}
    made.write({"sysbench": bench})
    assert (
        made.make(ITEMS, (None, [SYSBENCH_TRANSLATION.name]), ("plain", STEPS), ("folded", STEPS))
        == [""] * 4
    )
    return made


def test_the_sessions_that_are_asked_are_the_sample(english: Evaluations) -> None:
    kinds = english.read(SYSBENCH_ITEMS).unique("session")["dependent"]
    assert (kinds.sum(), (~kinds).sum()) == (6, 3)


def test_every_turn_is_translated_or_dropped_with_a_reason(english: Evaluations) -> None:
    table = english.read(SYSBENCH_TRANSLATION)
    assert table.select("session", "turn").equals(
        english.read(SYSBENCH_ITEMS).select("session", "turn")
    )
    assert set(table["engine"]) == {"simulated"}
    assert set(table["model"]) == {"hawk"}
    kept = table.filter(pl.col("drop_reason").is_null())
    assert kept.height >= table.height - 10
    assert kept["prompt"].null_count() == 0
    assert table["attempts"].max() > 1  # the simulated translator loses a number now and then


@pytest.mark.parametrize("subject", ["plain", "folded"])
def test_every_constraint_of_every_turn_is_graded_or_dropped(
    english: Evaluations, subject: str
) -> None:
    items, answers = english.read(SYSBENCH_TRANSLATION), english.read(SYSBENCH_ANSWERS, subject)
    gradings = english.read(SYSBENCH_GRADINGS, subject)
    assert answers.height == items.height
    assert gradings.height == items["checklist"].list.len().sum()
    known = gradings["satisfied"].is_not_null()
    assert known.equals(gradings["drop_reason"].is_null())
    assert known.mean() > 0.8  # type: ignore[operator]
    assert set(gradings["judge"]) == {"hawk"}


def test_the_second_turn_is_asked_with_the_subject_s_own_first_answer(english: Evaluations) -> None:
    answers = english.read(SYSBENCH_ANSWERS, "plain").drop_nulls("answer")
    first, second = answers.filter(turn=1), answers.filter(turn=2)
    before = dict(first.select("session", "answer").iter_rows())
    assert [asked[2]["content"] for asked in second["asked"]] == [
        before[s] for s in second["session"]
    ]


def test_scores_say_how_was_asked_and_what_the_judge_is_worth(english: Evaluations) -> None:
    scores = english.read(SYSBENCH_SCORES, "plain")
    assert set(scores["protocol"]) == {"9 sessions in English, own history, temperature 0"}
    assert set(scores["subject"]) == {"plain"}
    assert set(scores["judge"]) == {"hawk"}
    assert scores["worth"].str.starts_with("uncalibrated").all()
    [total] = scores.filter(metric="ISR", of="total").rows(named=True)
    assert total["items"] + total["dropped"] == 45
    assert total["low"] <= total["score"] <= total["high"]


def test_both_subjects_have_the_same_items(english: Evaluations) -> None:
    names = [
        build_items(english.read(SYSBENCH_GRADINGS, subject)).select("metric", "of", "item")
        for subject in ("plain", "folded")
    ]
    assert names[0].equals(names[1])


# What goes wrong


def test_without_a_judge_answers_stay_and_one_error_says_what_to_name(tmp_path: Path) -> None:
    made = Evaluations(tmp_path)
    write_benchmark(tmp_path / "bench.json", session(1))
    made.write({"judge": None, "sysbench": {"path": "bench.json", "history": "reference"}})
    _, answered, graded = made.make(ITEMS, ("plain", STEPS[:1]), ("plain", STEPS[1:2]))
    assert answered == ""
    assert "needs a model that grades" in graded
    assert made.read(SYSBENCH_ANSWERS, "plain")["drop_reason"].null_count() == 5
    write_benchmark(tmp_path / "bench.json", session(1, messages=[]))
    assert "session 1 has messages of nobody" in made.make(ITEMS)[0]


Reply = Callable[[list[dict[str, str]]], str | None]


@contextmanager
def subject_server(reply: Reply) -> Iterator[str]:
    """An endpoint that answers what `reply` says to a chat; None: it refuses the row."""

    async def handle(request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.Response(body=listing("owl"), content_type="application/json")
        text = await request.text()
        if "Reply with the word yes." in text:
            return web.json_response(completion("Yes."))
        said = await asyncio.to_thread(reply, json.loads(text)["messages"])
        if said is None:
            return web.json_response({"error": {"message": "content not allowed"}}, status=400)
        return web.json_response(completion(said))

    with serving(handle) as url:
        yield url


@pytest.mark.slow
def test_a_kill_in_the_third_round_repeats_at_most_what_was_in_flight(tmp_path: Path) -> None:
    made, asked = Evaluations(tmp_path), Counter[tuple[str, int]]()
    write_benchmark(tmp_path / "bench.json", *(session(at) for at in range(1, 9)))
    process: list[subprocess.Popen[str]] = []

    def reply(messages: list[dict[str, str]]) -> str | None:
        name, turn = messages[0]["content"][:6], len(messages) // 2
        asked[name, turn] += 1
        if turn == 3 and process and sum(n for (_, at), n in asked.items() if at == 3) == 4:
            process.pop().kill()
        return None if (name, turn) == ("你是第2号店", 4) else f"{name} says {turn}"

    with subject_server(reply) as url:
        served = {"base_urls": [url], "has_system_role": True}
        made.write({"sysbench": {"path": "bench.json"}}, models={"owl": served})
        assert made.make(ITEMS) == [""]
        process.append(killed := made.start(("plain", STEPS[:1])))
        killed.communicate()
        assert killed.returncode
        assert {turn for _, turn in asked} == {1, 2, 3}
        assert made.make(("plain", STEPS)) == [""]

    assert {count for (_, turn), count in asked.items() if turn < 3} == {1}
    assert max(asked.values()) <= 2
    answers = made.read(SYSBENCH_ANSWERS, "plain")
    assert answers["answer"].null_count() == 2
    reasons = answers.filter(session="2")["drop_reason"].to_list()
    assert reasons[:3] == [None] * 3
    assert reasons[4] == "earlier_turn_failed"
    scores = made.read(SYSBENCH_SCORES, "plain")
    [isr] = scores.filter(metric="ISR", of="total").rows(named=True)
    assert isr["items"] + isr["dropped"] == 40
    assert isr["dropped"] >= 2
