"""What must hold of every table (contracts) and what is expected of it (expectations).

A check is a statement that is true of a healthy table. It is evaluated over one partition, or over
all partitions of a model at once: the evidence decides which rows it sees.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from sysgen_dagster.catalog.catalog import Generator, Method, UnreadableVerdict
from sysgen_dagster.chat.control_tokens import find_structure
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES, DropReason
from sysgen_dagster.chat.messages import Role
from sysgen_dagster.lanes.sysgen.counts import Rate, count_tags, kept_rate, tag_rates
from sysgen_dagster.lanes.sysgen.tags import TAG_MARK, TAG_NAMES
from sysgen_dagster.lanes.sysgen.verification import Verdict

# Above this share of unanswered requests something is wrong with the engine, not with the rows.
MOST_ENGINE_FAILURES = 0.05
# The paper keeps "up to 99 %" through Phase 3 (section 3.3); these leave room for a bad shard.
LEAST_VERIFIED = 0.97
LEAST_READABLE_VERDICTS = 0.97
MOST_TRUNCATED = 0.10
LEAST_USABLE = 0.90
# Mean length of A' over mean length of A; the paper's Table 1 has 1.35, 1.55 and 1.89.
LENGTH_RATIO = (0.5, 3.0)
NO_FIGURE = "no figure"  # where the paper gives none


class Evidence(Protocol):
    """The tables a check looks at."""

    @property
    def model(self) -> Generator | None:
        """Whose tables; None for those that no model made."""

    @property
    def method(self) -> Method:
        """The settings the tables were made under."""

    def read(self, table: str, *columns: str) -> pl.DataFrame:
        """These columns of a table, over the rows in question."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: a figure, what was wanted, and the rows that speak against it."""

    passed: bool
    figure: float
    wanted: str
    rows: pl.DataFrame
    paper: str = NO_FIGURE


@dataclass(frozen=True, slots=True)
class Check:
    """One statement about one table; the blocking ones keep the rows from going on."""

    name: str
    table: str
    statement: str
    blocking: bool
    evaluate: Callable[[Evidence], Finding]


_NO_ROWS = pl.DataFrame()
# Where the rows of a phase come from: the kept rows of the step before.
UPSTREAM: Mapping[str, str] = {
    "annotated_system_messages": "conversations",
    "filtered_system_messages": "annotated_system_messages",
    "verified_system_messages": "filtered_system_messages",
    "aligned_responses": "verified_system_messages",
}


def _asked(rows: pl.DataFrame) -> pl.DataFrame:
    """Without the rows that a pilot run left out."""
    return rows.filter(pl.col("drop_reason").ne_missing(DropReason.BEYOND_LIMIT.value))


def none_of(rows: pl.DataFrame) -> Finding:
    """That there are no such rows."""
    return Finding(rows.is_empty(), rows.height, "0 rows", rows)


def _unique_ids(table: str) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        ids = evidence.read(table, "conversation_id", "source")
        return none_of(ids.filter(pl.col("conversation_id").is_duplicated()))

    return Check("ids_are_unique", table, "No conversation stands here twice.", True, evaluate)


def _nothing_lost(table: str, before: str) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        came = evidence.read(before, "conversation_id", "drop_reason")
        came = came.filter(pl.col("drop_reason").is_null()).select("conversation_id")
        here = evidence.read(table, "conversation_id")
        lost = came.join(here, on="conversation_id", how="anti").with_columns(what=pl.lit("lost"))
        new = here.join(came, on="conversation_id", how="anti").with_columns(what=pl.lit("new"))
        return none_of(pl.concat([lost, new]))

    statement = f"Every row that {before} lets go on is here, and no other."
    return Check("nothing_is_lost", table, statement, True, evaluate)


def _source_rows_are_covered(evidence: Evidence) -> Finding:
    rows = evidence.read("source", "source_row")
    here = evidence.read("conversations", "source_row").unique()
    return none_of(rows.join(here, on="source_row", how="anti"))


def _drops_are_explained(table: str, result: str) -> Check:
    known = [reason.value for reason in DropReason]

    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(table, "conversation_id", "drop_reason", result)
        dropped = pl.col("drop_reason").is_not_null()
        unexplained = ~dropped & pl.col(result).is_null()
        unknown = dropped & ~pl.col("drop_reason").is_in(known)
        return none_of(rows.filter(unexplained | unknown))

    statement = f"A row has {result} or one of the known reasons why it does not go on."
    return Check("drops_are_explained", table, statement, True, evaluate)


def _engine_answered(table: str) -> Check:
    failures = [reason.value for reason in ENGINE_FAILURES]

    def evaluate(evidence: Evidence) -> Finding:
        rows = _asked(evidence.read(table, "conversation_id", "drop_reason", "attempts", "failure"))
        failed = rows.filter(pl.col("drop_reason").is_in(failures))
        return within(Rate(failed.height, rows.height), (0.0, MOST_ENGINE_FAILURES), None, failed)

    statement = "The engine answered nearly every request."
    return Check("engine_answered", table, statement, True, evaluate)


def _canonical_order(table: str) -> Check:
    position = {name: index for index, name in enumerate(TAG_NAMES)}

    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(table, "conversation_id", "phrases")
        tags = pl.element().struct.field("tag")
        order = tags.replace_strict(position, default=-1, return_dtype=pl.Int8)
        places = pl.col("phrases").list.eval(order)
        good = (places.list.sort() == places) & ~places.list.contains(-1)
        return none_of(rows.filter(~good))

    statement = "Phrases have one of the eight tags and stand in canonical order."
    return Check("tags_are_canonical", table, statement, True, evaluate)


def _only_good_stays(evidence: Evidence) -> Finding:
    rows = evidence.read("verified_system_messages", "conversation_id", "phrases", "verdicts")
    staying = [Verdict.GOOD.value]
    if evidence.method.unreadable_verdict is UnreadableVerdict.KEEP:
        staying.append(Verdict.UNREADABLE.value)
    verdict, tag = pl.element().struct.field("verdict"), pl.element().struct.field("tag")
    good = pl.col("verdicts").list.eval(tag.filter(verdict.is_in(staying)))
    here = pl.col("phrases").list.eval(tag)
    unjudged = here.list.set_difference(good.fill_null([])).list.len()
    return none_of(rows.filter(unjudged > 0))


def _no_tag_left(evidence: Evidence) -> Finding:
    rows = evidence.read("aligned_responses", "conversation_id", "system_message")
    marked = pl.col("system_message").str.contains(TAG_MARK)
    return none_of(rows.filter(marked))


def _no_control_tokens(table: str, *columns: str) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(table, "conversation_id", "source", *columns)
        texts = [_spoken(column, rows.schema[column]) for column in columns]
        held = pl.concat_str(texts, separator="\n", ignore_nulls=True)
        found = rows.select("conversation_id", "source", holds=find_structure(held))
        return none_of(found.filter(pl.col("holds").list.len() > 0))

    statement = "No text holds what servers, trainers or our prompts read as the end of a turn."
    return Check("no_control_tokens", table, statement, False, evaluate)


def _spoken(column: str, dtype: pl.DataType) -> pl.Expr:
    """A column's text, or that of all its turns."""
    if dtype == pl.String:
        return pl.col(column)
    return pl.col(column).list.eval(pl.element().struct.field("content")).list.join("\n")


def _chats_are_whole(evidence: Evidence) -> Finding:
    rows = evidence.read("training_rows", "conversation_id", "variant", "messages")
    roles = pl.col("messages").list.eval(pl.element().struct.field("role"))
    blank = (
        pl.col("messages")
        .list.eval(pl.element().struct.field("content").str.strip_chars() == "")
        .list.any()
    )
    whole = (roles.list.last() == Role.ASSISTANT) & roles.list.contains(Role.USER.value) & ~blank
    return none_of(rows.filter(~whole.fill_null(value=False)))


def _variants_agree(evidence: Evidence) -> Finding:
    rows = evidence.read("training_rows", "conversation_id", "variant")
    variants = rows["variant"].n_unique()
    counts = rows.group_by("conversation_id", maintain_order=True).agg(
        variants=pl.col("variant").n_unique()
    )
    return none_of(counts.filter(pl.col("variants") != variants))


def _unique_variants(evidence: Evidence) -> Finding:
    rows = evidence.read("training_rows", "conversation_id", "variant")
    return none_of(rows.filter(rows.is_duplicated()))


def _pairs_differ(evidence: Evidence) -> Finding:
    rows = evidence.read("preference_pairs", "conversation_id", "rejected_is", "chosen", "rejected")
    return none_of(rows.filter(pl.col("chosen") == pl.col("rejected")))


def within(
    rate: Rate, bounds: tuple[float, float], paper: float | None, rows: pl.DataFrame
) -> Finding:
    """Whether a rate agrees with its bounds, given how few rows it may be measured on."""
    low, high = rate.interval()
    return Finding(
        passed=rate.part <= rate.whole and rate.agrees_with(*bounds),
        figure=rate.share if rate.whole else (bounds[1] if bounds[1] == 1.0 else bounds[0]),
        wanted=f"{bounds[0]:.1%} to {bounds[1]:.1%} (99 % interval here {low:.1%} to {high:.1%})",
        rows=rows,
        paper=f"{paper:.1%}" if paper is not None else NO_FIGURE,
    )


def _dropped(table: pl.DataFrame) -> pl.DataFrame:
    return table.filter(pl.col("drop_reason").is_not_null())


def _retention_filtered(evidence: Evidence) -> Finding:
    assert evidence.model is not None
    paper = evidence.model.paper
    rows = evidence.read("filtered_system_messages", "conversation_id", "drop_reason", "defects")
    share = paper.filtered / paper.started if paper else None
    return within(kept_rate(rows), evidence.model.bounds.filtered, share, _dropped(rows))


def _retention_verified(evidence: Evidence) -> Finding:
    rows = evidence.read("verified_system_messages", "conversation_id", "drop_reason", "verdicts")
    return within(kept_rate(rows), (LEAST_VERIFIED, 1.0), 0.99, _dropped(rows))


def _retention_aligned(evidence: Evidence) -> Finding:
    assert evidence.model is not None
    paper = evidence.model.paper
    rows = evidence.read("aligned_responses", "conversation_id", "drop_reason", "new_answer")
    started = _asked(evidence.read("annotated_system_messages", "drop_reason"))
    rate = Rate(kept_rate(rows).part, started.height)
    share = paper.aligned / paper.started if paper else None
    return within(rate, evidence.model.bounds.aligned, share, _dropped(rows))


def _tag_shares(evidence: Evidence) -> Finding:
    """The largest distance of a tag's share from the paper's; rows are the eight tags."""
    assert evidence.model is not None
    table = "filtered_system_messages"
    rates = tag_rates(count_tags(table, evidence.read(table, "source", "phrases", "drop_reason")))
    within, paper = evidence.model.bounds.tag_share_within, evidence.model.paper
    wanted = f"every tag's share within {within:.0%} of the paper's, as far as the rows tell"
    shown = [
        {"tag": tag, "messages": rate.part, "share": rate.share, "paper": share, "agrees": agrees}
        for tag, rate in rates.items()
        for share in [paper.tags[tag] / paper.aligned if paper else None]
        for agrees in [share is None or rate.agrees_with(share - within, share + within)]
    ]
    rows = pl.DataFrame(shown, schema_overrides={"share": pl.Float64, "paper": pl.Float64})
    distance = (rows["share"] - rows["paper"]).abs().fill_nan(None).max()
    figure = distance if isinstance(distance, float) else 0.0
    return Finding(bool(rows["agrees"].all()), figure, wanted, rows, "Table 8 of version 1")


def _readable_verdicts(evidence: Evidence) -> Finding:
    rows = evidence.read("verified_system_messages", "conversation_id", "verdict_text", "verdicts")
    judged = rows.explode("verdicts").drop_nulls("verdicts").unnest("verdicts")
    unreadable = judged.filter(pl.col("verdict") == Verdict.UNREADABLE)
    rate = Rate(judged.height - unreadable.height, judged.height)
    return within(rate, (LEAST_READABLE_VERDICTS, 1.0), None, unreadable)


def _truncated(table: str) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        wanted = ("conversation_id", "finish_reason", "completion_tokens", "drop_reason")
        rows = _asked(evidence.read(table, *wanted))
        cut = rows.filter(pl.col("finish_reason") == "length")
        return within(Rate(cut.height, rows.height), (0.0, MOST_TRUNCATED), None, cut)

    statement = "Few texts were cut at the token limit."
    return Check("few_are_truncated", table, statement, False, evaluate)


def _usable(evidence: Evidence) -> Finding:
    rows = evidence.read("conversations", "conversation_id", "drop_reason", "question", "answer")
    return within(kept_rate(rows), (LEAST_USABLE, 1.0), 1.0, _dropped(rows))


def _length_ratio(evidence: Evidence) -> Finding:
    answers = evidence.read("conversations", "conversation_id", "answer")
    new = evidence.read("aligned_responses", "conversation_id", "new_answer", "drop_reason")
    both = new.filter(pl.col("drop_reason").is_null()).join(answers, on="conversation_id")
    lengths = both.select(
        new=pl.col("new_answer").str.len_chars().mean(), old=pl.col("answer").str.len_chars().mean()
    ).row(0)
    new_length, old_length = (length or 0.0 for length in lengths)
    ratio = new_length / old_length if old_length else math.inf
    ratio = 1.0 if both.is_empty() else ratio
    low, high = LENGTH_RATIO
    return Finding(
        low <= ratio <= high, ratio, f"{low} to {high}", _NO_ROWS, "1.35 to 1.89 (Table 1)"
    )


_GENERATED = ("annotated_system_messages", "verified_system_messages", "aligned_responses")

CHECKS: tuple[Check, ...] = (
    _unique_ids("conversations"),
    Check(
        "source_rows_are_covered",
        "conversations",
        "Every upstream row gave at least one conversation.",
        True,
        _source_rows_are_covered,
    ),
    _drops_are_explained("conversations", "question"),
    _no_control_tokens("conversations", "history", "question", "answer"),
    Check("most_are_usable", "conversations", "Nearly all rows are usable.", False, _usable),
    *(_unique_ids(table) for table in UPSTREAM),
    *(_nothing_lost(table, before) for table, before in UPSTREAM.items()),
    _drops_are_explained("annotated_system_messages", "annotated_message"),
    _drops_are_explained("filtered_system_messages", "tagged_message"),
    _drops_are_explained("verified_system_messages", "verdict_text"),
    _drops_are_explained("aligned_responses", "new_answer"),
    *(_engine_answered(table) for table in _GENERATED),
    _truncated("annotated_system_messages"),
    _canonical_order("filtered_system_messages"),
    Check(
        "retention",
        "filtered_system_messages",
        "Phase 2 keeps the share of messages that is expected of the model.",
        False,
        _retention_filtered,
    ),
    Check(
        "tag_counts",
        "filtered_system_messages",
        "Messages hold each of the eight tags about as often as the paper's.",
        False,
        _tag_shares,
    ),
    _canonical_order("verified_system_messages"),
    Check(
        "only_good_stays",
        "verified_system_messages",
        "No phrase stays whose tag was not judged Good.",
        True,
        _only_good_stays,
    ),
    Check(
        "retention",
        "verified_system_messages",
        "Phase 3 leaves nearly every message some phrase.",
        False,
        _retention_verified,
    ),
    Check(
        "verdicts_are_readable",
        "verified_system_messages",
        "Nearly every tag got a verdict that can be read.",
        False,
        _readable_verdicts,
    ),
    Check(
        "no_tag_is_left",
        "aligned_responses",
        "No system message holds a tag mark.",
        True,
        _no_tag_left,
    ),
    Check(
        "retention",
        "aligned_responses",
        "Of the conversations that were begun, the expected share has a new answer.",
        False,
        _retention_aligned,
    ),
    _truncated("aligned_responses"),
    Check(
        "length_ratio",
        "aligned_responses",
        "New answers are about as long as the paper's, measured against the original ones.",
        False,
        _length_ratio,
    ),
    _no_control_tokens("aligned_responses", "system_message", "new_answer"),
    _unique_ids("row_quality"),
    _nothing_lost("row_quality", "aligned_responses"),
    Check(
        "variants_are_unique",
        "training_rows",
        "No conversation stands twice in a variant.",
        True,
        _unique_variants,
    ),
    Check(
        "chats_are_whole",
        "training_rows",
        "Every chat has a user's turn, ends with the assistant's, and no turn is blank.",
        True,
        _chats_are_whole,
    ),
    Check(
        "variants_agree",
        "training_rows",
        "All variants hold the same conversations, unless the catalogue wants it otherwise.",
        False,
        _variants_agree,
    ),
    Check(
        "pairs_differ",
        "preference_pairs",
        "No pair rejects what it chooses.",
        True,
        _pairs_differ,
    ),
)


def checks_of(table: str) -> list[Check]:
    """The checks of one table, in the order in which they are shown."""
    return [check for check in CHECKS if check.table == table]
