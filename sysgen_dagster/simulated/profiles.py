"""How often each simulated model fails and how it writes.

The figures of the SysGen paper's models are the paper's; beside them are models that are of no use.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import fmean

from sysgen_dagster.lanes.sysgen.paper import ALIGNMENT, COUNTS, PREFERENCES, REMOVED, SIMILARITY
from sysgen_dagster.lanes.sysgen.tags import Tag


@dataclass(frozen=True)
class FailureProfile:
    """Rates of one model, each a share between 0 and 1."""

    malformed: float  # Phase 1 answers with a tag opened or closed wrongly
    tag_shares: Mapping[Tag, float]  # Phase 1 messages that hold the tag
    bad: Mapping[Tag, float]  # Phase 3 verdicts, given that the tag is there
    none: Mapping[Tag, float]
    truncated: float  # Phase 4 answers that run into the token limit
    empty: float
    refused: float
    length_ratio: float  # mean length of the new answer by that of the original one
    unknown_tag: float  # well-formed Phase 1 messages with one tag that is not of the eight
    stray_text: float  # well-formed Phase 1 messages with text outside of every tag
    new_preferred: float  # pairs in which a judge says the new answer, ties split evenly
    aligned: float  # a judge's verdicts on system message and answer; the rest is Unknown
    not_aligned: float
    verdict_noise: float = 0.04  # verdicts in another form that can still be read; our choice
    unreadable_verdicts: float = 0.003  # Phase 3 answers without a verdict; our choice
    unreadable_judgements: float = 0.01  # judges' answers without a verdict; our choice
    ties: float = 0.10  # pairs that are a tie; our choice, the paper's judge had no ties
    position_bias: float = 0.08  # pairs where the first answer wins unread; our choice
    # Phase 4 answers with another result than the original, of those that know it; or with Python
    # that does not parse. Our choice.
    contradicts: float = 0.1
    phrase_broken: float = 0.12  # phrases that an answer breaks; our choice
    phrase_unclear: float = 0.05  # phrases of which a judge says that it cannot tell; our choice
    phrase_error: float = 0.05  # verdicts on phrases that are the wrong one of the two; our choice
    holds: float = 0.7  # system messages that hold when a user asks for the opposite; our choice
    prose: float = 0.0  # Phase 1 answers without any tag
    copied: float = 0.0  # Phase 1 answers that hand a demonstration of the prompt back


# Shares of well-formed messages with an unknown tag, and with text outside of every tag. The paper
# names both faults without their frequency, so these are our choice.
_UNKNOWN_TAG_AND_STRAY_TEXT = {
    "llama-3.1-8b": (0.03, 0.04),
    "qwen2.5-14b": (0.01, 0.02),
    "phi-4": (0.02, 0.03),
}


def _build_profile(model: str, unknown_tag: float, stray_text: float) -> FailureProfile:
    """One model's rates, from the paper's figures.

    Table 2's loss in Phase 2 is read as the share of answers with a malformed boundary; the paper
    does not say when a whole instance goes. Its bars of Figure 3 carry no model's name, five each
    in the order of the legend is our reading.
    """
    counts, (aligned, not_aligned) = COUNTS[model], ALIGNMENT[model]
    # A tag that is missing is None anyway, so we read these as shares of the messages that hold it.
    removed = {tag: [source[tag] for source in REMOVED[model].values()] for tag in Tag}
    # The paper gives the loss between Phases 2 and 4 but not its causes: the split is our choice.
    lost = 1 - counts.aligned / counts.filtered
    return FailureProfile(
        malformed=1 - counts.filtered_share,
        # Of the conversations kept in the end: nearly as many, and texts stay what they have been.
        tag_shares={tag: counts.tags[tag] / counts.aligned for tag in Tag},
        bad={tag: fmean(each.bad for each in sources) for tag, sources in removed.items()},
        none={tag: fmean(each.none for each in sources) for tag, sources in removed.items()},
        truncated=0.6 * lost,
        empty=0.1 * lost,
        refused=0.3 * lost,
        length_ratio=SIMILARITY[model]["length_ratio"],
        unknown_tag=unknown_tag,
        stray_text=stray_text,
        new_preferred=fmean(PREFERENCES[model].values()),
        aligned=aligned,
        not_aligned=not_aligned,
    )


PROFILES: dict[str, FailureProfile] = {
    model: _build_profile(model, *shares) for model, shares in _UNKNOWN_TAG_AND_STRAY_TEXT.items()
}

_NEVER = dict.fromkeys(Tag, 0.0)
_SOUND = PROFILES["phi-4"]
# Models that are of no use, each in one way, by which it is seen what is said of them.
USELESS = {
    "writes-prose": replace(_SOUND, prose=1.0),
    "copies-a-demonstration": replace(_SOUND, copied=1.0),
    "calls-all-good": replace(_SOUND, bad=_NEVER, none=_NEVER, unreadable_verdicts=0.0),
    "gives-no-verdict": replace(_SOUND, unreadable_verdicts=1.0),
}
EVERY_PROFILE = PROFILES | USELESS
