"""The asset checks: every statement of `sysgen.checks`, on the partitions of its table."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import dagster as dg

from sysgen_dagster.analysis.checks import CHECKS as EXPECTATIONS
from sysgen_dagster.defs.plumbing.metadata import sample
from sysgen_dagster.defs.plumbing.partitions import MODEL_SHARDS, MODELS, SHARDS
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.table_io import (
    evidence_of,
    evidence_of_model,
    evidence_of_sources,
)
from sysgen_dagster.lanes.sysgen.checks import CHECKS, UPSTREAM, Check, Evidence, Finding, checks_of
from sysgen_dagster.report.views import view_of
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.tables.table import STATISTICS, TableError


def check_result(check: Check, evidence: Evidence, asset: dg.AssetKey) -> dg.AssetCheckResult:
    """What a check found, with its figure, what was wanted and a few of the rows against it."""
    severity = dg.AssetCheckSeverity.ERROR if check.blocking else dg.AssetCheckSeverity.WARN
    try:
        finding = check.evaluate(evidence)
    except (StoreError, TableError) as error:
        return dg.AssetCheckResult(
            passed=False,
            asset_key=asset,
            check_name=check.name,
            severity=dg.AssetCheckSeverity.ERROR,
            description=str(error),
        )
    return dg.AssetCheckResult(
        passed=finding.passed,
        asset_key=asset,
        check_name=check.name,
        severity=severity,
        description=f"{'True' if finding.passed else 'Not true'}: {check.statement}",
        metadata=_metadata(finding),
    )


def _metadata(finding: Finding) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "found": finding.figure,
        "wanted": finding.wanted,
        "paper": finding.paper,
    }
    if not finding.rows.is_empty():
        metadata["rows"] = finding.rows.height
        metadata["row_sample"] = sample(finding.rows)
    return metadata


def table_checks(table: str) -> dg.AssetChecksDefinition:
    """All checks of one table as one step, run after its asset and before what follows."""
    asset, checks = dg.AssetKey(table), checks_of(table)
    partitions = SHARDS if table == "conversations" else MODEL_SHARDS

    @dg.multi_asset_check(
        name=f"{table}_checks",
        specs=[
            dg.AssetCheckSpec(
                check.name,
                asset=asset,
                description=check.statement,
                blocking=check.blocking,
                partitions_def=partitions,
            )
            for check in checks
        ],
        can_subset=True,
        compute_kind="polars",
    )
    def evaluate(
        context: dg.AssetCheckExecutionContext, tables: TablesResource
    ) -> Iterator[dg.AssetCheckResult]:
        evidence = evidence_of(tables.store(), context.partition_key)
        for check in checks:
            if dg.AssetCheckKey(asset, check.name) in context.selected_asset_check_keys:
                yield check_result(check, evidence, asset)

    return evaluate


def statistics_checks(asset: str, checks: Mapping[str, Check]) -> dg.AssetChecksDefinition:
    """Checks under these names over all shards that a model has finished, or over the sources."""
    of_a_model = view_of(asset).of_a_model

    @dg.multi_asset_check(
        name=f"{asset}_checks",
        specs=[
            dg.AssetCheckSpec(
                name,
                asset=asset,
                description=check.statement,
                partitions_def=MODELS if of_a_model else None,
            )
            for name, check in checks.items()
        ],
        can_subset=True,
        compute_kind="polars",
    )
    def evaluate(
        context: dg.AssetCheckExecutionContext, tables: TablesResource
    ) -> Iterator[dg.AssetCheckResult]:
        evidence = (
            evidence_of_model(tables, context.partition_key)
            if of_a_model
            else evidence_of_sources(tables)
        )
        for name, check in checks.items():
            key = dg.AssetKey(asset)
            if dg.AssetCheckKey(key, name) in context.selected_asset_check_keys:
                yield check_result(replace(check, name=name), evidence, key)

    return evaluate


def _over_all_shards(name: str) -> dict[str, Check]:
    """The partition checks of that name, each as a check of the asset of that name."""
    return {f"after_{check.table}": check for check in CHECKS if check.name == name}


_OF_SHARDS = ("conversations", *UPSTREAM, "row_quality", "training_rows", "preference_pairs")
TABLE_CHECKS = [table_checks(table) for table in _OF_SHARDS]
STATISTICS_CHECKS = [
    statistics_checks("retention", _over_all_shards("retention")),
    statistics_checks("tag_counts", _over_all_shards("tag_counts")),
    *(
        statistics_checks(table, {check.name: check for check in checks})
        for table in STATISTICS
        if (checks := [check for check in EXPECTATIONS if check.table == table])
    ),
]
