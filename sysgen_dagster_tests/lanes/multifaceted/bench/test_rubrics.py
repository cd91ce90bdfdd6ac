"""Rubrics of preferences: written, tried on two answers, written once more."""

from collections.abc import Callable

import polars as pl
import pytest

from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.lanes.multifaceted.bench.rubrics import (
    FORM,
    GRAMMAR,
    PROMPT,
    by_whom,
    list_preferences,
    write_rubrics,
)
from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_RUBRICS
from sysgen_dagster.lanes.multifaceted.taxonomy import DIMENSIONS
from sysgen_dagster.obedience import rubric_grading
from sysgen_dagster.tables.table import kept
from sysgen_dagster_tests.lanes.multifaceted.bench.frames import (
    LEVELS,
    RUBRIC,
    reference,
    references,
)
from sysgen_dagster_tests.lanes.multifaceted.frames import Model, Reply, in_turn

REFERENCES = references()
Scores = dict[str, list[int]]


def _scores(reference_scores: list[int], sibling_scores: list[int]) -> Callable[[ChatRequest], str]:
    """A judge that gives these, one after the other by attempt."""
    given = {"reference": reference_scores, "sibling": sibling_scores}
    asked = dict[str, int]()

    def grade(request: ChatRequest) -> str:
        at = asked[request.request_id] = asked.get(request.request_id, -1) + 1
        return f"It is.\n[RESULT] {given[request.request_id.rpartition('/')[2]][at]}"

    return grade


def _write(
    writer: Callable[[ChatRequest], Reply], judge: Callable[[ChatRequest], Reply]
) -> tuple[pl.DataFrame, Model, Model]:
    writes, judges = Model(writer), Model(judge)
    return write_rubrics(REFERENCES, writes.ask, judges.ask, True), writes, judges


def _shown(request: ChatRequest) -> str:
    return "\n".join(message["content"] for message in request.messages)


def test_every_preference_of_a_set_with_a_sibling_has_a_rubric_of_its_own() -> None:
    rows, writes, judges = _write(in_turn(RUBRIC), _scores([5], [2]))

    assert rows.height == 2 * len(DIMENSIONS)
    assert rows["dimension"].to_list() == [*DIMENSIONS, *DIMENSIONS]
    assert kept(rows).height == rows.height
    assert rows["levels"].to_list() == [LEVELS] * 8
    assert set(rows["reference_score"]) == {5}
    assert set(rows["sibling_score"]) == {2}
    assert set(rows["attempt"]) == {0}
    assert [len(each) for each in (*writes.asked, *judges.asked)] == [8, 16]
    assert by_whom(rows, "owl", is_writer=False).columns == BENCH_RUBRICS.names


def test_a_set_without_a_sibling_s_answer_has_no_rubrics() -> None:
    alone = references(reference(0, 0), reference(1, 0), reference(1, 1))

    assert list_preferences(alone)["conversation_id"].unique().sort().to_list() == [
        "own-1-0#0",
        "own-1-0#1",
    ]
    assert list_preferences(references(reference(0, 0))).is_empty()
    assert write_rubrics(
        references(reference(0, 0)), Model(in_turn("")).ask, Model(in_turn("")).ask, True
    ).is_empty()


def test_the_writer_sees_the_preference_and_no_answer_the_judge_answers_and_no_preference() -> None:
    _, writes, judges = _write(in_turn(RUBRIC), _scores([5], [2]))
    asked, graded = writes.asked[0][0], judges.asked[0][:2]

    first = REFERENCES["preference_set"][0][0]
    assert f"\n{first['preference']}: {first['description']}\n" in _shown(asked)
    assert not any(answer in _shown(asked) for answer in REFERENCES["answer"])
    assert asked.constraint == FORM
    for request, answer in zip(graded, REFERENCES["answer"], strict=True):
        assert answer in _shown(request)
        assert first["description"] not in _shown(request)
        assert REFERENCES["system_message"][0] not in _shown(request)
        assert "No reference answer is shown" in _shown(request)
        assert request.constraint == rubric_grading.CONSTRAINT


@pytest.mark.parametrize(
    ("reference_score", "sibling_score", "reason"),
    [
        (4, 3, None),
        (5, 1, None),
        (3, 1, "reference_scores_low"),
        (3, 5, "reference_scores_low"),
        (5, 4, "sibling_scores_high"),
        (4, 4, "sibling_scores_high"),
    ],
)
def test_a_rubric_is_sound_where_it_tells_the_two_answers_apart(
    reference_score: int, sibling_score: int, reason: str | None
) -> None:
    rows, *_ = _write(in_turn(RUBRIC), _scores([reference_score] * 2, [sibling_score] * 2))

    assert set(rows["drop_reason"]) == {reason}
    assert set(rows["attempt"]) == {0 if reason is None else 1}


def test_an_unsound_rubric_is_written_once_more_by_a_writer_that_is_told_the_scores() -> None:
    rows, writes, judges = _write(in_turn(RUBRIC), _scores([3, 4], [5, 2]))

    assert kept(rows).height == rows.height
    assert set(rows["attempt"]) == {1}
    first, second = writes.asked
    assert "earlier" not in _shown(first[0]).replace(PROMPT.instructions, "")
    assert "a judge gave 3 to an answer" in _shown(second[0])
    assert all(level in _shown(second[0]) for level in LEVELS)
    assert not any(answer in _shown(second[0]) for answer in REFERENCES["answer"])
    assert first[0].seed != second[0].seed
    assert len(judges.asked) == 2


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("It should be good.", "incomplete_rubric"),
        (RUBRIC.replace("Half are.", "..."), "incomplete_rubric"),
        (RUBRIC.replace("Half are.", "few ARE."), "same_levels"),
        ({"text": RUBRIC, "finish_reason": "length"}, "truncated"),
    ],
)
def test_what_is_no_rubric_is_not_shown_to_the_judge(reply: Reply, reason: str) -> None:
    rows, writes, judges = _write(in_turn(reply), _scores([5, 5], [1, 1]))

    assert set(rows["drop_reason"]) == {reason}
    assert set(rows["reference_score"]) == {None}
    assert sum(map(len, judges.asked)) == 0
    assert len(writes.asked) == (1 if reason == "truncated" else 2)


def test_an_answer_without_a_clear_score_is_no_verdict_and_not_what_the_writer_is_told() -> None:
    rows, writes, _ = _write(in_turn(RUBRIC), in_turn("It is good."))

    assert set(rows["drop_reason"]) == {"not_scored"}
    assert set(rows["reference_grading"]) == {"It is good."}
    assert "earlier criterion" not in _shown(writes.asked[1][0])


def test_where_the_server_fails_nothing_is_written_again_and_the_row_says_why() -> None:
    broken: Reply = {"failed_because": "server_error", "failure": "HTTP 500", "text": None}
    rows, writes, _ = _write(in_turn(RUBRIC), in_turn(broken))

    assert set(rows["drop_reason"]) == {"server_error"}
    assert set(rows["failure"]) == {"HTTP 500"}
    assert len(writes.asked) == 1


def test_the_grammar_has_a_line_for_each_part() -> None:
    assert GRAMMAR.count('"Score') == len(LEVELS)
    assert FORM.schema is not None
    assert len(FORM.schema["required"]) == 1 + len(LEVELS)
