"""How far the judge of Phase 3 agrees with the labels of reviewers: raw agreement, Cohen's kappa.

Kappa says how much of the agreement that chance leaves open is there: 1 is all, 0 no more than two
who throw dice as often for each word would have. Its interval takes the chance agreement as known,
and Wilson's interval for the raw one; it does not shrink to a point where all labels agree. Phrases
of one row are taken as independent.
"""

from collections import Counter

import polars as pl

from sysgen_dagster.lanes.sysgen.tags import TAG_NAMES
from sysgen_dagster.lanes.sysgen.verification import CHOICES
from sysgen_dagster.tables.rates import Z95, wilson_interval

FEWEST = 30  # labels; an interval of fewer says next to nothing
ALL_TAGS = "all"
# One row per model and tag, the first of all tags together.
AGREEMENT = pl.Schema(
    {
        "model": pl.String(),
        "tag": pl.String(),
        "labels": pl.UInt32(),
        "agreement": pl.Float64(),
        "agreement_low": pl.Float64(),
        "agreement_high": pl.Float64(),
        "kappa": pl.Float64(),  # null: both always say the same word, or there are too few
        "kappa_low": pl.Float64(),
        "kappa_high": pl.Float64(),
        "enough": pl.String(),  # or how many are missing
    }
)


def agreement(labelled: pl.DataFrame) -> pl.DataFrame:
    """`AGREEMENT` of judges with reviewers.

    Args:
        labelled: ``model`` and ``labels`` of `tables.REVIEW_DECISIONS`, such as those rows of it
            that are current. Labels of phrases without a readable verdict are left out.
    """
    pairs = (
        labelled.select("model", "labels")
        .explode("labels")
        .drop_nulls("labels")
        .unnest("labels")
        .filter(pl.col("verdict").is_in(CHOICES))
    )
    rows = []
    for (model,), of_model in sorted(pairs.group_by("model"), key=lambda group: str(group[0])):
        for tag in (ALL_TAGS, *TAG_NAMES):
            of_tag = of_model if tag == ALL_TAGS else of_model.filter(tag=tag)
            if of_tag.height:
                found = Counter(of_tag.select("verdict", "label").iter_rows())
                rows.append({"model": model, "tag": tag, **_agree(found)})
    return pl.DataFrame(rows, schema=AGREEMENT)


def _agree(found: Counter[tuple[str, str]]) -> dict[str, object]:
    """The figures of one tag, from how often judge and reviewer said which words."""
    number = found.total()
    share = sum(found[word, word] for word in CHOICES) / number
    low, high = wilson_interval(share, number, Z95)
    figures: dict[str, object] = {
        "labels": number,
        "agreement": share,
        "agreement_low": low,
        "agreement_high": high,
        "enough": "yes" if number >= FEWEST else f"too few: {number} of {FEWEST}",
    }
    by_judge, by_reviewer = Counter[str](), Counter[str]()
    for (verdict, label), times in found.items():
        by_judge[verdict] += times
        by_reviewer[label] += times
    chance = sum(by_judge[word] * by_reviewer[word] for word in CHOICES) / number**2
    if number < FEWEST or chance == 1:
        return figures
    names = ("kappa", "kappa_low", "kappa_high")
    kappas = [(each - chance) / (1 - chance) for each in (share, low, high)]
    return figures | dict(zip(names, kappas, strict=True))
