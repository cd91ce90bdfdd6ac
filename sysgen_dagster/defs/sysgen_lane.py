"""The assets of the SysGen lane in the order of the data: sources, conversations, four phases.

Every asset has the same form: it reads tables, calls a function of the lane, and returns the rows
of its own table, which are then stored and checked. Sources and conversations are partitioned by
shard, the phases by model and shard; one run takes one model and one shard through all four phases.
"""

from collections.abc import Callable

import dagster as dg
import polars as pl
from pydantic import Field

from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.catalog.sources import Exchanges, Source
from sysgen_dagster.defs.plumbing.assets import Make, table_asset
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.defs.plumbing.versions import reading_settings, source_version
from sysgen_dagster.lanes.sysgen import (
    answers,
    attempts,
    counts,
    filtering,
    paper,
    phases,
    verification,
)
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.exclusions import without_texts
from sysgen_dagster.sources.files import read_shard
from sysgen_dagster.sources.places import locate
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.cuts import Cut

METHOD = CATALOG.method


def source_asset(source: Source) -> dg.AssetsDefinition:
    """The asset of one source of the catalogue: its upstream rows, unchanged."""

    @table_asset(
        SOURCE_TABLES[source.name],
        reads=(),
        kinds={_kind_of(source), "parquet"},
        pool="hub",
        code_version=source_version(source),
        description=_description(source),
    )
    def rows(run: AssetRun) -> pl.DataFrame:
        _, index = split_shard(str(run.at.shard))
        run.settings = reading_settings(source)
        downloads = run.tables.working_folder() / "downloads"
        frame = read_shard(source, index, downloads, run.store)
        # A shard without rows does not say which file it is from.
        said = frame["source_revision"].head(1).to_list()
        [revision] = said or [locate(source, downloads, run.store).revision]
        run.cut = Cut(source.shards, revision)
        return without_texts(frame, source, run.store.excluded())

    return rows


def _kind_of(source: Source) -> str:
    return "huggingface" if source.hub else "github" if source.github else "file"


def _description(source: Source) -> str:
    place = f"`{source.repository or source.path}`{' on the Hub' if source.hub else ''}"
    published = paper.SOURCES.get(source.name)
    counted = source.conversations or (published.conversations if published else None)
    size = f" {counted:,} conversations in the paper." if counted else ""
    return f"{source.title}: upstream rows as they are, from {place} ({source.license}).{size}"


SOURCES = [source_asset(source) for source in CATALOG.sources.values()]


@table_asset(CONVERSATIONS, reads=SOURCE_TABLES.values(), kinds={"polars", "parquet"})
def conversations(run: AssetRun) -> pl.DataFrame:
    """One row per question and answer of the sources, with the turns before them.

    Each shard of a source has its conversations under the same key. Rows that cannot be used stay
    here with their reason; rows that repeat an earlier row of the source are marked and go on.
    """
    source = CATALOG.source_of(str(run.at.shard))
    # Phase 4 makes something else of the same rows where all answers of a conversation are written.
    run.settings = source.exchanges.value if source.exchanges is Exchanges.WHOLE else ""
    rows = run.store.read(SOURCE_TABLES[source.name], run.at)
    return build_conversations(rows, source, run.store.excluded())


class PilotConfig(dg.Config):
    """For a pilot: how many conversations of the shard Phase 1 takes; null: all of them."""

    limit: int | None = Field(default=None, gt=0, lt=1 << 32)  # Polars counts no further


def phase_asset(
    phase: phases.Phase, config: type[dg.Config] | None = None
) -> Callable[[Make[pl.DataFrame]], dg.AssetsDefinition]:
    """Declares the asset of one phase; what it reads, asks and depends on follows from `phase`."""
    return table_asset(
        phase.table,
        reads=phase.reads,
        kinds={"vllm" if phase.asks else "polars", "parquet"},
        pool="gpu" if phase.asks else None,
        code_version=phase.code_version(METHOD),
        config=config,
        asks=phase.asks,
    )


@phase_asset(phases.ANNOTATION, PilotConfig)
def annotated_system_messages(run: AssetRun, config: PilotConfig) -> pl.DataFrame:
    """Phase 1: the model writes the system message that may have led to an answer.

    It sees question and answer, and tags each phrase with what it is about: Role, Content, Task,
    Action, Style, Background, Tool or Format. In the paper's terms S = M(. | P, Q, A).
    """
    session = run.open_session(run.model)
    run.note(method=METHOD.label)
    rows = run.read_kept(CONVERSATIONS)
    annotated = attempts.annotate(rows, session.ask, METHOD, config.limit)
    run.note(**attempts.count_well_formed(annotated, METHOD.drop_rule, METHOD.mend))
    return annotated


@phase_asset(phases.FILTERING)
def filtered_system_messages(run: AssetRun) -> pl.DataFrame:
    """Phase 2: rules look at the tags. No model is asked.

    Malformed and unknown tags are left out, the rest is put into one order; a message that cannot
    be used is dropped, with the reason.
    """
    filtered = filtering.filter_messages(run.read_kept(ANNOTATED), METHOD.drop_rule, METHOD.mend)
    run.note(
        method=METHOD.label,
        **filtering.count_kept_by_rule(filtered),
        **filtering.count_mends(filtered),
    )
    return filtered


@phase_asset(phases.VERIFICATION)
def verified_system_messages(run: AssetRun) -> pl.DataFrame:
    """Phase 3: the same model judges the phrases under each tag: Good, Bad or None.

    Only what is Good stays in the system message. A message with nothing left is dropped.
    """
    session = run.open_session(run.model)
    run.note(method=METHOD.label)
    filtered = run.read_kept(FILTERED)
    requests = verification.build_verification_requests(filtered, METHOD)
    completions = session.ask(requests, filtered.height)
    return verification.build_verified_messages(filtered, completions, METHOD.unreadable_verdict)


@phase_asset(phases.ALIGNMENT)
def aligned_responses(run: AssetRun) -> pl.DataFrame:
    """Phase 4: the same model answers the question again, now under the system message.

    The tags are taken off first. In the paper's terms A' = M(. | S, Q). Where `method` asks for
    several answers, the one that breaks the fewest rules stays. What is kept here goes into the
    training sets.
    """
    session = run.open_session(run.model)
    run.note(method=METHOD.label)
    verified, conversations = run.read_kept(VERIFIED), run.read_kept(CONVERSATIONS)
    whole = CATALOG.source_of(str(run.at.shard)).exchanges is Exchanges.WHOLE
    aligned = answers.answer(verified, conversations, session.ask, METHOD, whole=whole)
    run.note(**answers.count_answers(aligned))
    if not (results := counts.count_results(aligned)).is_empty():
        run.note(results=markdown(results.drop("source")))
    return aligned


PHASES = [
    annotated_system_messages,
    filtered_system_messages,
    verified_system_messages,
    aligned_responses,
]
