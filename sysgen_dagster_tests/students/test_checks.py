"""Each check of a trained student, held and broken."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sysgen_dagster.students.checks import CHECKS, TrainedStudent
from sysgen_dagster.students.metrics import Status, build_rows
from sysgen_dagster.tables.checks import Finding
from sysgen_dagster.tables.rates import Rate
from sysgen_dagster_tests.students.simulated_trainer import Behaviour
from sysgen_dagster_tests.students.trainings import write_trainer

STATUS = Status(
    "done",
    rows_before=10_000,
    rows_after=10_000,
    trained_tokens_expected=500,
    tokens_seen=500,
    changed_weights=0.9,
)
FALLING = [3.0, 2.5, 2.0, 1.5, 1.0]


def trained(losses: Sequence[float] = FALLING, **status: object) -> TrainedStudent:
    """A student whose training went as it should, but for what is given."""
    lines = [{"step": step, "loss": loss} for step, loss in enumerate(losses, 1)]
    said = replace(STATUS, **status)  # type: ignore[arg-type]
    return TrainedStudent(
        build_rows(lines), said, frozenset("ab"), frozenset("cd"), Path("/no/such/folder"), None
    )


def found(name: str, student: TrainedStudent) -> Finding:
    [check] = (each for each in CHECKS if each.name == name)
    return check.evaluate(student)


@pytest.mark.parametrize(
    "name", [each.name for each in CHECKS if each.name != "checkpoint_answers"]
)
def test_a_training_that_went_as_it_should_holds(name: str) -> None:
    assert found(name, trained()).passed


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_one_loss_that_is_no_number_is_shown_by_its_step(loss: float) -> None:
    finding = found("loss_is_finite", trained([2.0, loss, 1.0]))
    assert (finding.passed, finding.rows["step"].to_list()) == (False, [2])


def test_an_evaluation_that_is_no_number_counts_and_a_training_without_losses_does_not_hold() -> (
    None
):
    lines = [{"step": 1, "loss": 1.0}, {"step": 1, "eval_loss": math.nan}]
    assert not found("loss_is_finite", replace(trained(), rows=build_rows(lines))).passed
    assert not found("loss_is_finite", trained([])).passed


@pytest.mark.parametrize(
    ("losses", "falls"),
    [
        (FALLING, True),
        (FALLING[::-1], False),
        ([1.0] * 10, False),
        ([3.0, 1.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 2.0, 1.9], True),  # the means of two steps each
        ([1.0, 3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 2.1], False),
        ([3.0, 2.0, 1.0, 0.5], False),  # too few to tell
        ([], False),
        ([3.0, 2.0, 1.0, 1.0, math.nan], False),
    ],
)
def test_a_loss_falls_by_the_means_of_its_first_and_last_fifth(
    losses: list[float], falls: bool
) -> None:
    assert found("loss_falls", trained(losses)).passed == falls


def test_a_conversation_of_the_test_split_is_named() -> None:
    student = replace(trained(), test_ids=frozenset("bcd"))
    finding = found("no_test_rows", student)
    assert (finding.passed, finding.rows["conversation_id"].to_list()) == (False, ["b"])


@pytest.mark.parametrize(("seen", "expected"), [(499, 500), (501, 500), (0, 0), (500, None)])
def test_tokens_are_seen_exactly_as_often_as_they_should(seen: int, expected: int | None) -> None:
    student = trained(tokens_seen=seen, trained_tokens_expected=expected)
    assert not found("tokens_as_expected", student).passed


@pytest.mark.parametrize(
    ("before", "after", "holds"),
    [
        (10_000, 9_990, True),  # one in a thousand
        (10_000, 9_989, False),
        (10_000, 12_000, True),  # a row for each message that is learned
        (10, 9, False),
        (0, 0, False),
        (None, 10, False),
        (10, None, False),
    ],
)
def test_at_most_one_row_in_a_thousand_is_lost(
    before: int | None, after: int | None, holds: bool
) -> None:
    student = trained(rows_before=before, rows_after=after)
    assert found("no_rows_lost", student).passed == holds


@pytest.mark.parametrize(
    ("changed", "holds"), [(0.51, True), (0.5, False), (0.02, False), (None, False)]
)
def test_more_than_half_of_the_weights_change(changed: float | None, holds: bool) -> None:
    finding = found("weights_changed", trained(changed_weights=changed))
    assert finding.passed == holds
    assert holds or finding.explanation


@pytest.mark.parametrize(("says", "holds"), [("Paris.", True), ("  ", False), ("", False)])
def test_a_checkpoint_answers_with_words(tmp_path: Path, says: str, holds: bool) -> None:
    python = write_trainer(tmp_path / "python", Behaviour(says=says))
    finding = found("checkpoint_answers", replace(trained(), python=python))
    assert (finding.passed, finding.details["answered"]) == (holds, says.strip())


def test_a_checkpoint_that_cannot_be_asked_does_not_hold_and_says_why() -> None:
    finding = found("checkpoint_answers", trained())
    assert not finding.passed
    assert "SYSGEN_TRAIN" in finding.explanation


@pytest.mark.parametrize(
    ("higher", "pairs", "holds"),
    [
        (70, 100, True),
        (60, 100, False),  # 47 to 72 %: no better than chance, as far as 100 pairs tell
        (10, 10, True),
        (5, 5, False),
        (30, 100, False),
        (0, 0, False),
    ],
)
def test_a_reward_model_scores_chosen_answers_higher_than_chance_would(
    higher: int, pairs: int, holds: bool
) -> None:
    finding = found("chosen_scores_higher", replace(trained(), compared=Rate(higher, pairs)))
    assert finding.passed == holds
    assert bool(finding.explanation) is not holds


def test_a_student_that_is_no_reward_model_has_nothing_to_score() -> None:
    finding = found("chosen_scores_higher", trained())
    assert (finding.passed, finding.explanation[:20]) == (True, "It is no reward mode")


def test_a_loss_that_does_not_fall_and_scores_as_by_chance_stop_nothing() -> None:
    names = [each.name for each in CHECKS if not each.blocking]
    assert names == ["loss_falls", "chosen_scores_higher"]


def test_where_it_is_not_known_what_was_trained_on_no_row_is_said_to_be_held_out() -> None:
    assert not found("no_test_rows", replace(trained(), train_ids=frozenset())).passed
