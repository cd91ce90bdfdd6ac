"""What judges are going to be asked about samples and labelled items, and what they were."""

import polars as pl
import pytest

from sysgen_dagster.analysis.expected_samples import (
    CALIBRATION_COLUMNS,
    COLUMNS,
    LABELLED,
    expect_calibration,
    expect_samples,
    measure_calibration,
    measure_samples,
)
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.catalog.operations import Judging
from sysgen_dagster.chat.drop_reasons import NoAnswer
from sysgen_dagster.lanes.sysgen.settings import Generator

MODEL = Generator(name="owl", served_name="owl", license="mit", engine=Engine.SIMULATED)
TEXTS = pl.DataFrame(
    {"source": ["a", "b"], "conversations": [1_000, 50]}
    | {"history": [0.0, 0.0], "question": [4e4, 2e3], "answer": [8e5, 4e4]}
)
NOBODY = {"preference_rows": 0, "alignment_rows": 0, "obedience": 0}


def test_a_sample_has_the_rows_that_are_asked_for_or_all_of_a_small_source() -> None:
    rows = expect_samples(TEXTS, MODEL, Judging(judge="x", preference_rows=200, alignment_rows=20))

    assert rows.select("source", "phase", "conversations", "requests").rows() == [
        ("a", "judged_preferences", 200, 2),
        ("b", "judged_preferences", 50, 2),
        ("a", "judged_alignment", 20, 1),
        ("b", "judged_alignment", 20, 1),
    ]
    assert rows["prompt_tokens"].min() > 300
    assert expect_samples(TEXTS, MODEL, Judging(**NOBODY)).is_empty()


def test_a_judge_is_asked_about_labelled_items_of_the_kinds_that_it_judges() -> None:
    def expected(figure: str, **judging: object) -> float:
        row = expect_calibration(Judging.model_validate(judging))
        return float((row["conversations"] * row[figure]).sum())

    def requests(**judging: object) -> float:
        return expected("requests", **judging)

    def tokens(**judging: object) -> float:
        return expected("prompt_tokens", **judging)

    assert requests(judge="x") == pytest.approx(2 * 419 + 742)
    assert requests(judge="x", preference_rows=0) == pytest.approx(742)
    assert requests(judge="x", obedience=0) == pytest.approx(2 * 419)
    assert requests(judges=["x", "y"]) == pytest.approx(2 * 419 + 2 * 742)
    assert requests(preference_rows=200, obedience="all") == 0  # every model judges itself
    one, two = (tokens(judges=names, preference_rows=0) for names in (["x"], ["x", "y"]))
    assert two == pytest.approx(2 * one)
    assert tokens(judge="x") == pytest.approx(one + tokens(judge="x", obedience=0))


def begun(kept: int) -> pl.DataFrame:
    """Of source a 500 conversations and so many kept answers, of b 7 and one."""
    return pl.DataFrame({"source": ["a", "b"], "conversations": [500, 7], "kept": [kept, 1]})


ASKED = [
    ("a0", "a", 1, 100, 10, None),
    ("a1", "a", 2, 120, 10, None),
    ("a2", "a", 1, 90, 10, NoAnswer.TIMEOUT.value),  # to be asked again
    ("b0", "b", 1, 50, 5, None),
]


@pytest.mark.parametrize(("kept", "conversations"), [(2, 20), (400, 2)])
def test_a_sample_is_done_where_no_other_kept_answer_is_left_to_draw(
    kept: int, conversations: int
) -> None:
    judged = pl.DataFrame(ASKED, COLUMNS, orient="row")
    work = measure_samples("judged_alignment", 20, judged, begun(kept)).sort("source")

    assert work.select("source", "conversations", "requests", "prompt_tokens").rows() == [
        ("a", conversations, 2, 220),
        ("b", 7, 1, 50),
    ]


def test_a_labelled_item_is_one_in_whatever_orders_it_was_shown() -> None:
    rows = [("preference", f"pair-{n // 2}", "owl", 1, 10, 1, None) for n in range(6)]
    rows += [("phrase", "phrase-0", judge, 1, 10, 1, None) for judge in ("owl", "crow")]
    [work] = measure_calibration(pl.DataFrame(rows, CALIBRATION_COLUMNS, orient="row")).to_dicts()

    assert (work["source"], work["phase"]) == (LABELLED, "judge_calibration")
    assert (work["conversations"], work["requests"], work["prompt_tokens"]) == (5, 8, 80)
