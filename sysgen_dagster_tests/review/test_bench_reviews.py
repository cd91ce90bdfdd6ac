"""Scores of sheets are kept, held against the bench as it is now, and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_RUBRICS
from sysgen_dagster.review.bench_reviews import (
    CHECKS,
    NOT_IN_BENCH,
    build_reviews,
    collect,
    journal_of,
    write_down,
)
from sysgen_dagster.review.bench_sheets import SCORES
from sysgen_dagster.review.tables import BENCH_REVIEWS
from sysgen_dagster.storage.journal import Journaled
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.checks import Finding
from sysgen_dagster.tables.table import Table
from sysgen_dagster_tests.review.bench_frames import RUBRICS, TRIED


def scores(reference: int, sibling: int, rows: int = 20) -> pl.DataFrame:
    said = {"reference_score": reference, "sibling_score": sibling, "fits": True}
    each = [{"row": row, **said, "drop_reason": None} for row in RUBRICS["row"][:rows]]
    return pl.DataFrame(each, schema=SCORES)


def read(store: Store) -> pl.DataFrame:
    return build_reviews(collect(journal_of(store).read()), RUBRICS, TRIED)


def test_a_sheet_is_kept_with_the_judge_s_scores_beside_it(tmp_path: Path) -> None:
    write_down(Store(tmp_path), "lea", scores(4, 1))
    reviews = read(Store(tmp_path))

    assert dict(reviews.schema) == BENCH_REVIEWS.schema
    assert reviews.height == 20
    assert set(reviews.select("reviewer", "reference_score", "sibling_score").rows()) == {
        ("lea", 4, 1)
    }
    of_judge = reviews.select("dimension", "judge_reference_score", "judge_sibling_score")
    assert set(of_judge.rows()) == {
        *{(name, 5, 2) for name in ("background_knowledge", "informativeness", "harmlessness")},
        ("style", 5, 3),
    }
    assert set(reviews["judge"]) == {"hawk"}


def test_the_last_sheet_of_a_reviewer_counts_and_that_of_another_beside_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name, said in (("lea", scores(1, 5)), ("tom", scores(3, 3, 4)), ("lea", scores(5, 2))):
        write_down(store, name, said)
    reviews = read(store)

    assert reviews["reviewer"].to_list() == ["lea"] * 20 + ["tom"] * 4
    assert set(reviews.filter(reviewer="lea")["reference_score"]) == {5}


def test_a_rubric_that_the_bench_has_no_more_is_dropped_with_that_reason(tmp_path: Path) -> None:
    write_down(Store(tmp_path), "lea", scores(5, 2))
    anew = build_reviews(collect(journal_of(Store(tmp_path)).read()), RUBRICS[:12], TRIED)

    assert anew.height == 20
    assert anew["drop_reason"].to_list() == [None] * 12 + [NOT_IN_BENCH] * 8


def test_nothing_read_is_an_empty_table_and_what_is_no_sheet_is_counted(tmp_path: Path) -> None:
    journal = journal_of(Store(tmp_path))
    assert read(Store(tmp_path)).equals(BENCH_REVIEWS.empty())

    journal.append({"reviewer": "lea"})
    assert collect(journal.read()).damaged == 1


def test_no_text_of_an_item_is_written_down(tmp_path: Path) -> None:
    write_down(Store(tmp_path), "lea", scores(5, 2))
    line = journal_of(Store(tmp_path)).path.read_text()

    assert "cakes" not in line
    assert "apples for" not in line.replace("good for", "")


# Whether it is validated


@dataclass
class Rows:
    tables: Mapping[Table, pl.DataFrame]
    model: str | None = None

    def read(self, table: Table, *columns: str) -> pl.DataFrame:
        return self.tables[table].select(columns)


def many(reference: int, sibling: int, times: int = 6) -> pl.DataFrame:
    """So many reviewers' scores of all 20 rubrics."""
    said = scores(reference, sibling).to_dicts()
    records = [
        {"reviewer": f"reviewer {number}", "read_at": "", "scores": said} for number in range(times)
    ]
    return build_reviews(collect(Journaled((*records,))), RUBRICS, TRIED)


def check(reviews: pl.DataFrame, engine: str = "vllm") -> Finding:
    [found] = CHECKS
    return found.evaluate(
        Rows({BENCH_REVIEWS: reviews, BENCH_RUBRICS: TRIED.with_columns(engine=pl.lit(engine))})
    )


@pytest.mark.parametrize(
    ("reviews", "holds", "said"),
    [
        (BENCH_REVIEWS.empty(), False, "Not validated: nobody has scored a sheet"),
        (many(5, 2), True, "Validated by people: kappa 0."),
        (many(5, 2, times=1), False, "Not validated: kappa 0."),  # too few
        (many(2, 5), False, "Not validated: kappa -"),
        (many(3, 3), False, "on 120 rubrics, the reference better in 0%, 100% of the rubrics fit"),
    ],
    ids=["none", "alike", "few", "turned", "tied"],
)
def test_the_check_says_whether_people_have_borne_out_the_bench(
    reviews: pl.DataFrame, holds: bool, said: str
) -> None:
    finding = check(reviews)

    assert finding.passed is holds
    assert said in finding.explanation


def test_answers_of_no_model_are_not_held_against_people() -> None:
    assert check(BENCH_REVIEWS.empty(), "simulated").passed
