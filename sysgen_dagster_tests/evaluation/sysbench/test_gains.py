"""How much longer the sessions of one subject hold than those of another."""

from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.evaluation.sysbench.gains import GAINS, build_gains
from sysgen_dagster.evaluation.sysbench.sheets import read_sheet
from sysgen_dagster.tables.table import polars_schema
from sysgen_dagster_tests.evaluation.sysbench.small_sheets import session, write_parquet


def verdicts(tmp_path: Path, *sessions: str) -> pl.DataFrame:
    """Sessions by turn, such as ``是是否是是``; those of even numbers are parallel."""
    rows = [
        row
        for number, turns in enumerate(sessions, 1)
        for row in session(number, *turns, dependent=number % 2 > 0)
    ]
    return read_sheet(write_parquet(tmp_path / "sheet.parquet", rows))


def test_gains_are_paired_by_session_and_stand_beside_the_range_of_the_paper(
    tmp_path: Path,
) -> None:
    before = verdicts(tmp_path, "是否否否否", "否是是是是", "是是是是是", "否否否否否")
    after = verdicts(tmp_path, "是是是否是", "是是否是是", "是是是是是", "否否否否否")
    gains = build_gains(before, after)

    assert gains.schema == pl.Schema(polars_schema(GAINS))
    total = gains.filter(of="total")
    assert total["metric"].to_list() == ["R1", "R2", "R3", "R4", "R5"]
    assert total["difference"].to_list() == [0.25, 0.5, 0.25, 0.0, 0.0]
    assert total["items"].to_list() == [4] * 5
    assert gains.filter(of="parallel", metric="R1")["difference"].to_list() == [0.5]
    # v2 Figure 4: the first and the last turn, of five models.
    first, last = total.row(0, named=True), total.row(4, named=True)
    assert (first["paper_low"], first["paper_high"]) == pytest.approx((0.153, 0.267))
    assert (last["paper_low"], last["paper_high"]) == pytest.approx((0.010, 0.062))
    assert gains.filter(of="dependent")["paper_low"].null_count() == 5


def test_a_session_that_is_unknown_of_one_subject_is_left_out_of_both(tmp_path: Path) -> None:
    before = verdicts(tmp_path, "是是是是是", "是是是是是")
    gains = build_gains(before, before.with_columns(
        satisfied=pl.when(pl.col("session") == "1").then(None).otherwise("satisfied"),
        drop_reason=pl.when(pl.col("session") == "1").then(pl.lit("no_answer")),
    ))  # fmt: skip
    assert gains.filter(of="total")["items"].to_list() == [1] * 5
