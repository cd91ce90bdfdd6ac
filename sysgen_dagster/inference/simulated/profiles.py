"""How often each simulated model fails and how it writes, from the tables of the SysGen paper.

Table numbers are those of arXiv 2502.11330: "v1" and "v2" are its two versions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sysgen_dagster.sysgen.tags import Tag

# The order in which the paper's tables list the tags; it is the canonical one.
_TABLE_ORDER = tuple(Tag)


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
    verdict_noise: float = 0.04  # Phase 3 answers a tolerant reader still reads; our choice
    unreadable_verdicts: float = 0.003  # Phase 3 answers nobody can read; our choice


def _profile(
    *,
    rows: tuple[int, int, int],
    tag_counts: str,
    verdicts: tuple[str, ...],
    length_ratio: float,
    unknown_tag: float,
    stray_text: float,
) -> FailureProfile:
    """One model's rates, from the paper's numbers as they are printed."""
    start, filtered, answered = rows
    counts = (int(count.replace(",", "")) for count in tag_counts.split())
    bad, none = _mean_verdicts(verdicts)
    # What is lost between P2 and P4 is published, its reasons are not: the split is our choice.
    lost = 1 - answered / filtered
    return FailureProfile(
        malformed=1 - filtered / start,
        tag_shares={tag: count / answered for tag, count in zip(Tag, counts, strict=True)},
        bad=bad,
        none=none,
        truncated=0.6 * lost,
        empty=0.1 * lost,
        refused=0.3 * lost,
        length_ratio=length_ratio,
        unknown_tag=unknown_tag,
        stray_text=stray_text,
    )


def _mean_verdicts(sources: tuple[str, ...]) -> tuple[dict[Tag, float], dict[Tag, float]]:
    """Bad and None shares of each tag, the plain mean over the sources' "Bad/None" cells in %.

    The paper does not define what these percentages are shares of. Reading them as shares of the
    messages that hold the tag is our modelling choice: a tag that is missing is None anyway.
    """
    table = [[cell.split("/") for cell in row.split()] for row in sources]
    columns = list(zip(_TABLE_ORDER, zip(*table, strict=True), strict=True))
    bad = {tag: sum(float(b) for b, _ in cells) / len(cells) / 100 for tag, cells in columns}
    none = {tag: sum(float(n) for _, n in cells) / len(cells) / 100 for tag, cells in columns}
    return bad, none


# rows: v1 Table 2 (start, after P2, after P4). We read its loss in P2 as the share of answers with
# a malformed boundary; the paper does not say when a whole instance goes.
# tag_counts: v1 Table 8, instances after P4 that hold the tag.
# verdicts: v2 Table 9; sources Capybara, Airoboros, Magicoder, MetaMath, OrcaMath.
# length_ratio: Table 1, column Len.
# unknown_tag, stray_text: our choice. The paper names such tags without saying how many there are.
PROFILES: dict[str, FailureProfile] = {
    "llama-3.1-8b": _profile(
        rows=(806_796, 602_750, 586_831),
        tag_counts="576,341 580,231 579,558 495,301 283,579 293,791 10,238 327,909",
        verdicts=(
            "8.88/.18 39.03/.55 1.63/.22 1.76/1.42 1.48/1.09 21.26/2.82 .17/49.87 .38/4.11",
            "8.99/.13 37.86/.58 1.60/.18 1.75/1.16 1.63/.97 20.80/2.17 .15/51.09 .40/3.56",
            "9.81/.17 38.61/.60 1.72/.19 1.99/1.35 1.56/1.14 21.77/3.16 .23/50.32 .43/5.12",
            "8.96/.12 37.30/.57 1.62/.15 1.84/.91 1.61/.89 20.75/2.43 .21/51.25 .39/2.91",
            "9.07/.15 36.96/.51 1.55/.14 1.75/.96 1.48/.96 20.51/2.21 .14/49.30 .31/2.87",
        ),
        length_ratio=1.35,
        unknown_tag=0.03,
        stray_text=0.04,
    ),
    "qwen2.5-14b": _profile(
        rows=(806_796, 806_602, 775_830),
        tag_counts="753,579 739,892 765,331 382,358 598,553 539,757 132,038 401,593",
        verdicts=(
            "2.54/.09 54.14/.28 .75/.01 .47/23.09 .95/1.21 9.25/1.69 3.78/50.37 1.42/10.06",
            "3.05/.15 63.49/.20 .48/.01 .40/25.62 .89/2.71 8.22/1.68 5.60/55.15 .77/9.86",
            "2.52/.17 63.75/.05 1.02/.01 .49/19.75 .74/1.66 10.36/3.12 5.49/45.68 .69/11.66",
            "2.11/.27 73.88/.11 .25/.00 .46/25.67 .68/1.75 8.17/2.38 7.05/63.18 2.03/7.79",
            "2.54/.12 66.73/.09 .28/.00 .46/22.47 .76/1.78 6.47/.97 12.47/49.08 1.74/12.30",
        ),
        length_ratio=1.55,
        unknown_tag=0.01,
        stray_text=0.02,
    ),
    "phi-4": _profile(
        rows=(806_796, 774_613, 773_878),
        tag_counts="745,751 743,311 735,298 662,589 603,918 553,791 90,989 538,973",
        verdicts=(
            "1.90/.11 9.83/.25 .66/.08 .34/5.78 .10/.13 4.30/.92 .28/45.48 .05/3.23",
            "1.96/.18 10.07/.48 .57/.06 .35/3.75 .15/.13 4.13/.79 .35/20.12 .08/1.25",
            ".62/.06 13.57/.09 .81/.03 .42/2.17 .13/.05 4.35/.35 .83/17.08 .02/1.21",
            "1.94/.43 15.07/.12 .80/.02 .27/.71 .05/.04 5.59/1.04 .15/22.75 .03/.88",
            "1.50/.39 15.26/.26 .61/.04 .27/.93 .04/.09 4.45/1.21 .13/25.10 .03/.91",
        ),
        length_ratio=1.89,
        unknown_tag=0.02,
        stray_text=0.03,
    ),
}
