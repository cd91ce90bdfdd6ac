"""Phase 2: malformed and unknown tags go, the rest is put in canonical order.

The paper's four rules (section 3.2): phrases inside properly matched tags stay; tags outside the
eight go with their phrase; text under no tag goes; what stays is put in canonical order. When a
whole message is dropped is left open there and is `DropRule` here.
"""

import polars as pl

from sysgen_dagster.lanes.sysgen.drop_reasons import Dropped
from sysgen_dagster.lanes.sysgen.settings import DropRule
from sysgen_dagster.lanes.sysgen.tables import FILTERED
from sysgen_dagster.lanes.sysgen.tags import (
    BLANKS,
    MALFORMED_BOUNDARIES,
    TAG_NAMES,
    WELL_FORMED,
    parse_tagged_message,
)

_CANONICAL = pl.Enum(TAG_NAMES)  # sorts in the order of its categories
_FLAT_PHRASES = {"row": pl.UInt32(), "tag": pl.String(), "text": pl.String()}
_FLAT_DEFECTS = {"row": pl.UInt32(), "kind": pl.String(), "text": pl.String()}


def filter_messages(annotated: pl.DataFrame, drop_rule: DropRule) -> pl.DataFrame:
    """Phase 2's table: one row per annotated message, in the same order.

    Messages without any defect are taken apart all at once by expressions, the others one by one
    by the parser: the result is the same and costs a fifth.

    Returns:
        `tables.FILTERED`. ``phrases``, ``defects`` and ``has_malformed_boundary`` are filled for
        dropped rows too, so that the other drop rule can be counted from the same table.
    """
    well_formed = pl.col("annotated_message").str.contains(WELL_FORMED).fill_null(False)
    messages = (
        annotated.select("conversation_id", "source", "annotated_message")
        .with_row_index("row")
        .with_columns(well_formed=well_formed)
    )
    parsed, defects = _parsed(messages.filter(~pl.col("well_formed")))
    phrases = pl.concat([_taken_apart(messages.filter("well_formed")), parsed])
    return (
        messages.join(_in_canonical_order(phrases), on="row", how="left", maintain_order="left")
        .join(_gathered(defects), on="row", how="left", maintain_order="left")
        .with_columns(
            pl.col("phrases").fill_null(pl.lit([], FILTERED.columns["phrases"].dtype)),
            pl.col("defects").fill_null(pl.lit([], FILTERED.columns["defects"].dtype)),
            pl.col("has_malformed_boundary").fill_null(False),
        )
        .with_columns(drop_reason=_drop_reason(drop_rule))
        .with_columns(pl.when(pl.col("drop_reason").is_null()).then("tagged_message"))
        .select(FILTERED.names)
    )


def count_kept_by_rule(filtered: pl.DataFrame) -> dict[str, int]:
    """How many messages of Phase 2's table stay under each drop rule, whichever one made it."""
    has_phrase = pl.col("phrases").list.len() > 0
    stays = {
        DropRule.MALFORMED_BOUNDARY: has_phrase & ~pl.col("has_malformed_boundary"),
        DropRule.NO_PHRASE_LEFT: has_phrase,
    }
    counts = filtered.select(**{f"kept_under_{rule}": stay.sum() for rule, stay in stays.items()})
    return counts.row(0, named=True)


def _taken_apart(messages: pl.DataFrame) -> pl.DataFrame:
    """`_FLAT_PHRASES` of messages that are `WELL_FORMED`: one row a phrase."""
    # Between two << stands what follows an opening mark, or a closing one, in turn.
    opened = pl.col("annotated_message").str.split("<<").list.slice(1).list.gather_every(2)
    return (
        messages.select("row", opened.alias("opened"))
        .explode("opened")
        .select("row", pl.col("opened").str.splitn(">>", 2).struct.rename_fields(["tag", "text"]))
        .unnest("opened")
        .with_columns(pl.col("text").str.strip_chars(BLANKS))
    )


def _parsed(messages: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`_FLAT_PHRASES` and `_FLAT_DEFECTS` of any messages."""
    phrases: list[tuple[int, str, str]] = []
    defects: list[tuple[int, str, str]] = []
    for row, text in messages.select("row", "annotated_message").iter_rows():
        message = parse_tagged_message(text)
        phrases += [(row, phrase.tag.value, phrase.text) for phrase in message.phrases]
        defects += [(row, defect.kind.value, defect.text) for defect in message.defects]
    return (
        pl.DataFrame(phrases, _FLAT_PHRASES, orient="row"),
        pl.DataFrame(defects, _FLAT_DEFECTS, orient="row"),
    )


def _in_canonical_order(phrases: pl.DataFrame) -> pl.DataFrame:
    """One row per message that has a phrase: ``row``, ``phrases``, ``tagged_message``."""
    return (
        phrases.with_columns(pl.col("tag").cast(_CANONICAL))
        .sort("row", "tag", maintain_order=True)
        .with_columns(pl.col("row").set_sorted(), pl.col("tag").cast(pl.String))
        .select(
            "row",
            phrases=pl.struct("tag", "text"),
            tagged_message=pl.format("<<{}>>{}<</{}>>", "tag", "text", "tag"),
        )
        .group_by("row", maintain_order=True)
        .all()
        .with_columns(pl.col("tagged_message").list.join("\n"))
    )


def _gathered(defects: pl.DataFrame) -> pl.DataFrame:
    """One row per message that has a defect: ``row``, ``defects``, ``has_malformed_boundary``."""
    malformed = pl.col("kind").is_in([kind.value for kind in MALFORMED_BOUNDARIES])
    return defects.group_by("row", maintain_order=True).agg(
        defects=pl.struct("kind", "text"), has_malformed_boundary=malformed.any()
    )


def _drop_reason(drop_rule: DropRule) -> pl.Expr:
    malformed = pl.col("has_malformed_boundary") & (drop_rule is DropRule.MALFORMED_BOUNDARY)
    return (
        pl.when(malformed)
        .then(pl.lit(Dropped.MALFORMED_BOUNDARY.value))
        .when(pl.col("phrases").list.len() == 0)
        .then(pl.lit(Dropped.NO_PHRASE_LEFT.value))
    )
