"""What must hold of training rows and preference pairs."""

import polars as pl

from sysgen_dagster.chat.messages import Role
from sysgen_dagster.tables.checks import Check, Evidence, Finding, none_of
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS, TRAINING_ROWS


def _variants_are_unique(evidence: Evidence) -> Finding:
    rows = evidence.read(TRAINING_ROWS, "conversation_id", "variant")
    return none_of(rows.filter(rows.is_duplicated()))


def _chats_are_whole(evidence: Evidence) -> Finding:
    rows = evidence.read(TRAINING_ROWS, "conversation_id", "variant", "messages")
    roles = pl.col("messages").list.eval(pl.element().struct.field("role"))
    blank = (
        pl.col("messages")
        .list.eval(pl.element().struct.field("content").str.strip_chars() == "")
        .list.any()
    )
    whole = (roles.list.last() == Role.ASSISTANT) & roles.list.contains(Role.USER.value) & ~blank
    return none_of(rows.filter(~whole.fill_null(value=False)))


def _variants_agree(evidence: Evidence) -> Finding:
    rows = evidence.read(TRAINING_ROWS, "conversation_id", "variant")
    variants = rows["variant"].n_unique()
    counts = rows.group_by("conversation_id", maintain_order=True).agg(
        variants=pl.col("variant").n_unique()
    )
    return none_of(counts.filter(pl.col("variants") != variants))


def _pairs_differ(evidence: Evidence) -> Finding:
    rows = evidence.read(PREFERENCE_PAIRS, "conversation_id", "rejected_is", "chosen", "rejected")
    return none_of(rows.filter(pl.col("chosen") == pl.col("rejected")))


CHECKS = (
    Check(
        "variants_are_unique",
        TRAINING_ROWS,
        "No conversation stands twice in a variant.",
        True,
        _variants_are_unique,
    ),
    Check(
        "chats_are_whole",
        TRAINING_ROWS,
        "Every chat has a user's turn, ends with the assistant's, and no turn is blank.",
        True,
        _chats_are_whole,
    ),
    Check(
        "variants_agree",
        TRAINING_ROWS,
        "All variants hold the same conversations, unless the catalogue wants it otherwise.",
        False,
        _variants_agree,
    ),
    Check(
        "pairs_differ",
        PREFERENCE_PAIRS,
        "No pair rejects what it chooses.",
        True,
        _pairs_differ,
    ),
)
