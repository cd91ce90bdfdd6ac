"""SysBench: its sessions, their translation, what subjects answer, the judge's verdicts, scores.

The paper's own use of it is a setting: a sample of 80 dependent and 20 parallel sessions, in
English. What a subject gains over another one is in the comparison of the suite.
"""

from pathlib import Path

import polars as pl

from sysgen_dagster.catalog.evaluation import EVERY_ITEM, History, Language, SysBench
from sysgen_dagster.chat.completions import COMPLETIONS
from sysgen_dagster.defs.evaluation.asking import (
    open_grader,
    open_subject,
    open_translator,
    pool_of_grader,
    pool_of_subjects,
)
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.evaluation.scores import score_items
from sysgen_dagster.evaluation.sysbench import grading, translation
from sysgen_dagster.evaluation.sysbench.benchmark import (
    SHEETS,
    choose_sessions,
    read_sessions,
    require_one_file,
)
from sysgen_dagster.evaluation.sysbench.rounds import (
    ROUNDS,
    build_answers,
    build_round,
    require_references,
)
from sysgen_dagster.evaluation.sysbench.scores import build_items
from sysgen_dagster.evaluation.sysbench.sheets import require_sheet
from sysgen_dagster.evaluation.sysbench.tables import (
    SYSBENCH_ANSWERS,
    SYSBENCH_GRADINGS,
    SYSBENCH_ITEMS,
    SYSBENCH_SCORES,
    SYSBENCH_TRANSLATION,
)
from sysgen_dagster.sources.folders import sha256_of
from sysgen_dagster.sources.places import locate
from sysgen_dagster.tables.rates import count_drops
from sysgen_dagster.tables.table import Partition

_BENCH = CATALOG.evaluation.sysbench
_ASKED = SYSBENCH_ITEMS if _BENCH.language is Language.ORIGINAL else SYSBENCH_TRANSLATION
# Nobody has published labels of such verdicts.
_WORTH = "uncalibrated: there are no labelled verdicts on checklists"


@table_asset(SYSBENCH_ITEMS, reads=[], kinds={"polars"}, code_version=_BENCH.model_dump_json())
def sysbench_items(run: AssetRun) -> pl.DataFrame:
    """The sessions that are asked, each turn with its checklist; the benchmark has no licence."""
    path, revision = _find(run)
    whole = read_sessions(path)
    chosen = choose_sessions(whole, _wanted(_BENCH), _seed(_BENCH))
    number, of = (each["session"].n_unique() for each in (chosen, whole))
    run.note(file=str(path), revision=revision, sessions=f"{number} of {of}")
    return chosen


def _find(run: AssetRun) -> tuple[Path, str]:
    """The benchmark's file on this machine, and which version it is."""
    path = _BENCH.path
    if path is not None and path.suffix.lower() in SHEETS:  # sources have no such file
        require_sheet(path)
        return path, f"local:{sha256_of(path)}"
    found = locate(_BENCH, run.tables.working_folder() / "downloads", run.store)
    return require_one_file(found.files.paths), found.revision


def _wanted(bench: SysBench) -> dict[bool | None, int]:
    """How many sessions of each kind; nothing: all."""
    if bench.sample is not None:
        return {True: bench.sample.dependent, False: bench.sample.parallel}
    return {} if bench.items == EVERY_ITEM else {None: int(bench.items)}


def _seed(bench: SysBench) -> int:
    return bench.seed if bench.sample is None else bench.sample.seed


@table_asset(
    SYSBENCH_TRANSLATION,
    reads=[SYSBENCH_ITEMS],
    kinds={"vllm"},
    pool=pool_of_grader(),
    # Made while nothing was to be translated, it is empty.
    code_version=translation.PROMPT.fingerprint if _ASKED == SYSBENCH_TRANSLATION else "nothing",
    asks=True,
)
def sysbench_translation(run: AssetRun) -> pl.DataFrame:
    """The sessions in English, each text held to the numbers and quoted strings of the original.

    Nothing is asked where `language` is `original`.
    """
    if _ASKED != SYSBENCH_TRANSLATION or _BENCH.translator is None:
        return SYSBENCH_TRANSLATION.empty()
    translator = open_translator(run, _BENCH.translator)
    translating = translation.Translating(run.store.read(SYSBENCH_ITEMS, run.at))
    while pieces := translating.open:
        translating.take(pieces, translator.ask(translating.requests(pieces), len(pieces)))
    table = translating.build()
    run.note(
        translator=_BENCH.translator,
        sessions_dropped=table.drop_nulls("drop_reason")["session"].n_unique(),
        references_dropped=table.drop_nulls("reference_fault").height,
    )
    return table


@table_asset(
    SYSBENCH_ANSWERS,
    reads=[_ASKED],
    kinds={"vllm"},
    pool=pool_of_subjects(),
    asks=True,
)
def sysbench_answers(run: AssetRun) -> pl.DataFrame:
    """What the subject answers to each turn of each session, a round for each turn."""
    items = run.store.read(_ASKED, Partition())
    if _BENCH.history is History.REFERENCE:
        require_references(items)
    subject = open_subject(run)
    completions = pl.DataFrame(schema=COMPLETIONS)
    for turn in ROUNDS:
        requests = [*build_round(items, turn, completions, _BENCH.history)]
        completions = pl.concat([completions, subject.ask(requests, len(requests))])
    answers = build_answers(items, completions, _BENCH.history)
    run.note(history=_BENCH.history.value, **_dropped(answers))
    return answers


@table_asset(
    SYSBENCH_GRADINGS,
    reads=[_ASKED, SYSBENCH_ANSWERS],
    kinds={"vllm"},
    pool=pool_of_grader(),
    code_version=grading.PROMPT.fingerprint,
    asks=True,
)
def sysbench_gradings(run: AssetRun) -> pl.DataFrame:
    """Whether each answer satisfies each constraint of the checklist of its turn, by the judge."""
    items = run.store.read(_ASKED, Partition())
    answers = run.store.read(SYSBENCH_ANSWERS, run.at)
    session = open_grader(run)
    requests = [*grading.build_grading_requests(items, answers)]
    completions = session.ask(requests, len(requests))
    gradings = grading.build_gradings(items, answers, completions, session.model.name)
    run.note(**_dropped(gradings))
    return gradings


def _dropped(rows: pl.DataFrame) -> dict[str, int]:
    """For the UI: how many rows each reason took."""
    return {f"dropped/{reason}": count for reason, count in count_drops(rows).items()}


@table_asset(SYSBENCH_SCORES, reads=[SYSBENCH_ANSWERS, SYSBENCH_GRADINGS], kinds={"polars"})
def sysbench_scores(run: AssetRun) -> pl.DataFrame:
    """CSR by type of constraint, ISR by alignment, SSR and R1 to R5 by kind of session."""
    gradings = run.store.read(SYSBENCH_GRADINGS, run.at)
    answers = run.store.read(SYSBENCH_ANSWERS, run.at)
    judges = gradings["judge"].drop_nulls()
    return score_items(
        build_items(gradings),
        subject=run.subject.name,
        protocol=_protocol(answers),
        judge=judges[0] if len(judges) else None,
        worth=_WORTH,
    )


def _protocol(answers: pl.DataFrame) -> str:
    """How was asked, in words; the published table has another decoding for every model."""
    sent = sorted(set(answers["temperature"].drop_nulls()))
    temperatures = " and ".join(f"{each:g}" for each in sent) or "none"
    return (
        f"{answers['session'].n_unique()} sessions in {_language()}, {_BENCH.history.value} "
        f"history, temperature {temperatures}"
    )


def _language() -> str:
    return "Chinese" if _BENCH.language is Language.ORIGINAL else "English"


SYSBENCH = [
    sysbench_items,
    sysbench_translation,
    sysbench_answers,
    sysbench_gradings,
    sysbench_scores,
]
