"""The asset of what people say of the second lane's bench, and how far that bears the judge out."""

import dagster as dg
import polars as pl

from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.lanes.multifaceted.bench.tables import (
    BENCH_REFERENCES,
    BENCH_RUBRICS,
    MULTIFACETED_BENCH,
)
from sysgen_dagster.review.bench_agreement import measure_agreement, measure_all
from sysgen_dagster.review.bench_reviews import (
    build_reviews,
    collect,
    journal_of,
    say_validation,
)
from sysgen_dagster.review.bench_sheets import list_rubrics
from sysgen_dagster.review.tables import BENCH_REVIEWS
from sysgen_dagster.tables.table import Partition


@table_asset(
    BENCH_REVIEWS, reads=[MULTIFACETED_BENCH, BENCH_REFERENCES, BENCH_RUBRICS], kinds={"polars"}
)
def bench_reviews(run: AssetRun) -> pl.DataFrame:
    """What people wrote into blind sheets: scores of two answers by a rubric, beside the judge's.

    One row per row of the last sheet of each reviewer. `sysgen review bench` reads sheets.
    """
    bench, references, tried = (
        run.store.read(table, Partition())
        for table in (MULTIFACETED_BENCH, BENCH_REFERENCES, BENCH_RUBRICS)
    )
    sheets = collect(journal_of(run.store).read())
    reviews = build_reviews(sheets, list_rubrics(bench, references), tried)
    _, said = say_validation(measure_all(reviews))
    run.note(
        validation=said,
        agreement=markdown(measure_agreement(reviews)),
        damaged=sheets.damaged,
    )
    return reviews


# Of a deployment whose catalogue asks for no bench: nothing.
REVIEWED_BENCH: list[dg.AssetsDefinition] = [bench_reviews] if CATALOG.bench_writer else []
