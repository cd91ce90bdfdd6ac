"""Phase 2: malformed and unknown tags go, the rest is put in canonical order.

The paper's four rules (section 3.2): phrases inside properly matched tags stay; tags outside the
eight go with their phrase; text under no tag goes; what stays is put in canonical order. When a
whole message is dropped is left open there and is `DropRule` here.
"""

from typing import Any

import polars as pl

from sysgen_dagster.catalog import DropRule
from sysgen_dagster.sysgen.drop_reasons import DropReason
from sysgen_dagster.sysgen.tables import FILTERED, polars_schema
from sysgen_dagster.sysgen.tags import (
    TaggedMessage,
    in_canonical_order,
    parse_tagged_message,
    render_tagged_message,
)


def filtered_messages(annotated: pl.DataFrame, drop_rule: DropRule) -> pl.DataFrame:
    """Phase 2's table: one row per annotated message, in the same order.

    Returns:
        `tables.FILTERED`. ``phrases``, ``defects`` and ``has_malformed_boundary`` are filled for
        dropped rows too, so that the other drop rule can be counted from the same table.
    """
    wanted = ("conversation_id", "source", "annotated_message")
    records = [
        {"conversation_id": conversation_id, "source": source, **_filtered(text, drop_rule)}
        for conversation_id, source, text in annotated.select(wanted).iter_rows()
    ]
    return pl.DataFrame(records, schema=polars_schema(FILTERED), orient="row")


def count_kept_by_rule(filtered: pl.DataFrame) -> dict[str, int]:
    """How many messages of Phase 2's table stay under each drop rule, whichever one made it."""
    has_phrase = pl.col("phrases").list.len() > 0
    stays = {
        DropRule.MALFORMED_BOUNDARY: has_phrase & ~pl.col("has_malformed_boundary"),
        DropRule.NO_PHRASE_LEFT: has_phrase,
    }
    counts = filtered.select(**{f"kept_under_{rule}": stay.sum() for rule, stay in stays.items()})
    return counts.row(0, named=True)


def _filtered(text: str, drop_rule: DropRule) -> dict[str, Any]:
    message = parse_tagged_message(text)
    phrases = in_canonical_order(message.phrases)
    reason = _drop_reason(message, drop_rule)
    return {
        "phrases": [{"tag": phrase.tag, "text": phrase.text} for phrase in phrases],
        "tagged_message": None if reason else render_tagged_message(phrases),
        "defects": [{"kind": each.kind, "text": each.text} for each in message.defects],
        "has_malformed_boundary": message.has_malformed_boundary,
        "drop_reason": reason,
    }


def _drop_reason(message: TaggedMessage, drop_rule: DropRule) -> DropReason | None:
    if drop_rule is DropRule.MALFORMED_BOUNDARY and message.has_malformed_boundary:
        return DropReason.MALFORMED_BOUNDARY
    return None if message.phrases else DropReason.NO_PHRASE_LEFT
