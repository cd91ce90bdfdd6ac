"""A source that moved: what it marks as out of date, in Dagster's eyes, in the checks' and ours."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from sysgen_dagster.catalog.models import RequestSettings
from sysgen_dagster.catalog.places import HubFile
from sysgen_dagster.catalog.sources import Exchanges, Source
from sysgen_dagster.defs.obedience import obedience
from sysgen_dagster.defs.operations import automation
from sysgen_dagster.defs.operations.automation import fill_gaps
from sysgen_dagster.defs.operations.staleness import out_of_date, watching
from sysgen_dagster.defs.plumbing import asked
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES, asset_key
from sysgen_dagster.defs.plumbing.resources import InferenceResource, TablesResource
from sysgen_dagster.defs.plumbing.versions import data_version, source_version
from sysgen_dagster.defs.sysgen_lane import PHASES, SOURCES, conversations, source_asset
from sysgen_dagster.lanes.sysgen import phases
from sysgen_dagster.tables.table import Column
from sysgen_dagster_tests.dagster_internals import (
    CachingStaleStatusResolver,
    LoadingContextForTest,
    StaleStatus,
)

NAME = "capybara"
SOURCE = asset_key(SOURCE_TABLES[NAME])
SAME, CHANGED = CATALOG.shards(NAME)
MODEL = "phi-4"
OF_MODEL = [f"{MODEL}|{shard}" for shard in (SAME, CHANGED)]
PHASE_KEYS = [phase.key for phase in PHASES]
ROWS = pl.DataFrame({"id": ["a", "b"], "text": ["1", None], "source_revision": ["x", "x"]})
NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)


# Data versions


@pytest.mark.parametrize(
    "other",
    [
        ROWS.reverse(),
        ROWS.head(1),
        ROWS.clear(),
        ROWS.with_columns(text=pl.lit("1")),
        ROWS.rename({"text": "words"}),
    ],
    ids=["order", "pilot", "none", "value", "name"],
)
def test_other_rows_have_another_data_version(other: pl.DataFrame) -> None:
    assert data_version(other) != data_version(ROWS)


def test_the_same_rows_at_another_commit_have_the_same_data_version() -> None:
    elsewhere = ROWS.with_columns(source_revision=pl.lit("y"))
    assert data_version(elsewhere) == data_version(ROWS)
    assert data_version(ROWS, "exchanges: each") != data_version(ROWS, "exchanges: last")


def test_rows_that_are_read_in_pieces_have_the_data_version_of_the_whole() -> None:
    rows = pl.select(n=pl.int_range(20_001), source_revision=pl.lit("x"))
    assert data_version(rows.lazy()) == data_version(rows)


def test_a_data_version_is_the_same_in_every_release() -> None:
    """If this fails, every partition that is made again will look changed: say so to the users."""
    rows = pl.DataFrame({"n": [1, 2], "x": [0.1, 1e300], "t": [[{"a": "é\n"}], []]})
    assert data_version(rows).value == "6327738135340e8cc61ad8a2e185d7d1"


@pytest.mark.parametrize("name", ["reasoning", "request_fields_of_mine"])
def test_a_column_that_stored_files_lack_counts_once_it_holds_something(name: str) -> None:
    columns = {name: Column(pl.String(), "new", is_new=True)}
    empty = ROWS.with_columns(pl.lit(None, dtype=pl.String).alias(name))

    assert data_version(empty, columns=columns) == data_version(ROWS)
    assert data_version(empty) != data_version(ROWS)
    assert data_version(empty.with_columns(pl.lit("x").alias(name)), columns=columns) != (
        data_version(ROWS)
    )


# Code versions of sources


def _source(**changes: object) -> Source:
    return CATALOG.sources[NAME].model_copy(update=changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"shards": 3},
        {"exchanges": Exchanges.FIRST},
        {"show_original_system_message": True},
        {"path": None, "hub": HubFile(repo="a/b", file="c.parquet", revision="0" * 40)},
    ],
    ids=lambda changes: " ".join(changes),
)
def test_a_source_has_another_code_version_when_it_is_read_otherwise(
    changes: dict[str, object],
) -> None:
    assert source_version(_source(**changes)) != source_version(_source())


def test_a_source_keeps_its_code_version_when_only_what_is_said_of_it_changes() -> None:
    assert source_version(_source(title="Other", license="mit", rows=7)) == source_version(
        _source()
    )


def test_another_commit_and_a_changed_local_file_are_other_code_versions(tmp_path: Path) -> None:
    pins = [HubFile(repo="a/b", file="c.parquet", revision=digit * 40) for digit in "01"]
    assert len({source_version(_source(path=None, hub=pin)) for pin in pins}) == 2
    file = tmp_path / "rows.jsonl"
    file.write_text("{}\n")
    before = source_version(_source(path=file))
    assert source_version(_source(path=file)) == before
    file.write_text("{}\n{}\n")
    assert source_version(_source(path=file)) != before
    file.unlink()
    assert source_version(_source(path=file)) != before


def test_a_folder_has_another_code_version_when_one_of_its_files_of_rows_changes(
    tmp_path: Path,
) -> None:
    for name in ("a.jsonl", "inside/b.jsonl", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}\n")
    before = source_version(_source(path=tmp_path))
    (tmp_path / "README.md").write_text("more words")
    assert source_version(_source(path=tmp_path)) == before
    (tmp_path / "inside/b.jsonl").write_text("{}\n{}\n")
    assert source_version(_source(path=tmp_path)) != before


def test_another_split_is_another_code_version_and_one_left_open_has_one_too() -> None:
    hubs = [HubFile(repo="a/b", **given) for given in ({}, {"config": "c"}, {"split": "d"})]
    assert len({source_version(_source(path=None, hub=hub)) for hub in hubs}) == 3


# The whole way: a file of which only the second half changes


class Pipeline:
    """One source, its conversations and a model, on an instance of their own."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.resources = {
            "tables": TablesResource(root=str(folder)),
            "models": InferenceResource(root=str(folder)),
        }
        self.read(SOURCES[0])

    def read(self, source: dg.AssetsDefinition) -> None:
        """Take this source from now on."""
        self.source = source
        assets = [source, *SOURCES[1:], conversations, *PHASES]
        self.defs = dg.Definitions(
            assets=[*assets, watching(assets, automation.FOLLOWS)],
            resources=self.resources,
        )

    def make(self, partition: str, *assets: dg.AssetKey) -> None:
        """Make one partition of these assets, and run their checks."""
        job = self.defs.resolve_implicit_global_asset_job_def()
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        assert job.execute_in_process(
            run_config=quiet,
            instance=self.instance,
            partition_key=partition,
            asset_selection=list(assets),
        ).success

    def status(self, asset: dg.AssetKey, *partitions: str) -> list[StaleStatus]:
        """What Dagster's UI says of these partitions."""
        resolver = CachingStaleStatusResolver(
            self.instance, self.defs.resolve_asset_graph(), LoadingContextForTest(self.instance)
        )
        return [resolver.get_status(asset, partition) for partition in partitions]

    def out_of_date(self) -> str:
        """What the asset of that name says when it is made."""
        job = self.defs.resolve_implicit_global_asset_job_def()
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        key = dg.AssetKey("out_of_date")
        result = job.execute_in_process(
            run_config=quiet, instance=self.instance, asset_selection=[key]
        )
        [found] = result.get_asset_check_evaluations()
        assert found.severity is dg.AssetCheckSeverity.WARN
        said = found.description or ""
        assert found.passed == (said == "Nothing is out of date.")
        return said.removeprefix("Out of date: ")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Both shards of a source, all the way."""
    folder = tmp_path_factory.mktemp("staleness")
    with dg.instance_for_test() as instance:
        made = Pipeline(folder, instance)
        for shard in (SAME, CHANGED):
            made.make(shard, SOURCE)
            made.make(shard, conversations.key)
            made.make(f"{MODEL}|{shard}", *PHASE_KEYS)
        yield made


@pytest.fixture(scope="module")
def with_another_file(made: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The source's last row says something else now; nothing is made again yet."""
    path = CATALOG.sources[NAME].path
    assert path is not None
    *lines, last = path.read_text().splitlines()
    row = json.loads(last)
    row["conversation"][0]["input"] += " Why?"
    file = tmp_path_factory.mktemp("rows") / path.name
    file.write_text("\n".join([*lines, json.dumps(row)]) + "\n")
    entry = CATALOG.sources[NAME].model_copy(update={"path": file})
    made.read(source_asset(entry))
    return made


@pytest.fixture(scope="module")
def with_sources_made_again(with_another_file: Pipeline) -> Pipeline:
    for shard in (SAME, CHANGED):
        with_another_file.make(shard, SOURCE)
    return with_another_file


@pytest.fixture(scope="module")
def with_conversations_made_again(with_sources_made_again: Pipeline) -> Pipeline:
    for shard in (SAME, CHANGED):
        with_sources_made_again.make(shard, conversations.key)
    return with_sources_made_again


# In the order of the story: each of these takes the pipeline a step further.


def test_before_anything_changes_nothing_is_out_of_date(made: Pipeline) -> None:
    assert made.status(SOURCE, SAME, CHANGED) == [StaleStatus.FRESH] * 2
    assert made.out_of_date() == "Nothing is out of date."


def test_partitions_that_a_model_would_be_asked_for_otherwise_now_are_named(
    made: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"top_p": 0.9, "phases": {"aligned_responses": {"max_tokens": 7, "top_p": 1}}}
    request = RequestSettings.model_validate(settings)
    models = {MODEL: CATALOG.models[MODEL].model_copy(update={"request": request})}
    monkeypatch.setattr(asked, "CATALOG", CATALOG.model_copy(update={"models": models}))
    both = f"2 ({', '.join(OF_MODEL)})"

    assert made.out_of_date() == "; ".join(
        f"{phase.table.name}: {both}" for phase in phases.PHASES if phase.asks
    )


def test_a_source_whose_file_changed_is_marked_itself(with_another_file: Pipeline) -> None:
    made = with_another_file
    assert made.status(SOURCE, SAME, CHANGED) == [StaleStatus.STALE] * 2
    assert made.out_of_date() == f"source/{NAME}: 2 ({SAME}, {CHANGED})"
    assert made.status(conversations.key, SAME, CHANGED) == [StaleStatus.FRESH] * 2


def test_made_again_it_marks_the_conversations_of_the_shard_whose_rows_are_others(
    with_sources_made_again: Pipeline,
) -> None:
    made = with_sources_made_again
    assert made.status(conversations.key, SAME, CHANGED) == [StaleStatus.FRESH, StaleStatus.STALE]
    assert made.out_of_date() == f"conversations: 1 ({CHANGED})"
    assert made.status(PHASE_KEYS[0], *OF_MODEL) == [StaleStatus.FRESH] * 2


def test_and_these_mark_the_partition_of_the_first_phase_that_was_made_of_them(
    with_conversations_made_again: Pipeline,
) -> None:
    status = with_conversations_made_again.status(PHASE_KEYS[0], *OF_MODEL)
    assert status == [StaleStatus.FRESH, StaleStatus.STALE]


@pytest.mark.parametrize("phase", [PHASE_KEYS[0], PHASE_KEYS[-1]], ids=str)
def test_every_phase_that_read_them_is_named_whether_they_are_its_dependency_or_not(
    with_conversations_made_again: Pipeline, phase: dg.AssetKey
) -> None:
    made = with_conversations_made_again
    stale = out_of_date(made.instance, phase, [conversations.key])
    assert stale == {OF_MODEL[1]: ["conversations"]}
    assert f"{phase.path[-1]}: 1 ({OF_MODEL[1]})" in made.out_of_date()


def test_the_schedule_names_it_or_makes_it_again_after_what_is_missing(
    with_conversations_made_again: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = with_conversations_made_again.instance
    missing = [f"{model}|{shard}" for model in CATALOG.models for shard in (SAME, CHANGED)]
    missing = [key for key in missing if key not in OF_MODEL]
    for key in (*OF_MODEL, *missing):  # what the schedule would make as well
        instance.report_runless_asset_event(dg.AssetMaterialization(obedience.key, partition=key))
    for key in missing[:-1]:
        instance.report_runless_asset_event(dg.AssetMaterialization(PHASE_KEYS[-1], partition=key))
    filling = CATALOG.filling.model_copy(update={"refill_changed": True})
    again = CATALOG.model_copy(update={"filling": filling})

    with monkeypatch.context() as patch:
        patch.setattr(automation, "CATALOG", again)
        assert _tick(instance) == missing[-1]
    instance.report_runless_asset_event(
        dg.AssetMaterialization(PHASE_KEYS[-1], partition=missing[-1])
    )
    assert _tick(instance) == (
        f"no gaps that can be filled; 1 ({OF_MODEL[1]}) were made from conversations that have "
        "changed"
    )
    monkeypatch.setattr(automation, "CATALOG", again)
    assert _tick(instance) == OF_MODEL[1]


def _tick(instance: dg.DagsterInstance) -> str:
    """The one partition that is asked for, or why there is none."""
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=NOW) as context:
        [said] = fill_gaps(context)
    return str(said.partition_key if isinstance(said, dg.RunRequest) else said.skip_message)
