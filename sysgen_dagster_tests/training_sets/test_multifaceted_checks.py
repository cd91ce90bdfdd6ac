"""The checks of the second lane's rows and pairs, each with a table that breaks it."""

from collections.abc import Callable

import polars as pl
import pytest

from sysgen_dagster.catalog.recipes import Training
from sysgen_dagster.lanes.multifaceted.tables import GOLD_ANSWERS
from sysgen_dagster.tables.table import Table
from sysgen_dagster.training_sets.multifaceted import build_pairs, build_rows
from sysgen_dagster.training_sets.multifaceted_checks import build_checks
from sysgen_dagster.training_sets.tables import MULTIFACETED_PAIRS, MULTIFACETED_ROWS
from sysgen_dagster_tests.lanes.multifaceted.instructions import settings
from sysgen_dagster_tests.training_sets.set_rows import judged, written

CHECKS = {f"{check.table.name} {check.name}": check for check in build_checks(settings())}
R, P = MULTIFACETED_ROWS.name, MULTIFACETED_PAIRS.name
OF = written(12)
SOUND = {
    GOLD_ANSWERS.name: OF.gold,
    R: build_rows(OF, Training()),
    P: build_pairs(OF, judged(OF, a0_0="tie"), Training()),
}


class Rows:
    """Frames as the evidence of a check."""

    model = "a-model"

    def __init__(self, frames: dict[str, pl.DataFrame]) -> None:
        """By the names of their tables."""
        self._frames = frames

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        """The rows of a table, with these columns."""
        return self._frames[table.name].select(columns)


@pytest.mark.parametrize("name", CHECKS)
def test_what_is_as_it_should_be_passes(name: str) -> None:
    assert CHECKS[name].evaluate(Rows(SOUND)).passed


def _twice(rows: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([rows, rows])


def _without_one(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.slice(1)


def _all_ties(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(drop_reason=pl.lit("tie"))


@pytest.mark.parametrize(
    ("name", "breaking"),
    [
        (f"{R} ids_are_unique", _twice),
        (f"{R} nothing_is_lost", _without_one),
        (f"{P} ids_are_unique", _twice),
        (f"{P} nothing_is_lost", _without_one),
        (f"{P} drops_are_explained", lambda rows: rows.with_columns(drop_reason=pl.lit("mood"))),
        (f"{P} pairs_differ", lambda rows: rows.with_columns(rejected="chosen")),
        (f"{P} enough_are_kept", _all_ties),
        (f"{P} some_are_kept", _all_ties),
    ],
)
def test_what_is_broken_is_found(
    name: str, breaking: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    check = CHECKS[name]
    broken = {**SOUND, check.table.name: breaking(SOUND[check.table.name])}
    assert not check.evaluate(Rows(broken)).passed


def test_the_share_of_pairs_stands_beside_the_paper_s_number_with_the_reasons() -> None:
    finding = CHECKS[f"{P} enough_are_kept"].evaluate(Rows(SOUND))

    assert finding.figure == pytest.approx(35 / 36)
    assert "65,142" in finding.paper
    assert finding.details == {"tie": 1}


@pytest.mark.parametrize("name", ["enough_are_kept", "some_are_kept"])
def test_made_up_answers_that_no_judge_prefers_say_nothing(name: str) -> None:
    made_up = {**SOUND, P: _all_ties(SOUND[P]).with_columns(engine=pl.lit("simulated"))}
    assert CHECKS[f"{P} {name}"].evaluate(Rows(made_up)).passed


def test_without_the_lane_there_are_no_checks() -> None:
    assert build_checks(None) == ()
