"""Phase 2: malformed and unknown tags go, the rest is put in canonical order.

The paper's four rules (section 3.2): phrases inside properly matched tags stay; tags outside the
eight go with their phrase; text under no tag goes; what stays is put in canonical order. When a
whole message is dropped is left open there and is `DropRule` here.
"""

import polars as pl

from sysgen_dagster.catalog import DropRule
from sysgen_dagster.sysgen.drop_reasons import DropReason
from sysgen_dagster.sysgen.tables import FILTERED
from sysgen_dagster.sysgen.tags import (
    BLANKS,
    TAG_NAMES,
    WELL_FORMED,
    TaggedMessage,
    in_canonical_order,
    parse_tagged_message,
    render_tagged_message,
)

_CANONICAL = pl.Enum(TAG_NAMES)  # sorts in the order of its categories


def filtered_messages(annotated: pl.DataFrame, drop_rule: DropRule) -> pl.DataFrame:
    """Phase 2's table: one row per annotated message, in the same order.

    Messages without any defect are read all at once by expressions, the others one by one by the
    parser: the result is the same and takes a tenth of the time.

    Returns:
        `tables.FILTERED`. ``phrases``, ``defects`` and ``has_malformed_boundary`` are filled for
        dropped rows too, so that the other drop rule can be counted from the same table.
    """
    wanted = ("conversation_id", "source", "annotated_message")
    messages = annotated.select(wanted).with_row_index("row")
    well_formed = pl.col("annotated_message").str.contains(WELL_FORMED).fill_null(False)
    at_once = _read_at_once(messages.filter(well_formed))
    one_by_one = _read_one_by_one(messages.filter(~well_formed), drop_rule)
    return pl.concat([at_once, one_by_one]).sort("row").select(FILTERED.keys())


def count_kept_by_rule(filtered: pl.DataFrame) -> dict[str, int]:
    """How many messages of Phase 2's table stay under each drop rule, whichever one made it."""
    has_phrase = pl.col("phrases").list.len() > 0
    stays = {
        DropRule.MALFORMED_BOUNDARY: has_phrase & ~pl.col("has_malformed_boundary"),
        DropRule.NO_PHRASE_LEFT: has_phrase,
    }
    counts = filtered.select(**{f"kept_under_{rule}": stay.sum() for rule, stay in stays.items()})
    return counts.row(0, named=True)


def _read_at_once(messages: pl.DataFrame) -> pl.DataFrame:
    """Of messages that are `WELL_FORMED`: ``row`` and `tables.FILTERED`."""
    # Between two << stands what follows an opening mark, or a closing one, in turn.
    opened = pl.col("annotated_message").str.split("<<").list.slice(1).list.gather_every(2)
    phrases = (
        messages.lazy()
        .select("row", opened.alias("opened"))
        .explode("opened")
        .select("row", pl.col("opened").str.splitn(">>", 2).struct.rename_fields(["tag", "text"]))
        .unnest("opened")
        .with_columns(pl.col("tag").cast(_CANONICAL), pl.col("text").str.strip_chars(BLANKS))
        .sort("row", "tag", maintain_order=True)
        .with_columns(pl.col("row").set_sorted(), pl.col("tag").cast(pl.String))
        .group_by("row", maintain_order=True)
        .agg(
            phrases=pl.struct("tag", "text"),
            tagged_message=pl.format("<<{}>>{}<</{}>>", "tag", "text", "tag"),
        )
        .with_columns(pl.col("tagged_message").list.join("\n"))
        .collect()
    )
    without_defects = messages.with_columns(
        phrases.drop("row"),
        defects=pl.lit([], dtype=FILTERED["defects"].dtype),
        has_malformed_boundary=False,
        drop_reason=pl.lit(None, pl.String),
    )
    return without_defects.select("row", *FILTERED)


def _read_one_by_one(messages: pl.DataFrame, drop_rule: DropRule) -> pl.DataFrame:
    """Of any messages: ``row`` and `tables.FILTERED`."""
    read = [_filtered(text, drop_rule) for text in messages["annotated_message"]]
    columns = [name for name in FILTERED if name not in messages.columns]
    return messages.with_columns(
        pl.Series(name, [values[at] for values in read], FILTERED[name].dtype)
        for at, name in enumerate(columns)
    ).select("row", *FILTERED)


def _filtered(text: str, drop_rule: DropRule) -> tuple[object, ...]:
    """The columns that a message adds, in the order of `tables.FILTERED`."""
    message = parse_tagged_message(text)
    phrases = in_canonical_order(message.phrases)
    reason = _drop_reason(message, drop_rule)
    return (
        [{"tag": phrase.tag.value, "text": phrase.text} for phrase in phrases],
        None if reason else render_tagged_message(phrases),
        [{"kind": each.kind.value, "text": each.text} for each in message.defects],
        message.has_malformed_boundary,
        reason,
    )


def _drop_reason(message: TaggedMessage, drop_rule: DropRule) -> DropReason | None:
    if drop_rule is DropRule.MALFORMED_BOUNDARY and message.has_malformed_boundary:
        return DropReason.MALFORMED_BOUNDARY
    return None if message.phrases else DropReason.NO_PHRASE_LEFT
