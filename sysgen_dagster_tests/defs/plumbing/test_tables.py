"""What is true of every table of a deployment."""

from collections import Counter

import polars as pl
import pytest

import sysgen_dagster.analysis.tables
import sysgen_dagster.lanes.multifaceted.bench.tables
import sysgen_dagster.lanes.multifaceted.tables
import sysgen_dagster.lanes.sysgen.tables
import sysgen_dagster.obedience.tables
import sysgen_dagster.report.tables
import sysgen_dagster.review.tables
import sysgen_dagster.students.tables
import sysgen_dagster.training_sets.tables
from sysgen_dagster.defs.plumbing.partitions import CATALOG, SOURCE_TABLES, asset_key, partitions_of
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.sources.tables import CONVERSATIONS, SOURCE_ROW
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By

ROOMS = (
    sysgen_dagster.lanes.sysgen.tables.TABLES,
    sysgen_dagster.lanes.multifaceted.tables.TABLES,
    sysgen_dagster.lanes.multifaceted.bench.tables.TABLES,
    sysgen_dagster.obedience.tables.TABLES,
    sysgen_dagster.analysis.tables.TABLES,
    sysgen_dagster.training_sets.tables.TABLES,
    sysgen_dagster.students.tables.TABLES,
    sysgen_dagster.evaluation.suites.TABLES,
    sysgen_dagster.evaluation.comparisons.tables.TABLES,
    sysgen_dagster.review.tables.TABLES,
    sysgen_dagster.report.tables.TABLES,
)
PHASES = (
    "annotated_system_messages",
    "filtered_system_messages",
    "verified_system_messages",
    "aligned_responses",
)
# Those that are measured or judged in all, once for each model or once where no model made them.
STATISTICS = {
    "source_lengths",
    "retention",
    "tag_counts",
    "verdict_counts",
    "result_counts",
    "answer_similarity",
    "learned_similarity",
    "quality_counts",
    "obedience_counts",
    "message_diversity",
    "near_duplicate_questions",
    "near_duplicate_messages",
    "contamination",
    "judged_preferences",
    "judge_calibration",
    "judged_alignment",
    "planted_faults",
    "conflict_counts",
    "paper_comparison",
    "forecast",
}
OTHERS = (Group.EVALUATION, Group.MULTIFACETED)


def every_table() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", TABLES)


def test_the_tables_are_the_sources_the_phases_the_training_sets_and_the_statistics() -> None:
    training = {"splits", "training_rows", "preference_pairs", "mixtures", "review_decisions"}
    sources = {f"source/{name}" for name in CATALOG.sources}
    # Suites, comparisons and the second lane are held by tests of their own rooms.
    others = {name for name, table in TABLES.items() if table.group in OTHERS}

    assert TABLES.keys() - others == {
        *sources,
        "conversations",
        *PHASES,
        "row_quality",
        "obedience",
        "conflict_turns",
        *training,
        "trained_students",
        *STATISTICS,
    }


def test_no_table_takes_the_place_of_another_of_the_same_name() -> None:
    rooms = [table for room in ROOMS for table in room]
    declared = [*SOURCE_TABLES.values(), CONVERSATIONS, *rooms]

    assert [id(table) for table in TABLES.values()] == [id(table) for table in declared]


def test_the_tables_begin_with_the_sources_the_conversations_and_the_four_phases() -> None:
    sources = [f"source/{name}" for name in CATALOG.sources]

    assert list(TABLES)[: len(sources) + 5] == [*sources, "conversations", *PHASES]
    assert [table.name for table in SOURCE_TABLES.values()] == sources


def test_statistics_have_a_partition_for_each_model_and_some_are_of_no_model() -> None:
    of_no_model = {name for name in STATISTICS if TABLES[name].by is By.NOTHING}

    assert of_no_model == {
        "source_lengths",
        "near_duplicate_questions",
        "contamination",
        "paper_comparison",
    }
    assert {TABLES[name].by for name in STATISTICS - of_no_model} == {By.MODEL}


@pytest.mark.parametrize("name", ["conversations", *PHASES])
def test_a_row_of_every_phase_says_which_conversation_it_is_and_why_it_does_not_go_on(
    name: str,
) -> None:
    assert TABLES[name].names[:2] == ["conversation_id", "source"]
    assert TABLES[name].columns["drop_reason"].dtype == pl.String()


@every_table()
def test_every_column_says_what_it_holds(name: str) -> None:
    columns = TABLES[name].columns

    assert [column for column, held in columns.items() if not held.description] == []


@every_table()
def test_every_table_has_its_own_name_columns_and_a_group(name: str) -> None:
    table = TABLES[name]

    assert table.name == name == asset_key(table).to_user_string()
    assert table.columns
    assert table.group


@pytest.mark.parametrize(
    "name", ["annotated_system_messages", "verified_system_messages", "aligned_responses"]
)
def test_what_a_model_wrote_can_be_traced_to_the_model_the_prompt_and_the_sampling(
    name: str,
) -> None:
    assert TABLES[name].names[-18:] == [
        "finish_reason",
        "prompt_tokens",
        "completion_tokens",
        "reasoning",
        "reasoning_tokens",
        "attempts",
        "failure",
        "seed",
        "temperature",
        "max_tokens",
        "request_fields",
        "prompt_fingerprint",
        "model",
        "served_name",
        "model_revision",
        "engine",
        "system_message_folded",
        "characters_left_out",
    ]


@pytest.mark.parametrize("name", CATALOG.sources)
def test_a_source_s_table_is_of_its_own_shards(name: str) -> None:
    table = TABLES[f"source/{name}"]

    assert [at.shard for at in table.partitions(CATALOG)] == CATALOG.shards(name)
    assert table.names == [*CATALOG.sources[name].columns, *SOURCE_ROW]


def test_the_conversations_have_the_shards_of_all_sources() -> None:
    shards = [shard for source in CATALOG.sources for shard in CATALOG.shards(source)]

    assert [at.shard for at in CONVERSATIONS.partitions(CATALOG)] == shards


@every_table()
def test_the_partitions_of_a_table_are_those_of_its_asset_and_found_again_by_their_keys(
    name: str,
) -> None:
    table, partitions = TABLES[name], partitions_of(TABLES[name])
    here = list(table.partitions(CATALOG))
    keys = partitions.get_partition_keys() if partitions else [None]

    # A catalogue that names no subjects, or no instructions, has no partitions of these.
    assert here or table.group in OTHERS
    assert sorted(map(str, (at.key for at in here))) == sorted(map(str, keys))
    assert [table.partition_of(at.key) for at in here] == here


def test_no_two_partitions_are_one_file_or_have_one_label() -> None:
    places = [(table, at) for table in TABLES.values() for at in table.partitions(CATALOG)]
    files = Counter(table.file(at) for table, at in places)
    labels = Counter(table.label(at) for table, at in places)

    assert max(files.values()) == max(labels.values()) == 1
