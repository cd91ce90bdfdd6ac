"""Benches graded by rubrics: their items, what subjects answer, what the judge says, the scores.

They are Multifaceted-Bench and the bench of the second lane.
"""

import hashlib
import json

import dagster as dg
import polars as pl

from sysgen_dagster.catalog.evaluation import RubricBench
from sysgen_dagster.defs.evaluation.asking import (
    open_grader,
    open_subject,
    pool_of_grader,
    pool_of_subjects,
)
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.contracts import evidence_for_checks, require_contracts
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.evaluation.multifacet import grading
from sysgen_dagster.evaluation.multifacet.answers import build_answer_requests, build_answers
from sysgen_dagster.evaluation.multifacet.calibration import (
    measure_agreement,
    read_labelled,
    worth_of_gradings,
)
from sysgen_dagster.evaluation.multifacet.columns import (
    UNASSIGNED,
    count_columns,
    count_sources,
    read_columns,
)
from sysgen_dagster.evaluation.multifacet.ids import choose_items
from sysgen_dagster.evaluation.multifacet.items import list_items, read_items
from sysgen_dagster.evaluation.multifacet.scores import describe_protocol
from sysgen_dagster.evaluation.multifacet.suite import BENCHES, GradedBench
from sysgen_dagster.evaluation.multifacet.tables import MULTIFACET_CALIBRATION
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.lanes.multifaceted.bench.tables import MULTIFACETED_BENCH
from sysgen_dagster.obedience.rubric_grading import PROMPT
from sysgen_dagster.review.bench_agreement import measure_all
from sysgen_dagster.review.bench_reviews import say_validation
from sysgen_dagster.review.tables import BENCH_REVIEWS
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.tables.rates import count_drops
from sysgen_dagster.tables.table import Partition, Table

_CALIBRATED_BY = CATALOG.evaluation.multifacet


def _version(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:12]


def _declare(bench: GradedBench) -> list[dg.AssetsDefinition]:
    """The four assets of one bench."""
    settings = bench.settings(CATALOG.evaluation)
    return [
        _declare_items(bench, settings),
        _declare_answers(bench, settings),
        _declare_gradings(bench, settings),
        _declare_scores(bench),
    ]


def _declare_items(bench: GradedBench, settings: RubricBench) -> dg.AssetsDefinition:
    is_of_lane = not settings.is_placed

    def items(run: AssetRun) -> pl.DataFrame:
        every = _read_lane(run, bench, settings) if is_of_lane else _read_file(run, bench, settings)
        run.note(
            columns=markdown(count_columns(every)),
            sources=markdown(count_sources(every)),
            unassigned=every.filter(pl.col("column") == UNASSIGNED).height,
            items_of_the_bench=every.height,
            license=settings.license,
        )
        return choose_items(every, settings)

    return table_asset(
        bench.tables.items,
        reads=[MULTIFACETED_BENCH] if is_of_lane and CATALOG.bench_writer else [],
        kinds={"polars"},
        code_version=_version(settings.model_dump_json(), dict(read_columns())),
        description=(
            f"The items of {bench.title} that are asked, each with its four rubrics and its column."
            " How many items the whole bench has of each source and column is noted here; "
            f"`source_columns` of `evaluation.{bench.name}` says otherwise which column a source "
            "has."
        ),
    )(items)


def _read_file(run: AssetRun, bench: GradedBench, settings: RubricBench) -> pl.DataFrame:
    downloads = run.tables.working_folder() / "downloads"
    return read_items(settings, downloads, run.store, bench.assign)


def _read_lane(run: AssetRun, bench: GradedBench, settings: RubricBench) -> pl.DataFrame:
    """The bench of this deployment.

    Raises:
        StoreError: It is not made, or has no item.
    """
    otherwise = f"or give the file of a bench as `path` of `evaluation.{bench.name}`"
    if CATALOG.bench_writer is None:
        raise StoreError(
            f"the catalogue asks for no `bench` in its section `multifaceted`: write `bench: {{}}` "
            f"there and materialize {MULTIFACETED_BENCH.name}, {otherwise}"
        )
    if not run.store.holds(MULTIFACETED_BENCH, Partition()):
        raise StoreError(
            f"this deployment has no bench: materialize {MULTIFACETED_BENCH.name}, {otherwise}"
        )
    items = list_items(run.store.read(MULTIFACETED_BENCH, Partition()), settings, bench.assign)
    if items.is_empty():
        raise StoreError(
            f"{MULTIFACETED_BENCH.name} has no item: its drop reasons say why; {otherwise}"
        )
    reviews = run.statistics.read(BENCH_REVIEWS)
    _, said = say_validation(measure_all(BENCH_REVIEWS.empty() if reviews is None else reviews))
    run.note(validation=said)
    return items


def _declare_answers(bench: GradedBench, settings: RubricBench) -> dg.AssetsDefinition:
    items, table, *_ = bench.tables

    def answers(run: AssetRun) -> pl.DataFrame:
        asked = run.store.read(items, Partition())
        subject = open_subject(run)
        completions = subject.ask(build_answer_requests(asked, settings), asked.height)
        return build_answers(asked, completions, subject.shown)

    return table_asset(
        table,
        reads=[items],
        kinds={"vllm"},
        pool=pool_of_subjects(),
        asks=True,
        description="What the subject answers to each item under its system message.",
    )(answers)


def _declare_gradings(bench: GradedBench, settings: RubricBench) -> dg.AssetsDefinition:
    items, answers, table, _ = bench.tables

    def gradings(run: AssetRun) -> pl.DataFrame:
        _require_contracts(run, answers)
        judge = open_grader(run)
        is_generator = judge.model.is_same_as(CATALOG.model_of_subject(run.subject.name))
        listed = grading.list_gradings(
            run.store.read(items, Partition()),
            run.store.read(answers, run.at),
            settings.judge_sees_message,
        ).with_columns(judge_is_generator=pl.lit(is_generator))
        graded = grading.grade(listed, judge.ask, settings, judge.model.name, table)
        _note_dropped(run, graded)
        return graded

    return table_asset(
        table,
        reads=[items, answers],
        kinds={"vllm"},
        pool=pool_of_grader(),
        code_version=PROMPT.fingerprint,
        asks=True,
        description=(
            "A score from 1 to 5 for each rubric of each answer, by the judge of the catalogue."
        ),
    )(gradings)


def _declare_scores(bench: GradedBench) -> dg.AssetsDefinition:
    _, answers, gradings, table = bench.tables

    def scores(run: AssetRun) -> pl.DataFrame:
        _require_contracts(run, gradings)
        graded = run.store.read(gradings, run.at)
        answered = run.store.read(answers, run.at)
        judge = next(iter(graded["judge"].to_list()), None)
        return score_items(
            bench.suite.build_items(graded),
            subject=run.subject.name,
            protocol=describe_protocol(bench.called, answered, graded, run.subject.message_in),
            judge=judge,
            worth=worth_of_gradings(_read_calibration(run), judge or ""),
            are_shares=bench.suite.is_share,
        )

    return table_asset(
        table,
        reads=[answers, gradings],
        kinds={"polars"},
        description=(
            "Means over items, with intervals by item: of all, of each column and of each "
            f"dimension. What the judge's gradings are worth is looked up in "
            f"`{MULTIFACET_CALIBRATION.name}`, where that is made. Scores do not depend on it: "
            "they are made without, and say so."
        ),
    )(scores)


def _read_calibration(run: AssetRun) -> pl.DataFrame | None:
    is_made = run.store.holds(MULTIFACET_CALIBRATION, Partition())
    return run.store.read(MULTIFACET_CALIBRATION, Partition()) if is_made else None


@table_asset(
    MULTIFACET_CALIBRATION,
    reads=[],
    kinds={"vllm"},
    pool=pool_of_grader(),
    code_version=_version(PROMPT.fingerprint, _CALIBRATED_BY.calibration.model_dump_json()),
    asks=True,
)
def multifacet_calibration(run: AssetRun) -> pl.DataFrame:
    """What the judge says of answers that people have graded, and so whether it is believed.

    Nothing is asked where `calibration` of `evaluation.multifacet` has 0 items.
    """
    if not _CALIBRATED_BY.calibration.items:
        return MULTIFACET_CALIBRATION.empty()
    cache = run.tables.working_folder() / "downloads"
    labelled = read_labelled(_CALIBRATED_BY.calibration, cache, run.store)
    judge = open_grader(run)
    name = judge.model.name
    graded = grading.grade(labelled, judge.ask, _CALIBRATED_BY, name, MULTIFACET_CALIBRATION)
    _note_dropped(run, graded)
    found = measure_agreement(graded)._asdict()
    run.note(worth=worth_of_gradings(graded, name), agreement=markdown(pl.DataFrame([found])))
    return graded


def _require_contracts(run: AssetRun, table: Table) -> None:
    """Raise `dg.Failure` where a table does not fit the items any more, as they have changed."""
    require_contracts(evidence_for_checks(run.store, table, run.at), table)


def _note_dropped(run: AssetRun, graded: pl.DataFrame) -> None:
    reasons = count_drops(graded)
    by_reason = {f"dropped/{reason}": times for reason, times in reasons.items()}
    run.note(gradings=graded.height, dropped=sum(reasons.values()), **by_reason)


MULTIFACET = [
    *(asset for bench in BENCHES for asset in _declare(bench)),
    multifacet_calibration,
]
