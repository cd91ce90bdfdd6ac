"""The checks of splits, training rows and preference pairs."""

import polars as pl

from sysgen_dagster.chat.messages import Role
from sysgen_dagster.tables.checks import Check, Evidence, Finding, ids_are_unique, none_of
from sysgen_dagster.training_sets.tables import PREFERENCE_PAIRS, SPLITS, TRAINING_ROWS

# The roles of a chat, in one line; chat templates raise at any others.
_BY_TURNS = f"^({Role.SYSTEM} )?({Role.USER} {Role.ASSISTANT}( |$))+$"


def _variants_are_unique(evidence: Evidence) -> Finding:
    rows = evidence.read(TRAINING_ROWS, "conversation_id", "variant")
    return none_of(rows.filter(rows.is_duplicated()))


def _chats_are_whole(evidence: Evidence) -> Finding:
    rows = evidence.read(TRAINING_ROWS, "conversation_id", "variant", "messages")
    role, content = (pl.element().struct.field(name) for name in ("role", "content"))
    chat = pl.col("messages").list
    takes_turns = chat.eval(role).list.join(" ").str.contains(_BY_TURNS)
    has_blank_turn = chat.eval(content.str.strip_chars() == "").list.any()
    is_whole = takes_turns & ~has_blank_turn
    return none_of(rows.filter(~is_whole.fill_null(value=False)))


def _variants_agree(evidence: Evidence) -> Finding:
    rows = evidence.read(TRAINING_ROWS, "conversation_id", "variant")
    counts = rows.group_by("conversation_id", maintain_order=True).agg(
        variants=pl.col("variant").n_unique()
    )
    return none_of(counts.filter(pl.col("variants") != rows["variant"].n_unique()))


def _pairs_differ(evidence: Evidence) -> Finding:
    rows = evidence.read(PREFERENCE_PAIRS, "conversation_id", "rejected_is", "chosen", "rejected")
    return none_of(rows.filter(pl.col("chosen") == pl.col("rejected")))


CHECKS = (
    ids_are_unique(SPLITS),  # where all shards come together: no id is in two of them
    Check(
        "variants_are_unique",
        TRAINING_ROWS,
        "No conversation is in a variant twice.",
        True,
        _variants_are_unique,
    ),
    Check(
        "chats_are_whole",
        TRAINING_ROWS,
        "In every chat user and assistant take turns, the assistant last, and no turn is blank.",
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
