"""The second lane's own bench, made by one job: held-out instructions to items with rubrics.

None of its assets has partitions. Where the catalogue's section `multifaceted` has no `bench`,
`definitions` leaves them out.
"""

import hashlib
import json
from collections.abc import Iterable

import dagster as dg
import polars as pl

from sysgen_dagster.analysis.repeated_instructions import find_repeats
from sysgen_dagster.catalog.models import Engine
from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.defs.judgements import require_replies
from sysgen_dagster.defs.multifaceted_lane import lane_settings
from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.lanes.multifaceted.asking import Ask
from sysgen_dagster.lanes.multifaceted.bench.instructions import (
    build_bench_instructions,
    list_held_out,
)
from sysgen_dagster.lanes.multifaceted.bench.items import build_bench
from sysgen_dagster.lanes.multifaceted.bench.layout import FILE, write_lines
from sysgen_dagster.lanes.multifaceted.bench.references import write_references
from sysgen_dagster.lanes.multifaceted.bench.rubrics import PROMPT, by_whom, write_rubrics
from sysgen_dagster.lanes.multifaceted.bench.tables import (
    BENCH_INSTRUCTIONS,
    BENCH_REFERENCES,
    BENCH_RUBRICS,
    MULTIFACETED_BENCH,
)
from sysgen_dagster.lanes.multifaceted.steps import STEPS, Step
from sysgen_dagster.lanes.multifaceted.tables import SELECTION, instruction_of
from sysgen_dagster.lanes.sysgen.settings import Generator
from sysgen_dagster.obedience import rubric_grading
from sysgen_dagster.sources.exclusions import is_of_rows_of
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.tables.rates import count_drops
from sysgen_dagster.tables.table import Partition, Table

JOB = "multifaceted_bench"


def _writer() -> Generator:
    writer = CATALOG.bench_writer
    assert writer is not None  # without the section there are no assets
    return writer


def _version(*parts: str) -> str | None:
    """What rows depend on besides the rows that are read: these, and who writes and judges."""
    if CATALOG.bench_writer is None:
        return None
    asked = [CATALOG.bench_writer, CATALOG.judge_of(CATALOG.bench_writer.name)]
    who = [(each.name, each.served_name, each.revision, each.weights) for each in asked]
    return hashlib.sha256(json.dumps([parts, who]).encode()).hexdigest()[:32]


def _versions_of_steps() -> list[str]:
    settings = CATALOG.multifaceted
    return [step.code_version(settings) for step in STEPS] if settings else []


def _pool() -> str:
    """The Dagster pool: `judge` where all that is asked are endpoints, else `gpu`."""
    writer = CATALOG.bench_writer
    asked = [writer, CATALOG.judge_of(writer.name)] if writer else []
    return "judge" if {each.engine for each in asked} == {Engine.ENDPOINT} else "gpu"


def _read_kept(run: AssetRun, table: Table) -> pl.DataFrame:
    """The kept rows of a table of the bench, once its contracts hold.

    Raises:
        dg.Failure: A contract does not hold.
        StoreError: The rows are older than the list of excluded conversations.
    """
    rows = run.read_kept(table)
    ids = rows.select(conversation_id=instruction_of("conversation_id"))
    if held := ids.filter(is_of_rows_of(run.store.excluded())).n_unique():
        raise StoreError(
            f"{table.name} still holds the text of {held:,} that are excluded. Materialize "
            f"{SELECTION.name} again, then the job `{JOB}`"
        )
    return rows


@table_asset(BENCH_INSTRUCTIONS, reads=[SELECTION], kinds={"polars", "parquet"})
def bench_instructions(run: AssetRun) -> pl.DataFrame:
    """The instructions that are held out, without those that a training instruction repeats.

    One row per held-out instruction. A repeated one is dropped here and trained on nowhere.
    """
    chosen = run.store.read(SELECTION, Partition())
    training = chosen.drop_nulls("position").select("conversation_id", "source", "question")
    repeats = find_repeats(list_held_out(chosen), training)
    rows = build_bench_instructions(chosen, repeats, run.store.excluded())
    run.note(held_out=rows.height, dropped=markdown(_count(rows)))
    return rows


@table_asset(
    BENCH_REFERENCES,
    reads=[BENCH_INSTRUCTIONS],
    kinds={"vllm", "parquet"},
    pool=_pool(),
    code_version=_version(*_versions_of_steps()),
    asks=True,
)
def bench_references(run: AssetRun) -> pl.DataFrame:
    """What the writer makes of each held-out instruction: sets, messages, answers under them.

    It is asked as for the lane's own tables, with the settings of these.
    """
    writer = _writer()

    def ask_for(step: Step) -> Ask:
        ledger = f"{writer.name}/{step.table.name.rpartition('/')[2]}"
        return run.open_session(writer, ledger, step.table).ask

    run.note(writer=writer.name)
    instructions = _read_kept(run, BENCH_INSTRUCTIONS)
    return write_references(instructions, ask_for, lane_settings())


@table_asset(
    BENCH_RUBRICS,
    reads=[BENCH_REFERENCES],
    kinds={"vllm", "parquet"},
    pool=_pool(),
    code_version=_version(PROMPT.fingerprint, rubric_grading.PROMPT.fingerprint),
    asks=True,
)
def bench_rubrics(run: AssetRun) -> pl.DataFrame:
    """A rubric of five levels for each preference, tried by a judge on two answers.

    It is sound where the reference scores 4 or 5 and a sibling's answer less than 4, and is written
    once more where it is not.
    """
    writer = _writer()
    judge = CATALOG.judge_of(writer.name)
    is_writer = judge.is_same_as(writer)
    run.note(writer=writer.name, judge=judge.name, judge_is_writer=is_writer)
    writes = run.open_session(writer, f"{writer.name}/rubrics")
    judges = run.open_session(judge, f"{judge.name}/gradings")

    def ask_judge(requests: Iterable[ChatRequest], total: int) -> pl.DataFrame:
        completions = judges.ask(requests, total)
        require_replies(run, completions, judge.name)
        return completions

    references = _read_kept(run, BENCH_REFERENCES)
    rows = write_rubrics(references, writes.ask, ask_judge, lane_settings().constrained)
    run.note(rubrics=markdown(_count(rows)))
    return by_whom(rows, judge.name, is_writer)


@table_asset(
    MULTIFACETED_BENCH, reads=[BENCH_REFERENCES, BENCH_RUBRICS], kinds={"polars", "parquet"}
)
def bench(run: AssetRun) -> pl.DataFrame:
    """The bench: one row per preference set of a held-out instruction; kept ones are its items.

    An item has a system message, an instruction, a reference answer and four rubrics that tell the
    reference from an answer to another message. Beside the table lies `bench.jsonl`: the items in
    the layout of Multifaceted-Bench, for others.
    """
    _read_kept(run, BENCH_RUBRICS)
    references = run.store.read(BENCH_REFERENCES, Partition())
    rows = build_bench(references, run.store.read(BENCH_RUBRICS, Partition()))
    table = run.store.path(MULTIFACETED_BENCH, Partition())
    file = run.store.write_text(table.with_name(FILE), write_lines(rows, references))
    run.note(items=rows["item"].count(), sets=markdown(_count(rows)), to_share=str(file))
    return rows


def _count(rows: pl.DataFrame) -> pl.DataFrame:
    """How many rows are kept, and how many dropped for each reason."""
    dropped = count_drops(rows)
    kept = rows["drop_reason"].null_count()
    return pl.DataFrame(
        [("kept", kept), *dropped.items()], {"what": pl.String, "rows": pl.Int64}, orient="row"
    )


# Of a deployment whose catalogue asks for no bench: nothing.
BENCH: list[dg.AssetsDefinition] = (
    [bench_instructions, bench_references, bench_rubrics, bench] if CATALOG.bench_writer else []
)
BENCH_JOB = dg.define_asset_job(
    JOB,
    selection=dg.AssetSelection.assets(*BENCH),
    description="The second lane's bench, from held-out instructions to items, in one run.",
)
