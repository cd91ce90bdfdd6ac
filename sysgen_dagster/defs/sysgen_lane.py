"""The whole data flow of the SysGen lane, top to bottom: five sources, conversations, four phases.

Every asset has the same shape: it reads tables, calls the method, and gives the rows of its own
table, which are then stored and checked. Sources and conversations are partitioned by shard, the
phases by model and shard; one run takes one model and one shard through all four phases.
"""

from collections.abc import Callable

import dagster as dg
import polars as pl

from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.catalog.sources import Source
from sysgen_dagster.defs.plumbing.assets import Make, table_asset
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.defs.plumbing.versions import reading_settings, source_version
from sysgen_dagster.lanes.sysgen import phases
from sysgen_dagster.lanes.sysgen.alignment import (
    build_aligned_responses,
    build_alignment_inputs,
    build_alignment_requests,
)
from sysgen_dagster.lanes.sysgen.attempts import annotate, count_well_formed
from sysgen_dagster.lanes.sysgen.filtering import count_kept_by_rule, filter_messages
from sysgen_dagster.lanes.sysgen.paper import SOURCES as PUBLISHED
from sysgen_dagster.lanes.sysgen.phases import Phase
from sysgen_dagster.lanes.sysgen.tables import ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.lanes.sysgen.verification import (
    build_verification_requests,
    build_verified_messages,
)
from sysgen_dagster.sources.conversations import build_conversations
from sysgen_dagster.sources.files import read_shard
from sysgen_dagster.sources.tables import CONVERSATIONS

METHOD = CATALOG.method


def source_asset(source: Source) -> dg.AssetsDefinition:
    """The asset of one source of the catalogue."""

    @table_asset(
        SOURCE_TABLES[source.name],
        reads=(),
        kinds={"huggingface" if source.hub else "file", "parquet"},
        pool="hub",
        code_version=source_version(source),
        description=_description(source),
    )
    def rows(run: AssetRun) -> pl.DataFrame:
        _, index = split_shard(str(run.at.shard))
        run.settings = reading_settings(source)
        return read_shard(source, index, run.tables.working_folder() / "downloads")

    return rows


def _description(source: Source) -> str:
    place = f"`{source.hub.repo}` on the Hub" if source.hub else f"`{source.path}`"
    published = PUBLISHED.get(source.name)
    counted = source.conversations or (published.conversations if published else None)
    paper = f" {counted:,} conversations in the paper." if counted else ""
    return f"{source.title}: upstream rows as they are, from {place} ({source.license}).{paper}"


SOURCES = [source_asset(source) for source in CATALOG.sources.values()]


@table_asset(CONVERSATIONS, reads=SOURCE_TABLES.values(), kinds={"polars", "parquet"})
def conversations(run: AssetRun) -> pl.DataFrame:
    """One row per (question, answer) of the sources, with what was said before.

    A source's shard becomes the conversations of the same key. Rows that cannot be used stay here
    with their reason; rows that an earlier row of the source repeats are marked and go on.
    """
    source = CATALOG.source_of(str(run.at.shard))
    rows = run.store.read(SOURCE_TABLES[source.name], run.at)
    return build_conversations(rows, source, run.store.excluded())


class HowMany(dg.Config):
    """For a pilot run: how many conversations of the shard are taken; all when left out."""

    limit: int | None = None


def phase_asset(
    phase: Phase, config: type[dg.Config] | None = None
) -> Callable[[Make[pl.DataFrame]], dg.AssetsDefinition]:
    """The asset of one phase: what it reads, asks and depends on follows from the phase."""
    return table_asset(
        phase.table,
        reads=phase.reads,
        kinds={"vllm" if phase.asks else "polars", "parquet"},
        pool="gpu" if phase.asks else None,
        code_version=phase.code_version(METHOD),
        config=config,
        asks=phase.asks,
    )


@phase_asset(phases.ANNOTATION, HowMany)
def annotated_system_messages(run: AssetRun, config: HowMany) -> pl.DataFrame:
    """Phase 1: a system message for each (question, answer), its phrases tagged by the model.

    S = M(. | P, Q, A). Eight key functionalities may be tagged: Role, Content, Task, Action, Style,
    Background, Tool, Format.
    """
    session = run.open_session(run.model)
    asked = run.read_kept(CONVERSATIONS)
    annotated = annotate(asked, session.ask, METHOD, config.limit)
    run.note(**count_well_formed(annotated, METHOD.drop_rule))
    return annotated


@phase_asset(phases.FILTERING)
def filtered_system_messages(run: AssetRun) -> pl.DataFrame:
    """Phase 2: rules drop malformed and unknown tags and put the rest in canonical order."""
    filtered = filter_messages(run.read_kept(ANNOTATED), METHOD.drop_rule)
    run.note(**count_kept_by_rule(filtered))
    return filtered


@phase_asset(phases.VERIFICATION)
def verified_system_messages(run: AssetRun) -> pl.DataFrame:
    """Phase 3: the same model judges each tag Good, Bad or None; only Good stays."""
    session = run.open_session(run.model)
    filtered = run.read_kept(FILTERED)
    requests = build_verification_requests(filtered, METHOD)
    completions = session.ask(requests, filtered.height)
    return build_verified_messages(filtered, completions, METHOD.unreadable_verdict)


@phase_asset(phases.ALIGNMENT)
def aligned_responses(run: AssetRun) -> pl.DataFrame:
    """Phase 4: tags are stripped and the same model answers again, A' = M(. | S, Q)."""
    session = run.open_session(run.model)
    inputs = build_alignment_inputs(run.read_kept(VERIFIED), run.read_kept(CONVERSATIONS))
    completions = session.ask(build_alignment_requests(inputs), inputs.height)
    return build_aligned_responses(inputs, completions)


PHASES = [
    annotated_system_messages,
    filtered_system_messages,
    verified_system_messages,
    aligned_responses,
]
