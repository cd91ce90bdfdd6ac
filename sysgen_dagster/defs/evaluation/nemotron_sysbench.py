"""Nemotron-RL-SysBench-v1: its rows, what subjects answer, verdicts of rules and judge, scores."""

from collections import Counter

import polars as pl

from sysgen_dagster.catalog.evaluation import EVERY_ITEM
from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.chat.messages import derive_seed
from sysgen_dagster.defs.evaluation.asking import (
    open_grader,
    open_subject,
    pool_of_grader,
    pool_of_subjects,
)
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.evaluation.nemotron_sysbench import answers as answering
from sysgen_dagster.evaluation.nemotron_sysbench import grading
from sysgen_dagster.evaluation.nemotron_sysbench.rows import build_rows
from sysgen_dagster.evaluation.nemotron_sysbench.scores import (
    OF_KIND,
    build_floor,
    build_items,
)
from sysgen_dagster.evaluation.nemotron_sysbench.tables import (
    NEMOTRON_SYSBENCH_ANSWERS,
    NEMOTRON_SYSBENCH_GRADINGS,
    NEMOTRON_SYSBENCH_ITEMS,
    NEMOTRON_SYSBENCH_SCORES,
    Kind,
)
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.sources.files import read_rows
from sysgen_dagster.sources.places import locate
from sysgen_dagster.tables.rates import count_drops
from sysgen_dagster.tables.table import Partition

_BENCH = CATALOG.evaluation.nemotron_sysbench
_WORTH = "uncalibrated: there are no labelled verdicts on such questions"


@table_asset(
    NEMOTRON_SYSBENCH_ITEMS, reads=[], kinds={"polars"}, code_version=_BENCH.model_dump_json()
)
def nemotron_sysbench_items(run: AssetRun) -> pl.DataFrame:
    """The rows that are asked, each with the checks that rules or the judge can make.

    An instruction that neither can is left out before anything is asked, and counted here.
    """
    found = locate(_BENCH, run.tables.working_folder() / "downloads", run.store)
    whole = build_rows(read_rows(_BENCH.name, found.files))
    items = _choose(whole)
    left_out = Counter(each.partition(":")[0] for each in items["left_out"].explode().drop_nulls())
    checks = items["checks"].explode().drop_nulls().struct.unnest()
    run.note(
        revision=found.revision,
        rows=f"{items.height} of {whole.height}",
        **{f"checks/{kind}": count for kind, count in checks["kind"].value_counts().iter_rows()},
        **{f"left_out/{kind}": count for kind, count in sorted(left_out.items())},
    )
    return items


def _choose(items: pl.DataFrame) -> pl.DataFrame:
    """As many rows as the catalogue wants, the same in any order of the file."""
    if _BENCH.items == EVERY_ITEM:
        return items
    order = sorted(items["item"], key=lambda each: derive_seed(each, _BENCH.name, _BENCH.seed))
    return items.filter(pl.col("item").is_in(order[: int(_BENCH.items)]))


@table_asset(
    NEMOTRON_SYSBENCH_ANSWERS,
    reads=[NEMOTRON_SYSBENCH_ITEMS],
    kinds={"vllm"},
    pool=pool_of_subjects(),
    asks=True,
)
def nemotron_sysbench_answers(run: AssetRun) -> pl.DataFrame:
    """What the subject answers to the last turn of each row."""
    items = run.store.read(NEMOTRON_SYSBENCH_ITEMS, Partition())
    requests = [*answering.build_answer_requests(items)]
    completions = open_subject(run).ask(requests, len(requests))
    answers = answering.build_answers(items, completions)
    run.note(**_dropped(answers))
    return answers


@table_asset(
    NEMOTRON_SYSBENCH_GRADINGS,
    reads=[NEMOTRON_SYSBENCH_ITEMS, NEMOTRON_SYSBENCH_ANSWERS],
    kinds={"vllm"},
    pool=pool_of_grader(),
    code_version=grading.PROMPT.fingerprint,
    asks=True,
)
def nemotron_sysbench_gradings(run: AssetRun) -> pl.DataFrame:
    """Whether each answer passes each check of its row: rules first, then the judge."""
    items = run.store.read(NEMOTRON_SYSBENCH_ITEMS, Partition())
    answers = run.store.read(NEMOTRON_SYSBENCH_ANSWERS, run.at)
    requests = [*grading.build_grading_requests(items, answers)]
    completions, judge = pl.DataFrame(schema=COMPLETIONS), None
    if requests:
        session = open_grader(run)
        judge = session.model.name
        completions = session.ask(requests, len(requests))
    gradings = grading.build_gradings(items, answers, completions, judge)
    run.note(**_dropped(gradings))
    return gradings


def _dropped(rows: pl.DataFrame) -> dict[str, int]:
    """For the UI: how many rows each reason took."""
    return {f"dropped/{reason}": count for reason, count in count_drops(rows).items()}


@table_asset(
    NEMOTRON_SYSBENCH_SCORES,
    reads=[NEMOTRON_SYSBENCH_ITEMS, NEMOTRON_SYSBENCH_ANSWERS, NEMOTRON_SYSBENCH_GRADINGS],
    kinds={"polars"},
)
def nemotron_sysbench_scores(run: AssetRun) -> pl.DataFrame:
    """The shares of checks that pass, by who makes them, and of rows of which all do."""
    gradings = run.store.read(NEMOTRON_SYSBENCH_GRADINGS, run.at)
    judges = gradings["judge"].drop_nulls()
    scores = score_items(
        build_items(gradings),
        subject=run.subject.name,
        protocol=_protocol(run.store.read(NEMOTRON_SYSBENCH_ANSWERS, run.at)),
        judge=judges[0] if len(judges) else None,
        worth=_WORTH if len(judges) else None,
        floor=build_floor(run.store.read(NEMOTRON_SYSBENCH_ITEMS, Partition())),
    )
    of_judge = pl.when(pl.col("of") != OF_KIND[Kind.RULE]).then(pl.col("judge", "worth"))
    return scores.with_columns(of_judge)


def _protocol(answers: pl.DataFrame) -> str:
    sent = sorted(set(answers["temperature"].drop_nulls()))
    temperatures = " and ".join(f"{each:g}" for each in sent) or "none"
    return f"{answers.height} rows, rules as IFEval counts, temperature {temperatures}"


NEMOTRON_SYSBENCH = [
    nemotron_sysbench_items,
    nemotron_sysbench_answers,
    nemotron_sysbench_gradings,
    nemotron_sysbench_scores,
]
