"""`sysgen review bench`: writes a blind sheet of the second lane's bench, and reads filled ones."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich.console import Console

from sysgen_dagster.commands.deployment import use_dagster_home, use_deployment
from sysgen_dagster.commands.printing import add_lines, new_table, say
from sysgen_dagster.lanes.multifaceted.bench.tables import BENCH_REFERENCES, MULTIFACETED_BENCH
from sysgen_dagster.review.bench_agreement import measure_agreement, measure_all
from sysgen_dagster.review.bench_reviews import journal_of, say_validation, write_down
from sysgen_dagster.review.bench_sheets import (
    BenchSheetError,
    list_rubrics,
    read_sheet,
    write_sheet,
)
from sysgen_dagster.review.decisions import require_name
from sysgen_dagster.review.tables import BENCH_REVIEWS
from sysgen_dagster.storage.store import Store
from sysgen_dagster.tables.table import Partition


def write_bench_sheet(console: Console, data: str, file: Path, rows: int) -> int:
    """0 when a sheet of so many rubrics is written, or of all where there are fewer.

    Raises:
        BenchSheetError: There is no bench, or such a file already.
        StoreError: There is no such deployment, or the bench cannot be read.
    """
    number = write_sheet(file, _read_rubrics(use_deployment(data)), rows)
    say(console, f"{file} has {number} rubrics, each with two answers to score from 1 to 5.")
    say(console, "A copy for each person, called as the person; then: sysgen review bench FILE...")
    return 0


def read_bench_sheets(console: Console, data: str, files: Sequence[Path]) -> int:
    """0 when the sheets are read and what they say is stored and printed.

    A sheet takes the place of an earlier one of the same name. Where one cannot be read, none is.

    Raises:
        BenchSheetError: There is no bench, or a file is no sheet of it.
        DecisionError: A file has no name that can be a reviewer's.
        StoreError: There is no such deployment, or the bench cannot be read.
    """
    store = use_deployment(data)
    rubrics = _read_rubrics(store)
    sheets: dict[str, pl.DataFrame] = {}
    for file in files:
        name = require_name(file.stem)
        if name in sheets:
            raise BenchSheetError(
                f"{file}: another sheet is called {name}, too: call each as its reviewer"
            )
        sheets[name] = read_sheet(file, rubrics)
    for name, scores in sheets.items():
        write_down(store, name, scores)
    say(console, f"{len(sheets)} sheets are kept in {journal_of(store).path}.")
    use_dagster_home(store)
    # Here, because partitions are read from the catalogue when these are imported.
    from sysgen_dagster.commands.backfill import run_partitions
    from sysgen_dagster.defs.bench_reviews import bench_reviews

    errors = run_partitions(console, [(BENCH_REVIEWS.name, [bench_reviews.key], None)]).errors
    for error in errors:
        say(console, error)
    if not errors:
        _print_agreement(console, store.read(BENCH_REVIEWS, Partition()))
    return 1 if errors else 0


def _read_rubrics(store: Store) -> pl.DataFrame:
    if not store.holds(MULTIFACETED_BENCH, Partition()):
        raise BenchSheetError(
            f"{store.root} has no bench to review: materialize {MULTIFACETED_BENCH.name}"
        )
    return list_rubrics(
        store.read(MULTIFACETED_BENCH, Partition()), store.read(BENCH_REFERENCES, Partition())
    )


def _print_agreement(console: Console, reviews: pl.DataFrame) -> None:
    words = ("reviewer", "kappa", "95 % interval")
    numbers = ("rubrics", "reference better", "tied", "rubric fits")
    table = new_table("Reviews of the bench", words, numbers, wrapped=("not counted",))
    add_lines(
        table,
        (
            (
                *(row["reviewer"], _number(row["kappa"])),
                f"{_number(row['kappa_low'])} to {_number(row['kappa_high'])}",
                *(row["rubrics"], row["reference_better"], row["tied"], row["fits"]),
                row["not_counted"],
            )
            for row in measure_agreement(reviews).iter_rows(named=True)
        ),
    )
    console.print(table)
    say(console, "kappa: of the scores with the judge's; between reviewers, with each other's.")
    _, said = say_validation(measure_all(reviews))
    say(console, f"{said.capitalize()}.")


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"
