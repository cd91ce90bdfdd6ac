"""Checks on the tables of the phases: contracts, which must hold, and expectations, which warn.

A contract blocks: nothing is read from a table that breaks one. The bounds of expectations are
here or, where they differ by model, in the catalogue.
"""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from sysgen_dagster.chat.control_tokens import find_structure, structure_pattern
from sysgen_dagster.chat.drop_reasons import ENGINE_FAILURES, NoAnswer
from sysgen_dagster.lanes.sysgen import annotation, verification
from sysgen_dagster.lanes.sysgen.counts import count_tags, tag_rates
from sysgen_dagster.lanes.sysgen.drop_reasons import Dropped
from sysgen_dagster.lanes.sysgen.losses import build_loss_checks, quote
from sysgen_dagster.lanes.sysgen.paper import SIMILARITY, VERIFIED_SHARE
from sysgen_dagster.lanes.sysgen.phases import PHASES
from sysgen_dagster.lanes.sysgen.planted_faults import JUDGE_FINDS_PLANTED_FAULTS
from sysgen_dagster.lanes.sysgen.settings import Generator, Method, UnreadableVerdict
from sysgen_dagster.lanes.sysgen.tables import ALIGNED, ANNOTATED, FILTERED, VERIFIED
from sysgen_dagster.lanes.sysgen.tags import TAG_MARK, TAG_NAMES
from sysgen_dagster.lanes.sysgen.verification import Verdict
from sysgen_dagster.obedience import alignment_judgement, preference_judgement
from sysgen_dagster.sources.tables import CONVERSATIONS
from sysgen_dagster.tables.checks import (
    Check,
    Evidence,
    Finding,
    drops_are_explained,
    ids_are_unique,
    none_of,
    nothing_is_lost,
    within,
)
from sysgen_dagster.tables.rates import Rate, count_drops, kept_rate
from sysgen_dagster.tables.table import Table, kept

# With a higher share of unanswered requests the engine is at fault, not the rows. A refusal without
# a known reason counts too: what refuses some rows for such a reason may be a setting.
MOST_ENGINE_FAILURES = 0.05
UNANSWERED = (*ENGINE_FAILURES, NoAnswer.REFUSED_BY_SERVER)
LEAST_VERIFIED = 0.97  # the paper's share is 0.99; a single shard may be worse
LEAST_READABLE_VERDICTS = 0.97
MOST_TRUNCATED = 0.10
LENGTH_RATIO = (0.5, 3.0)  # mean length of the new answers over that of the original ones

# Text that a server, a trainer or one of our prompts could read as a turn, a delimiter or a tag.
STRUCTURE = structure_pattern(
    (
        *annotation.PROMPTS.values(),
        verification.PROMPT,
        alignment_judgement.PROMPT,
        preference_judgement.PROMPT,
    ),
    rf"<</?(?:{'|'.join(TAG_NAMES)})>>",
)
# The column of each table that a kept row fills.
_RESULTS = {
    ANNOTATED: "annotated_message",
    FILTERED: "tagged_message",
    VERIFIED: "verdict_text",
    ALIGNED: "new_answer",
}


def build_checks(method: Method, generators: Mapping[str, Generator]) -> tuple[Check, ...]:
    """All checks of the lane, under the settings of a catalogue.

    Args:
        method: The settings under which the tables are made.
        generators: The models of the catalogue by name, each with what is expected of it.
    """
    return (
        _no_control_tokens(CONVERSATIONS, "history", "question", "answer"),
        *(ids_are_unique(phase.table) for phase in PHASES),
        *(nothing_is_lost(phase.table, phase.before) for phase in PHASES),
        *(drops_are_explained(*result, [*NoAnswer, *Dropped]) for result in _RESULTS.items()),
        *(_engine_answered(phase.table) for phase in PHASES if phase.asks),
        *build_loss_checks(generators),
        _few_are_truncated(ANNOTATED),
        _tags_are_canonical(FILTERED),
        _retention_filtered(generators),
        _tag_counts(generators),
        _tags_are_canonical(VERIFIED),
        _only_good_stays(method.unreadable_verdict),
        _retention_verified(),
        _verdicts_are_readable(),
        _no_tag_is_left(),
        _retention_aligned(generators),
        _few_are_truncated(ALIGNED),
        _length_ratio(),
        JUDGE_FINDS_PLANTED_FAULTS,
        _no_control_tokens(ALIGNED, "system_message", "new_answer"),
    )


def _asked(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows without those that a pilot run left out."""
    return rows.filter(pl.col("drop_reason").ne_missing(NoAnswer.BEYOND_LIMIT.value))


def _engine_answered(table: Table) -> Check:
    failures = [reason.value for reason in UNANSWERED]

    def evaluate(evidence: Evidence) -> Finding:
        rows = _asked(evidence.read(table, "conversation_id", "drop_reason", "attempts", "failure"))
        failed = rows.filter(pl.col("drop_reason").is_in(failures))
        rate = Rate(failed.height, rows.height)
        finding = within(rate, (0.0, MOST_ENGINE_FAILURES), None, failed)
        return (
            finding if finding.passed else replace(finding, explanation=_unanswered(rate, failed))
        )

    statement = "The engine answered nearly every request."
    return Check("engine_answered", table, statement, True, evaluate)


def _unanswered(rate: Rate, failed: pl.DataFrame) -> str:
    reason, count = next(iter(count_drops(failed).items()))
    said = quote(next(iter(failed.filter(drop_reason=reason)["failure"].drop_nulls()), ""))
    return (
        f"{rate.part:,} of {rate.whole:,} requests have no answer. Most often because of {reason} "
        f"({count:,}): the server said `{said}`. Mend what it says, or look at its log, and make "
        "the partition again: only what has no answer is asked"
    )


def _tags_are_canonical(table: Table) -> Check:
    canonical = pl.Enum(TAG_NAMES)  # sorts in the order of its categories

    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(table, "conversation_id", "phrases")
        known = pl.element().struct.field("tag").cast(canonical, strict=False)
        tags = pl.col("phrases").list.eval(known)
        has_unknown = tags.list.eval(pl.element().is_null()).list.any()
        return none_of(rows.filter((tags.list.sort() != tags) | has_unknown))

    statement = "Phrases have one of the eight tags and are in canonical order."
    return Check("tags_are_canonical", table, statement, True, evaluate)


def _only_good_stays(unreadable: UnreadableVerdict) -> Check:
    staying = [verdict.value for verdict in verification.staying_verdicts(unreadable)]

    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(VERIFIED, "conversation_id", "phrases", "verdicts")
        verdict, tag = pl.element().struct.field("verdict"), pl.element().struct.field("tag")
        good = pl.col("verdicts").list.eval(tag.filter(verdict.is_in(staying)))
        held = pl.col("phrases").list.eval(tag)
        not_good = held.list.set_difference(good.fill_null([]))
        return none_of(rows.filter(not_good.list.len() > 0))

    statement = "No phrase stays whose tag was not judged Good."
    return Check("only_good_stays", VERIFIED, statement, True, evaluate)


def _no_tag_is_left() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(ALIGNED, "conversation_id", "system_message")
        return none_of(rows.filter(pl.col("system_message").str.contains(TAG_MARK)))

    return Check("no_tag_is_left", ALIGNED, "No system message holds a tag mark.", True, evaluate)


def _no_control_tokens(table: Table, *columns: str) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(table, "conversation_id", "source", *columns)
        texts = [_text_of(column, rows.schema[column]) for column in columns]
        text = pl.concat_str(texts, separator="\n", ignore_nulls=True)
        holds = rows.select("conversation_id", "source", holds=find_structure(text, STRUCTURE))
        return none_of(holds.filter(pl.col("holds").list.len() > 0))

    statement = "No text holds what servers, trainers or our prompts read as the end of a turn."
    return Check("no_control_tokens", table, statement, False, evaluate)


def _text_of(column: str, dtype: pl.DataType) -> pl.Expr:
    """The text of a column, or of all turns in a column of turns."""
    if dtype == pl.String:
        return pl.col(column)
    return pl.col(column).list.eval(pl.element().struct.field("content")).list.join("\n")


def _retention_filtered(generators: Mapping[str, Generator]) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        model = generators[str(evidence.model)]
        rows = evidence.read(FILTERED, "conversation_id", "drop_reason", "defects")
        published = model.published.filtered_share if model.published else None
        dropped = rows.drop_nulls("drop_reason")
        return within(kept_rate(rows), model.filtered_bounds, published, dropped)

    statement = "Phase 2 keeps the share of messages that is expected of the model."
    return Check("retention", FILTERED, statement, False, evaluate)


def _retention_verified() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(VERIFIED, "conversation_id", "drop_reason", "verdicts")
        dropped = rows.drop_nulls("drop_reason")
        return within(kept_rate(rows), (LEAST_VERIFIED, 1.0), VERIFIED_SHARE, dropped)

    statement = "Phase 3 leaves a phrase in nearly every message."
    return Check("retention", VERIFIED, statement, False, evaluate)


def _retention_aligned(generators: Mapping[str, Generator]) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        model = generators[str(evidence.model)]
        rows = evidence.read(ALIGNED, "conversation_id", "drop_reason", "new_answer")
        started = _asked(evidence.read(ANNOTATED, "drop_reason"))
        rate = Rate(kept(rows).height, started.height)
        published = model.published.aligned_share if model.published else None
        return within(rate, model.aligned_bounds, published, rows.drop_nulls("drop_reason"))

    statement = "Of the conversations that Phase 1 took, the expected share has a new answer."
    return Check("retention", ALIGNED, statement, False, evaluate)


def _tag_counts(generators: Mapping[str, Generator]) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(FILTERED, "source", "phrases", "drop_reason")
        rates = tag_rates(count_tags(FILTERED, rows))
        return _compare_tag_shares(generators[str(evidence.model)], rates)

    statement = "Messages hold each of the eight tags about as often as the paper's."
    return Check("tag_counts", FILTERED, statement, False, evaluate)


def _compare_tag_shares(model: Generator, rates: Mapping[str, Rate]) -> Finding:
    """The figure is the largest distance of a tag's share from the paper's; a row is a tag."""
    allowed, published = model.bounds.tag_share_within, model.published
    wanted = f"every tag's share within {allowed:.0%} of the paper's, give or take chance"
    shown = [
        {"tag": tag, "messages": rate.part, "share": rate.share, "paper": share, "agrees": agrees}
        for tag, rate in rates.items()
        for share in [published.tag_share(tag) if published else None]
        for agrees in [share is None or rate.agrees_with(share - allowed, share + allowed)]
    ]
    rows = pl.DataFrame(shown, schema_overrides={"share": pl.Float64, "paper": pl.Float64})
    distance = (rows["share"] - rows["paper"]).abs().fill_nan(None).max()
    figure = distance if isinstance(distance, float) else 0.0
    return Finding(bool(rows["agrees"].all()), figure, wanted, rows, "Table 8 of version 1")


def _verdicts_are_readable() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(VERIFIED, "conversation_id", "verdict_text", "verdicts")
        judged = rows.explode("verdicts").drop_nulls("verdicts").unnest("verdicts")
        unreadable = judged.filter(pl.col("verdict") == Verdict.UNREADABLE)
        readable = Rate(judged.height - unreadable.height, judged.height)
        # The verdicts of one reply are read together or not at all: what is left to chance is the
        # number of replies, not that of verdicts.
        replies = judged["conversation_id"].n_unique()
        rate = Rate(round(readable.share * replies) if replies else 0, replies)
        finding = within(rate, (LEAST_READABLE_VERDICTS, 1.0), None, unreadable)
        return replace(finding, figure=readable.share if replies else finding.figure)

    statement = "Nearly every tag has a verdict that can be read."
    return Check("verdicts_are_readable", VERIFIED, statement, False, evaluate)


def _few_are_truncated(table: Table) -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        wanted = ("conversation_id", "finish_reason", "completion_tokens", "drop_reason")
        rows = _asked(evidence.read(table, *wanted))
        cut = rows.filter(pl.col("finish_reason") == "length")
        return within(Rate(cut.height, rows.height), (0.0, MOST_TRUNCATED), None, cut)

    statement = "Few texts were cut at the token limit."
    return Check("few_are_truncated", table, statement, False, evaluate)


def _length_ratio() -> Check:
    published = sorted(figures["length_ratio"] for figures in SIMILARITY.values())
    paper = f"{published[0]} to {published[-1]} (Table 1)"
    low, high = LENGTH_RATIO

    def evaluate(evidence: Evidence) -> Finding:
        answers = evidence.read(CONVERSATIONS, "conversation_id", "answer")
        new = kept(evidence.read(ALIGNED, "conversation_id", "new_answer", "drop_reason"))
        new_length = pl.col("new_answer").str.len_chars().mean()
        length = pl.col("answer").str.len_chars().mean()
        ratio = new.join(answers, on="conversation_id").select(new_length / length).item()
        ratio = 1.0 if ratio is None else ratio  # no rows
        return Finding(low <= ratio <= high, ratio, f"{low} to {high}", pl.DataFrame(), paper)

    statement = "New answers are about as long as the paper's, relative to the original ones."
    return Check("length_ratio", ALIGNED, statement, False, evaluate)
