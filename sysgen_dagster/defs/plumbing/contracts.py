"""Which stored rows the checks of a partition look at, and which contracts do not hold now."""

from collections.abc import Iterator

import dagster as dg

from sysgen_dagster.defs.plumbing.checks import CHECKS
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, PLANTED_FAULTS
from sysgen_dagster.obedience.tables import JUDGE_CALIBRATION
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.storage.store import Store, StoreError
from sysgen_dagster.tables.checks import Check, Evidence, Finding, checks_of
from sysgen_dagster.tables.groups import Group
from sysgen_dagster.tables.table import Partition, Table


def evidence_of(store: Store, at: Partition) -> StoredEvidence:
    """The stored rows that the checks of a partition look at."""
    return StoredEvidence(store, (at.shard,) if at.shard else (), at.model)


def evidence_of_shards(store: Store, table: Table, model: str | None) -> StoredEvidence:
    """All rows of the shards whose partition of `table` is stored, a model's or of the sources.

    Raises:
        StoreError: It is stored for none.
    """
    shards = finished_shards(store, CATALOG, table, model)
    if not shards:
        owner = model or "the sources"
        raise StoreError(
            f"{table.name} is not materialized for any shard of {owner}: do that first"
        )
    return StoredEvidence(store, shards, model)


def evidence_for_checks(store: Store, table: Table, at: Partition) -> StoredEvidence:
    """The rows that the checks of a table's partition look at: of all shards where it names none.

    Raises:
        StoreError: No shard is stored.
    """
    if at.shard is not None:
        return evidence_of(store, at)
    if table.group is Group.EVALUATION:
        return StoredEvidence(store, (), subject=at.subject)
    if table.group is Group.MULTIFACETED:  # the selection and the bench, which have no shards
        return StoredEvidence(store, ())
    if table in (PLANTED_FAULTS, JUDGE_CALIBRATION):  # asked about a model, whatever it has made
        return StoredEvidence(store, (), at.model)
    return evidence_of_shards(store, ALIGNED if at.model else CONVERSATIONS, at.model)


def broken_contracts(evidence: Evidence, table: Table) -> Iterator[tuple[Check, Finding]]:
    """The blocking checks of a table that do not hold now, with what was found."""
    for check in checks_of(CHECKS, table):
        if check.blocking and check.is_broken_by(finding := check.evaluate(evidence)):
            yield check, finding


def require_contracts(evidence: StoredEvidence, table: Table) -> None:
    """Evaluate every blocking check of a table on one shard, or on one subject.

    Raises:
        dg.Failure: One does not hold.
    """
    for check, finding in broken_contracts(evidence, table):
        shard = next(iter(evidence.shards), None)
        partition = Partition(evidence.model, shard, subject=evidence.subject).key
        explained = f"{finding.explanation}. " if finding.explanation else ""
        raise dg.Failure(
            f"{table.name} breaks a contract for {partition}, {check.name}: {check.statement} "
            f"Found {finding.figure:g}, wanted {finding.wanted}. {explained}Look at the check "
            f"of that name on {table.name}, mend the cause and materialize it again",
            allow_retries=False,
        )
