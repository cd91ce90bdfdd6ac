"""How often each simulated model fails and how it writes, from the tables of the SysGen paper.

Table numbers are those of arXiv 2502.11330: "v1" and "v2" are its two versions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from sysgen_dagster.lanes.sysgen.paper import REMOVED, SIMILARITY
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
    verdict_noise: float = 0.04  # verdicts a tolerant reader still reads; our choice
    unreadable_verdicts: float = 0.003  # Phase 3 answers nobody can read; our choice
    unreadable_judgements: float = 0.01  # of the judges; our choice
    ties: float = 0.10  # pairs; our choice, the paper's judge could not say it
    position_bias: float = 0.08  # pairs of which the first is said unseen; our choice


def _profile(
    model: str,
    *,
    rows: tuple[int, int, int],
    tag_counts: str,
    unknown_tag: float,
    stray_text: float,
    new_preferred: tuple[float, ...],
    aligned: float,
    not_aligned: float,
) -> FailureProfile:
    """One model's rates, from the paper's numbers as they are printed."""
    start, filtered, answered = rows
    counts = (int(count.replace(",", "")) for count in tag_counts.split())
    # A tag that is missing is None anyway, so we read these as shares of the messages that hold it.
    removed = {tag: [source[tag] for source in REMOVED[model].values()] for tag in Tag}
    # What is lost between P2 and P4 is published, its reasons are not: the split is our choice.
    lost = 1 - answered / filtered
    return FailureProfile(
        malformed=1 - filtered / start,
        tag_shares={tag: count / answered for tag, count in zip(Tag, counts, strict=True)},
        bad={tag: fmean(each.bad for each in sources) for tag, sources in removed.items()},
        none={tag: fmean(each.none for each in sources) for tag, sources in removed.items()},
        truncated=0.6 * lost,
        empty=0.1 * lost,
        refused=0.3 * lost,
        length_ratio=SIMILARITY[model]["length_ratio"],
        unknown_tag=unknown_tag,
        stray_text=stray_text,
        new_preferred=sum(new_preferred) / len(new_preferred) / 100,
        aligned=aligned,
        not_aligned=not_aligned,
    )


# rows: v1 Table 2 (start, after P2, after P4). We read its loss in P2 as the share of answers with
# a malformed boundary; the paper does not say when a whole instance goes.
# tag_counts: v1 Table 8, instances after P4 that hold the tag.
# unknown_tag, stray_text: our choice. The paper names such tags without saying how many there are.
# new_preferred: Figure 3, in %; its bars carry no model's name, five each in legend order is our
# reading. aligned, not_aligned: Figure 5 (v1 Figure 4), of which the same holds.
PROFILES: dict[str, FailureProfile] = {
    "llama-3.1-8b": _profile(
        "llama-3.1-8b",
        rows=(806_796, 602_750, 586_831),
        tag_counts="576,341 580,231 579,558 495,301 283,579 293,791 10,238 327,909",
        unknown_tag=0.03,
        stray_text=0.04,
        new_preferred=(66.8, 60.6, 79.1, 78.5, 52.5),
        aligned=0.83,
        not_aligned=0.13,
    ),
    "qwen2.5-14b": _profile(
        "qwen2.5-14b",
        rows=(806_796, 806_602, 775_830),
        tag_counts="753,579 739,892 765,331 382,358 598,553 539,757 132,038 401,593",
        unknown_tag=0.01,
        stray_text=0.02,
        new_preferred=(44.5, 47.3, 51.2, 57.0, 64.4),
        aligned=0.81,
        not_aligned=0.17,
    ),
    "phi-4": _profile(
        "phi-4",
        rows=(806_796, 774_613, 773_878),
        tag_counts="745,751 743,311 735,298 662,589 603,918 553,791 90,989 538,973",
        unknown_tag=0.02,
        stray_text=0.03,
        new_preferred=(57.4, 46.2, 74.0, 80.3, 80.0),
        aligned=0.91,
        not_aligned=0.08,
    ),
}
