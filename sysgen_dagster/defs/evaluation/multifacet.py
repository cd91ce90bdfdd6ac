"""Multifaceted-Bench: its items, what subjects answer, what the judge says, the scores."""

import hashlib
import json
from collections.abc import Callable, Iterable

import polars as pl

from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.defs.evaluation.asking import (
    open_grader,
    open_subject,
    pool_of_grader,
    pool_of_subjects,
)
from sysgen_dagster.defs.judgements import is_same_model, require_judged
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.contracts import evidence_for_checks, require_contracts
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.resources import ModelSession
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
from sysgen_dagster.evaluation.multifacet.items import read_items
from sysgen_dagster.evaluation.multifacet.scores import build_items, describe_protocol
from sysgen_dagster.evaluation.multifacet.tables import (
    MULTIFACET_ANSWERS,
    MULTIFACET_CALIBRATION,
    MULTIFACET_GRADINGS,
    MULTIFACET_ITEMS,
    MULTIFACET_SCORES,
)
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.obedience.rubric_grading import PROMPT
from sysgen_dagster.tables.rates import count_drops
from sysgen_dagster.tables.table import Partition, Table

_BENCH = CATALOG.evaluation.multifacet


def _version(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:12]


@table_asset(
    MULTIFACET_ITEMS,
    reads=[],
    kinds={"polars"},
    code_version=_version(_BENCH.model_dump_json(), dict(read_columns())),
)
def multifacet_items(run: AssetRun) -> pl.DataFrame:
    """The items of the bench that are asked, each with its four rubrics and its column.

    How many items the whole bench has of each source and column is noted here. A source that the
    stored map lacks is `unassigned`: `source_columns` of `evaluation.multifacet` assigns it.
    """
    every = read_items(_BENCH, run.tables.working_folder() / "downloads", run.store)
    run.note(
        columns=markdown(count_columns(every)),
        sources=markdown(count_sources(every)),
        unassigned=every.filter(pl.col("column") == UNASSIGNED).height,
        items_of_the_bench=every.height,
        license=_BENCH.license,
    )
    return choose_items(every, _BENCH)


@table_asset(
    MULTIFACET_ANSWERS,
    reads=[MULTIFACET_ITEMS],
    kinds={"vllm"},
    pool=pool_of_subjects(),
    asks=True,
)
def multifacet_answers(run: AssetRun) -> pl.DataFrame:
    """What the subject answers to each item under its system message."""
    items = run.store.read(MULTIFACET_ITEMS, Partition())
    subject = open_subject(run)
    completions = subject.ask(build_answer_requests(items, _BENCH), items.height)
    require_judged(run, completions, subject.session.model.name)
    return build_answers(items, completions, subject.shown)


@table_asset(
    MULTIFACET_GRADINGS,
    reads=[MULTIFACET_ITEMS, MULTIFACET_ANSWERS],
    kinds={"vllm"},
    pool=pool_of_grader(),
    code_version=PROMPT.fingerprint,
    asks=True,
)
def multifacet_gradings(run: AssetRun) -> pl.DataFrame:
    """A score from 1 to 5 for each rubric of each answer, by the judge of the catalogue."""
    _require_contracts(run, MULTIFACET_ANSWERS)
    items = run.store.read(MULTIFACET_ITEMS, Partition())
    answers = run.store.read(MULTIFACET_ANSWERS, run.at)
    judge = open_grader(run)
    is_generator = is_same_model(judge.model, CATALOG.model_of_subject(run.subject.name))
    listed = grading.list_gradings(items, answers, _BENCH.judge_sees_message)
    listed = listed.with_columns(judge_is_generator=pl.lit(is_generator))
    graded = grading.grade(
        listed, _asker(run, judge), _BENCH, judge.model.name, MULTIFACET_GRADINGS
    )
    _note_dropped(run, graded)
    return graded


@table_asset(
    MULTIFACET_CALIBRATION,
    reads=[],
    kinds={"vllm"},
    pool=pool_of_grader(),
    code_version=_version(PROMPT.fingerprint, _BENCH.calibration.model_dump_json()),
    asks=True,
)
def multifacet_calibration(run: AssetRun) -> pl.DataFrame:
    """What the judge says of answers that people have graded, and so whether it is believed.

    Nothing is asked where `calibration` of `evaluation.multifacet` has 0 items.
    """
    if not _BENCH.calibration.items:
        return MULTIFACET_CALIBRATION.empty()
    cache = run.tables.working_folder() / "downloads"
    labelled = read_labelled(_BENCH.calibration, cache, run.store)
    judge = open_grader(run)
    name = judge.model.name
    graded = grading.grade(labelled, _asker(run, judge), _BENCH, name, MULTIFACET_CALIBRATION)
    _note_dropped(run, graded)
    found = measure_agreement(graded)._asdict()
    run.note(worth=worth_of_gradings(graded, name), agreement=markdown(pl.DataFrame([found])))
    return graded


def _require_contracts(run: AssetRun, table: Table) -> None:
    """Raise `dg.Failure` where a table does not fit the items any more, as they have changed."""
    require_contracts(evidence_for_checks(run.store, table, run.at), table)


def _asker(
    run: AssetRun, judge: ModelSession
) -> Callable[[Iterable[ChatRequest], int], pl.DataFrame]:
    """Asks the judge; a `dg.Failure` where its server fails at each request."""

    def ask(requests: Iterable[ChatRequest], total: int) -> pl.DataFrame:
        completions = judge.ask(requests, total)
        require_judged(run, completions, judge.model.name)
        return completions

    return ask


def _note_dropped(run: AssetRun, graded: pl.DataFrame) -> None:
    reasons = count_drops(graded)
    by_reason = {f"dropped/{reason}": times for reason, times in reasons.items()}
    run.note(gradings=graded.height, dropped=sum(reasons.values()), **by_reason)


@table_asset(
    MULTIFACET_SCORES,
    reads=[MULTIFACET_ANSWERS, MULTIFACET_GRADINGS],
    kinds={"polars"},
)
def multifacet_scores(run: AssetRun) -> pl.DataFrame:
    """Means over items, with intervals by item: of all, of each column and of each dimension.

    What the judge's gradings are worth is looked up in `multifacet_calibration`, where that is
    made. Scores do not depend on it: they are made without, and say so.
    """
    _require_contracts(run, MULTIFACET_GRADINGS)
    gradings = run.store.read(MULTIFACET_GRADINGS, run.at)
    answers = run.store.read(MULTIFACET_ANSWERS, run.at)
    whole = Partition()
    is_calibrated = run.store.holds(MULTIFACET_CALIBRATION, whole)
    graded = run.store.read(MULTIFACET_CALIBRATION, whole) if is_calibrated else None
    judge = next(iter(gradings["judge"].to_list()), None)
    return score_items(
        build_items(gradings),
        subject=run.subject.name,
        protocol=describe_protocol(answers, gradings, run.subject.message_in),
        judge=judge,
        worth=worth_of_gradings(graded, judge or ""),
    )


MULTIFACET = [
    multifacet_items,
    multifacet_answers,
    multifacet_gradings,
    multifacet_calibration,
    multifacet_scores,
]
