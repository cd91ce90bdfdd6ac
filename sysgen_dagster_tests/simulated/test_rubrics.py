"""The simulated judge of rubrics, through the pipeline's own requests and reader."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.catalog.evaluation import Multifacet
from sysgen_dagster.evaluation.multifacet.grading import build_grading_requests, list_gradings
from sysgen_dagster.lanes.multifaceted.bench.rubric_replies import PARTS, read_rubric
from sysgen_dagster.lanes.multifaceted.bench.rubrics import (
    FORM,
    build_requests,
    list_preferences,
)
from sysgen_dagster.obedience.rubric_grading import CONSTRAINT
from sysgen_dagster.obedience.rubric_scores import Unread, read_rubric_score
from sysgen_dagster.simulated.logprobs import build_logprobs
from sysgen_dagster.simulated.profiles import PROFILES
from sysgen_dagster.simulated.reading import Phase, recognise
from sysgen_dagster.simulated.rubrics import draw_worth
from sysgen_dagster.simulated.writer import write_answer
from sysgen_dagster_tests.evaluation.multifacet.frames import answers_to, items_of
from sysgen_dagster_tests.lanes.multifaceted.bench.frames import references
from sysgen_dagster_tests.simulated.conversations import folded, request

NEVER = replace(PROFILES["phi-4"], unreadable_judgements=0.0, verdict_noise=0.0, phrase_error=0.0)
NOISY = replace(NEVER, verdict_noise=1.0)
UNREADABLE = replace(NEVER, unreadable_judgements=1.0)


@pytest.fixture
def listed(tmp_path: Path) -> pl.DataFrame:
    items = items_of(tmp_path, number=60)
    return list_gradings(items, answers_to(items), [False, True])


def replies(listed: pl.DataFrame, profile: object, **fields: object) -> list[str]:
    return [
        write_answer(request([*each.messages], **fields), profile).text  # type: ignore[arg-type]
        for each in build_grading_requests(listed, Multifacet(), 1)
    ]


@pytest.mark.parametrize("fold", [False, True])
def test_the_prompt_is_recognised_with_and_without_a_system_role(
    listed: pl.DataFrame, fold: bool
) -> None:
    messages = [*next(build_grading_requests(listed, Multifacet(), 1)).messages]
    assert recognise(folded(messages) if fold else messages)[0] is Phase.JUDGE_RUBRIC


def test_a_score_is_that_of_the_answer_and_criterion_whether_or_not_the_message_is_seen(
    listed: pl.DataFrame,
) -> None:
    scores = [read_rubric_score(text).score for text in replies(listed, NEVER)]
    half = len(scores) // 2

    assert scores[:half] == scores[half:]
    wanted = [draw_worth(*pair) for pair in listed.select("answer", "criterion").iter_rows()]
    assert scores == wanted
    assert set(scores) == {1, 2, 3, 4, 5}


def test_other_forms_of_a_score_say_the_same(listed: pl.DataFrame) -> None:
    plain, noisy = replies(listed, NEVER), replies(listed, NOISY)

    assert [read_rubric_score(text).score for text in noisy] == [
        read_rubric_score(text).score for text in plain
    ]
    assert not set(plain) & set(noisy)


def test_unreadable_scores_are_of_every_kind_that_the_reader_knows(listed: pl.DataFrame) -> None:
    unread = {read_rubric_score(text) for text in replies(listed, UNREADABLE)}
    assert {each.score for each in unread} == {None}
    assert {each.unread for each in unread} == set(Unread)


def test_a_judge_errs_by_one_level_at_its_rate(listed: pl.DataFrame) -> None:
    errs = replace(NEVER, phrase_error=0.3)
    pairs = zip(replies(listed, NEVER), replies(listed, errs), strict=True)
    apart = [
        abs((read_rubric_score(one).score or 0) - (read_rubric_score(other).score or 0))
        for one, other in pairs
    ]
    assert set(apart) == {0, 1}
    assert sum(apart) / len(apart) == pytest.approx(0.3, abs=0.08)


def test_under_the_constraint_the_score_stays_and_its_form_is_plain(listed: pl.DataFrame) -> None:
    texts = replies(listed, UNREADABLE, structured_outputs=dict(CONSTRAINT.structured))
    free = replies(listed, NEVER)

    assert all(text.count("\n") == 1 for text in texts)
    assert [read_rubric_score(text).score for text in texts] == [
        read_rubric_score(text).score for text in free
    ]


def test_a_score_is_one_token_with_a_probability_for_each_digit(listed: pl.DataFrame) -> None:
    [text, *_] = replies(listed, NEVER)
    tokens = build_logprobs(text, top=20, digest=7)["content"]
    last = tokens[-1]

    assert "".join(token["token"] for token in tokens) == text
    assert {other["token"].strip() for other in last["top_logprobs"]} == set("12345")
    assert last["token"] == last["top_logprobs"][0]["token"]


def _rubric_replies(profile: object, **fields: object) -> list[str]:
    asked = build_requests(list_preferences(references(number=40)), 0, constrained=False)
    return [
        write_answer(request([*each.messages], **fields), profile).text  # type: ignore[arg-type]
        for each in asked
    ]


def test_a_rubric_is_written_that_can_be_read_and_is_malformed_at_its_rate() -> None:
    sound = [read_rubric(text) for text in _rubric_replies(replace(NEVER, malformed=0.0))]
    assert all(set(found) == set(PARTS) for found in sound)

    often = [read_rubric(text) for text in _rubric_replies(replace(NEVER, malformed=0.5))]
    broken = [len(found) < len(PARTS) or len(set(found.values())) < len(PARTS) for found in often]
    assert sum(broken) / len(broken) == pytest.approx(0.5, abs=0.1)


def test_under_the_constraint_a_rubric_has_its_form() -> None:
    held = _rubric_replies(replace(NEVER, malformed=1.0), structured_outputs=dict(FORM.structured))
    assert all(set(read_rubric(text)) == set(PARTS) for text in held)


def test_an_answer_that_names_what_a_rubric_of_ours_names_is_worth_more() -> None:
    reply, *_ = _rubric_replies(replace(NEVER, malformed=0.0))
    criterion = read_rubric(reply)["criterion"]
    name = criterion.split('"')[1]
    scores = {
        kept: [draw_worth(f"{number} {kept}", criterion) for number in range(200)]
        for kept in (name, "nothing")
    }

    assert sum(score >= 4 for score in scores[name]) > 160
    assert sum(score < 4 for score in scores["nothing"]) > 150
