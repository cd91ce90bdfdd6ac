"""What people wrote into blind sheets of the bench: kept, held against the bench, and checked."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import polars as pl

from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_RUBRICS
from sysgen_dagster.obedience.calibration import LEAST_ITEMS, LEAST_KAPPA
from sysgen_dagster.review.bench_agreement import measure_all
from sysgen_dagster.review.bench_sheets import SCORES
from sysgen_dagster.review.tables import BENCH_REVIEWS
from sysgen_dagster.storage.journal import Journal, Journaled
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.checks import Check, Evidence, Finding, unless_made_up
from sysgen_dagster.tables.columns import TEXT

NOT_IN_BENCH: Final = "not_in_bench"  # a ``drop_reason``: the bench was made anew, without it
LEAST_RUBRICS: Final = LEAST_ITEMS // 2  # each with two answers
_FIELDS = {"reviewer", "read_at", "scores"}


class Sheets(NamedTuple):
    """The sheets that were read.

    Attributes:
        last: That of each reviewer which was read last, as it was written down.
        damaged: Records that are not what was written.
    """

    last: dict[str, dict[str, Any]]
    damaged: int


def journal_of(store: Store) -> Journal:
    """Where it is written down what sheets say; no text of an item is."""
    return Journal(store.root / "review" / "bench.jsonl")


def write_down(store: Store, reviewer: str, scores: pl.DataFrame) -> None:
    """Keep `bench_sheets.SCORES` of a reviewer's sheet, in place of what an earlier one said.

    Raises:
        StoreUnavailableError: Storage did not accept it.
        StoreError: The system does not allow it.
    """
    read_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    record = {"reviewer": reviewer, "read_at": read_at, "scores": scores.to_dicts()}
    journal_of(store).append(record)


def collect(written: Journaled) -> Sheets:
    """What was written down, as it counts now."""
    known = [dict(record) for record in written.records if record.keys() >= _FIELDS]
    strange = len(written.records) - len(known)
    return Sheets({each["reviewer"]: each for each in known}, written.damaged + strange)


def build_reviews(sheets: Sheets, rubrics: pl.DataFrame, tried: pl.DataFrame) -> pl.DataFrame:
    """`tables.BENCH_REVIEWS`: the rows of the sheets, by reviewer.

    Args:
        sheets: Of `collect`.
        rubrics: `bench_sheets.RUBRICS_TO_SCORE` of the bench as it is now.
        tried: `BENCH_RUBRICS`, which has the judge's scores.
    """
    said = [
        {**row, "reviewer": name, "read_at": sheet["read_at"]}
        for name, sheet in sorted(sheets.last.items())
        for row in sheet["scores"]
    ]
    judged = tried.select(
        *("conversation_id", "dimension", "judge"),
        judge_reference_score="reference_score",
        judge_sibling_score="sibling_score",
    )
    identity = ("row", "conversation_id", "source", "item", "dimension")
    is_gone = pl.col("item").is_null()
    return (
        pl.DataFrame(said, schema={**SCORES, "reviewer": TEXT, "read_at": TEXT})
        .join(rubrics.select(identity), on="row", how="left", maintain_order="left")
        .join(judged, on=["conversation_id", "dimension"], how="left", maintain_order="left")
        .with_columns(
            drop_reason=pl.when(is_gone).then(pl.lit(NOT_IN_BENCH)).otherwise("drop_reason")
        )
        .select(BENCH_REVIEWS.names)
    )


def say_validation(row: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether people bear out the bench, and in words how far.

    They do where kappa with the judge is what is wanted of a judge, on as many answers.

    Args:
        row: `bench_agreement.measure_all`.
    """
    if not row["rubrics"]:
        return False, "not validated: nobody has scored a sheet of `sysgen review bench --write`"
    kappa, low, high = (row[f"kappa{end}"] for end in ("", "_low", "_high"))
    is_enough = row["rubrics"] >= LEAST_RUBRICS
    holds = is_enough and kappa is not None and kappa >= LEAST_KAPPA
    between = f" ({low:.2f} to {high:.2f})" if low is not None else ""
    figure = "no kappa" if kappa is None else f"kappa {kappa:.2f}{between}"
    return holds, (
        f"{'validated by people' if holds else 'not validated'}: {figure} on {row['rubrics']} "
        f"rubrics, the reference better in {row['reference_better']:.0%}, {row['fits']:.0%} of the "
        "rubrics fit"
    )


def _people_bear_it_out(evidence: Evidence) -> Finding:
    reviews = evidence.read(BENCH_REVIEWS, *BENCH_REVIEWS.names)
    row = measure_all(reviews)
    holds, said = say_validation(row)
    return Finding(
        holds,
        row["kappa"] or 0.0,
        f"kappa of {LEAST_KAPPA} or more, on {LEAST_RUBRICS} rubrics",
        reviews.filter(pl.col("reference_score") <= pl.col("sibling_score")),
        explanation=said.capitalize(),
    )


CHECKS = (
    unless_made_up(
        Check(
            "people_bear_out_the_bench",
            BENCH_REVIEWS,
            "People who do not know which answer is the reference score as the judge does.",
            False,
            _people_bear_it_out,
        ),
        BENCH_RUBRICS,
    ),
)
