"""The asset of what reviewers decided, and how far judges agree with them."""

from collections.abc import Iterator

import polars as pl

from sysgen_dagster.defs.plumbing.assets import table_asset
from sysgen_dagster.defs.plumbing.excluded import excluded_ids
from sysgen_dagster.defs.plumbing.metadata import markdown
from sysgen_dagster.defs.plumbing.partitions import CATALOG
from sysgen_dagster.defs.plumbing.reviewed import reviewed_tags
from sysgen_dagster.defs.plumbing.table_io import AssetRun
from sysgen_dagster.lanes.sysgen.tables import ALIGNED
from sysgen_dagster.review.agreement import ALL_TAGS, agreement
from sysgen_dagster.review.decisions import Choice, Decision, Decisions, digest_of, read_decisions
from sysgen_dagster.review.tables import REVIEW_DECISIONS
from sysgen_dagster.storage.evidence import StoredEvidence, finished_shards
from sysgen_dagster.tables.table import kept

_TEXTS = ("conversation_id", "source", "system_message", "new_answer", "drop_reason")
# Of `agreement.AGREEMENT`; more columns are wider than the UI's table.
_SHOWN = ("model", "tag", "labels", "agreement", "kappa", "kappa_low", "kappa_high", "enough")


@table_asset(REVIEW_DECISIONS, reads=[ALIGNED], kinds={"polars"})
def review_decisions(run: AssetRun) -> pl.DataFrame:
    """What reviewers decided in `sysgen review`: the last decision of each row, and its labels.

    Mixtures and exports read the decisions themselves, so that they follow the newest; this table
    shows them, and how far the judge of Phase 3 agrees with the labels.
    """
    decisions = read_decisions(run.store)
    run.tags.update(reviewed_tags(decisions, REVIEW_DECISIONS))
    rows = list(_rows(run, decisions.without(excluded_ids(run.store))))
    table = pl.DataFrame(rows, schema=REVIEW_DECISIONS.schema, orient="row")
    counts = table.group_by("model", "choice", "is_current").len("rows").sort(pl.all())
    agreed = agreement(table.filter("is_current"))
    run.note(
        choices=markdown(counts),
        **({} if agreed.is_empty() else {"agreement": markdown(agreed.select(_SHOWN))}),
        **{
            f"kappa/{row['model']}": row["kappa"]
            for row in agreed.filter(tag=ALL_TAGS).drop_nulls("kappa").iter_rows(named=True)
        },
        decisions_made=decisions.made,
        cut_off=decisions.cut_off,
        damaged=decisions.damaged,
    )
    return table


def _rows(run: AssetRun, decisions: Decisions) -> Iterator[tuple[object, ...]]:
    """By model in the order of the catalogue, sorted by conversation."""
    for model in CATALOG.models:
        decided = decisions.of(model)
        shards = finished_shards(run.store, CATALOG, ALIGNED, model) if decided else ()
        parts = [
            part.read(ALIGNED, *_TEXTS).filter(pl.col("conversation_id").is_in(list(decided)))
            for part in StoredEvidence(run.store, shards, model).by_shard()
        ]
        stored = kept(pl.concat(parts)) if parts else ALIGNED.empty()
        found = {row["conversation_id"]: row for row in stored.iter_rows(named=True)}
        for identity, decision in sorted(decided.items()):
            if decision.choice is not Choice.OPEN or decision.labels:
                yield _row(decision, found.get(identity))


def _row(decision: Decision, stored: dict[str, str] | None) -> tuple[object, ...]:
    is_current = stored is not None and decision.texts == digest_of(
        stored["system_message"], stored["new_answer"]
    )
    labels = [
        {"tag": tag, "verdict": decision.verdicts.get(tag), "label": label}
        for tag, label in decision.labels.items()
    ]
    return (
        decision.conversation_id,
        stored["source"] if stored else None,
        decision.model,
        decision.choice.value,
        decision.system_message,
        decision.new_answer,
        labels,
        decision.reviewer,
        decision.decided_at,
        is_current,
    )
