"""The assets of the second lane: instructions, preference sets, messages and answers under them.

One run makes the selection of all instructions, one each shard of it, and one takes a model and a
shard through all that a model writes. Without the section `multifaceted` in the catalogue there are
no shards, and `definitions` leaves the assets out.
"""

import hashlib
import json
from collections.abc import Callable

import dagster as dg
import polars as pl
from pydantic import Field

from sysgen_dagster.catalog.catalog import split_shard
from sysgen_dagster.defs.plumbing.assets import Make, table_asset
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.defs.plumbing.versions import source_version
from sysgen_dagster.lanes.multifaceted import (
    gold_answers,
    preference_messages,
    preference_sets,
    steps,
)
from sysgen_dagster.lanes.multifaceted.selection import (
    build_candidates,
    build_instructions,
    build_selection,
)
from sysgen_dagster.lanes.multifaceted.settings import Multifaceted
from sysgen_dagster.lanes.multifaceted.tables import (
    INSTRUCTIONS,
    LANE,
    PREFERENCE_MESSAGES,
    PREFERENCE_SETS,
    SELECTION,
)
from sysgen_dagster.sources.whole_sources import read_conversations
from sysgen_dagster.storage.cuts import Cut
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.tables.table import Partition


def lane_settings() -> Multifaceted:
    """The lane's settings.

    Raises:
        StoreError: The catalogue has none.
    """
    if CATALOG.multifaceted is None:
        raise StoreError(f"the catalogue has no section `{LANE}`: say there what is read")
    return CATALOG.multifaceted


def _selection_version() -> str | None:
    """What the selection depends on: the files of the sources, their parts, how many, the seed."""
    settings = CATALOG.multifaceted
    if settings is None:
        return None
    parts = [(source_version(each.as_source), each.weight) for each in settings.sources.values()]
    held_out = [settings.bench.instructions] if settings.bench else []
    text = json.dumps([parts, settings.instructions, settings.seed, *held_out])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _version(step: steps.Step) -> str | None:
    return step.code_version(CATALOG.multifaceted) if CATALOG.multifaceted else None


@table_asset(
    SELECTION,
    reads=(),
    kinds={"huggingface", "parquet"},
    pool="hub",
    code_version=_selection_version(),
)
def selection(run: AssetRun) -> pl.DataFrame:
    """Which instructions of the lane's sources are taken, and why the others are not.

    One row per upstream row. An instruction that stands in several places is taken once; each
    source has its part by its weight; which ones are taken is drawn with a seed. What the bench
    asks is drawn first and never taken.
    """
    settings = lane_settings()
    downloads = run.tables.working_folder() / "downloads"
    excluded = run.store.excluded()
    parts = [
        build_candidates(conversations)
        for source in settings.sources.values()
        for conversations in read_conversations(source.as_source, downloads, run.store, excluded)
    ]
    rows = build_selection(pl.concat(parts), settings)
    counted = rows.group_by("source", maintain_order=True).agg(
        rows=pl.len(), taken=pl.col("position").count()
    )
    run.note(sources=markdown(counted))
    return rows


@table_asset(INSTRUCTIONS, reads=(SELECTION,), kinds={"polars", "parquet"})
def instructions(run: AssetRun) -> pl.DataFrame:
    """The instructions of one shard, in the order in which they were drawn."""
    settings = lane_settings()
    _, index = split_shard(str(run.at.shard))
    rows = run.store.read(SELECTION, Partition())
    taken = rows.drop_nulls("position").sort("position")["conversation_id"]
    run.cut = Cut(settings.shards, hashlib.sha256("\n".join(taken).encode()).hexdigest()[:32])
    return build_instructions(rows, index, settings.shards, run.store.excluded())


class InstructionsConfig(dg.Config):
    """For a pilot: how many instructions of the shard are taken; null: all of them."""

    limit: int | None = Field(default=None, gt=0, lt=1 << 32)  # Polars counts no further


def step_asset(
    step: steps.Step, config: type[dg.Config] | None = None
) -> Callable[[Make[pl.DataFrame]], dg.AssetsDefinition]:
    """Declares the asset of one step; what it reads, asks and depends on follows from `step`."""
    return table_asset(
        step.table,
        reads=step.reads,
        kinds={"vllm", "parquet"},
        pool="gpu",
        code_version=_version(step),
        config=config,
        asks=True,
    )


@step_asset(steps.SETS, InstructionsConfig)
def write_sets(run: AssetRun, config: InstructionsConfig) -> pl.DataFrame:
    """What somebody may prefer of an answer: for each instruction several sets of four preferences.

    A set has one preference in each dimension: style, background knowledge, informativeness,
    harmlessness. What each is about is drawn; the model writes it in a few words, and a description
    that is about this instruction. Sets that contradict themselves, or say what another set of the
    instruction says, are asked for again and then dropped.
    """
    session = run.open_session(run.model)
    rows = run.read_kept(INSTRUCTIONS)
    return preference_sets.write_preference_sets(rows, session.ask, lane_settings(), config.limit)


@step_asset(steps.MESSAGES)
def write_messages(run: AssetRun) -> pl.DataFrame:
    """One system message of each preference set: a paragraph that asks for what the set prefers.

    The model sees the four descriptions and nothing else.
    """
    session = run.open_session(run.model)
    sets = run.read_kept(PREFERENCE_SETS)
    return preference_messages.write_messages(sets, session.ask, lane_settings())


@step_asset(steps.ANSWERS)
def write_answers(run: AssetRun) -> pl.DataFrame:
    """The model's answer to the instruction, once under each of its system messages."""
    session = run.open_session(run.model)
    messages, asked = run.read_kept(PREFERENCE_MESSAGES), run.read_kept(INSTRUCTIONS)
    inputs = gold_answers.build_inputs(messages, asked)
    completions = session.ask(gold_answers.build_requests(inputs), inputs.height)
    return gold_answers.build_gold_answers(inputs, completions)


STEPS = [write_sets, write_messages, write_answers]
# Of a deployment whose catalogue does not have the lane's section: nothing.
MULTIFACETED = [selection, instructions, *STEPS] if CATALOG.multifaceted else []
