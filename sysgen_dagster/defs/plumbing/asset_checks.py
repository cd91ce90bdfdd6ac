"""The asset checks: every check of the deployment, on the partitions of its table."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from sysgen_dagster.defs.plumbing.checks import CHECKS
from sysgen_dagster.defs.plumbing.contracts import evidence_for_checks
from sysgen_dagster.defs.plumbing.metadata import SAMPLE_ROWS, markdown
from sysgen_dagster.defs.plumbing.partitions import asset_key, partitions_of
from sysgen_dagster.defs.plumbing.resources import TablesResource
from sysgen_dagster.defs.plumbing.tables import TABLES
from sysgen_dagster.lanes.sysgen.tables import RETENTION, TAG_COUNTS
from sysgen_dagster.storage.store import StoreError
from sysgen_dagster.tables.checks import Check, Evidence, Finding, checks_of
from sysgen_dagster.tables.table import Table, TableError


def check_result(check: Check, evidence: Evidence, asset: dg.AssetKey) -> dg.AssetCheckResult:
    """The result of a check; it fails with the message of the error if rows cannot be read."""
    metadata: dict[str, Any] = {}
    blocking = check.blocking
    try:
        finding = check.evaluate(evidence)
    except (StoreError, TableError) as error:
        passed, blocking, description = False, True, str(error)
    else:
        passed, metadata = finding.passed, _metadata(finding)
        blocking = blocking and not finding.may_be_chance
        held = "True" if passed else "Not true"
        description = f"{'Not judged' if finding.is_of_made_up_text else held}: {check.statement}"
        if finding.explanation:
            description += f" {finding.explanation}."
    return dg.AssetCheckResult(
        passed=passed,
        asset_key=asset,
        check_name=check.name,
        severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
        description=description,
        metadata=metadata,
    )


def _metadata(finding: Finding) -> dict[str, Any]:
    """The figure, the wanted and the paper's figure, and a few rows that break the check."""
    metadata: dict[str, Any] = {
        "found": finding.figure,
        "wanted": finding.wanted,
        "paper": finding.paper,
        **finding.details,
    }
    if not finding.rows.is_empty():
        metadata["rows"] = finding.rows.height
        metadata["row_sample"] = markdown(finding.rows.head(SAMPLE_ROWS))
    return metadata


def asset_checks(table: Table, checks: Sequence[Check]) -> dg.AssetChecksDefinition:
    """All checks of a table as one step, which runs after its asset and before downstream assets.

    They are evaluated over the rows of the partition that was made. If it is not of one shard, they
    are evaluated over all shards: those that the model has finished, or those of the sources.
    """
    key = asset_key(table)

    @dg.multi_asset_check(
        name=f"{table.name.replace('/', '__')}_checks",
        specs=[
            dg.AssetCheckSpec(
                check.name,
                asset=key,
                description=check.statement,
                blocking=check.blocking,
                partitions_def=partitions_of(table),
            )
            for check in checks
        ],
        can_subset=True,
        compute_kind="polars",
    )
    def evaluate(
        context: dg.AssetCheckExecutionContext, tables: TablesResource
    ) -> Iterator[dg.AssetCheckResult]:
        at = table.partition_of(context.partition_key if context.has_partition_key else None)
        evidence = evidence_for_checks(tables.store(), table, at)
        for check in checks:
            if dg.AssetCheckKey(key, check.name) in context.selected_asset_check_keys:
                yield check_result(check, evidence, key)

    return evaluate


def _checks_on(table: Table) -> list[Check]:
    """The checks of a table and, for two statistics, those of that name on the tables of phases.

    The latter are evaluated over all shards of a model. Each is named after the table of its phase.
    """
    over_all_shards = [
        replace(check, name=f"after_{check.table.name}")
        for check in CHECKS
        if check.name == table.name and table in (RETENTION, TAG_COUNTS)
    ]
    return checks_of(CHECKS, table) + over_all_shards


ASSET_CHECKS = [
    asset_checks(table, checks) for table in TABLES.values() if (checks := _checks_on(table))
]
