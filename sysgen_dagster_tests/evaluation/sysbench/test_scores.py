"""The scores of small sheets, computed by hand."""

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sysgen_dagster.evaluation.sysbench.scores import score
from sysgen_dagster.evaluation.sysbench.sheets import read_sheet
from sysgen_dagster.evaluation.sysbench.tables import AS_PUBLISHED
from sysgen_dagster.evaluation.tables import SCORE_COLUMNS
from sysgen_dagster.tables.table import polars_schema
from sysgen_dagster_tests.evaluation.sysbench.small_sheets import (
    ACTION,
    STYLE,
    session,
    turn,
    write_parquet,
)
from sysgen_dagster_tests.evaluation.sysbench.test_sheets import PUBLISHED, needs_fastexcel

Rows = list[dict[str, Any]]


@pytest.fixture
def scored(tmp_path: Path) -> Any:
    def of(*sessions: Rows, seed: int = 0) -> pl.DataFrame:
        rows = [row for each in sessions for row in each]
        return score(read_sheet(write_parquet(tmp_path / "sheet.parquet", rows)), seed)

    return of


def values(scores: pl.DataFrame, column: str = "score", **of: str) -> dict[str, Any]:
    """A column of the scores, by what each is of."""
    found = scores.filter(**of)
    return {
        f"{metric} {each}": value
        for metric, each, value in found.select("metric", "of", column).rows()
    }


def test_there_is_a_row_for_each_score_also_of_nothing(scored: Any) -> None:
    scores = scored(session(1, "是", "是", "是", "是", "是"))
    assert scores.schema == pl.Schema(polars_schema({**SCORE_COLUMNS, **AS_PUBLISHED}))
    assert scores.height == 7 + 3 + 3 + 5 * 3
    assert values(scores, of="parallel") == dict.fromkeys(
        ["SSR parallel", *(f"R{turn} parallel" for turn in range(1, 6))]
    )
    assert values(scores, "items", metric="CSR", of="role") == {"CSR role": 0}


def test_constraints_are_pooled_over_all_turns_by_type(scored: Any) -> None:
    scores = scored(
        [turn(1, 1, "是", "否", "是", types=[ACTION, ACTION, STYLE])],
        [turn(2, 1, "是", types=[ACTION])],
    )
    assert values(scores, of="action") == {"CSR action": pytest.approx(2 / 3)}
    assert values(scores, of="style") == {"CSR style": 1.0}
    # Of four constraints three; the mean of the two sessions' shares would be 5/6.
    assert values(scores, metric="CSR", of="total") == {"CSR total": 0.75}


def test_a_turn_counts_where_all_its_constraints_are_satisfied(scored: Any) -> None:
    scores = scored(
        [turn(1, 1, "是", "是"), turn(1, 2, "是", "否"), turn(1, 3, "否", alignment="misalign")],
        [turn(2, 1, "是", alignment="misalign"), turn(2, 2, "是")],
    )
    assert values(scores, metric="ISR") == {
        "ISR aligned": pytest.approx(2 / 3),
        "ISR misaligned": 0.5,
        "ISR total": 0.6,
    }


def test_a_session_holds_until_its_first_failure_whatever_follows(scored: Any) -> None:
    scores = scored(
        session(1, "是", "是", "否", "是", "是"),
        session(2, "是", "是", "是", "是", "是"),
        session(3, "否", "是", "是", "是", "是", dependent=False),
        session(4, "是", "否", "否", "否", "否", dependent=False),
    )
    assert values(scores, of="dependent") == {
        **{"SSR dependent": 0.7, "R1 dependent": 1.0, "R2 dependent": 1.0},
        **{"R3 dependent": 0.5, "R4 dependent": 0.5, "R5 dependent": 0.5},
    }
    assert values(scores, of="parallel") == {
        **{"SSR parallel": 0.1, "R1 parallel": 0.5, "R2 parallel": 0.0},
        **{"R3 parallel": 0.0, "R4 parallel": 0.0, "R5 parallel": 0.0},
    }
    assert values(scores, metric="SSR", of="total") == {"SSR total": 0.4}
    assert values(scores, metric="R1", of="total") == {"R1 total": 0.75}


def test_turns_that_stand_in_any_order_are_taken_in_theirs(scored: Any) -> None:
    rows = session(1, "是", "是", "否", "是", "是")
    assert scored(rows[::-1]).equals(scored(rows))


def test_a_third_verdict_takes_the_constraint_out_and_leaves_the_turn_to_the_others(
    scored: Any,
) -> None:
    scores = scored(
        session(1, "不适用/是", "是", "是", "是", "是"),
        session(2, "不适用/否", "是", "是", "是", "是"),
    )
    # 12 constraints: 9 yes, 1 no, 2 third.
    assert values(scores, metric="CSR", of="total") == {"CSR total": 0.9}
    assert values(scores, "dropped", metric="CSR", of="total") == {"CSR total": 2}
    assert values(scores, "as_published", metric="CSR", of="total") == {"CSR total": 0.75}
    assert values(scores, metric="ISR", of="total") == {"ISR total": 0.9}
    assert values(scores, metric="R5", of="total") == {"R5 total": 0.5}
    assert values(scores, "dropped", metric="SSR", of="total") == {"SSR total": 0}


@pytest.mark.parametrize("no", ["否。", "**否**", "否 没有遵守", "不是", "No"])
def test_no_way_to_say_no_raises_a_score(scored: Any, no: str) -> None:
    """Each turn has one constraint that is kept and one that is not, whose no may be unread."""
    scores = scored(*(session(number, *[f"是/{no}"] * 5) for number in (1, 2, 3)))
    of_turns = scores.filter(pl.col("metric") != "CSR")
    for column in ("score", "as_published"):
        assert of_turns[column].fill_null(0).max() == 0


def test_a_turn_with_third_verdicts_alone_is_unknown_and_so_is_its_session_from_there_on(
    scored: Any,
) -> None:
    scores = scored(
        session(1, "是", "无法判断", "是", "是", "是"), session(2, "是", "是", "是", "是", "是")
    )
    assert values(scores, "items", of="total") == {
        **{"CSR total": 9, "ISR total": 9, "SSR total": 1},
        **{"R1 total": 2, "R2 total": 1, "R3 total": 1, "R4 total": 1, "R5 total": 1},
    }
    assert values(scores, "dropped", metric="R2", of="total") == {"R2 total": 1}
    # The benchmark's own programs let the turn pass, and the constraint fail.
    assert values(scores, "as_published", of="total") == {
        **{"CSR total": 0.9, "ISR total": 1.0, "SSR total": 1.0},
        **{f"R{turn} total": 1.0 for turn in range(1, 6)},
    }


def test_what_failed_before_an_unknown_turn_or_in_it_is_known(scored: Any) -> None:
    scores = scored(session(1, "是", "否", "不适用", "是", "是"))
    assert values(scores, metric="SSR", of="total") == {"SSR total": 0.2}
    assert values(scores, "dropped", metric="R5", of="total") == {"R5 total": 0}


def test_what_fails_after_an_unknown_turn_is_known_from_there_on(scored: Any) -> None:
    scores = scored(session(1, "不适用", "是", "否", "是", "是"))
    assert values(scores, of="dependent") == {
        **{"SSR dependent": None, "R1 dependent": None, "R2 dependent": None},
        **{"R3 dependent": 0.0, "R4 dependent": 0.0, "R5 dependent": 0.0},
    }


def test_a_verdict_that_is_missing_leaves_its_turn_unknown_unless_another_one_fails(
    scored: Any,
) -> None:
    rows = session(1, "是是", "是否", "是", "是", "是")
    rows[0]["评判结果"] = rows[0]["评判结果"].splitlines()[0]
    scores = scored(rows)
    assert values(scores, "items", metric="ISR", of="total") == {"ISR total": 4}
    assert values(scores, metric="R1", of="total") == {"R1 total": None}
    assert values(scores, metric="R2", of="total") == {"R2 total": 0.0}
    assert scores["as_published"].null_count() == scores.height


def test_a_turn_that_is_not_there_is_unknown(scored: Any) -> None:
    scores = scored(session(1, "是", "是"), session(2, "是", "否"))
    assert values(scores, of="dependent") == {
        **{"SSR dependent": 0.2, "R1 dependent": 1.0, "R2 dependent": 0.5},
        **{"R3 dependent": 0.0, "R4 dependent": 0.0, "R5 dependent": 0.0},
    }
    assert values(scores, "dropped", metric="R3", of="total") == {"R3 total": 1}
    assert scores["as_published"].null_count() == scores.height


# Intervals


def many(sessions: int, failing: int) -> list[Rows]:
    """Sessions that fail in all turns, and others that fail in none."""
    return [session(at, *(["否"] * 5 if at < failing else ["是"] * 5)) for at in range(sessions)]


def test_an_interval_holds_its_score_and_is_as_wide_as_sessions_are_few(scored: Any) -> None:
    [few] = scored(*many(20, 10)).filter(metric="ISR", of="total").rows(named=True)
    assert few["score"] == 0.5
    # All turns of a session are alike, so 100 turns say no more than 20 sessions: as 20 tosses of a
    # coin, 0.5 give or take 1.96 * (0.25 / 20) ** 0.5. As if turns were apart it would be 0.1.
    assert few["low"] == pytest.approx(0.28, abs=0.03)
    assert few["high"] == pytest.approx(0.72, abs=0.03)


def test_the_same_seed_gives_the_same_interval_and_another_one_nearly(scored: Any) -> None:
    sessions = many(30, 7)
    once = scored(*sessions)
    assert once.equals(scored(*reversed(sessions)))
    other = scored(*sessions, seed=1)
    assert other.drop("low", "high").equals(once.drop("low", "high"))
    assert (other["low"] - once["low"]).abs().max() < 0.05  # type: ignore[operator]


def test_the_draws_are_the_same_in_every_process(scored: Any) -> None:
    """Sessions of different sizes, so that each order of them has other draws."""
    sessions = [[turn(at, 1, *("是" * at + "否" * (at % 3)))] for at in range(1, 12)]
    [row] = scored(*sessions).filter(metric="CSR", of="total").rows(named=True)
    assert (row["score"], row["low"], row["high"]) == pytest.approx((66 / 78, 0.769196, 10 / 11))


def test_of_fewer_than_two_sessions_there_is_no_interval(scored: Any) -> None:
    scores = scored(session(1, *"是是否是是"), session(2, *"是是是是是", dependent=False))
    assert values(scores, "low", metric="SSR", of="parallel") == {"SSR parallel": None}
    assert values(scores, "low", metric="SSR", of="total") == {"SSR total": 0.4}


# Of GPT-4o, in percent, as its published sheet gives them and the paper prints them.
GPT_4O = {"CSR total": 87.1, "ISR total": 76.4, "SSR total": 54.4}


@needs_fastexcel
@pytest.mark.skipif(
    "gpt4o" not in (PUBLISHED or ""), reason="SYSGEN_SYSBENCH_SHEET names no sheet of gpt4o"
)
def test_the_published_figures_of_gpt_4o_come_out_of_its_published_sheet() -> None:
    scores = score(read_sheet(Path(os.environ["SYSGEN_SYSBENCH_SHEET"])))
    published = values(scores, "as_published", of="total")
    assert {name: round(100 * published[name], 1) for name in GPT_4O} == GPT_4O
    # The five third verdicts of 5,952 change no score by more than this.
    assert (scores["score"] - scores["as_published"]).abs().max() < 0.003  # type: ignore[operator]
    ours = values(scores, of="total")
    assert [round(100 * ours[name], 1) for name in GPT_4O] == [87.2, 76.4, 54.3]
