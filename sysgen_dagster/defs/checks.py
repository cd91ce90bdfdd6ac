"""The asset checks: every statement of `sysgen.checks`, on the partitions of its table."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from sysgen_dagster.defs.metadata import sample
from sysgen_dagster.defs.partitions import MODEL_SHARDS, SHARDS
from sysgen_dagster.defs.resources import Tables
from sysgen_dagster.defs.table_io import evidence_of
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.sysgen.checks import UPSTREAM, Check, Evidence, Finding, checks_of
from sysgen_dagster.sysgen.tables import TableError


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
        context: dg.AssetCheckExecutionContext, tables: Tables
    ) -> Iterator[dg.AssetCheckResult]:
        evidence = evidence_of(tables.store(), context.partition_key)
        for check in checks:
            if dg.AssetCheckKey(asset, check.name) in context.selected_asset_check_keys:
                yield check_result(check, evidence, asset)

    return evaluate


TABLE_CHECKS = [table_checks(table) for table in ("conversations", *UPSTREAM)]
