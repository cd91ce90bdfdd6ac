"""Whether the judge of Phase 3 can tell a right tag from a wrong one.

A judge that calls every tag Good passes all other checks, and Phase 3 then removes nothing. So each
model judges a fixed set of messages, written by hand, in some of which phrases stand under a tag
that is not theirs, hold the answer of one case, or say nothing.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from math import sqrt
from pathlib import Path

import polars as pl

from sysgen_dagster.chat.messages import ChatRequest
from sysgen_dagster.lanes.sysgen.filtering import filter_messages
from sysgen_dagster.lanes.sysgen.settings import DropRule, Method, UnreadableVerdict
from sysgen_dagster.lanes.sysgen.tables import PLANTED_FAULTS
from sysgen_dagster.lanes.sysgen.verification import (
    Verdict,
    build_verification_requests,
    build_verified_messages,
)
from sysgen_dagster.tables.checks import Check, Evidence, Finding, unless_made_up
from sysgen_dagster.tables.rates import Z95, Rate, wilson_interval

_FILE = Path(__file__).with_suffix(".jsonl")
# Changes with the messages.
FINGERPRINT = sha256(_FILE.read_bytes()).hexdigest()[:12]
_FOUND = (Verdict.BAD.value, Verdict.NONE.value)


def read_planted_messages() -> pl.DataFrame:
    """`tables.FILTERED` of the messages, with ``wrong_tags``, the tags that are planted faults."""
    lines = map(json.loads, _FILE.read_text(encoding="utf-8").splitlines())
    rows = [
        (f"planted-{n:02}", "planted", line["tagged_message"], line["wrong_tags"])
        for n, line in enumerate(lines)
    ]
    schema = {
        **{name: pl.String() for name in ("conversation_id", "source", "annotated_message")},
        "wrong_tags": pl.List(pl.String()),
    }
    messages = pl.DataFrame(rows, schema=schema, orient="row")
    filtered = filter_messages(messages, DropRule.MALFORMED_BOUNDARY)
    return filtered.with_columns(messages["wrong_tags"])


def build_planted_requests(messages: pl.DataFrame, method: Method) -> Iterator[ChatRequest]:
    """Phase 3's request for each message."""
    return build_verification_requests(messages, method, PLANTED_FAULTS.name)


def build_planted_faults(messages: pl.DataFrame, completions: pl.DataFrame) -> pl.DataFrame:
    """`tables.PLANTED_FAULTS`: one row per message and tag, in their order.

    The verdict is null where the judge did not answer.
    """
    judged = build_verified_messages(
        messages.drop("wrong_tags"), completions, UnreadableVerdict.REMOVE
    )
    tag = pl.element().struct.field("tag").unique(maintain_order=True)
    tags = messages.select(
        "conversation_id", "wrong_tags", tag=pl.col("phrases").list.eval(tag)
    ).explode("tag")
    verdicts = judged.select("conversation_id", "verdicts").explode("verdicts").drop_nulls()
    return (
        tags.join(
            verdicts.unnest("verdicts").drop("confidence"),
            on=["conversation_id", "tag"],
            how="left",
            maintain_order="left",
        )
        .join(judged.drop("phrases"), on="conversation_id", how="left", maintain_order="left")
        .with_columns(
            message="conversation_id", is_planted=pl.col("tag").is_in(pl.col("wrong_tags"))
        )
        .select(PLANTED_FAULTS.names)
    )


@dataclass(frozen=True, slots=True)
class Score:
    """How a judge did. A tag without a readable verdict is neither found nor called Good.

    Attributes:
        found: Planted faults that it called Bad or None.
        good: Right tags that it called Good.
        by_chance: The share of the planted faults that it would find if it called them Bad or None
            as often as right phrases of the same tags.
    """

    found: Rate
    good: Rate
    by_chance: float

    @property
    def is_better_than_chance(self) -> bool:
        """Whether it calls faults wrong more often than right tags, at 95 % (Newcombe's method)."""
        if not (self.found.whole and self.good.whole):
            return False
        lowest, _ = self.found_interval
        _, highest = wilson_interval(self.by_chance, self.good.whole, Z95)
        ahead = self.found.share - self.by_chance
        return ahead > sqrt((self.found.share - lowest) ** 2 + (highest - self.by_chance) ** 2)

    @property
    def is_useful(self) -> bool:
        """Whether Phase 3 removes most of what it should with this judge."""
        return self.is_better_than_chance and self.finds_half

    @property
    def finds_half(self) -> bool:
        """Whether it may find half of the faults, as far as the 95 % interval says."""
        return self.found_interval[1] >= 0.5

    @property
    def found_interval(self) -> tuple[float, float]:
        """The 95 % interval of the share of faults found."""
        return wilson_interval(self.found.share, self.found.whole, Z95)

    def __str__(self) -> str:
        """The two shares with their 95 % intervals, and what they are worth."""
        worth = "no better than chance"
        if self.is_better_than_chance:
            worth = "better than chance" + ("" if self.finds_half else ", but it misses most")
        return (
            f"found {_with_interval(self.found)} planted faults and called "
            f"{_with_interval(self.good)} right tags Good, {worth}"
        )


def _with_interval(rate: Rate) -> str:
    low, high = wilson_interval(rate.share, rate.whole, Z95)
    return f"{rate.part} of {rate.whole} ({low:.0%} to {high:.0%})"


def score_judge(rows: pl.DataFrame) -> Score:
    """How a judge did, given ``tag``, ``is_planted`` and ``verdict`` of `tables.PLANTED_FAULTS`."""
    judged = rows.drop_nulls("verdict").with_columns(
        alarm=pl.col("verdict").is_in(_FOUND), good=pl.col("verdict") == Verdict.GOOD.value
    )
    faults, right = judged.filter("is_planted"), judged.filter(~pl.col("is_planted"))
    of_tag = right.group_by("tag").agg(pl.col("alarm").mean().alias("by_chance"))
    by_chance = faults.join(of_tag, on="tag", how="left")["by_chance"].fill_null(0.0).mean()
    return Score(
        found=Rate(int(faults["alarm"].sum()), faults.height),
        good=Rate(int(right["good"].sum()), right.height),
        by_chance=by_chance if isinstance(by_chance, float) else 0.0,
    )


def summarize_planted_faults(rows: pl.DataFrame) -> pl.DataFrame:
    """The score of a judge as one row, with 95 % intervals."""
    score = score_judge(rows)
    figures: dict[str, object] = {}
    for name, of, rate in (("found", "planted", score.found), ("good", "right", score.good)):
        low, high = wilson_interval(rate.share, rate.whole, Z95)
        figures |= {name: rate.part, f"of_{of}": rate.whole, f"{name}_share": rate.share}
        figures |= {f"{name}_low": low, f"{name}_high": high}
    worth = "yes" if score.is_better_than_chance else "no"
    return pl.DataFrame({**figures, "by_chance": score.by_chance, "better_than_chance": worth})


def _judge_finds_planted_faults() -> Check:
    def evaluate(evidence: Evidence) -> Finding:
        rows = evidence.read(PLANTED_FAULTS, "message", "tag", "is_planted", "verdict")
        score, missed = score_judge(rows), ~pl.col("verdict").is_in(_FOUND)
        passed = score.is_useful or rows["verdict"].null_count() == rows.height
        said = f"{evidence.model} as judge of Phase 3 {score}"
        advice = "Phase 3 removes little with it that it should; name another judge"
        return Finding(
            passed=passed,
            figure=score.found.share if score.found.whole else 1.0,
            wanted=f"half or more, and more than by chance (here {score.by_chance:.1%})",
            rows=rows.filter(pl.col("is_planted") & missed),
            explanation=said if passed else f"{said}: {advice}",
        )

    statement = "The judge of Phase 3 finds half of the planted faults, and not by chance."
    check = Check("judge_finds_planted_faults", PLANTED_FAULTS, statement, False, evaluate)
    return unless_made_up(check, PLANTED_FAULTS)


JUDGE_FINDS_PLANTED_FAULTS = _judge_finds_planted_faults()
